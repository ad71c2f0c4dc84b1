package collectors

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// tcRow is what `tc -s -j` says of a queueing discipline or a class.
type tcRow struct {
	Dev, Kind, Class, Handle, Parent, Leaf string
	Root                                   bool
	Bytes, Packets                         uint64
	Drops, Overlimits, Requeues, QLen      uint32
	Backlog                                uint32
}

func (r *tcRow) String() string {
	parent := r.Parent
	if r.Root {
		parent = "root"
	}
	if r.Kind == "ingress" || r.Kind == "clsact" {
		parent = "ingress"
	}
	return fmt.Sprint(r.Kind, r.Class, " ", r.Handle, " of ", parent, " leaf ", r.Leaf, " ", r.Bytes, " ", r.Packets, " ", r.Drops, " ",
		r.Overlimits, " ", r.Requeues, " ", r.QLen, " ", r.Backlog)
}

func showQueue(kind string, handle, parent, leaf netstat.TrafficHandle, s netstat.QueueStatistics) string {
	inside := ""
	if leaf != 0 {
		inside = leaf.String()
	}
	return fmt.Sprint(kind, " ", handle, " of ", parent, " leaf ", inside, " ", s.Octets, " ", s.Packets, " ", s.Drops, " ",
		s.Overlimits, " ", s.Requeues, " ", s.Queued, " ", s.Backlog)
}

// tcClass is what `tc -s class` says of a class; 6.1's -j prints it as text, too.
var tcClass = regexp.MustCompile(`class (\S+) (\S+) (?:parent )?(\S+) (?:leaf (\S+) )?.*\n` +
	`(?: Sent (\d+) bytes (\d+) pkt \(dropped (\d+), overlimits (\d+) requeues (\d+)\) \n backlog \S+ (\d+)p)?`)

func TestTrafficAgreesWithTC(t *testing.T) {
	n := nstest.New(t)
	nstest.NeedsKernel(t, "CONFIG_NET_SCH_HTB")
	nstest.NeedsKernel(t, "CONFIG_NET_SCH_TBF")
	n.IP(t, "link add near type veth peer name far", "link set near addrgenmode none", "link set far addrgenmode none",
		"link set near up", "link set far up", "addr add 192.0.2.1/24 dev near", "neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev near")
	for _, command := range [][]string{
		{"qdisc", "add", "dev", "near", "root", "handle", "1:", "htb", "default", "20"},
		{"class", "add", "dev", "near", "parent", "1:", "classid", "1:1", "htb", "rate", "1gbit"},
		{"class", "add", "dev", "near", "parent", "1:1", "classid", "1:20", "htb", "rate", "1gbit"},
		// A leaf that lets hardly anything through and holds two packets.
		{"qdisc", "add", "dev", "near", "parent", "1:20", "handle", "20:", "tbf", "rate", "1kbit", "burst", "1600", "limit", "2000"},
		{"qdisc", "add", "dev", "far", "handle", "ffff:", "ingress"},
	} {
		n.Run(t, "tc", command...)
	}
	c := n.Dial(t, "udp4", "192.0.2.9:9")
	for range 10 {
		_, _ = c.Write(make([]byte, 900)) // ENOBUFS where the queue is full
	}
	k := open(t, n)
	near := n.Index(t, "near")
	disciplines := func() []string {
		var rows []tcRow
		must(t, json.Unmarshal([]byte(n.Run(t, "tc", "-s", "-j", "qdisc", "show")), &rows))
		shown := []string{}
		for i := range rows {
			if rows[i].Dev == "near" {
				shown = append(shown, rows[i].String())
			}
		}
		return shown
	}
	var got []string
	var statistics netstat.QueueStatistics
	ingress := false
	want := unchanging(t, disciplines, func() {
		got = nil
		for _, q := range all(t, k.Qdiscs(t.Context())) {
			if q.Interface == near {
				got = append(got, showQueue(q.Kind, q.Handle, q.Parent, 0, q.Statistics))
			} else if q.Kind == "ingress" {
				ingress = q.Parent == netstat.TrafficIngress && q.Parent.String() == "ingress"
			}
			if q.Kind == "tbf" {
				statistics = q.Statistics
			}
		}
	})
	compare(t, "queueing disciplines", want, got, 2)
	if statistics.Drops.Or(0) == 0 || statistics.Queued.Or(0) == 0 || statistics.Backlog.Or(0) == 0 || statistics.Packets.Or(0) == 0 || !ingress {
		t.Errorf("nothing was dropped or nothing waits: %+v, ingress %v", statistics, ingress)
	}
	classes := 0
	want = unchanging(t, func() []string {
		var shown []string
		for _, m := range tcClass.FindAllStringSubmatch(n.Run(t, "tc", "-s", "class", "show", "dev", "near"), -1) {
			for i := range m {
				if m[i] == "" && i > 4 {
					m[i] = "-"
				}
			}
			shown = append(shown, fmt.Sprint(m[1:]))
		}
		return shown
	}, func() {
		got, classes = nil, 0
		for _, c := range all(t, k.TrafficClasses(t.Context(), near)) {
			leaf := ""
			if c.Leaf != 0 {
				leaf = c.Leaf.String()
			}
			s := c.Statistics
			got = append(got, fmt.Sprint([]string{c.Kind, c.Handle.String(), c.Parent.String(), leaf,
				s.Octets.String(), s.Packets.String(), s.Drops.String(), s.Overlimits.String(), s.Requeues.String(), s.Queued.String()}))
			if s.Octets.Or(0) > 0 && c.Kind == "htb" {
				classes++
			}
		}
	})
	compare(t, "classes", want, got, 2)
	if classes != 2 {
		t.Errorf("%d classes of htb let something through", classes)
	}
	if _, err := rowsUntilError(k.TrafficClasses(t.Context(), 1<<30)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("classes of no interface: %v", err)
	}
}

func TestParseQueueStatistics(t *testing.T) {
	n := func(values ...uint32) (b []byte) {
		for _, v := range values {
			b = binary.NativeEndian.AppendUint32(b, v)
		}
		return b
	}
	n64 := func(values ...uint64) (b []byte) {
		for _, v := range values {
			b = binary.NativeEndian.AppendUint64(b, v)
		}
		return b
	}
	basic := attribute(tcaStatsBasic, append(n64(1<<40), n(7, 0)...)...)
	packets := attribute(tcaStatsPackets64, n64(1<<32+7)...)
	rate, rate64 := attribute(tcaStatsRate, n(1<<32-1, 9)...), attribute(tcaStatsRate64, n64(1<<33, 10)...)
	for _, order := range [][]byte{
		append(append(append(append([]byte{}, basic...), packets...), rate...), rate64...),
		append(append(append(append([]byte{}, packets...), basic...), rate64...), rate...),
	} {
		s, err := parseQueueStatistics(order)
		if err != nil || s.Octets.Or(0) != 1<<40 || s.Packets.Or(0) != 1<<32+7 || s.OctetRate.Or(0) != 1<<33 || s.PacketRate.Or(0) != 10 || s.Drops.IsKnown() {
			t.Errorf("%+v, %v", s, err)
		}
	}
	for _, bad := range [][]byte{attribute(tcaStatsBasic, n(1, 2)...), attribute(tcaStatsQueue, n(1, 2, 3, 4)...), {9, 0, 1, 0}} {
		if s, err := parseQueueStatistics(bad); err == nil {
			t.Errorf("% x is %+v", bad, s)
		}
	}
	if _, err := parseTraffic(make([]byte, sizeofTcmsg-1)); err == nil {
		t.Error("a message that is too short is accepted")
	}
	for handle, want := range map[netstat.TrafficHandle]string{0x10000: "1:", 0x10020: "1:20", 0xffff0000: "ffff:", netstat.TrafficRoot: "root", 0: "0:"} {
		if handle.String() != want {
			t.Errorf("%v, want %s", handle, want)
		}
	}
}

func FuzzParseTraffic(f *testing.F) {
	for _, body := range captured(f, unix.RTM_GETQDISC, unix.RTM_NEWQDISC, make([]byte, sizeofTcmsg)) {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, err := parseTraffic(body); err == nil && len(body) < sizeofTcmsg {
			t.Error("a message that is too short is accepted")
		}
	})
}
