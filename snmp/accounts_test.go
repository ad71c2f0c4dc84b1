package snmp

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
)

// TestAccounts holds that each message is counted where it came from, by version and by what became of it.
func TestAccounts(t *testing.T) {
	s, at := startServer(t, Options{
		Handler: newTestTree(t, 10),
		Communities: []Community{
			{Name: "public", Source: netip.MustParsePrefix("127.0.0.1/32")},
			{Name: "private", Source: netip.MustParsePrefix("127.0.0.0/8"), Write: true},
		},
	}, "udp:127.0.0.1:0", "tcp:127.0.0.1:0")
	began := time.Now()
	send := func(network, from string, message []byte, answered bool) {
		t.Helper()
		to := at[0].AddrPort
		dialer := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP(from)}}
		if network == "tcp" {
			to, dialer.LocalAddr = at[1].AddrPort, &net.TCPAddr{IP: net.ParseIP(from)}
		}
		conn, err := dialer.Dial(network, to.String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		before := s.Statistics()[enginemib.InPkts]
		if _, err := conn.Write(message); err != nil {
			t.Fatal(err)
		}
		if answered {
			_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			if _, err := conn.Read(make([]byte, 1<<16)); err != nil {
				t.Fatal(err)
			}
			return
		}
		eventually(t, "the message to be counted", func() bool { return s.Statistics()[enginemib.InPkts] > before })
	}
	get := pduOf(0xa0, 1, 0, 0, asked(tableEntry+".3.0.1.97"))
	send("udp", "127.0.0.1", messageOf(1, "public", get), true)
	send("tcp", "127.0.0.1", messageOf(1, "public", get), true)
	send("udp", "127.0.0.1", messageOf(0, "public", pduOf(0xa0, 1, 0, 0, asked("1.3.6.1.2.1.99.0"))), true) // noSuchName
	send("udp", "127.0.0.2", messageOf(1, "public", get), false)                                            // not from there
	send("udp", "127.0.0.2", messageOf(1, "private", get), true)                                            // known from now on
	send("udp", "127.0.0.2", messageOf(1, "guess", get), false)
	send("udp", "127.0.0.3", messageOf(3, "public", get), false) // SNMPv3 is not spoken
	send("udp", "127.0.0.3", []byte("rubbish"), false)

	address := netip.MustParseAddr
	want := []Client{
		{Addr: address("127.0.0.1"), Version: SNMPv1, Answered: 1},
		{Addr: address("127.0.0.1"), Version: SNMPv2c, Answered: 2},
		{Addr: address("127.0.0.2"), Version: SNMPv2c, Answered: 1, Refused: 1, Reason: "snmpInBadCommunityNames"},
		{Addr: address("127.0.0.2"), Version: SNMPv2c, Refused: 1, Reason: "snmpInBadCommunityNames"},
		{Addr: address("127.0.0.3"), Refused: 1, Reason: "snmpInASNParseErrs"},
		{Addr: address("127.0.0.3"), Version: SNMPv3, Refused: 1, Reason: "snmpInBadVersions"},
	}
	var got []Client
	// What is not answered is counted a moment later than it is received.
	eventually(t, "all accounts", func() bool {
		got = s.Clients()
		for i := range got {
			if got[i].Last.Before(began) || got[i].Last.After(time.Now()) {
				t.Errorf("%v: last at %v", got[i].Addr, got[i].Last)
			}
			got[i].Last = time.Time{}
		}
		return cmp.Equal(want, got, cmp.Comparer(func(a, b netip.Addr) bool { return a == b }))
	})
	wantResults := []Result{
		{0, "snmpInASNParseErrs", 1}, {SNMPv1, "noSuchName", 1}, {SNMPv2c, "noError", 3},
		{SNMPv2c, "snmpInBadCommunityNames", 2}, {SNMPv3, "snmpInBadVersions", 1},
	}
	if diff := cmp.Diff(wantResults, s.Results()); diff != "" {
		t.Error(diff)
	}
}

// TestAccountsAreBounded holds that strangers make nobody forgotten, and that a client that is silent for long makes room.
func TestAccountsAreBounded(t *testing.T) {
	var a accounts
	now := time.Now()
	answered, refused := result(mib.NoError), refusedBy(enginemib.InBadCommunityNames)
	address := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}) }
	a.add(address(0), SNMPv2c, answered, now)
	for i := 1; i <= 100_000; i++ {
		a.add(address(i), SNMPv2c, refused, now)
	}
	a.add(address(0), SNMPv2c, answered, now)
	if c := a.clients.of[clientKey{address(0), SNMPv2c}]; len(a.clients.of) != 1 || c.Answered != 2 {
		t.Errorf("of the client %v is known", c)
	}
	if len(a.strangers.of) != maxStrangers || a.strangers.others.Refused != 100_000-maxStrangers {
		t.Errorf("%d strangers by themselves, %d messages of others", len(a.strangers.of), a.strangers.others.Refused)
	}
	for i := range 2 * maxClients {
		a.add(address(i), SNMPv2c, answered, now.Add(time.Minute))
	}
	if len(a.clients.of) != maxClients || a.clients.others.Answered != maxClients {
		t.Errorf("%d clients by themselves, %d messages of others", len(a.clients.of), a.clients.others.Answered)
	}
	// All but one go on; its place is somebody else's an hour later.
	later := now.Add(time.Minute + clientSilence/2)
	for i := range maxClients {
		if i != 7 {
			a.add(address(i), SNMPv2c, answered, later)
		}
	}
	a.add(address(1000), SNMPv2c, answered, later)
	if a.clients.of[clientKey{address(1000), SNMPv2c}] != nil {
		t.Error("a client was forgotten within the hour")
	}
	later = now.Add(time.Minute + clientSilence)
	a.add(address(1001), SNMPv2c, answered, later)
	a.add(address(1002), SNMPv2c, answered, later)
	if a.clients.of[clientKey{address(1001), SNMPv2c}] == nil || a.clients.of[clientKey{address(7), SNMPv2c}] != nil || a.clients.of[clientKey{address(1002), SNMPv2c}] != nil {
		t.Error("the place of the silent client was not given to one other")
	}
}
