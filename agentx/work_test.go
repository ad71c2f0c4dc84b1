package agentx

import (
	"context"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// sparseTree is a sample and a table whose column the first and the last of many
// rows have; look is called for each row that is asked for its value.
func sparseTree(t testing.TB, rows int, look func()) *mib.Tree {
	t.Helper()
	type row struct {
		number int32
		known  bool
	}
	sparse := mib.Table[row]{
		Name: "sparseTable", Entry: mib.MustParseOID(slow + ".1"),
		Index: mib.Index(mib.IntegerIndex(mib.At(func(r *row) *int32 { return &r.number }))),
		Columns: mib.Columns(mib.Column(1, "sparse", mib.AsInteger(mib.Through(func(r *row) (int32, bool) {
			look()
			return r.number, r.known
		}, nil)))),
	}
	all := make([]row, rows)
	for i := range all {
		all[i] = row{int32(i), i == 0 || i == rows-1}
	}
	tree := newTree(t, groupNode(testGroup("sample", scalar, 1, 2)),
		sparse.Bind(fresh.New(func(context.Context) ([]row, error) { return all, nil })))
	r := tree.NewRequest()
	r.Reset(t.Context())
	if _, err := r.Get(mib.MustParseOID(slow + ".1.1.0")); err != nil { // the view is at hand now
		t.Fatal(err)
	}
	return tree
}

// TestNobodyWaitsForWork holds that the longest PDU for a column with hardly any
// value does not hold up those behind it.
func TestNobodyWaitsForWork(t *testing.T) {
	const rows, ranges = 40_000, 20_000
	var looked atomic.Int64
	begun, release := make(chan struct{}), make(chan struct{})
	tree := sparseTree(t, rows, func() {
		// Nobody who serves others looks at so many rows.
		if looked.Add(1) == rows/2 {
			close(begun)
			<-release
		}
	})
	_, p, _ := meet(t, "unix", NetworkByteOrder, Config{Handler: tree, Timeout: 255 * time.Second})
	long := &GetNext{Ranges: slices.Repeat([]SearchRange{span(slow+".1.1.0", "", false)}, ranges)}
	p.write(p.pdu(long))
	sent := p.packet
	<-begun
	for range 20 {
		p.write(p.pdu(&Get{Ranges: oids(scalar + ".1.0")}))
		if h, r := p.recv(); h.PacketID != p.packet || len(r.Bindings) != 1 {
			t.Fatalf("the answer to PDU %d, want %d: %+v", h.PacketID, p.packet, r)
		}
	}
	close(release)
	h, r := p.recv()
	if h.PacketID != sent || len(r.Bindings) != ranges {
		t.Errorf("the answer to PDU %d has %d variables", h.PacketID, len(r.Bindings))
	}
	if n := looked.Load(); n > 2*rows+2*ranges {
		t.Errorf("%d rows were looked at", n)
	}
}

// TestAnswersThatWait holds that a master which asks for as much as it can, and reads
// nothing, does not have the subagent grow.
func TestAnswersThatWait(t *testing.T) {
	const rows = 100_000
	g := newGate()
	tab := testTable("longTable", slow, 1)
	tree := newTree(t, groupNode(testGroup("sample", scalar, 1, 2)),
		tab.Bind(fresh.New(func(ctx context.Context) ([]testRow, error) {
			select {
			case <-g.open:
				return rowsOf(rows), nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})))
	stalled := make(chan struct{})
	m := newMaster(t, "unix")
	agent := start(t, Config{Address: m.address, Handler: tree, ResponseTimeout: time.Hour, Timeout: 255 * time.Second, PingInterval: time.Hour})
	p := m.acceptStalled(NetworkByteOrder, stalled)
	agent.await()
	bulk := &GetBulk{MaxRepetitions: 65535, Ranges: oids(slow)}
	for range maxWaiting {
		p.write(p.pdu(bulk))
	}
	many := &GetNext{Ranges: slices.Repeat([]SearchRange{span(slow, "", false)}, 25_000)} // almost MaxPayload
	for range maxWaiting {
		p.write(p.pdu(many))
	}
	before := heap()
	close(g.open)
	// The first answer waits for the master, and the others for it.
	var grown uint64
	for range 100 {
		time.Sleep(10 * time.Millisecond)
		if now := heap(); now > before {
			grown = max(grown, now-before)
		}
	}
	t.Logf("the subagent has grown by %d MiB", grown>>20)
	const most = 64 << 20
	if grown > most {
		t.Errorf("the subagent has grown by %d MiB", grown>>20)
	}
	close(stalled)
	refused, whole := 0, 0
	for range 2 * maxWaiting {
		switch _, r := p.recv(); r.Error {
		case 0:
			whole++
		case ProcessingError:
			refused++
		default:
			t.Errorf("%v", r.Error)
		}
	}
	if whole < maxWaiting || refused < maxWaiting-maxLongWaiting-1 {
		t.Errorf("%d answers, %d refusals", whole, refused)
	}
}

// heap returns the octets of the heap that are in use.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestEndWithAStuckWriter holds that a master which reads nothing keeps the end
// waiting no longer than one that does not answer.
func TestEndWithAStuckWriter(t *testing.T) {
	m := newMaster(t, "unix")
	agent := start(t, Config{Address: m.address, Handler: sample(t, nil), ResponseTimeout: time.Hour})
	stalled := make(chan struct{})
	p := m.acceptStalled(NetworkByteOrder, stalled)
	agent.await()
	defer close(stalled)
	pdu := p.pdu(&GetNext{Ranges: slices.Repeat([]SearchRange{span(scalar, "", false)}, 1000)})
	_ = p.conn.SetWriteDeadline(time.Now().Add(time.Second)) // it reads nothing either, once it is stuck
	for i := uint32(1); i < 1000; i++ {
		pdu[15], pdu[14] = byte(i), byte(i>>8)
		if _, err := p.conn.Write(pdu); err != nil {
			break
		}
	}
	agent.stop()
}
