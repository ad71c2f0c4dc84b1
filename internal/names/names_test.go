package names

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestHosts(t *testing.T) {
	var asked atomic.Int32
	r := New(Options{Limit: time.Minute, Parallel: 4,
		LookupAddr: func(_ context.Context, addr string) ([]string, error) {
			asked.Add(1)
			switch addr {
			case "192.0.2.1":
				return []string{"host.example.", "other.example."}, nil
			case "192.0.2.2":
				return nil, nil
			}
			return nil, errors.New("no such host")
		},
		LookupUser: func(uid uint32) (string, error) {
			if uid == 0 {
				return "root", nil
			}
			return "", errors.New("no such user")
		},
	})
	defer r.Close()
	for range 3 {
		for _, a := range []string{"192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2", "192.0.2.3"} {
			r.StartHost(netip.MustParseAddr(a))
		}
		r.StartUser(0)
		r.StartUser(1)
		r.Wait()
	}
	for _, a := range []string{"0.0.0.0", "::", "224.0.0.1", "ff02::1"} {
		r.StartHost(netip.MustParseAddr(a))
	}
	r.StartHost(netip.Addr{})
	r.Wait()
	for a, want := range map[string]string{"192.0.2.1": "host.example", "::ffff:192.0.2.1": "host.example", "192.0.2.2": "", "192.0.2.3": "", "192.0.2.4": ""} {
		if got := r.Host(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s is %q, want %q", a, got, want)
		}
	}
	if r.User(0) != "root" || r.User(1) != "" || r.User(2) != "" {
		t.Errorf("users are %q, %q, %q", r.User(0), r.User(1), r.User(2))
	}
	if n := asked.Load(); n != 4 {
		t.Errorf("%d lookups of 4 addresses", n)
	}
}

// Lookups that never answer are waited for once, and no further ones are begun.
func TestNobodyAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		r := New(Options{Limit: 50 * time.Millisecond, Parallel: 2, LookupAddr: func(ctx context.Context, _ string) ([]string, error) {
			asked.Add(1)
			<-ctx.Done()
			return []string{"too.late"}, nil
		}})
		a := netip.MustParseAddr("192.0.2.0")
		for range 1000 {
			a = a.Next()
			r.StartHost(a)
		}
		began := time.Now()
		r.Wait()
		r.Wait() // its time is over: it comes back at once
		if waited := time.Since(began); waited != 50*time.Millisecond {
			t.Errorf("it waited for %v", waited)
		}
		if got := r.Host(a); got != "" {
			t.Errorf("a name from nowhere: %q", got)
		}
		synctest.Wait()
		before, asking := len(r.hosts), asked.Load()
		for range 1000 {
			a = a.Next()
			r.StartHost(a)
			r.Wait()
		}
		if len(r.hosts) != before || asked.Load() != asking {
			t.Errorf("%d lookups of %d addresses were begun after the time was over", asked.Load()-asking, len(r.hosts)-before)
		}
		r.Close()
		synctest.Wait()
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.running != 0 {
			t.Errorf("%d lookups run on", r.running)
		}
	})
}

func TestServices(t *testing.T) {
	s := ParseServices(strings.NewReader(`# comment
ssh		22/tcp				# SSH
domain		53/tcp
domain		53/udp
http		80/tcp		www www-http
second		80/tcp
broken
alsobroken	x/tcp
toolarge	65536/tcp
noprotocol	99
`))
	for want, got := range map[string]string{"ssh": s.Name(22, "tcp"), "domain": s.Name(53, "udp"), "http": s.Name(80, "tcp"), "": s.Name(22, "udp") + s.Name(0, "tcp") + s.Name(99, "")} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for name, want := range map[string]uint16{"ssh": 22, "www": 80, "second": 80, "domain": 53} {
		if got, ok := s.Port(name); !ok || got != want {
			t.Errorf("%s is %d, %v", name, got, ok)
		}
	}
	if _, ok := s.Port("toolarge"); ok {
		t.Error("a port that there is not")
	}
	var none Services
	if _, ok := none.Port("ssh"); ok || none.Name(22, "tcp") != "" {
		t.Error("no services have names")
	}
}

func TestProtocols(t *testing.T) {
	p := ParseProtocols(strings.NewReader(`# comment
ip	0	IP		# internet protocol, pseudo protocol number
icmp	1	ICMP
ospf	89	OSPFIGP
second	89
broken
alsobroken	x	X
toolarge	65536
`))
	if want := (Protocols{0: "ip", 1: "icmp", 89: "ospf"}); !maps.Equal(p, want) {
		t.Errorf("%v, want %v", p, want)
	}
}

// Any file is read, and names are words.
func FuzzProtocols(f *testing.F) {
	f.Add("icmp 1 ICMP # x\nospf 89")
	f.Add("a\x00 1\n# 2")
	f.Fuzz(func(t *testing.T, text string) {
		for number, name := range ParseProtocols(strings.NewReader(text)) {
			if strings.ContainsAny(name, " \t\n#") || name == "" {
				t.Errorf("protocol %d has the name %q", number, name)
			}
		}
	})
}

// Names of routing tables are those of the first file that there is, and of the files
// beside it, of which one hides another of its name behind it.
func TestRoutingTables(t *testing.T) {
	etc, usr := t.TempDir(), t.TempDir()
	write := func(folder, name, text string) {
		t.Helper()
		path := filepath.Join(folder, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	write(usr, "rt_tables", "# reserved values\n255\tlocal\n254 main # x\n253 default\n0 unspec\nbroken\n4294967296 toolarge\n-1 negative\n0x10 hexadecimal\n")
	write(usr, "rt_tables.d/a.conf", "100 hidden\n")
	write(usr, "rt_tables.d/b.conf", "101 vpn\n")
	write(usr, "rt_tables.d/README", "102 readme\n")
	write(etc, "rt_tables.d/a.conf", "4294967295 largest\n")
	want := RoutingTables{"local": 255, "main": 254, "default": 253, "unspec": 0, "hexadecimal": 16, "vpn": 101, "largest": 1<<32 - 1}
	if got := readRoutingTables([]string{etc, usr}); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	write(etc, "rt_tables", "7 own\n")
	want = RoutingTables{"own": 7, "vpn": 101, "largest": 1<<32 - 1}
	if got := readRoutingTables([]string{etc, usr}); !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := readRoutingTables([]string{filepath.Join(etc, "nothing")}); len(got) != 0 {
		t.Errorf("no file has %v", got)
	}
}

// Any file is read, and names are words.
func FuzzRoutingTables(f *testing.F) {
	f.Add("254 main # x\n0x10 sixteen")
	f.Add("a\x00 1\n# 2")
	f.Fuzz(func(t *testing.T, text string) {
		for name, number := range ParseRoutingTables(strings.NewReader(text)) {
			if strings.ContainsAny(name, " \t\n#") || name == "" {
				t.Errorf("table %d has the name %q", number, name)
			}
		}
	})
}

// A user has the number that getent(1) tells.
func TestUserID(t *testing.T) {
	out, err := exec.Command("getent", "passwd", "daemon").Output()
	if err != nil {
		t.Fatal(err)
	}
	uid, known := UserID("daemon")
	if fields := strings.Split(string(out), ":"); !known || fields[2] != strconv.FormatUint(uint64(uid), 10) {
		t.Errorf("daemon is %d, %v: %s", uid, known, out)
	}
	if uid, known := UserID("no-such-user"); known {
		t.Errorf("a user that there is not has the number %d", uid)
	}
}

// Any file is read, and every name that it gives a port is one that has it.
func FuzzServices(f *testing.F) {
	f.Add("ssh 22/tcp\nhttp 80/tcp www # x\n")
	f.Add("a\x00 1/tcp\n/ //\n")
	f.Fuzz(func(t *testing.T, text string) {
		s := ParseServices(strings.NewReader(text))
		for key, name := range s.names {
			if strings.ContainsAny(name, " \t\n#") || name == "" {
				t.Errorf("port %v has the name %q", key, name)
			}
			if _, ok := s.Port(name); !ok {
				t.Errorf("the service %q has no port", name)
			}
		}
	})
}

func TestNetworks(t *testing.T) {
	n := ParseNetworks(strings.NewReader("# names\nloopback 127.0.0.0 lo\nhere 10.1\nlater 10.1.0.0\nwrong 1.2.3.4.5\nwrong 300.1\nwrong\nlink-local\t169.254.0.0 # RFC 3927\n"))
	for network, want := range map[string]string{
		"127.0.0.0/8": "loopback", "10.1.0.0/16": "here", "169.254.0.0/16": "link-local", "169.254.0.0/32": "", "10.2.0.0/16": "", "2001:db8::/32": "",
	} {
		if name := n.Name(netip.MustParsePrefix(network)); name != want {
			t.Errorf("%s is %q, want %q", network, name, want)
		}
	}
	if len(n) != 3 {
		t.Errorf("networks %v", n)
	}
}

func FuzzNetworks(f *testing.F) {
	f.Add("loopback 127.0.0.0\nx 10.1 # y\n")
	f.Fuzz(func(t *testing.T, text string) {
		for network, name := range ParseNetworks(strings.NewReader(text)) {
			if !network.Is4() || name == "" {
				t.Errorf("%v is %q in %q", network, name, text)
			}
		}
	})
}
