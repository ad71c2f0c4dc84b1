package agentx

import (
	"io"
	"log/slog"
	"net"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

func fifty() []mib.Binding {
	bindings := make([]mib.Binding, 50)
	column := mib.MustParseOID("1.3.6.1.2.1.6.19.1.7")
	for i := range bindings {
		index := mib.MakeOID(1, 4, 127, 0, 0, 1, 8080, 1, 4, 192, 0, 2, uint32(i), 40000)
		bindings[i] = mib.Binding{Object: column, Index: index, Value: mib.Int(5)}
	}
	return bindings
}

// BenchmarkEncodeResponse encodes a Response of 50 variables of
// tcpConnectionTable.
func BenchmarkEncodeResponse(b *testing.B) {
	bindings := fifty()
	h := Header{Type: TypeGetNext, Flags: NetworkByteOrder}
	var e encoder
	b.ReportAllocs()
	for b.Loop() {
		e.b = e.b[:0]
		start := beginResponse(&e, h, 0, 0)
		e.bindings(bindings)
		e.end(start)
	}
	b.SetBytes(int64(len(e.b)))
}

func TestEncodeAllocations(t *testing.T) {
	bindings := fifty()
	var e encoder
	if n := testing.AllocsPerRun(100, func() {
		e.b = e.b[:0]
		start := beginResponse(&e, Header{}, 0, 0)
		e.bindings(bindings)
		e.end(start)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// BenchmarkGetNext is the round trip of an agentx-GetNext-PDU of two variables
// over a unix socket.
func BenchmarkGetNext(b *testing.B) {
	tab := testTable("benchTable", table, 1, 3)
	_, p, _ := meet(b, "unix", NetworkByteOrder, Config{
		Handler: newTree(b, tab.Bind(sourceOf(rowsOf(10000)))),
		Log:     slog.New(slog.DiscardHandler),
	})
	pdu := p.pdu(&GetNext{Ranges: []SearchRange{span(table+".1.1.5000", table+".1.2", false), span(table+".1.3.5000", table+".2", false)}})
	b.ReportAllocs()
	for b.Loop() {
		p.packet++
		pdu[12], pdu[13], pdu[14], pdu[15] = byte(p.packet>>24), byte(p.packet>>16), byte(p.packet>>8), byte(p.packet)
		p.write(pdu)
		p.recv()
	}
}

// BenchmarkPipelined is the same with PDUs sent ahead, on a connection whose
// other side only counts.
func BenchmarkPipelined(b *testing.B) {
	tree := newTree(b, testTable("benchTable", table, 1, 3).Bind(sourceOf(rowsOf(10000))))
	sub, err := New(Config{Handler: tree})
	if err != nil {
		b.Fatal(err)
	}
	ours, theirs := net.Pipe()
	s := newSession(sub, ours)
	s.id.Store(77)
	s.opened.Store(true)
	go s.read()
	defer s.end(errShutdown)
	go io.Copy(io.Discard, theirs)
	p := &peer{t: b, order: NetworkByteOrder, session: 77}
	b.ReportAllocs()
	for b.Loop() {
		var batch []byte
		b.StopTimer()
		for range 100 {
			batch = append(batch, p.pdu(&GetNext{Ranges: []SearchRange{span(table+".1.1.5000", "", false)}})...)
		}
		b.StartTimer()
		theirs.Write(batch)
	}
}
