package snmpdconf

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/protocol"
)

func TestParse(t *testing.T) {
	c, err := Parse(t.Context(), "x.conf", strings.NewReader(`
# comment
agentAddress udp:127.0.0.1:1161,tcp6:[::1]:1161
AGENTADDRESS 161
rocommunity public
rocommunity "with blank" 192.0.2.0/24   # the office
rocommunity masked 198.51.100.0/255.255.255.0
rocommunity one 192.0.2.7
rocommunity here localhost
rocommunity6 six 2001:db8::/32
rocommunity6 all default
sysLocation  Rack 4, "left"
sysContact "Me <me@example.org>"
agentXSocket tcp:localhost:705
sysObjectID .1.3.6.1.4.1.8072
sysServices 78
`))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Sinks) > 0 || c.LinkUpDownNotifications != nil || c.AuthTrapEnable != nil || c.V1TrapAddress.IsValid() {
		t.Errorf("%+v", c)
	}
	want := []Community{
		{Name: "public", Source: netip.MustParsePrefix("0.0.0.0/0"), SecurityName: "comm1", Where: "x.conf:5: rocommunity"},
		{Name: "with blank", Source: netip.MustParsePrefix("192.0.2.0/24"), SecurityName: "comm2", Where: "x.conf:6: rocommunity"},
		{Name: "masked", Source: netip.MustParsePrefix("198.51.100.0/24"), SecurityName: "comm3", Where: "x.conf:7: rocommunity"},
		{Name: "one", Source: netip.MustParsePrefix("192.0.2.7/32"), SecurityName: "comm4", Where: "x.conf:8: rocommunity"},
		{Name: "here", Source: netip.MustParsePrefix("127.0.0.1/32"), SecurityName: "comm5", Where: "x.conf:9: rocommunity"},
		{Name: "six", Source: netip.MustParsePrefix("2001:db8::/32"), SecurityName: "comm6", Where: "x.conf:10: rocommunity6"},
		{Name: "all", Source: netip.MustParsePrefix("::/0"), SecurityName: "comm7", Where: "x.conf:11: rocommunity6"},
	}
	if !slices.Equal(c.Communities, want) {
		t.Errorf("communities\n %v, want\n %v", c.Communities, want)
	}
	addresses := []Setting{
		{"udp:127.0.0.1:1161", "x.conf:3: agentAddress"}, {"tcp6:[::1]:1161", "x.conf:3: agentAddress"},
		{"161", "x.conf:4: AGENTADDRESS"},
	}
	if !slices.Equal(c.AgentAddresses, addresses) {
		t.Errorf("addresses %v", c.AgentAddresses)
	}
	if *c.SysLocation != `Rack 4, "left"` || *c.SysContact != "Me <me@example.org>" || c.SysName != nil {
		t.Errorf("system: %q %q %v", *c.SysLocation, *c.SysContact, c.SysName)
	}
	if c.AgentXSocket.Value != "tcp:localhost:705" || c.SysObjectID.String() != "1.3.6.1.4.1.8072" || *c.SysServices != 78 {
		t.Errorf("%v %v %v", c.AgentXSocket, c.SysObjectID, *c.SysServices)
	}
}

func TestParseNotifications(t *testing.T) {
	c, err := Parse(t.Context(), "x.conf", strings.NewReader(`trapsink 192.0.2.1
trapcommunity "first one"
trap2sink udp6:[::1]:1162
trapcommunity second
informsink nms own
TrapSink tcp:nms own 1162   # a comment
v1TrapAddress localhost
linkUpDownNotifications NO
authtrapenable 1
inetAddressZones yes
maxGetbulkRepeats -1
maxGetbulkResponses 100
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Sink{
		{Version: protocol.V1, Address: "192.0.2.1", Port: 162, Community: "public", Where: "x.conf:1: trapsink"},
		{Version: protocol.V2c, Address: "udp6:[::1]:1162", Port: 162, Community: "first one", Where: "x.conf:3: trap2sink"},
		{Version: protocol.V2c, Inform: true, Address: "nms", Port: 162, Community: "own", Timeout: time.Second, Retries: 5, Where: "x.conf:5: informsink"},
		{Version: protocol.V1, Address: "tcp:nms", Port: 1162, Community: "own", Where: "x.conf:6: TrapSink"},
	}
	for i := range want {
		want[i].Name, want[i].Tag = fmt.Sprint("internal", i), fmt.Sprint("internal", i)
	}
	if !slices.Equal(c.Sinks, want) {
		t.Errorf("sinks\n %v, want\n %v", c.Sinks, want)
	}
	if c.V1TrapAddress != netip.MustParseAddr("127.0.0.1") || *c.LinkUpDownNotifications || !*c.AuthTrapEnable || !*c.InetAddressZones {
		t.Errorf("%v %v %v", c.V1TrapAddress, *c.LinkUpDownNotifications, *c.AuthTrapEnable)
	}
	if len(c.Needs) != 0 {
		t.Errorf("needs %v", c.Needs)
	}
	if c.MaxGetbulkRepeats != 0 || c.MaxGetbulkResponses != 100 {
		t.Errorf("bounds %d and %d", c.MaxGetbulkRepeats, c.MaxGetbulkResponses)
	}
}

// TestNotificationRows holds that lines have the rows that they name, and the others those that net-snmp gives them.
func TestNotificationRows(t *testing.T) {
	c, err := Parse(t.Context(), "x.conf", strings.NewReader(`
trapsink a
trap2sink -name internal1 -tag all -profile p -s 192.0.2.1 b
informsink -tag all c
trapsess -name internal3 -v1 -c x d
trapsink e
notificationFilter p .1.3.6 0xF0 Included
notificationFilter p .1.3 0x excluded
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range c.Sinks {
		got = append(got, strings.Join([]string{s.Address, s.Name, s.Tag, s.Profile}, " "))
	}
	if want := []string{"a internal0 internal0 ", "b internal1 all p", "c internal2 all ", "d internal3 internal3 ", "e internal4 internal4 "}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	want := []NotificationFilter{{"p", mib.MakeOID(1, 3, 6), []byte{0xf0}, false}, {"p", mib.MakeOID(1, 3), []byte{}, true}}
	if !reflect.DeepEqual(c.NotificationFilters, want) {
		t.Errorf("%v", c.NotificationFilters)
	}
}

func TestErrorsNameTheLine(t *testing.T) {
	for line, want := range map[string]string{
		"rocomunity public":                     "x.conf:2: unknown directive (did you mean rocommunity?)",
		"trap2sink -name":                       "option -name needs an argument",
		"trap2sink -n x localhost":              "option -n is not supported",
		"trap2sink -s localhost localhost":      "is not an address of this host",
		"informsink h c 0":                      "is not a port",
		"informsink h c trap":                   "is not a port",
		"informsink h c 162 x":                  "more follows the port",
		"trapcommunity a b":                     "more follows the community",
		"v1trapaddress ::1":                     "not an IPv4 address",
		"inetAddressZones 1":                    "\"1\" is neither yes nor no",
		"rocommunity a 192.0.2.0/33":            "bad mask length: 33",
		"rocommunity a 192.0.2.1/24":            "bits beyond its prefix length",
		"rocommunity a 192.0.2.0/255.0.255.0":   "has holes",
		"rocommunity a 2001:db8::/32":           "is not an IPv4 network",
		"rocommunity6 a 192.0.2.0/24":           "is not an IPv6 network",
		"rocommunity6 a ::ffff:10.0.0.0/104":    "is not an IPv6 network",
		"rocommunity a ::ffff:10.0.0.0/104":     "is not an IPv4 network",
		"rocommunity a 192.0.2.0/24 .1.3.6 b c": "more follows the context",
		"rocommunity \"a":                       "not closed",
		"rocommunity \"\" 192.0.2.0/24":         "needs a community",
	} {
		_, err := Parse(t.Context(), "x.conf", strings.NewReader("sysLocation here\n"+line+"\nsysContact me\n"))
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "x.conf:2: ") {
			t.Errorf("%s: error %v, want one with %q", line, err, want)
		}
	}
	_, err := Parse(t.Context(), "x.conf", strings.NewReader("veiw one\nview two\n"))
	if err == nil || !strings.Contains(err.Error(), "x.conf:1: ") || !strings.Contains(err.Error(), "x.conf:2: ") {
		t.Errorf("error %v, want one for each line", err)
	}
	if _, err := Parse(t.Context(), "x.conf", strings.NewReader(strings.Repeat("#", maxFile+1))); err == nil {
		t.Error("a file without end was read")
	}
}

// TestReadFileEnds holds that reading ends with its context, whoever it waits for.
func TestReadFileEnds(t *testing.T) {
	pipe := func(name string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := unix.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	stuck, begun := pipe("stuck"), pipe("begun")
	w, err := os.OpenFile(begun, os.O_RDWR, 0) // which does not wait
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.WriteString("rocommunity public\n"); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{stuck, begun} {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := ReadFile(ctx, path, Agent)
			done <- err
		}()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", path, err)
		}
	}
	written := pipe("written")
	go func() { _ = os.WriteFile(written, []byte("rocommunity secret\n"), 0) }()
	if c, err := ReadFile(t.Context(), written, Agent); err != nil || len(c.Communities) != 1 {
		t.Errorf("a pipe that is written: %v, %v", c, err)
	}
}

// TestNamesAtTheSameTime holds that no name waits for another's resolver, and that
// all end with the context.
func TestNamesAtTheSameTime(t *testing.T) {
	var all names
	const hosts = 40
	for i := range hosts {
		if _, err := all.addresses(fmt.Sprint("host", i), "ip4"); err == nil {
			t.Fatal("it is known")
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{}, hosts)
	all.lookUp = func(ctx context.Context, _, host string) ([]netip.Addr, error) {
		if asked <- struct{}{}; len(asked) == hosts { // every one of them
			cancel()
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	all.lookup(ctx)
	if _, err := all.addresses("host7", "ip4"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := Parse(ctx, "x.conf", strings.NewReader("rocommunity a nobody.invalid\n")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("rocommunity \"a b\" 192.0.2.0/24\nsysName \\\n")
	f.Add("rocommunity a host -V v\ncom2sec b !odd a\nv1trapaddress x\nauthcommunity read c host6\n")
	f.Add("\ufeff[snmp]\ndisableSNMPv1 yes\n[snmpd] veiw\nincludeFile x\n[agentx\nextend a\n")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(strings.ToLower(text), "include") {
			return // files would be read
		}
		read, err := LoadFrom(t.Context(), "fuzz", strings.NewReader(text), sections...)
		if err != nil {
			t.Fatal(err)
		}
		o := &origin{name: "fuzz", text: read, names: names{lookUp: func(_ context.Context, network, host string) ([]netip.Addr, error) {
			if len(host)%2 == 0 {
				return nil, errors.New("nobody knows")
			}
			return []netip.Addr{netip.MustParseAddr(map[string]string{"ip4": "192.0.2.1", "ip6": "2001:db8::1"}[network])}, nil
		}}}
		_, _ = o.config()
		for name := range o.names.all {
			if !isHost(name.host) {
				t.Fatalf("%q: %q would be looked up", text, name.host)
			}
		}
		o.names.lookup(t.Context())
		c, err := o.config()
		if err != nil && len(err.Error()) > (maxProblems+1)*(maxProblem+50) {
			t.Fatalf("an error of %d octets", len(err.Error()))
		}
		if err == nil {
			for _, w := range c.Warnings {
				if !strings.HasPrefix(w.Where, "fuzz") || len(w.String()) > maxProblem {
					t.Fatalf("%q: %v", text, w)
				}
			}
			for _, community := range c.Communities {
				if !community.Source.IsValid() {
					t.Fatalf("%q: community without a source", text)
				}
			}
			for _, s := range c.Sinks {
				if s.Address == "" || s.Port == 0 {
					t.Fatalf("%q: a sink that is nowhere", text)
				}
			}
		}
	})
}
