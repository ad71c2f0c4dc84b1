//go:build !linux

package agentx

import (
	"runtime"

	"golang.org/x/sys/unix"
)

func receiveNow(fd uintptr, b []byte) (int, error) {
	n, _, err := unix.Recvfrom(int(fd), b, unix.MSG_DONTWAIT)
	return n, err
}

func sendNow(fd uintptr, b []byte) (int, error) {
	return unix.SendmsgN(int(fd), b, nil, nil, unix.MSG_DONTWAIT)
}

// yield gives way to who waits for this processor.
func yield() { runtime.Gosched() }
