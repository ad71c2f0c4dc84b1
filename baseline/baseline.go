package baseline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Errors of Snapshot.Since, matched with errors.Is.
var (
	// ErrOtherBoot says that the host restarted between the two, so that its
	// counters began at 0 again.
	ErrOtherBoot = errors.New("the host has restarted since the baseline")
	// ErrOtherNamespace says that the two are of different network namespaces.
	ErrOtherNamespace = errors.New("the baseline is of another network namespace")
)

// Interface is the counters of one interface.
type Interface struct {
	Index uint32
	Name  string
	// Counters by the names of netstat.InterfaceCounters.All. What the source
	// does not know is not there.
	Counters map[string]uint64
}

// Snapshot is the counters of a stack at one moment.
type Snapshot struct {
	// Time is the moment by the host's clock.
	Time     time.Time
	Identity netstat.Identity
	// Namespace is the name that the namespace was opened by, for people; empty
	// for the process's own.
	Namespace string
	// Counters by name. Gauges and settings are among them.
	Counters   map[string]netstat.Number
	Interfaces []Interface // in ascending order of Index
}

// Source is what a snapshot is taken of.
type Source interface {
	netstat.IdentityReader
	netstat.CounterReader
	netstat.InterfaceReader
}

// Take reads a snapshot. namespace is what people know the namespace by, now
// the moment. The error is the first of the source, as it is.
func Take(ctx context.Context, source Source, namespace string, now time.Time) (*Snapshot, error) {
	s := &Snapshot{Time: now, Namespace: namespace, Counters: make(map[string]netstat.Number)}
	var err error
	if s.Identity, err = source.Identity(ctx); err != nil {
		return nil, err
	}
	for c, err := range source.Counters(ctx) {
		if err != nil {
			return nil, err
		}
		s.Counters[c.Name] = c.Value
	}
	for i, err := range source.Interfaces(ctx) {
		if !netstat.IsComplete(err) {
			return nil, err
		}
		if err != nil {
			break
		}
		s.Interfaces = append(s.Interfaces, Interface{Index: i.Index, Name: i.Name, Counters: fieldsOf(&i)})
	}
	slices.SortFunc(s.Interfaces, func(a, b Interface) int { return cmp.Compare(a.Index, b.Index) })
	return s, nil
}

func fieldsOf(i *netstat.Interface) map[string]uint64 {
	fields := make(map[string]uint64)
	for name, value := range i.Counters.All() {
		if n, ok := value.Get(); ok {
			fields[name] = n
		}
	}
	return fields
}

// Reason says why a difference is not known.
type Reason uint8

// Reasons.
const (
	// Subtracted: the difference is known.
	Subtracted Reason = iota
	// NotCumulative: the value is a gauge or a setting, of which a difference
	// says nothing.
	NotCumulative
	// New: the counter was not in the baseline.
	New
	// Gone: the counter is in the baseline only.
	Gone
	// Decreased: the counter is lower than it was. It was reset, or has fewer
	// bits than 64 and wrapped around, perhaps more than once.
	Decreased
	// Recreated: the interface has another index than the one of that name in
	// the baseline had.
	Recreated
)

func (r Reason) String() string {
	switch r {
	case Subtracted:
		return "subtracted"
	case NotCumulative:
		return "not a cumulative counter"
	case New:
		return "not in the baseline"
	case Gone:
		return "no longer there"
	case Decreased:
		return "reset or wrapped around"
	case Recreated:
		return "another interface of that name or index"
	}
	return fmt.Sprintf("reason %d", uint8(r))
}

// Difference is what was counted between two snapshots.
type Difference struct {
	Count  netstat.Optional[uint64]
	Reason Reason // why Count is not known; Subtracted where it is
}

// Delta is what happened between two snapshots.
type Delta struct {
	From, To time.Time
	// Counters by name: all of both snapshots.
	Counters map[string]Difference
	// Interfaces of both snapshots, in ascending order of Index and then Name.
	Interfaces []InterfaceDelta
}

// InterfaceDelta is what an interface counted between two snapshots.
type InterfaceDelta struct {
	Index    uint32
	Name     string
	Reason   Reason // New, Gone, Recreated or, for one that was there throughout, Subtracted
	Counters map[string]Difference
}

// Since returns what was counted since the earlier snapshot of the same
// namespace, which may be among those of others. The error matches ErrOtherBoot
// or ErrOtherNamespace where none has anything to do with this one.
func (s *Snapshot) Since(earlier ...*Snapshot) (*Delta, error) {
	before, ok := of(s.Identity, earlier)
	if !ok {
		return nil, unrelated(s, earlier)
	}
	return s.since(before), nil
}

// of returns the snapshot that is of the same boot and namespace.
func of(identity netstat.Identity, among []*Snapshot) (*Snapshot, bool) {
	i := slices.IndexFunc(among, func(s *Snapshot) bool {
		return s.Identity.BootID == identity.BootID && sameNamespace(s.Identity, identity)
	})
	if i < 0 {
		return nil, false
	}
	return among[i], true
}

// unrelated says why a snapshot cannot be compared with any of the others.
func unrelated(s *Snapshot, others []*Snapshot) error {
	var names []string
	for _, o := range others {
		if o.Identity.BootID != s.Identity.BootID {
			return fmt.Errorf("%w of %v: boot %s, now %s", ErrOtherBoot, o.Time.Format(time.DateTime), o.Identity.BootID, s.Identity.BootID)
		}
		names = append(names, called(o))
	}
	const most = 5
	if n := len(names); n > most {
		names = append(names[:most], fmt.Sprintf("%d others", n-most))
	}
	return fmt.Errorf("%w: %s, not %s", ErrOtherNamespace, strings.Join(names, ", "), called(s))
}

// called is what people know a snapshot's namespace by: the name that it was opened
// by, if any, and its inode.
func called(s *Snapshot) string {
	inode := fmt.Sprintf("net:[%d]", s.Identity.Inode)
	if s.Namespace == "" {
		return inode
	}
	return fmt.Sprintf("%q (%s)", s.Namespace, inode)
}

func (s *Snapshot) since(earlier *Snapshot) *Delta {
	d := &Delta{From: earlier.Time, To: s.Time, Counters: make(map[string]Difference)}
	for name, now := range s.Counters {
		before, ok := earlier.Counters[name]
		d.Counters[name] = difference(name, before, now, ok || earlier.leftOut(name))
	}
	for name := range earlier.Counters {
		if _, ok := s.Counters[name]; !ok {
			d.Counters[name] = Difference{Reason: Gone}
		}
	}
	d.Interfaces = interfacesSince(s.Interfaces, earlier.Interfaces)
	return d
}

// leftOut reports whether a counter that the snapshot does not have was 0: of the counters of ICMP by type the kernel
// prints those alone that have counted something (icmpmsg_put in net/ipv4/proc.c, snmp6_seq_show_icmpv6msg in
// net/ipv6/proc.c).
func (s *Snapshot) leftOut(name string) bool {
	for prefix, beside := range map[string]string{
		"IcmpMsgInType": "IcmpInMsgs", "IcmpMsgOutType": "IcmpOutMsgs", "Icmp6InType": "Icmp6InMsgs", "Icmp6OutType": "Icmp6OutMsgs",
	} {
		if strings.HasPrefix(name, prefix) {
			_, read := s.Counters[beside]
			return read
		}
	}
	return false
}

// sameNamespace compares by the cookie, which is not used again, where both
// have one, and by the inode otherwise.
func sameNamespace(a, b netstat.Identity) bool {
	ac, aok := a.Cookie.Get()
	bc, bok := b.Cookie.Get()
	if aok && bok {
		return ac == bc
	}
	return a.Inode == b.Inode
}

func difference(name string, before, now netstat.Number, there bool) Difference {
	switch {
	case netstat.DescribeCounter(name).Kind != netstat.Cumulative:
		return Difference{Reason: NotCumulative}
	case !there:
		return Difference{Reason: New}
	}
	b, bok := before.Uint64()
	n, nok := now.Uint64()
	if !bok || !nok {
		return Difference{Reason: NotCumulative}
	}
	return subtract(b, n)
}

func subtract(before, now uint64) Difference {
	if now < before {
		return Difference{Reason: Decreased}
	}
	return Difference{Count: netstat.Known(now - before)}
}

// interfacesSince pairs interfaces by index, whatever they are called. The kernel gives an index
// again only when it is asked to, or after 2^31 others; a name it gives at once.
func interfacesSince(now, earlier []Interface) []InterfaceDelta {
	byIndex, byName := make(map[uint32]*Interface), make(map[string]*Interface)
	for i := range earlier {
		byIndex[earlier[i].Index], byName[earlier[i].Name] = &earlier[i], &earlier[i]
	}
	var all []InterfaceDelta
	paired := make(map[uint32]bool)
	for _, i := range now {
		delta := InterfaceDelta{Index: i.Index, Name: i.Name, Counters: make(map[string]Difference)}
		before := byIndex[i.Index]
		switch {
		case before != nil:
			paired[i.Index] = true
		case byName[i.Name] != nil:
			delta.Reason = Recreated
		default:
			delta.Reason = New
		}
		for name, n := range i.Counters {
			if delta.Reason != Subtracted {
				delta.Counters[name] = Difference{Reason: delta.Reason}
			} else if b, ok := before.Counters[name]; ok {
				delta.Counters[name] = subtract(b, n)
			} else {
				delta.Counters[name] = Difference{Reason: New}
			}
		}
		if delta.Reason == Subtracted {
			for name := range before.Counters {
				if _, ok := i.Counters[name]; !ok {
					delta.Counters[name] = Difference{Reason: Gone}
				}
			}
		}
		all = append(all, delta)
	}
	for _, i := range earlier {
		if paired[i.Index] {
			continue
		}
		delta := InterfaceDelta{Index: i.Index, Name: i.Name, Reason: Gone, Counters: make(map[string]Difference)}
		for name := range i.Counters {
			delta.Counters[name] = Difference{Reason: Gone}
		}
		all = append(all, delta)
	}
	slices.SortFunc(all, func(a, b InterfaceDelta) int {
		return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.Name, b.Name))
	})
	return all
}
