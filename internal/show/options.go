package show

import (
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Options say which rows are shown, what of them, and how.
type Options struct {
	// Elsewhere says that stacks may be other hosts', which call users and routing tables
	// otherwise than this one.
	Elsewhere bool
	// ComeAndGo says that stacks do: they are closed after each turn and those that there
	// are are opened in the next one.
	ComeAndGo bool

	// Unasked says that no table was asked for by name: that a stack has no such rows
	// is nothing to complain of then.
	Unasked bool

	// Which rows: protocols and families, none of them for all.
	TCP, UDP, UDPLite, SCTP, Raw, ICMP, MPTCP bool
	IPv4, IPv6                                bool
	// All leaves no rows out, and Listening all but listeners.
	All, Listening bool
	// Interfaces are the names, or alternative ones, of the interfaces whose rows are
	// shown; none stands for all.
	Interfaces []string
	// Table is the routing table by its number or name, or AllTables; empty for
	// those that net-tools shows.
	Table string
	// Filter is an expression that rows must fulfil (package filter), and Sort
	// the names of fields that they are sorted by.
	Filter, Sort string
	// By is the key that totals of flows are made by: a field of flows, of an address
	// with the lengths of prefixes behind it. Top is how many of them are shown, 0
	// for the default.
	By  string
	Top uint

	// What of them.
	Programs, Timers, Buffers bool
	// Changed shows of the options of sockets only those that a new socket has not.
	Changed bool
	// Extend is how much more is shown, and Verbose how much is said of what a
	// stack lacks.
	Extend, Verbose int

	// How.
	Numeric, HostNumbers, PortNumbers, UserNumbers bool
	Symbolic                                       bool // names in spite of those
	Wide, Human, JSON                              bool

	// Interval is after how many seconds rows are shown again, 0 for once. Counters
	// are shown by how much they grew, unless Continuous has them as they are.
	Interval   float64
	Continuous bool
	// Linger is for how long a row that ended stays on the sheets of a Watch.
	Linger time.Duration
	// Since is the baseline that counters grew since: its name, or its path where
	// it has a slash.
	Since string
}

func (o *Options) numericHosts() bool { return !o.Symbolic && (o.Numeric || o.HostNumbers) || o.JSON }
func (o *Options) numericPorts() bool { return !o.Symbolic && (o.Numeric || o.PortNumbers) || o.JSON }

// Users of another host than this are numbers: this one calls them otherwise.
func (o *Options) numericUsers() bool {
	return !o.Symbolic && (o.Numeric || o.UserNumbers) || o.JSON || o.Elsewhere
}

// NamesProtocol reports whether the options choose protocols.
func (o *Options) NamesProtocol() bool {
	return o.TCP || o.UDP || o.UDPLite || o.SCTP || o.Raw || o.ICMP || o.MPTCP
}

func (o *Options) families() []netstat.Family {
	switch {
	case o.IPv4 && !o.IPv6:
		return []netstat.Family{netstat.IPv4}
	case o.IPv6 && !o.IPv4:
		return []netstat.Family{netstat.IPv6}
	}
	return nil
}
