package remote_test

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// users are the security names of snmpd in the tests: their name tells the
// protocols.
var users = []struct {
	name  string
	auth  remote.AuthType
	priv  remote.PrivType
	level string
}{
	{"md5des", remote.AuthMD5, remote.PrivDES, "priv"},
	{"shaaes", remote.AuthSHA, remote.PrivAES, "priv"},
	{"sha224aes192", remote.AuthSHA224, remote.PrivAES192, "priv"},
	{"sha256aes256", remote.AuthSHA256, remote.PrivAES256, "priv"},
	{"sha384only", remote.AuthSHA384, remote.PrivNone, "auth"},
	{"sha512aes", remote.AuthSHA512, remote.PrivAES, "priv"},
}

const (
	authPassphrase = "the-first-phrase"
	privPassphrase = "the-second-phrase"
)

// startSnmpd starts net-snmp's agent in the test's namespace.
func startSnmpd(t *testing.T) {
	t.Helper()
	startSnmpdIn(t, t.TempDir())
}

// startSnmpdIn starts net-snmp's agent, with more in its configuration, so that
// it finds what one before it left in a directory.
func startSnmpdIn(t *testing.T, dir string, more ...string) (stop func()) {
	t.Helper()
	nstest.NeedsProgram(t, "/usr/sbin/snmpd")
	conf := []string{"agentaddress udp:127.0.0.1:161,tcp:127.0.0.1:161", "rocommunity public 127.0.0.1"}
	for _, u := range users {
		line := fmt.Sprintf("createUser %s %v %q", u.name, u.auth, authPassphrase)
		if u.priv != remote.PrivNone {
			line += fmt.Sprintf(" %v %q", u.priv, privPassphrase)
		}
		conf = append(conf, line, "rouser "+u.name+" "+u.level)
	}
	path := filepath.Join(dir, "tests.conf")
	if err := os.WriteFile(path, []byte(strings.Join(append(conf, more...), "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t, []string{"SNMP_PERSISTENT_DIR=" + dir, "MIBS="}, "/usr/sbin/snmpd", "-f", "-Le", "-C", "-c", path, "-I", "-smux,mteTrigger,mteTriggerConf")
}

func userConfig(i int, address string) remote.Config {
	c := config(address)
	c.Version, c.Community = remote.V3, ""
	c.SecurityName, c.AuthType, c.PrivType = users[i].name, users[i].auth, users[i].priv
	c.AuthPassphrase = authPassphrase
	if c.PrivType != remote.PrivNone {
		c.PrivPassphrase = privPassphrase
	}
	return c
}

// Every table of snmpd's, in every version and with every protocol, tells what
// the kernel tells.
func TestSnmpd(t *testing.T) {
	if !inside(t) {
		return
	}
	kernel := scene(t)
	startSnmpd(t)
	ctx := t.Context()
	v1, v2c := config("127.0.0.1"), config("127.0.0.1")
	v1.Version = remote.V1
	configs := []remote.Config{v2c, v1, config("tcp:127.0.0.1")}
	for i := range users {
		configs = append(configs, userConfig(i, "127.0.0.1"))
	}
	configs = append(configs, userConfig(1, "tcp:127.0.0.1"))

	// What snmpd gets wrong of itself is left out: see the lines.
	link := func(i netstat.Interface) string {
		return fmt.Sprint(i.Index, " ", i.Name, " mtu ", i.MTU, " up ", i.Up(), " ", address(i))
	}
	local := func(a netstat.Address) string {
		if a.Scope == netstat.ScopeLink {
			return "" // which snmpd cannot tell apart by their links
		}
		return fmt.Sprint(a.Interface, " ", a.Prefix)
	}
	neighbour := func(n netstat.Neighbour) string {
		if n.State != netstat.Known(netstat.NeighbourPermanent) {
			return ""
		}
		return fmt.Sprint(n.Interface, " ", n.Address, " ", n.LinkAddress, " ", n.State)
	}
	// IPv4 routes of the main table with one gateway. snmpd has no TOS.
	route := func(r netstat.Route) string {
		if !r.Gateway.Is4() || r.Table != netstat.TableMain || r.Destination.Addr() == netip.MustParseAddr("203.0.117.0") ||
			r.Gateway == netip.MustParseAddr("192.0.2.10") {
			return ""
		}
		return fmt.Sprint(r.Destination, " via ", r.Gateway, " dev ", r.Interface)
	}
	socket := func(s netstat.Socket) string {
		if s.Protocol != netstat.TCP || ofAgent(s) || s.IsDualStack() || s.Local.Addr() == netip.IPv6Unspecified() || s.State == netstat.TimeWait {
			return ""
		}
		return socketLine(false)(s)
	}
	for _, c := range configs {
		s := open(t, c)
		// snmpd keeps what it read for up to half a minute: the scene was there
		// before it.
		what := func(table string) string { return fmt.Sprintf("%s, %v", table, c) }
		eventually(t, what("interfaces"), func() []string { return lines(collect(t, kernel.Interfaces(ctx)), link) },
			func() []string { return lines(collect(t, s.Interfaces(ctx)), link) })
		eventually(t, what("addresses"), func() []string { return lines(collect(t, kernel.Addresses(ctx)), local) },
			func() []string { return lines(collect(t, s.Addresses(ctx)), local) })
		eventually(t, what("neighbours"), func() []string { return lines(collect(t, kernel.Neighbours(ctx)), neighbour) },
			func() []string { return lines(collect(t, s.Neighbours(ctx)), neighbour) })
		eventually(t, what("routes"), func() []string { return lines(collect(t, kernel.Routes(ctx, netstat.RouteQuery{})), route) },
			func() []string { return lines(collect(t, s.Routes(ctx, netstat.RouteQuery{})), route) })
		eventually(t, what("TCP sockets"), func() []string {
			return lines(collect(t, kernel.Sockets(ctx, netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.TCP}})), socket)
		}, func() []string {
			return lines(collect(t, s.Sockets(ctx, netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.TCP}})), socket)
		})
		udp := collect(t, s.Sockets(ctx, netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.UDP}}))
		if len(udp) < 4 {
			t.Errorf("%d UDP sockets: %v", len(udp), udp)
		}
		if _, err := s.TCPStatistics(ctx); err != nil {
			t.Error(err)
		}
		if _, err := s.UDPStatistics(ctx); err != nil {
			t.Error(err)
		}
		if st := collect(t, s.IPStatistics(ctx)); len(st) == 0 || st[0].Family != netstat.IPv4 || !st[0].InReceives.IsKnown() {
			t.Errorf("IP's counters: %+v", st)
		}
		if _, err := gather(s.Stacking(ctx)); !isNotSupported(err, "ifStackTable") {
			t.Errorf("stacking: %v", err)
		}
	}
	// Too low a security level.
	low := userConfig(1, "127.0.0.1")
	low.PrivType, low.PrivPassphrase = remote.PrivNone, ""
	if _, err := gather(open(t, low).Interfaces(ctx)); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("error is %v", err)
	}
}

// Who asks wrongly is told what is wrong, without what he asked with.
func TestRefusals(t *testing.T) {
	if !inside(t) {
		return
	}
	ip(t, "link set lo up")
	startSnmpd(t)
	const wrong = "not-the-right-phrase"
	const (
		name  = "the agent knows no such security name"
		auth  = "the agent finds the authentication passphrase or protocol wrong"
		priv  = "though the agent is there: it finds the privacy passphrase or protocol wrong"
		level = "the agent does not have the security level authPriv for the security name"
	)
	for _, c := range []struct {
		what   string
		user   int
		change func(*remote.Config)
		says   string
	}{
		{"security name", 1, func(c *remote.Config) { c.SecurityName = "nobody-at-all" }, name},
		{"security name, without privacy", 4, func(c *remote.Config) { c.SecurityName = "nobody-at-all" }, name},
		{"security name, without anything", 4, func(c *remote.Config) { *c = remote.Config{SecurityName: "nobody-at-all"} }, name},
		{"authentication passphrase", 1, func(c *remote.Config) { c.AuthPassphrase = wrong }, auth},
		{"authentication passphrase, without privacy", 4, func(c *remote.Config) { c.AuthPassphrase = wrong }, auth},
		{"authentication protocol", 3, func(c *remote.Config) { c.AuthType = remote.AuthMD5 }, auth},
		{"security level", 4, func(c *remote.Config) { c.PrivType, c.PrivPassphrase = remote.PrivAES, wrong }, level},
		{"privacy passphrase", 1, func(c *remote.Config) { c.PrivPassphrase = wrong }, priv},
		{"privacy protocol", 1, func(c *remote.Config) { c.PrivType = remote.PrivDES }, priv},
	} {
		for _, address := range []string{"127.0.0.1", "tcp:127.0.0.1"} {
			right := userConfig(c.user, address)
			open(t, right).Close()
			asked := right
			c.change(&asked)
			asked.Address, asked.Version, asked.Timeout, asked.Retries = address, remote.V3, time.Second, netstat.Known(1)
			s, err := remote.Open(t.Context(), asked)
			if err == nil {
				s.Close()
				t.Errorf("%s: %s: opens", address, c.what)
				continue
			}
			text := err.Error()
			if !strings.Contains(text, c.says) || c.says != priv && !errors.Is(err, fs.ErrPermission) {
				t.Errorf("%s: %s: %v", address, c.what, err)
			}
			for _, secret := range []string{authPassphrase, privPassphrase, wrong, "nobody-at-all"} {
				if strings.Contains(text, secret) {
					t.Errorf("%s: %s shows what it asked with: %v", address, c.what, err)
				}
			}
		}
	}
}
