package nstest

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// EveryNetlink stands for all protocols of netlink.
const EveryNetlink = -1

// refusedVariable makes Main run its arguments without netlink, in place of tests.
const refusedVariable = "NSTEST_WITHOUT_NETLINK"

// RefuseNetlink has socket(2) fail for a protocol of netlink (NETLINK_*, EveryNetlink) with an errno,
// for all threads of this process and what they execute, as a sandbox does.
func RefuseNetlink(protocol int, errno unix.Errno) error {
	// struct seccomp_data (include/uapi/linux/seccomp.h): the number of the call, the
	// processor, the instruction, and six arguments of 64 bits.
	const number, domain, kind = 0, 16, 16 + 2*8
	low := uint32(0) // where an argument's lower half is
	if binary.NativeEndian.Uint16([]byte{0, 1}) == 1 {
		low = 4
	}
	load := func(at uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: at}
	}
	unless := func(value, skip int) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(value), Jf: uint8(skip)}
	}
	give := func(value uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: value}
	}
	const refuse, allow = 0x00050000, 0x7fff0000 // SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW
	var program []unix.SockFilter
	if protocol == EveryNetlink {
		program = []unix.SockFilter{load(number), unless(unix.SYS_SOCKET, 3), load(domain + low), unless(unix.AF_NETLINK, 1)}
	} else {
		program = []unix.SockFilter{load(number), unless(unix.SYS_SOCKET, 5), load(domain + low), unless(unix.AF_NETLINK, 3), load(kind + low), unless(protocol, 1)}
	}
	program = append(program, give(refuse|uint32(errno)), give(allow))

	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	const setFilter, everyThread = 1, 1 // SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC
	all := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, setFilter, everyThread, uintptr(unsafe.Pointer(&all))); errno != 0 {
		return os.NewSyscallError("seccomp", errno)
	}
	return nil
}

// WithoutNetlink returns the command line that runs another one without a protocol of netlink, as
// RefuseNetlink has it, and what that needs in its environment. It is for packages whose TestMain calls Main.
func WithoutNetlink(t testing.TB, protocol int, errno unix.Errno, line ...string) (args []string, variable string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return append([]string{self}, line...), fmt.Sprintf("%s=%d,%d", refusedVariable, protocol, errno)
}

// runRefused runs this program's arguments where WithoutNetlink said so, and returns only if it could not.
func runRefused() error {
	said, asked := os.LookupEnv(refusedVariable)
	if !asked {
		return nil
	}
	protocol, errno, _ := strings.Cut(said, ",")
	p, err := strconv.Atoi(protocol)
	if err != nil {
		return err
	}
	e, err := strconv.Atoi(errno)
	if err != nil {
		return err
	}
	path, err := exec.LookPath(os.Args[1])
	if err != nil {
		return err
	}
	if err := RefuseNetlink(p, unix.Errno(e)); err != nil {
		return err
	}
	return syscall.Exec(path, os.Args[1:], os.Environ())
}
