package remote_test

import (
	"errors"
	"io/fs"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib/ipforwardmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// An agent that answers from another address is told of, and read where that is asked for.
func TestAnswersFromElsewhere(t *testing.T) {
	want := manyRoutes(50)
	elsewhere, err := net.ListenPacket("udp", "127.0.0.9:0")
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	d := device{variables: variablesOf(ipforwardmib.Routes(), want), elsewhere: elsewhere}
	c := patient(d.start(t))
	for _, retries := range []int{1, 3} {
		c.Timeout, c.Retries = 300*time.Millisecond, netstat.Known(retries)
		_, err = remote.Open(t.Context(), c)
		var stray *remote.StrayError
		if !errors.As(err, &stray) || stray.From.String() != elsewhere.LocalAddr().String() || !errors.Is(err, remote.ErrNoAnswer) {
			t.Errorf("%d retries: %v", retries, err)
		}
	}
	c = patient(c.Address)
	c.AnySource = true
	got, err := collect(open(t, c).Routes(t.Context(), netstat.RouteQuery{}))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, got, want)
}

// Who cannot be reached is told so in words that help, and without what he asked
// with.
func TestUnreachable(t *testing.T) {
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	const secret = "sesame-open"
	community := remote.Config{Version: remote.V2c, Community: secret}
	user := remote.Config{Version: remote.V3, SecurityName: "me", AuthType: remote.AuthSHA, AuthPassphrase: secret, PrivType: remote.PrivAES, PrivPassphrase: secret}
	for _, c := range []struct {
		config  remote.Config
		address string
		is      error
		says    string
	}{
		{community, silent.LocalAddr().String(), remote.ErrNoAnswer, "no answer (2 attempts): nobody is there, or the agent does not speak SNMPv2c, know the community"},
		{user, silent.LocalAddr().String(), remote.ErrNoAnswer, "or finds the privacy passphrase or protocol wrong"},
		{community, "127.0.0.1:1", syscall.ECONNREFUSED, "nobody listens there: connection refused (2 attempts)"},
		{user, "127.0.0.1:1", syscall.ECONNREFUSED, "nobody listens there: connection refused (2 attempts)"},
		{community, "tcp:127.0.0.1:1", syscall.ECONNREFUSED, "nobody listens there: connection refused (2 attempts)"},
		{user, "tcp:127.0.0.1:1", syscall.ECONNREFUSED, "nobody listens there: connection refused (2 attempts)"},
		{community, "udp:[fe80::1%no-such-link]:161", nil, "there is no interface no-such-link"},
		{user, "tcp:[fe80::1%no-such-link]:161", nil, "there is no interface no-such-link"},
		{remote.Config{Version: remote.V2c}, "127.0.0.1", nil, "SNMPv2c needs a community"},
	} {
		c.config.Address, c.config.Timeout, c.config.Retries = c.address, 50*time.Millisecond, netstat.Known(1)
		s, err := remote.Open(t.Context(), c.config)
		if err == nil {
			s.Close()
			t.Errorf("%s opens", c.address)
			continue
		}
		if text := err.Error(); c.is != nil && !errors.Is(err, c.is) || !strings.Contains(text, c.says) || strings.Contains(text, secret) {
			t.Errorf("%v %s: %v", c.config.Version, c.address, err)
		}
	}
	// A host that nobody can find is not asked again.
	c := community
	c.Address = "host.invalid"
	_, err = remote.Open(t.Context(), c)
	var dns *net.DNSError
	if !errors.As(err, &dns) || errors.Is(err, fs.ErrPermission) || strings.Contains(err.Error(), secret) {
		t.Errorf("an unknown host: %v", err)
	}
}
