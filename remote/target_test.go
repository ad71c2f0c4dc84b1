package remote_test

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
)

// resolveTo has every name resolved to these addresses until the test ends.
func resolveTo(t *testing.T, addresses ...string) {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		buffer := make([]byte, 1<<12)
		for {
			n, from, err := c.ReadFrom(buffer)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if err := m.Unpack(buffer[:n]); err != nil || len(m.Questions) != 1 {
				t.Errorf("a question that does not decode: %v", err)
				continue
			}
			m.Response, m.Additionals = true, nil
			for _, a := range addresses {
				to := netip.MustParseAddr(a)
				var body dnsmessage.ResourceBody
				switch q := m.Questions[0].Type; {
				case q == dnsmessage.TypeA && to.Is4():
					body = &dnsmessage.AResource{A: to.As4()}
				case q == dnsmessage.TypeAAAA && to.Is6():
					body = &dnsmessage.AAAAResource{AAAA: to.As16()}
				default:
					continue
				}
				m.Answers = append(m.Answers, dnsmessage.Resource{Body: body,
					Header: dnsmessage.ResourceHeader{Name: m.Questions[0].Name, Type: m.Questions[0].Type, Class: dnsmessage.ClassINET, TTL: 1}})
			}
			packed, err := m.Pack()
			if err != nil {
				t.Error(err)
				continue
			}
			_, _ = c.WriteTo(packed, from)
		}
	})
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "udp", c.LocalAddr().String())
	}}
	t.Cleanup(func() {
		net.DefaultResolver = before
		c.Close()
		serving.Wait()
	})
}

type everybody struct{}

func (everybody) View(*snmp.Principal, snmp.Operation) (mib.Subset, bool) { return nil, true }

// TestSeveralAddresses asks hosts by a name with several addresses, of which the agent listens at one: others
// refuse, or are silent.
func TestSeveralAddresses(t *testing.T) {
	// A user whom the agent does not know is told so by it alone.
	at := agentOf(t, scene{options: snmp.Options{USM: usm.New(usm.NewEngine("\x80\x00\x1f\x88\x04test", 1, time.Now()), usm.Options{}), Access: everybody{}}})
	port := at[strings.LastIndex(at, ":")+1:]
	silent, err := net.ListenPacket("udp", "127.0.0.3:"+port)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, c := range []struct {
		addresses []string
		address   string
		retries   int
		fails     string
	}{
		{[]string{"127.0.0.1"}, "agent.example", 0, ""},
		{[]string{"::1", "127.0.0.1"}, "agent.example", 0, ""},
		{[]string{"::1", "127.0.0.1"}, "udp:agent.example", 0, ""},
		{[]string{"::1", "127.0.0.2", "127.0.0.3", "127.0.0.1"}, "agent.example", 0, ""},
		{[]string{"127.0.0.3", "127.0.0.1"}, "agent.example", 1, ""},
		{[]string{"::1", "127.0.0.1"}, "udp6:agent.example", 0, "nobody listens there"},
		{[]string{"::1", "127.0.0.2"}, "agent.example", 2, "(4 attempts)"},
	} {
		resolveTo(t, c.addresses...)
		s, err := remote.Open(t.Context(), remote.Config{
			Address: c.address + ":" + port, Community: "public", Timeout: 500 * time.Millisecond, Retries: netstat.Known(c.retries),
		})
		if err == nil {
			s.Close()
		}
		if c.fails == "" {
			_, err := remote.Open(t.Context(), remote.Config{
				Address: c.address + ":" + port, Version: remote.V3, SecurityName: "stranger", SecurityLevel: remote.NoAuthNoPriv,
				Timeout: 500 * time.Millisecond, Retries: netstat.Known(1),
			})
			if !errors.Is(err, fs.ErrPermission) {
				t.Errorf("%v, %s by SNMPv3: %v", c.addresses, c.address, err)
			}
		}
		if c.fails == "" && err != nil || c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)) {
			t.Errorf("%v, %s, want %q: %v", c.addresses, c.address, c.fails, err)
		}
	}
}
