package collectors

import (
	"errors"
	"io"
	"io/fs"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// TestCloseAgain holds that what was closed can be closed again, and gives nothing any more.
func TestCloseAgain(t *testing.T) {
	n := nstest.New(t)
	k := open(t, n)
	listener, err := k.Listen(netstat.KindInterface, 0)
	must(t, err)
	namespace, err := OpenNetNS(n.Name)
	must(t, err)
	closers := []io.Closer{listener, namespace}
	if flows, err := k.ListenFlows(AllFlowEvents, 0); err == nil {
		closers = append(closers, flows)
	}
	if editor, err := k.EditFlows(); err == nil {
		closers = append(closers, editor)
	}
	for _, c := range append(closers, k) {
		for range 2 {
			if err := c.Close(); err != nil {
				t.Errorf("%T: %v", c, err)
			}
		}
	}
	if _, err := listener.Receive(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("a closed Listener receives: %v", err)
	}
}

// TestDefaultBuffer holds that a buffer of 0 is one that a burst fits in.
func TestDefaultBuffer(t *testing.T) {
	k := open(t, nstest.New(t))
	given, err := k.Listen(netstat.KindInterface, DefaultListenBuffer)
	must(t, err)
	defer given.Close()
	byDefault, err := k.Listen(netstat.KindInterface, 0)
	must(t, err)
	defer byDefault.Close()
	if byDefault.BufferSize() != given.BufferSize() {
		t.Errorf("a buffer of %d, not of %d", byDefault.BufferSize(), given.BufferSize())
	}
}

// TestNotOpened holds that a Kernel that was not opened says so.
func TestNotOpened(t *testing.T) {
	said := func() (said any) {
		defer func() { said = recover() }()
		for range new(Kernel).Interfaces(t.Context()) {
			break
		}
		return nil
	}()
	if text, _ := said.(string); text != "collectors: this Kernel does not come from Open" {
		t.Errorf("it says %v", said)
	}
}
