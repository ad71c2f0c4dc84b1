package collectors

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// linkWrites is a namespace with a link d0 that is up, and a kernel of it.
func linkWrites(t *testing.T) (n *nstest.NS, k *Kernel, index uint32, says func() (alias string, up, promiscuous bool)) {
	t.Helper()
	nstest.NeedsRoot(t)
	n = nstest.New(t)
	n.IP(t, "link add d0 type veth peer name d1", "link set d1 up", "link set d0 up alias before")
	return n, open(t, n), n.Index(t, "d0"), func() (string, bool, bool) {
		t.Helper()
		var links []ipLink
		n.JSON(t, &links, "link", "show", "dev", "d0")
		return links[0].IfAlias, slices.Contains(links[0].Flags, "UP"), slices.Contains(links[0].Flags, "PROMISC")
	}
}

// TestUndoInterface holds that what undoes a change takes back that change, and nothing that
// somebody else changed meanwhile.
func TestUndoInterface(t *testing.T) {
	n, k, index, says := linkWrites(t)
	alias, err := k.PrepareInterface(t.Context(), index, netstat.InterfaceChange{Alias: netstat.Known("after")})
	must(t, err)
	must(t, alias.Commit(t.Context()))
	n.IP(t, "link set d0 down promisc on")
	must(t, alias.Undo(t.Context()))
	if text, up, promiscuous := says(); text != "before" || up || !promiscuous {
		t.Errorf("the alias is %q, up %v, promiscuous %v: want it as before, and down and promiscuous still", text, up, promiscuous)
	}
	both, err := k.PrepareInterface(t.Context(), index, netstat.InterfaceChange{Up: netstat.Known(true), Promiscuous: netstat.Known(false)})
	must(t, err)
	must(t, both.Commit(t.Context()))
	if _, up, promiscuous := says(); !up || promiscuous {
		t.Errorf("up %v, promiscuous %v", up, promiscuous)
	}
	n.IP(t, "link set d0 alias another")
	must(t, both.Undo(t.Context()))
	if text, up, promiscuous := says(); text != "another" || up || !promiscuous {
		t.Errorf("undone: alias %q, up %v, promiscuous %v", text, up, promiscuous)
	}
}

// TestUndoDown holds that taking an interface down counts as what nothing undoes, since the kernel
// drops its routes; of one that is down already there is nothing to undo.
func TestUndoDown(t *testing.T) {
	n, k, index, says := linkWrites(t)
	n.IP(t, "addr add 192.0.2.1/24 dev d0", "route add 198.51.100.0/24 via 192.0.2.9")
	down := netstat.InterfaceChange{Up: netstat.Known(false)}
	w, err := k.PrepareInterface(t.Context(), index, down)
	must(t, err)
	if w.Undo != nil {
		t.Error("it can be undone")
	}
	must(t, w.Commit(t.Context()))
	if _, up, _ := says(); up {
		t.Error("it is up")
	}
	n.IP(t, "link set d0 up")
	var routes []struct{ Dst string }
	if n.JSON(t, &routes, "route", "show", "198.51.100.0/24"); len(routes) != 0 {
		t.Errorf("the kernel kept %v", routes)
	}
	n.IP(t, "link set d0 down")
	w, err = k.PrepareInterface(t.Context(), index, down)
	must(t, err)
	if w.Undo == nil {
		t.Fatal("it cannot be undone")
	}
	must(t, w.Commit(t.Context()))
	must(t, w.Undo(t.Context()))
}

// TestCommitOrFail holds that a Commit whose context ends meanwhile has either made the change or
// says that it has not.
func TestCommitOrFail(t *testing.T) {
	_, k, index, says := linkWrites(t)
	was := "before"
	for i := range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		next := fmt.Sprint("alias ", i)
		w, err := k.PrepareInterface(ctx, index, netstat.InterfaceChange{Alias: netstat.Known(next)})
		must(t, err)
		go cancel()
		if err := w.Commit(ctx); err == nil {
			was = next
		} else if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if now, _, _ := says(); now != was {
			t.Fatalf("it is %q, and should be %q: the Commit failed: %v", now, was, was != next)
		}
		cancel()
	}
}

// TestNoInterface holds that a change of an interface that is not there says so.
func TestNoInterface(t *testing.T) {
	_, k, _, _ := linkWrites(t)
	for _, index := range []uint32{0, 9999, math.MaxInt32, math.MaxInt32 + 1, math.MaxUint32} {
		if _, err := k.PrepareInterface(t.Context(), index, netstat.InterfaceChange{Up: netstat.Known(true)}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("interface %d: %v", index, err)
		}
	}
}
