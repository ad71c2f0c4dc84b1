package snmpwalk_test

import (
	"fmt"
	"testing"
)

// TestTimes holds that the TimeStamps of the IF-MIB and the IP-MIB are the sysUpTime of the
// agent that answers, at the moment of what they tell of.
func TestTimes(t *testing.T) {
	needsTools(t)
	t.Run("embedded", func(t *testing.T) {
		s := newLinks(t)
		s.agent = startEmbedded(t, s.NS)
		c := s.client(t)
		s.grow(t, c)
		// Two readings of one clock: what differs is rounded away.
		checkTimes(t, s, c, 1)
	})
	t.Run("agentx", func(t *testing.T) {
		s := newLinks(t)
		s.master, s.subagent = startMaster(t, s.NS), true
		c := s.client(t)
		s.grow(t, c) // so that the subagent's own time is another
		s.agent = startSubagent(t, s.master)
		// The subagent knows the master's clock from what it is told, which
		// takes a while on a busy machine.
		checkTimes(t, s, c, 50)
	})
}

func checkTimes(t *testing.T, s *scene, c *client, slack uint64) {
	const (
		lastChange    = ifEntry + ".9"
		discontinuity = ifXEntry + ".19"
		operStatus    = ifEntry + ".8"
	)
	// during makes a change, waits until its effect shows, and returns the
	// sysUpTime before and after.
	during := func(change []string, shows func() string) (from, to uint64) {
		t.Helper()
		from = c.number(t, sysUpTime)
		s.IP(t, change...)
		to = c.number(t, sysUpTime)
		eventually(t, shows)
		return from, to
	}
	// The kernel tells of a carrier's change a moment after the change, and a
	// busy machine of anything: what is later than this is another change.
	const late = 150
	at := func(what, name string, from, to uint64) {
		t.Helper()
		eventually(t, func() string {
			if got := c.number(t, name); got+slack < from || got > to+slack+late {
				return fmt.Sprintf("%s = %d, want the time of the change, %d to %d", what, got, from, to)
			}
			return ""
		})
	}
	same := func(what, name string, want uint64) {
		t.Helper()
		if got := c.number(t, name); got != want {
			t.Errorf("%s = %d, want %d: nothing of it has changed", what, got, want)
		}
	}
	is := func(name, want string) func() string {
		return func() string {
			if v := c.get(t, parseOID(t, name)); v.value != want {
				return fmt.Sprintf("%v, want %s", v, want)
			}
			return ""
		}
	}

	eventually(t, is(operStatus+".11", "1"))
	same("ifLastChange of what nobody has seen change", lastChange+".11", 0)
	same("ifCounterDiscontinuityTime", discontinuity+".11", 0)
	same("ifTableLastChange", ifTableLastChange, 0)
	same("ifStackLastChange", ifStackLastChange, 0)
	same("ipv4InterfaceTableLastChange", ipv4InterfaceTableLastChange, 0)
	same("ipIfStatsTableLastChange", ipIfStatsTableLastChange, 0)

	from, to := during([]string{"link set v1 down"}, is(operStatus+".12", "2"))
	at("ifLastChange of v1 that was set down", lastChange+".12", from, to)
	at("ifLastChange of its peer", lastChange+".11", from, to)
	same("ifLastChange of the bridge", lastChange+".13", 0)
	same("ifCounterDiscontinuityTime of v1", discontinuity+".12", 0)
	same("ifTableLastChange", ifTableLastChange, 0)
	same("ifStackLastChange", ifStackLastChange, 0)

	from, to = during([]string{"link set v1 up"}, is(operStatus+".12", "1"))
	at("ifLastChange of v1 that was set up", lastChange+".12", from, to)

	// A state that lasts for less than anybody's patience is noticed too.
	from, to = during([]string{"link set v1 down", "link set v1 up"}, is(operStatus+".12", "1"))
	at("ifLastChange of v1 that was down for a moment", lastChange+".12", from, to)

	from, to = during([]string{"link add n0 index 30 type veth peer name n1 index 31"}, is(ifEntry+".2.30", "n0"))
	at("ifTableLastChange at a new interface", ifTableLastChange, from, to)
	at("ifStackLastChange at a new interface", ifStackLastChange, from, to)
	at("ifCounterDiscontinuityTime of a new interface", discontinuity+".30", from, to)
	same("ifCounterDiscontinuityTime of an old one", discontinuity+".11", 0)
	at("ipv4InterfaceTableLastChange at a new interface", ipv4InterfaceTableLastChange, from, to)
	at("ipv6InterfaceTableLastChange at a new interface", ipv6InterfaceTableLastChange, from, to)
	at("ipIfStatsTableLastChange at a new interface", ipIfStatsTableLastChange, from, to)
	at("ipIfStatsDiscontinuityTime of a new interface", ipIfStatsEntry+".46.2.30", from, to)
	same("ipIfStatsDiscontinuityTime of an old one", ipIfStatsEntry+".46.2.11", 0)
	added := c.number(t, ifTableLastChange)

	from, to = during([]string{"link set n0 master br0"}, is(ifStackEntry+".3.13.30", "1"))
	at("ifStackLastChange at a new port", ifStackLastChange, from, to)
	same("ifTableLastChange at a new port", ifTableLastChange, added)

	from, to = during([]string{"link set n0 nomaster"}, is(ifStackEntry+".3.0.30", "1"))
	at("ifStackLastChange at a port less", ifStackLastChange, from, to)

	stacked := c.number(t, ifStackLastChange)
	during([]string{"link set n0 name n2 alias renamed"}, is(ifEntry+".2.30", "n2"))
	same("ifTableLastChange at a new name", ifTableLastChange, added)
	same("ifStackLastChange at a new name", ifStackLastChange, stacked)

	from, to = during([]string{"link del n2"}, is(ifEntry+".2.30", ""))
	at("ifTableLastChange at an interface less", ifTableLastChange, from, to)
	at("ifStackLastChange at an interface less", ifStackLastChange, from, to)
	at("ipv4InterfaceTableLastChange at an interface less", ipv4InterfaceTableLastChange, from, to)
	at("ipv6InterfaceTableLastChange at an interface less", ipv6InterfaceTableLastChange, from, to)

	// Of addresses and neighbours the kernel tells the times, by a clock that may
	// have started a fraction of a second late.
	slack += 200
	s.grow(t, c)
	const (
		addressCreated = ipAddressEntry + ".8.1.4.192.0.2."
		addressChanged = ipAddressEntry + ".9.1.4.192.0.2."
		lastUpdated    = ipNetToPhysicalEntry + ".5.11.1.4.192.0.2."
	)
	same("ipAddressCreated of an old address", addressCreated+"1", 0)
	same("ipAddressLastChanged of an old address", addressChanged+"1", 0)
	same("ipNetToPhysicalLastUpdated of an old neighbour", lastUpdated+"2", 0)
	eventually(t, func() string {
		if up := c.number(t, sysUpTime); up < 2*slack {
			return fmt.Sprintf("sysUpTime is %d", up)
		}
		return ""
	})

	from, to = during([]string{"address add 192.0.2.50/24 dev v0 valid_lft 3000 preferred_lft 3000"}, is(ipAddressEntry+".3.1.4.192.0.2.50", "11"))
	at("ipAddressCreated of a new address", addressCreated+"50", from, to)
	at("ipAddressLastChanged of a new address", addressChanged+"50", from, to)
	created := c.number(t, addressCreated+"50")

	from, to = during([]string{"address change 192.0.2.50/24 dev v0 valid_lft 3000 preferred_lft 0"}, is(ipAddressEntry+".7.1.4.192.0.2.50", "2"))
	at("ipAddressLastChanged of an address that was deprecated", addressChanged+"50", from, to)
	if got := c.number(t, addressCreated+"50"); got+slack < created || got > created+slack {
		t.Errorf("ipAddressCreated of an address that was changed = %d, and %d before", got, created)
	}

	from, to = during([]string{"neighbour replace 192.0.2.2 lladdr 02:00:00:00:00:13 dev v0 nud permanent"},
		is(ipNetToPhysicalEntry+".4.11.1.4.192.0.2.2", "\x02\x00\x00\x00\x00\x13"))
	at("ipNetToPhysicalLastUpdated of a new link-layer address", lastUpdated+"2", from, to)
	same("ipAddressCreated of an old address", addressCreated+"1", 0)
}
