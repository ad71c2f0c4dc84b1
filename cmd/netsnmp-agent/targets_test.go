package main

import (
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

// TestTransportAddress holds that addresses are told in the domains and with the octets of RFC 3417,
// section 2, and RFC 3419, section 3, and taken so.
func TestTransportAddress(t *testing.T) {
	for text, want := range map[string]struct{ domain, address string }{
		"192.0.2.1":               {"1.3.6.1.6.1.1", "\xc0\x00\x02\x01\x00\xa2"},
		"udp:192.0.2.1:1162":      {"1.3.6.1.6.1.1", "\xc0\x00\x02\x01\x04\x8a"},
		"tcp:192.0.2.1":           {"1.3.6.1.2.1.100.1.5", "\xc0\x00\x02\x01\x00\xa2"},
		"udp6:[2001:db8::1]:1162": {"1.3.6.1.2.1.100.1.2", " \x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x04\x8a"},
		"tcp6:[2001:db8::1]":      {"1.3.6.1.2.1.100.1.6", " \x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\xa2"},
		"udp6:[fe80::1%258]":      {"1.3.6.1.2.1.100.1.4", "\xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x01\x02\x00\xa2"},
		"tcp6:[fe80::1%lo]":       {"1.3.6.1.2.1.100.1.8", "\xfe\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00\xa2"},
		"nms.example":             {"1.3.6.1.2.1.100.1.14", "nms.example:162"},
		"udp6:nms.example:1162":   {"1.3.6.1.2.1.100.1.14", "nms.example:1162"},
		"tcp:nms.example":         {"1.3.6.1.2.1.100.1.15", "nms.example:162"},
	} {
		a, err := snmp.ParseTargetAddress(text, snmp.TrapPort)
		if err != nil {
			t.Fatal(err)
		}
		if domain, address := transportAddress(a); domain != mib.MustParseOID(want.domain) || address != want.address {
			t.Errorf("%s: %v, % x, want %s, % x", text, domain, address, want.domain, want.address)
		}
		back, err := targetAddress(mib.MustParseOID(want.domain), want.address)
		switch text {
		case "tcp6:[fe80::1%lo]":
			a.Host = "fe80::1%1"
		case "udp6:nms.example:1162": // names are looked up as IPv4
			a.Transport = snmp.UDP
		}
		if err != nil || back != a {
			t.Errorf("%s: %v came back (%v), want %v", text, back, err, a)
		}
	}
	if back, err := targetAddress(mib.MustParseOID("1.3.6.1.2.1.100.1.1"), "\xc0\x00\x02\x01\x00\xa2"); err != nil || back.String() != "udp:192.0.2.1:162" {
		t.Errorf("transportDomainUdpIpv4: %v, %v", back, err)
	}
	for _, c := range []struct{ domain, address string }{
		{"1.3.6.1.6.1.1", ""}, {"1.3.6.1.6.1.1", "\xc0\x00\x02\x01\x00"},
		{"1.3.6.1.6.1.2", "\xc0\x00\x02\x01\x00\xa2"}, {"1.3.6.1.2.1.100.1.3", "\xc0\x00\x02\x01\x00\x00\x00\x07\x00\xa2"}, {"1.3.6.1.2.1.100.1", ""},
		{"1.3.6.1.2.1.100.1.2", "\xc0\x00\x02\x01\x00\xa2"}, {"1.3.6.1.2.1.100.1.14", "nms.example"}, {"1.3.6.1.2.1.100.1.14", "nms example:162"}, {"0.0", "x"},
	} {
		if back, err := targetAddress(mib.MustParseOID(c.domain), c.address); err == nil {
			t.Errorf("%s, % x was taken as %v", c.domain, c.address, back)
		}
	}
}
