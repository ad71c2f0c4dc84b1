package snmpwalk_test

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// snmpGroup is the group of RFC 3418, section 2, with the obsolete objects that
// count what these tests send.
var snmpGroup = map[string]string{
	"snmpInPkts":              "1.3.6.1.2.1.11.1.0",
	"snmpOutPkts":             "1.3.6.1.2.1.11.2.0",
	"snmpInBadVersions":       "1.3.6.1.2.1.11.3.0",
	"snmpInBadCommunityNames": "1.3.6.1.2.1.11.4.0",
	"snmpInBadCommunityUses":  "1.3.6.1.2.1.11.5.0",
	"snmpInASNParseErrs":      "1.3.6.1.2.1.11.6.0",
	"snmpInTotalReqVars":      "1.3.6.1.2.1.11.13.0",
	"snmpInGetRequests":       "1.3.6.1.2.1.11.15.0",
	"snmpInSetRequests":       "1.3.6.1.2.1.11.17.0",
	"snmpOutGetResponses":     "1.3.6.1.2.1.11.28.0",
	"snmpSilentDrops":         "1.3.6.1.2.1.11.31.0",
	"snmpProxyDrops":          "1.3.6.1.2.1.11.32.0",
}

// element returns the BER element of a tag with the contents.
func element(tag byte, contents ...[]byte) []byte {
	content := []byte(nil)
	for _, c := range contents {
		content = append(content, c...)
	}
	n := len(content)
	switch {
	case n < 0x80:
		return append([]byte{tag, byte(n)}, content...)
	case n < 0x100:
		return append([]byte{tag, 0x81, byte(n)}, content...)
	}
	return append([]byte{tag, 0x82, byte(n >> 8), byte(n)}, content...)
}

// request returns a message with a PDU that names sysUpTime.0 so many times.
func request(version byte, community string, pdu byte, variables int) []byte {
	sysUpTime := element(0x30, []byte{0x06, 0x08, 0x2b, 6, 1, 2, 1, 1, 3, 0, 0x05, 0x00})
	list := []byte(strings.Repeat(string(sysUpTime), variables))
	return element(0x30, []byte{0x02, 0x01, version}, element(0x04, []byte(community)),
		element(pdu, []byte{0x02, 0x01, 0x2a, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00}, element(0x30, list)))
}

// TestSnmpGroup holds that each counter of the snmp group counts the messages
// that it should, and no others, over every transport.
func TestSnmpGroup(t *testing.T) {
	needsTools(t)
	s := &scene{NS: nstest.New(t)}
	file := writeConfig(t, "rocommunity public", "rocommunity6 public")
	startEmbedded(t, s.NS, "--config", file)
	c := s.client(t)
	const get, set = 0xa0, 0xa3
	type counts map[string]uint64
	for name, test := range map[string]struct {
		message []byte
		answers uint64
		want    counts
		only    string // transports whose names begin so
	}{
		"get":                {request(1, "public", get, 3), 1, counts{"snmpInGetRequests": 1, "snmpInTotalReqVars": 3}, ""},
		"get of SNMPv1":      {request(0, "public", get, 3), 1, counts{"snmpInGetRequests": 1, "snmpInTotalReqVars": 3}, ""},
		"version 2":          {request(2, "public", get, 1), 0, counts{"snmpInBadVersions": 1}, ""},
		"SNMPv3":             {request(3, "public", get, 1), 0, counts{"snmpInBadVersions": 1}, ""},
		"an unknown name":    {request(1, "nobody", get, 1), 0, counts{"snmpInBadCommunityNames": 1}, ""},
		"a set that may not": {request(1, "public", set, 1), 1, counts{"snmpInBadCommunityUses": 1, "snmpInSetRequests": 1}, ""},
		"what is cut short":  {request(1, "public", get, 1)[:20], 0, counts{"snmpInASNParseErrs": 1}, "udp"},
		"what is no message": {[]byte{0x04, 0x02, 'x', 'x'}, 0, counts{"snmpInASNParseErrs": 1}, ""},
		"a report":           {request(1, "public", 0xa8, 1), 0, counts{}, ""},
	} {
		for _, to := range []struct{ name, network, address string }{
			{"udp", "udp4", "127.0.0.1:" + port}, {"udp6", "udp6", "[::1]:" + port},
			{"tcp", "tcp4", "127.0.0.1:" + port}, {"tcp6", "tcp6", "[::1]:" + port},
		} {
			if !strings.HasPrefix(to.name, test.only) {
				continue
			}
			t.Run(name+" over "+to.name, func(t *testing.T) {
				const times = 3
				before := s.group(t, c)
				var conn net.Conn
				for range times {
					if conn == nil || to.network[:3] == "tcp" { // what cannot be decoded ends a connection
						conn = s.Dial(t, to.network, to.address)
					}
					if _, err := conn.Write(test.message); err != nil {
						t.Fatal(err)
					}
					if test.answers > 0 {
						conn.SetReadDeadline(time.Now().Add(patience))
						if _, err := conn.Read(make([]byte, 65535)); err != nil {
							t.Fatal(err)
						}
					}
				}
				// Beside the messages of the test, that which asks is counted.
				want := counts{"snmpInPkts": times + 1, "snmpOutPkts": times*test.answers + 1, "snmpOutGetResponses": times*test.answers + 1,
					"snmpInGetRequests": 1, "snmpInTotalReqVars": uint64(len(snmpGroup))}
				for counter, n := range test.want {
					want[counter] += times * n
				}
				asked := uint64(0)
				eventually(t, func() string {
					after := s.group(t, c)
					asked++
					for counter := range snmpGroup {
						expect := want[counter]
						switch counter { // what was asked in vain before
						case "snmpInPkts", "snmpOutPkts", "snmpOutGetResponses", "snmpInGetRequests":
							expect += asked - 1
						case "snmpInTotalReqVars":
							expect += (asked - 1) * uint64(len(snmpGroup))
						}
						if got := after[counter] - before[counter]; got != expect {
							return fmt.Sprintf("%s counts %d, want %d", counter, got, expect)
						}
					}
					return ""
				})
			})
		}
	}
	if got := s.group(t, c)["snmpProxyDrops"]; got != 0 {
		t.Errorf("snmpProxyDrops = %d, though nothing is forwarded", got)
	}
}

// group reads the snmp group, all of it at one moment.
func (s *scene) group(t testing.TB, c *client) map[string]uint64 {
	t.Helper()
	names := slices.Sorted(maps.Keys(snmpGroup))
	var oids []string
	for _, name := range names {
		oids = append(oids, snmpGroup[name])
	}
	packet, err := c.Get(oids)
	all := make(map[string]uint64)
	for i, v := range check(t, packet, err) {
		n, err := strconv.ParseUint(v.value, 10, 64)
		if err != nil {
			t.Fatalf("%s: %v", names[i], v)
		}
		all[names[i]] = n
	}
	return all
}
