package snmp

import (
	"fmt"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/vacm"
)

// walker copies the last name of an answer into a request for the 50 variables
// after it, and does nothing else.
type walker struct {
	request []byte
	first   []byte
}

func newWalker(name []byte) *walker {
	w := &walker{first: name}
	w.from(name)
	return w
}

func (w *walker) from(name []byte) {
	binding := tlv(0x30, name, null)
	w.request = append(w.request[:0], messageOf(1, "public", pduOf(0xa5, 77, 0, 50, tlv(0x30, binding)))...)
}

// next makes the request that follows an answer and returns the answer's number
// of variables.
func (w *walker) next(answer []byte) int {
	list, _ := splitTLV(answer)
	list = list[3+8:] // version, community
	list, _ = splitTLV(list)
	list = list[3+3+3:]
	list, _ = splitTLV(list)
	n := 0
	var last []byte
	for len(list) > 0 {
		header, size := 2, int(list[1])
		if size >= 0x80 {
			header, size = 3, int(list[2])
		}
		last, list = list[header:header+size], list[header+size:]
		n++
	}
	if last[len(last)-2] == 0x82 {
		w.from(w.first)
		return n
	}
	w.from(last[:2+int(last[1])])
	return n
}

func BenchmarkGetBulk50(b *testing.B) {
	d := testEngine(b, newTestTree(b, 10000), nil)
	w := newWalker(oid("1.3.6.1.4.1.32473.1.2.1.3"))
	if ask(b, d, w.request, noLimit) == nil {
		b.Fatal("no answer")
	}
	b.ReportAllocs()
	variables := 0
	for b.Loop() {
		answer, err := d.process(noWait, w.request, fromLoopback, within(noLimit))
		if wouldWait(err) {
			answer, err = d.process(b.Context(), w.request, fromLoopback, within(noLimit))
		}
		if err != nil {
			b.Fatal(err)
		}
		variables += 50
		_ = answer
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(variables), "ns/varbind")
}

// BenchmarkGetBulk50Limited is BenchmarkGetBulk50 for a community with a view, which
// has the whole table or every row but one.
func BenchmarkGetBulk50Limited(b *testing.B) {
	for name, families := range map[string][]vacm.Family{
		"objects": {{View: "v", Subtree: mib.MakeOID(1)}, {View: "v", Subtree: mib.MustParseOID(descrName), Excluded: true}},
		"rows":    {{View: "v", Subtree: mib.MakeOID(1)}, {View: "v", Subtree: mib.MustParseOID(tableEntry + ".3.77"), Excluded: true}},
	} {
		b.Run(name, func(b *testing.B) {
			policy, err := vacm.Compile(vacm.Tables{
				Groups: []vacm.Group{{SecurityName: "manager", Name: "managers"}}, Families: families,
				Access: []vacm.Access{{Group: "managers", Level: vacm.NoAuthNoPriv, Views: [3]string{"v"}}},
			})
			if err != nil {
				b.Fatal(err)
			}
			s, err := NewServer(Options{Handler: newTestTree(b, 10000), Log: quiet, Access: ViewBased(policy),
				Communities: []Community{{Name: "public", Source: anywhere[0].Source, SecurityName: "manager"}}})
			if err != nil {
				b.Fatal(err)
			}
			d := newDispatcher(&s.engine)
			w := newWalker(oid("1.3.6.1.4.1.32473.1.2.1.3"))
			if ask(b, d, w.request, noLimit) == nil {
				b.Fatal("no answer")
			}
			b.ReportAllocs()
			for b.Loop() {
				if answer, err := d.process(noWait, w.request, fromLoopback, within(noLimit)); answer == nil || err != nil {
					b.Fatal("no answer", err)
				}
			}
		})
	}
}

func BenchmarkGet(b *testing.B) {
	d := testEngine(b, newTestTree(b, 10), nil)
	request := messageOf(1, "public", pduOf(0xa0, 77, 0, 0, asked(upTimeName.String())))
	b.ReportAllocs()
	for b.Loop() {
		if answer, err := d.process(noWait, request, fromLoopback, within(noLimit)); answer == nil || err != nil {
			b.Fatal("no answer", err)
		}
	}
}

// rawClient is a socket that blocks, as the quickest of managers has it.
func rawClient(b *testing.B, a Address) int {
	b.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = unix.Close(fd) })
	timeout := unix.NsecToTimeval(int64(5 * time.Second))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		b.Fatal(err)
	}
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(a.Port()), Addr: a.Addr().As4()}); err != nil {
		b.Fatal(err)
	}
	return fd
}

// read reads an answer. Signals of the runtime may interrupt a socket with a
// timeout.
func read(b *testing.B, fd int, buf []byte) []byte {
	for {
		n, err := unix.Read(fd, buf)
		if err == nil {
			return buf[:n]
		}
		if err != unix.EINTR {
			b.Fatal(err)
		}
	}
}

func BenchmarkUDPWalk(b *testing.B) {
	_, addresses := startServer(b, Options{Handler: newTestTree(b, 10000)}, "127.0.0.1:0")
	fd := rawClient(b, addresses[0])
	w := newWalker(oid("1.3.6.1.4.1.32473.1.2.1.3"))
	buf := make([]byte, maxReceivedMessage)
	variables := 0
	for b.Loop() {
		if _, err := unix.Write(fd, w.request); err != nil {
			b.Fatal(err)
		}
		variables += w.next(read(b, fd, buf))
	}
	b.ReportMetric(float64(variables)/b.Elapsed().Seconds(), "varbinds/s")
}

func BenchmarkUDPGet(b *testing.B) {
	for _, outstanding := range []int{1, 8} {
		b.Run(fmt.Sprint(outstanding), func(b *testing.B) {
			_, addresses := startServer(b, Options{Handler: newTestTree(b, 10)}, "127.0.0.1:0")
			fd := rawClient(b, addresses[0])
			request := messageOf(1, "public", pduOf(0xa0, 77, 0, 0, asked(upTimeName.String())))
			buf := make([]byte, maxReceivedMessage)
			for range outstanding - 1 {
				if _, err := unix.Write(fd, request); err != nil {
					b.Fatal(err)
				}
			}
			for b.Loop() {
				if _, err := unix.Write(fd, request); err != nil {
					b.Fatal(err)
				}
				read(b, fd, buf)
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "gets/s")
		})
	}
}
