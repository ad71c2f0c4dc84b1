package agentx

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// What follows does not wait, and therefore does not tell the runtime, which takes time and
// has other threads look for work.

func receiveNow(fd uintptr, b []byte) (int, error) { return now(unix.SYS_RECVFROM, fd, b) }
func sendNow(fd uintptr, b []byte) (int, error)    { return now(unix.SYS_SENDTO, fd, b) }

func now(call, fd uintptr, b []byte) (int, error) {
	n, _, errno := unix.RawSyscall6(call, fd, uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL, 0, 0)
	if errno != 0 {
		return 0, errno
	}
	return int(n), nil
}

// yield gives way to who waits for this processor.
func yield() { _, _, _ = unix.RawSyscall(unix.SYS_SCHED_YIELD, 0, 0, 0) }
