package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// writable is an agent of a namespace, with what ip(8), sysctl and ss say beside it.
type writable struct {
	ns      *nstest.NS
	request *mib.Request
}

func newWritable(t *testing.T, modules ...string) *writable {
	t.Helper()
	nstest.NeedsRoot(t)
	n := nstest.New(t)
	return &writable{n, requestOf(t, openLive(t, n, modules...), modules...)}
}

func requestOf(t *testing.T, s *live.Stack, modules ...string) *mib.Request {
	t.Helper()
	a, err := New(Config{Stack: s, Modules: modules})
	must(t, err)
	return a.Tree().NewRequest()
}

// set makes one SetRequest of names and values, and returns its error-status.
func (w *writable) set(t *testing.T, variables ...any) mib.Status {
	t.Helper()
	var bindings []mib.Binding
	for i := 0; i < len(variables); i += 2 {
		bindings = append(bindings, mib.Binding{Object: mib.MustParseOID(variables[i].(string)), Value: variables[i+1].(mib.Value)})
	}
	w.request.Reset(t.Context())
	err := w.request.Set(bindings)
	var refused *mib.SetError
	switch {
	case err == nil:
		return mib.NoError
	case errors.As(err, &refused):
		t.Logf("%v: %v", variables, err)
		return refused.Status
	}
	t.Fatal(err)
	return 0
}

func (w *writable) get(t *testing.T, name string) mib.Value {
	t.Helper()
	w.request.Reset(t.Context())
	v, err := w.request.Get(mib.MustParseOID(name))
	must(t, err)
	return v
}

// expect holds that a request ends with the status.
func (w *writable) expect(t *testing.T, want mib.Status, variables ...any) {
	t.Helper()
	if got := w.set(t, variables...); got != want {
		t.Errorf("%v: %v, want %v", variables, got, want)
	}
}

// TestWriteInterfaces holds that what is written of an interface is what ip(8) says of it,
// is read back at once, and that what is refused leaves it as it is.
func TestWriteInterfaces(t *testing.T) {
	w := newWritable(t, "IF-MIB")
	w.ns.IP(t, "link add d0 type veth peer name d1")
	d0, d1 := strconv.Itoa(int(w.ns.Index(t, "d0"))), strconv.Itoa(int(w.ns.Index(t, "d1")))
	const admin, promiscuous, alias, traps = "1.3.6.1.2.1.2.2.1.7.", "1.3.6.1.2.1.31.1.1.1.16.", "1.3.6.1.2.1.31.1.1.1.18.", "1.3.6.1.2.1.31.1.1.1.14."
	says := func(link string, up, promisc bool, alias string) {
		t.Helper()
		var links []struct {
			Flags []string `json:"flags"`
			Alias string   `json:"ifalias"`
		}
		w.ns.JSON(t, &links, "link", "show", "dev", link)
		has := func(flag string) bool {
			return strings.Contains(" "+strings.Join(links[0].Flags, " ")+" ", " "+flag+" ")
		}
		if has("UP") != up || has("PROMISC") != promisc || links[0].Alias != alias {
			t.Errorf("ip says of %s: %+v", link, links[0])
		}
	}
	nstest.Eventually(t, func() string { // the stack has the links
		if v := w.get(t, admin+d1); v != mib.Int(2) {
			return v.String()
		}
		return ""
	})
	w.expect(t, mib.NoError, admin+d0, mib.Int(1), alias+d0, mib.Octets("to the größte"), promiscuous+d0, mib.Int(1))
	says("d0", true, true, "to the größte")
	if up, text, on := w.get(t, admin+d0), w.get(t, alias+d0), w.get(t, promiscuous+d0); up != mib.Int(1) || text != mib.Octets("to the größte") || on != mib.Int(1) {
		t.Errorf("read back: %v, %v, %v", up, text, on)
	}
	for _, refused := range []struct {
		status    mib.Status
		variables []any
	}{
		{mib.WrongValue, []any{admin + d0, mib.Int(2), admin + d1, mib.Int(3)}}, // testing
		{mib.WrongLength, []any{admin + d0, mib.Int(2), alias + d0, mib.Octets(strings.Repeat("x", 65))}},
		{mib.WrongValue, []any{admin + d0, mib.Int(2), alias + d0, mib.Octets("a\x00b")}},
		{mib.WrongType, []any{promiscuous + d0, mib.Octets("1"), admin + d0, mib.Int(2)}},
		{mib.NoCreation, []any{admin + d0, mib.Int(2), admin + "99999", mib.Int(2)}},
		{mib.NotWritable, []any{admin + d0, mib.Int(2), traps + d0, mib.Int(2)}},
		{mib.NotWritable, []any{admin + d0, mib.Int(2), "1.3.6.1.2.1.2.2.1.4." + d0, mib.Int(9000)}},
	} {
		w.expect(t, refused.status, refused.variables...)
		says("d0", true, true, "to the größte")
		says("d1", false, false, "")
	}
	w.expect(t, mib.NoError, alias+d0, mib.Octets(""), promiscuous+d0, mib.Int(2), admin+d1, mib.Int(1))
	says("d0", true, false, "")
	says("d1", true, false, "")
	w.expect(t, mib.NoError, admin+d0, mib.Int(2))
	says("d0", false, false, "")
}

// TestWriteLinkNotifications holds that ifLinkUpDownTrapEnable is written together with what the
// kernel has of the row, or neither is.
func TestWriteLinkNotifications(t *testing.T) {
	nstest.NeedsRoot(t)
	n := nstest.New(t)
	n.IP(t, "link add d0 type veth peer name d1")
	const alias, traps = "1.3.6.1.2.1.31.1.1.1.18.", "1.3.6.1.2.1.31.1.1.1.14."
	index := strconv.Itoa(int(n.Index(t, "d0")))
	silent := map[string]bool{}
	var unwritable, broken error
	a, err := New(Config{
		Stack: openLive(t, n, "IF-MIB"), Modules: []string{"IF-MIB"},
		LinkNotifications: func(name string, byDefault bool) bool { return byDefault && !silent[name] },
		WriteLinkNotifications: func(name string, send bool) (mib.Assignment, error) {
			was := silent[name]
			return mib.Assignment{
				Commit: func(context.Context) error { silent[name] = !send; return broken },
				Undo:   func(context.Context) error { silent[name] = was; return nil },
			}, unwritable
		},
	})
	must(t, err)
	w := &writable{n, a.Tree().NewRequest()}
	is := func(text string, send int32) {
		t.Helper()
		var links []struct {
			Alias string `json:"ifalias"`
		}
		if n.JSON(t, &links, "link", "show", "dev", "d0"); links[0].Alias != text {
			t.Errorf("ip says the alias is %q, want %q", links[0].Alias, text)
		}
		if got := w.get(t, traps+index); got != mib.Int(send) {
			t.Errorf("ifLinkUpDownTrapEnable is %v, want %d", got, send)
		}
	}
	nstest.Eventually(t, func() string {
		if v := w.get(t, traps+index); v != mib.Int(1) {
			return v.String()
		}
		return ""
	})
	w.expect(t, mib.NoError, traps+index, mib.Int(2))
	is("", 2)
	w.expect(t, mib.NoError, alias+index, mib.Octets("both"), traps+index, mib.Int(1))
	is("both", 1)
	w.expect(t, mib.WrongValue, alias+index, mib.Octets("none"), traps+index, mib.Int(3))
	w.expect(t, mib.NoCreation, traps+index, mib.Int(2), alias+"99999", mib.Octets("x"))
	is("both", 1)
	unwritable = errors.New("the file says what it is")
	w.expect(t, mib.NotWritable, alias+index, mib.Octets("none"), traps+index, mib.Int(2))
	is("both", 1)
	unwritable, broken = nil, errors.New("the disk is full")
	w.expect(t, mib.CommitFailed, alias+index, mib.Octets("none"), traps+index, mib.Int(1))
	is("both", 1)
}

// TestWriteSettings holds that settings of IP are those of the namespace as sysctl shows
// them, of this and of no other.
func TestWriteSettings(t *testing.T) {
	w, other := newWritable(t, "IP-MIB"), nstest.New(t)
	const forwarding, ttl, forwarding6, hops = "1.3.6.1.2.1.4.1.0", "1.3.6.1.2.1.4.2.0", "1.3.6.1.2.1.4.25.0", "1.3.6.1.2.1.4.26.0"
	names := []string{"net.ipv4.ip_forward", "net.ipv4.ip_default_ttl", "net.ipv6.conf.all.forwarding", "net.ipv6.conf.default.hop_limit"}
	sysctl := func(n *nstest.NS) (values string) {
		t.Helper()
		return strings.Join(strings.Fields(n.Run(t, "sysctl", append([]string{"-n"}, names...)...)), " ")
	}
	before := sysctl(other)
	w.expect(t, mib.NoError, forwarding, mib.Int(1), ttl, mib.Int(17), forwarding6, mib.Int(1), hops, mib.Int(200))
	if got := sysctl(w.ns); got != "1 17 1 200" {
		t.Errorf("sysctl says %s", got)
	}
	if got := sysctl(other); got != before {
		t.Errorf("another namespace has %s, and had %s", got, before)
	}
	for name, want := range map[string]int32{forwarding: 1, ttl: 17, forwarding6: 1, hops: 200} {
		if got := w.get(t, name); got != mib.Int(want) {
			t.Errorf("%s is read back as %v", name, got)
		}
	}
	w.expect(t, mib.WrongValue, forwarding, mib.Int(2), ttl, mib.Int(0))
	w.expect(t, mib.WrongValue, forwarding, mib.Int(3))
	w.expect(t, mib.NoCreation, ttl, mib.Int(9), "1.3.6.1.2.1.4.1.1", mib.Int(2))
	w.expect(t, mib.NotWritable, ttl, mib.Int(9), "1.3.6.1.2.1.4.13.0", mib.Int(9))
	if got := sysctl(w.ns); got != "1 17 1 200" {
		t.Errorf("what was refused left %s", got)
	}
	w.expect(t, mib.NoError, forwarding, mib.Int(2), forwarding6, mib.Int(2))
	if got := sysctl(w.ns); got != "0 17 0 200" {
		t.Errorf("sysctl says %s", got)
	}
}

// TestDeleteTCB holds that the kernel ends the connection, that ss lists none then, and that
// no other state can be set.
func TestDeleteTCB(t *testing.T) {
	nstest.NeedsKernel(t, "CONFIG_INET_DIAG_DESTROY")
	w := newWritable(t, "TCP-MIB")
	w.ns.IP(t, "link set lo up")
	for _, at := range []struct{ network, address, kind string }{{"tcp4", "127.0.0.1:0", "1.4.127.0.0.1"}, {"tcp6", "[::1]:0", "2.16.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1"}} {
		l := w.ns.Listen(t, at.network, at.address)
		c := w.ns.Dial(t, at.network, l.Addr().String())
		accepted, err := l.Accept()
		must(t, err)
		defer accepted.Close()
		here, there := c.LocalAddr().(*net.TCPAddr).Port, l.Addr().(*net.TCPAddr).Port
		name := fmt.Sprintf("1.3.6.1.2.1.6.19.1.7.%s.%d.%s.%d", at.kind, here, at.kind, there)
		established := func() bool {
			return strings.Contains(w.ns.Run(t, "ss", "-Htn", "state", "established", "sport", "=", fmt.Sprint(":", here)), strconv.Itoa(there))
		}
		if !established() {
			t.Fatal("ss knows nothing of the connection")
		}
		nstest.Eventually(t, func() string {
			if v := w.get(t, name); v != mib.Int(5) {
				return v.String()
			}
			return ""
		})
		w.expect(t, mib.WrongValue, name, mib.Int(1))
		w.expect(t, mib.WrongType, name, mib.Gauge(12))
		w.expect(t, mib.NoCreation, name, mib.Int(12), strings.TrimSuffix(name, strconv.Itoa(there))+"1", mib.Int(12))
		if !established() {
			t.Error("what was refused ended it")
		}
		w.expect(t, mib.NoError, name, mib.Int(12))
		if established() {
			t.Error("ss lists it still")
		}
		must(t, c.SetReadDeadline(time.Now().Add(nstest.Patience)))
		if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("it was not ended: %v", err)
		}
		if v := w.get(t, name); v == mib.Int(5) {
			t.Errorf("it is read back as %v", v)
		}
		w.expect(t, mib.NoCreation, name, mib.Int(12))
	}
}
