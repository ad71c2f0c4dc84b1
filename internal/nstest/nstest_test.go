package nstest

import (
	"net"
	"os"
	"strings"
	"testing"
)

func TestNamespaceIsItsOwn(t *testing.T) {
	n := New(t)
	n.IP(t, "link add probe type veth peer name peer")
	var links []struct{ IfName string }
	n.JSON(t, &links, "link")
	if len(links) != 3 {
		t.Errorf("links = %+v, want lo and a veth pair", links)
	}
	if _, err := net.InterfaceByName("probe"); err == nil {
		t.Error("the link is in the machine's own namespace")
	}
	if out := n.Run(t, "ip", "-br", "link"); !strings.Contains(out, "probe@peer") {
		t.Errorf("ip link prints %q", out)
	}
}

func TestSocketsAreOfTheNamespace(t *testing.T) {
	n := New(t)
	l := n.Listen(t, "tcp4", "127.0.0.1:0")
	n.Dial(t, "tcp4", l.Addr().String())
	if c, err := net.Dial("tcp4", l.Addr().String()); err == nil {
		c.Close()
		t.Error("the listener answers in the machine's own namespace")
	}
}

func TestNamespaceIsRemoved(t *testing.T) {
	var path string
	t.Run("inner", func(t *testing.T) { path = New(t).Path() })
	if _, err := os.Stat(path); path != "" && !os.IsNotExist(err) {
		t.Errorf("after the test, stat %s: %v", path, err)
	}
}

func TestSysctl(t *testing.T) {
	n := New(t)
	n.Sysctl(t, "net.ipv4.ip_forward", "1")
	if got := strings.TrimSpace(n.Run(t, "cat", "/proc/sys/net/ipv4/ip_forward")); got != "1" {
		t.Errorf("ip_forward = %q", got)
	}
}
