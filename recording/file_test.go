package recording

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// small is a recording of a few kinds that have everything that an encoding can
// get wrong, small enough to be read once for each of its octets.
var small = generated{
	moments: 2, stacks: []string{""}, rows: 3,
	kinds: []Kind{KindMembership},
}

// Every kind, in several moments and stacks, is read as it was written, by the
// index and without it.
func TestEverythingComesBack(t *testing.T) {
	g := generated{moments: 3, stacks: []string{"", "blue", "green"}, rows: 30}
	for _, indexed := range []bool{true, false} {
		f, err := openBytes(g.bytes(t, indexed))
		if err != nil {
			t.Fatal(err)
		}
		if f.Damage() != nil || f.Len() != g.moments {
			t.Fatalf("indexed %v: %d moments, damage %v", indexed, f.Len(), f.Damage())
		}
		for i := range g.moments {
			if err := g.verifyMoment(f, i); err != nil {
				t.Errorf("indexed %v, moment %d: %v", indexed, i, err)
			}
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A recording that is cut short anywhere yields everything that stands before,
// nothing else, and an error with the offset.
func TestCutShort(t *testing.T) {
	whole := small.bytes(t, true)
	f, err := openBytes(whole)
	if err != nil {
		t.Fatal(err)
	}
	moments := f.moments
	for length := range whole {
		f, err := openBytes(whole[:length])
		if length < headerSize {
			if !errors.Is(err, ErrTruncated) {
				t.Fatalf("%d octets: %v", length, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%d octets: %v", length, err)
		}
		var at *FormatError
		if damage := f.Damage(); damage != nil && (!errors.Is(damage, ErrTruncated) || !errors.As(damage, &at) ||
			at.Offset > int64(length) || at.Offset < int64(length)-maxPayload) {
			t.Fatalf("%d octets: damage %v", length, damage)
		}
		for i, m := range moments {
			ends := m.End + frameSize(t, whole, m.End)
			switch {
			case int64(length) >= ends:
				if err := small.verifyMoment(f, i); err != nil {
					t.Fatalf("%d octets, moment %d is whole: %v", length, i, err)
				}
			case f.Damage() == nil && int64(length) > m.Begin:
				t.Fatalf("%d octets, moment %d is cut, and there is no damage", length, i)
			case i < f.Len():
				// All of its rows may be there, when only its end is not.
				err := small.verifyMoment(f, i)
				if errors.Is(err, errWrong) || !errors.Is(err, ErrTruncated) && (err != nil || int64(length) < m.End) {
					t.Fatalf("%d octets, moment %d is cut: %v", length, i, err)
				}
			}
		}
	}
}

func frameSize(t *testing.T, file []byte, at int64) int64 {
	t.Helper()
	f, err := parseFrame(file[at:])
	if err != nil {
		t.Fatal(err)
	}
	return f.next()
}

// A bit that is turned over anywhere is found, or does not matter: nothing is
// read that was not written.
func TestDamagedOctets(t *testing.T) {
	for _, indexed := range []bool{true, false} {
		whole := small.bytes(t, indexed)
		// Which frame each octet stands in.
		frames := make([]byte, headerSize, len(whole))
		for at := int64(headerSize); at < int64(len(whole)); at = int64(len(frames)) {
			header, err := parseFrame(whole[at:])
			if err != nil {
				t.Fatal(err)
			}
			frames = append(frames, bytes.Repeat([]byte{header.kind}, int(header.next()))...)
		}
		for i := range whole {
			damaged := bytes.Clone(whole)
			damaged[i] ^= 1 << (i % 8)
			f, err := openBytes(damaged)
			if err != nil {
				var at *FormatError
				if i >= headerSize || !errors.As(err, &at) || at.Offset != 0 {
					t.Fatalf("octet %d: %v", i, err)
				}
				continue
			}
			failed := f.Damage()
			for n := range f.Len() {
				err := small.verifyMoment(f, n)
				if errors.Is(err, errWrong) {
					t.Fatalf("octet %d: %v", i, err)
				}
				var at *FormatError
				if err != nil && (!errors.As(err, &at) || at.Offset > int64(i)) && f.Damage() == nil {
					t.Fatalf("octet %d, moment %d: the error has no offset before it: %v", i, n, err)
				}
				failed = errors.Join(failed, err)
			}
			// The catalogue repeats what the frames say that begin a moment and
			// a stack. All else is looked at.
			if failed == nil && !bytes.ContainsRune([]byte{frameMoment, frameStack}, rune(frames[i])) {
				t.Fatalf("octet %d, in a frame of type %q, is damaged, and nobody noticed", i, frames[i])
			}
		}
	}
}

// Damage of an octet leaves all moments before readable.
func TestBeforeDamage(t *testing.T) {
	g := small
	g.moments = 4
	whole := g.bytes(t, false)
	f, err := openBytes(whole)
	if err != nil {
		t.Fatal(err)
	}
	third := f.moments[2].Begin
	whole[third+3] ^= 1
	if f, err = openBytes(whole); err != nil {
		t.Fatal(err)
	}
	var at *FormatError
	if !errors.As(f.Damage(), &at) || at.Offset != third || !errors.Is(f.Damage(), ErrCorrupt) {
		t.Errorf("the damage is %v, not at %d", f.Damage(), third)
	}
	if f.Len() != 2 {
		t.Fatalf("%d moments before the damage", f.Len())
	}
	for i := range 2 {
		if err := g.verifyMoment(f, i); err != nil {
			t.Errorf("moment %d: %v", i, err)
		}
	}
}

func TestNotARecording(t *testing.T) {
	for _, c := range []struct {
		name    string
		content string
		is      error
	}{
		{"empty", "", ErrTruncated},
		{"text", "eth0: flags=4163<UP>\n", ErrNotRecording},
		{"short text", "lo", ErrTruncated},
		{"text of the header's length", "0123456789abcdef", ErrNotRecording},
		{"from the future", string(fileHeader(Version + 1)), ErrVersion},
		{"version 0", string(fileHeader(0)), ErrVersion},
		{"line ends changed", "\x89NSR\n\x1a\n" + string(fileHeader(1)[8:]) + "x", ErrNotRecording},
		{"the header's checksum", string(fileHeader(1)[:headerSize-1]) + "x", ErrCorrupt},
	} {
		_, err := openBytes([]byte(c.content))
		var at *FormatError
		if !errors.Is(err, c.is) || !errors.As(err, &at) || at.Offset != 0 {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := Open(t.TempDir() + "/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that does not exist: %v", err)
	}
}

// A file that grew and was not written, as after a crash of the host, is cut
// short and not damaged.
func TestZerosAtTheEnd(t *testing.T) {
	whole := small.bytes(t, false)
	f, err := openBytes(append(bytes.Clone(whole), make([]byte, 100_000)...))
	if err != nil {
		t.Fatal(err)
	}
	var at *FormatError
	if !errors.Is(f.Damage(), ErrTruncated) || !errors.As(f.Damage(), &at) || at.Offset != int64(len(whole)) {
		t.Errorf("damage %v", f.Damage())
	}
	for i := range small.moments {
		if err := small.verifyMoment(f, i); err != nil {
			t.Errorf("moment %d: %v", i, err)
		}
	}
}

// craft returns a recording of one frame of rows that a program of ill will
// made, with all checksums right.
func craft(t *testing.T, rows any, change func(frame []byte)) *Stack {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	begin, err := w.writeValue(frameMoment, momentHead{Time: generatedTime})
	if err != nil {
		t.Fatal(err)
	}
	head := stackHead{Kinds: []Kind{KindNeighbour}}
	if _, err := w.writeValue(frameStack, head); err != nil {
		t.Fatal(err)
	}
	c := catalogue{momentHead: momentHead{Time: generatedTime}, Begin: begin}
	c.Stacks = []stackContents{{stackHead: head, Contents: []contents{{Kind: KindNeighbour, Part: "ipv4", Offset: w.offset}}}}
	payload, err := encoding().Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	frame := appendFrame(nil, frameRows, payload, w.zstd)
	if change != nil {
		change(frame)
		binary.BigEndian.PutUint32(frame[12:], checksum(frame[frameHeaderSize:]))
		binary.BigEndian.PutUint32(frame[16:], checksum(frame[:16]))
	}
	if err := w.write(frame); err != nil {
		t.Fatal(err)
	}
	if _, err := w.writeValue(frameMomentEnd, c); err != nil {
		t.Fatal(err)
	}
	f, err := openBytes(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Stack(Choice{Moment: netstat.Known(0)})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What a frame claims is checked before memory is taken for it.
func TestClaims(t *testing.T) {
	one := func(tag uint64, b ...byte) any { return cbor.Tag{Number: tag, Content: b} }
	columns := func(rows uint64, columns map[string]any) any {
		return map[string]any{"kind": KindNeighbour, "part": "ipv4", "rows": rows, "columns": columns}
	}
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	bomb := z.EncodeAll(make([]byte, 4*maxPayload), nil)
	for _, c := range []struct {
		name   string
		rows   any
		change func(frame []byte)
	}{
		{"rows", columns(1<<62, nil), nil},
		{"more rows than a frame may have", columns(maxBlockRows+1, nil), nil},
		{"a column of another length", columns(3, map[string]any{"Interface": one(tagUint8, 1, 2)}), nil},
		{"a column of half elements", columns(2, map[string]any{"Interface": one(tagUint16LE, 1, 2, 3)}), nil},
		{"a tag of something else", columns(1, map[string]any{"Interface": one(1, 1)}), nil},
		{"a value that does not fit", columns(1, map[string]any{"VLAN": one(tagUint32LE, 0, 0, 1, 0)}), nil},
		{"a negative value", columns(1, map[string]any{"VLAN": one(tagSint8, 0xff)}), nil},
		{"an address of 5 octets", columns(1, map[string]any{"Address": []any{one(tagUint8, 5), []byte("12345")}}), nil},
		{"lengths beyond the octets", columns(2, map[string]any{"LinkAddress": []any{one(tagUint8, 3, 4), []byte("12345")}}), nil},
		{"octets beyond the lengths", columns(2, map[string]any{"LinkAddress": []any{one(tagUint8, 3, 1), []byte("12345")}}), nil},
		{"a length that overflows", columns(2, map[string]any{"LinkAddress": []any{one(tagUint64LE, 255, 255, 255, 255, 255, 255, 255, 255), []byte("12345")}}), nil},
		{"an array instead of columns", []int{1}, nil},
		{"a bomb", columns(1, map[string]any{"x": bytes.Repeat(bomb, 2)}), func(frame []byte) {
			copy(frame[frameHeaderSize:], bomb)
			frame[1] = compressed
		}},
		{"a longer original", columns(1, nil), func(frame []byte) { frame[11]++ }},
		{"an original of 4 GiB", columns(1, nil), func(frame []byte) { frame[8] = 0xff }},
		{"an unknown compression", columns(1, nil), func(frame []byte) { frame[1] = 9 }},
	} {
		s := craft(t, c.rows, c.change)
		var failed error
		for _, err := range s.Neighbours(context.Background(), netstat.IPv4) {
			failed = err
		}
		var at *FormatError
		if !errors.Is(failed, ErrCorrupt) || !errors.As(failed, &at) {
			t.Errorf("%s: %v", c.name, failed)
		}
	}
}

// Elements of slices are counted before there are any.
func TestClaimedElements(t *testing.T) {
	payload, err := encoding().Marshal(map[string]any{
		"kind": KindUnixSocket, "rows": maxBlockRows,
		"columns": map[string]any{"Pending#": cbor.Tag{Number: tagUint32LE, Content: []byte{0, 0, 1, 0}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var head rowsHead
	if err := unmarshal(payload, &head); err != nil {
		t.Fatal(err)
	}
	if _, err := decodeRows[netstat.UnixSocket](unixTable.codec(), &head, false, new(scratch), nil); !errors.Is(err, ErrCorrupt) {
		t.Errorf("%d rows of 65,535 elements each: %v", maxBlockRows, err)
	}
}

// A stack tells what it does not have, and what could not be read.
func TestNotSupported(t *testing.T) {
	var b bytes.Buffer
	stack := fake{routes: routes(10)}
	if err := Write(context.Background(), &b, stack, Options{Kinds: []Kind{KindRoute, KindInterface, KindRule}, Host: generatedHost}); err != nil {
		t.Fatal(err)
	}
	f, err := openBytes(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Stack(Choice{})
	if err != nil {
		t.Fatal(err)
	}
	check := func(name, want string, err error) {
		t.Helper()
		var read *netstat.ReadError
		if !errors.Is(err, netstat.ErrNotSupported) || !errors.As(err, &read) || !bytes.Contains([]byte(err.Error()), []byte(want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	last := func(seq func(yield func(netstat.Interface, error) bool)) (err error) {
		for _, err = range seq {
		}
		return err
	}
	check("recorded as not supported", "interfaces: not supported", last(s.Interfaces(context.Background())))
	for _, err := range s.Rules(context.Background()) {
		check("the stack had no method", "no method to read rule", err)
	}
	for _, err := range s.Addresses(context.Background()) {
		check("not recorded", "holds no address", err)
	}
	for _, err := range s.Sockets(context.Background(), netstat.SocketQuery{}) {
		check("not recorded", "holds no socket", err)
	}
	_, err = s.TCPStatistics(context.Background())
	check("not recorded", "holds no tcp-statistics", err)
	n := 0
	for _, err := range s.Routes(context.Background(), netstat.RouteQuery{}) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != 10 {
		t.Errorf("%d routes of 10", n)
	}
	got := make(map[string]error)
	for _, c := range s.Contents() {
		got[string(c.Kind)+c.Part] = c.Err
	}
	if len(got) != 4 || got["routeipv4"] != nil || got["routeipv6"] != nil || got["interface"] == nil || got["rule"] == nil {
		t.Errorf("the contents are %v", got)
	}
}

// Moments are chosen by number and time, stacks by name.
func TestChoice(t *testing.T) {
	g := small
	g.moments, g.stacks = 3, []string{"red", "blue"}
	f, err := openBytes(g.bytes(t, true))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		choice Choice
		want   int
		exists bool
	}{
		{"last", Choice{Stack: "red"}, 2, true},
		{"by number", Choice{Stack: "blue", Moment: netstat.Known(1)}, 1, true},
		{"number too high", Choice{Stack: "blue", Moment: netstat.Known(3)}, 0, false},
		{"at", Choice{Stack: "red", At: generatedTime}, 0, true},
		{"between", Choice{Stack: "red", At: generatedTime.Add(119 * time.Second)}, 1, true},
		{"before the first", Choice{Stack: "red", At: generatedTime.Add(-1)}, 0, false},
		{"after the last", Choice{Stack: "red", At: generatedTime.Add(time.Hour)}, 2, true},
		{"no such stack", Choice{Stack: "green"}, 0, false},
		{"which of the two", Choice{}, 0, false},
	} {
		s, err := f.Stack(c.choice)
		if !c.exists {
			if err == nil || c.name != "number too high" && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if s.Moment().Number() != c.want || s.Name() != c.choice.Stack {
			t.Errorf("%s: moment %d, stack %q", c.name, s.Moment().Number(), s.Name())
		}
	}
	n := 0
	for m, err := range f.Moments() {
		if err != nil || m.Number() != n || len(m.Stacks()) != 2 || m.Ended().Sub(m.Time()) != time.Second {
			t.Errorf("moment %d: %+v, %v", n, m, err)
		}
		n++
	}
	if n != 3 {
		t.Errorf("%d moments", n)
	}
}

// A source that could not be opened is recorded as such.
func TestSourceThatFails(t *testing.T) {
	var b bytes.Buffer
	w, err := NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	namespace := &netstat.Namespace{Inode: 7, Names: []string{"blue", "navy"}, ID: netstat.Known[int32](3), Processes: []netstat.Process{{PID: 1, Name: "init"}}}
	err = w.Record(context.Background(), Options{Kinds: []Kind{KindRoute}}, func(yield func(Source) bool) {
		_ = yield(Source{Name: "blue", Namespace: namespace, Err: fs.ErrPermission}) &&
			yield(Source{Name: "", Stack: fake{routes: routes(1)}})
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := openBytes(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Stack(Choice{}); err != nil {
		t.Error(err)
	}
	s, err := f.Stack(Choice{Stack: "navy"})
	if !errors.Is(err, fs.ErrPermission) || s == nil || !errors.Is(s.Err(), fs.ErrPermission) {
		t.Fatalf("%v, %v", s, err)
	}
	for _, err := range s.Routes(context.Background(), netstat.RouteQuery{}) {
		if !errors.Is(err, fs.ErrPermission) {
			t.Error(err)
		}
	}
	if got := s.Namespace(); got == nil || got.Inode != 7 || got.Label() != "blue" || len(got.Processes) != 1 || !got.ID.IsKnown() {
		t.Errorf("namespace %+v", got)
	}
}

// Record gives up with its context, and what was recorded before stays.
func TestCancelled(t *testing.T) {
	var b bytes.Buffer
	w, err := NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Kinds: []Kind{KindRoute}}
	if err := w.Record(context.Background(), o, One(fake{routes: routes(5)})); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	err = w.Record(ctx, o, One(fake{routes: func(yield func(netstat.Route, error) bool) {
		for r := range routes(3 * blockRows) {
			if !yield(r, nil) {
				return
			}
			cancel()
		}
	}}))
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := w.Record(context.Background(), o, One(fake{routes: routes(6)})); err != nil {
		t.Fatal(err)
	}
	f, err := openBytes(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if f.Len() != 3 || f.Damage() != nil {
		t.Fatalf("%d moments, damage %v", f.Len(), f.Damage())
	}
	for i, want := range []int{5, -1, 6} {
		s, err := f.Stack(Choice{Moment: netstat.Known(i)})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, err = range s.Routes(context.Background(), netstat.RouteQuery{Families: []netstat.Family{netstat.IPv4}}) {
			if err != nil {
				break
			}
			n++
		}
		if want < 0 {
			if !errors.Is(err, ErrTruncated) || n != blockRows {
				t.Errorf("moment %d: %d rows, %v", i, n, err)
			}
		} else if n != want || err != nil {
			t.Errorf("moment %d: %d rows, %v", i, n, err)
		}
	}
}

// A moment that is interrupted while a stack is opened is not written: the stack
// would lack for no other reason.
func TestCancelledWhileOpened(t *testing.T) {
	for name, sources := range map[string]func(cancel func()) iter.Seq[Source]{
		"the first": func(cancel func()) iter.Seq[Source] {
			return func(yield func(Source) bool) {
				cancel()
				yield(Source{Name: "a", Err: context.Canceled})
			}
		},
		"the last": func(cancel func()) iter.Seq[Source] {
			return func(yield func(Source) bool) {
				if yield(Source{Name: "a", Stack: fake{routes: routes(5)}}) {
					cancel()
				}
			}
		},
	} {
		var b bytes.Buffer
		w, err := NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if err := w.Record(ctx, Options{Kinds: []Kind{KindRoute}}, sources(cancel)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		f, err := openBytes(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if f.Damage() == nil {
			t.Errorf("%s: the moment is whole", name)
		}
	}
}

// limited takes so many octets.
type limited struct{ left int }

var errFull = errors.New("no space left")

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), l.left)
	l.left -= n
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

// A writer that takes no more is an error with the offset, wherever that is.
func TestWriterFails(t *testing.T) {
	o := Options{Kinds: []Kind{KindRoute, KindRule}, Host: generatedHost}
	stack := fake{routes: routes(300)}
	var whole counter
	if err := Write(context.Background(), &whole, stack, o); err != nil {
		t.Fatal(err)
	}
	for room := 0; room < int(whole)-20; room += 97 {
		err := Write(context.Background(), &limited{room}, stack, o)
		var at *WriteError
		if !errors.Is(err, errFull) || !errors.As(err, &at) || at.Offset != int64(room) {
			t.Fatalf("room for %d octets: %v", room, err)
		}
	}
	err := Write(context.Background(), shortWriter{}, stack, o)
	if !errors.Is(err, io.ErrShortWrite) {
		t.Error(err)
	}
}

type shortWriter struct{}

func (shortWriter) Write(p []byte) (int, error) { return len(p) - 1, nil }

// A file is read by many at once.
func TestConcurrentReaders(t *testing.T) {
	g := small
	f, err := openBytes(g.bytes(t, true))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 5 {
				for i := range g.moments {
					if err := g.verifyMoment(f, i); err != nil {
						t.Errorf("moment %d: %v", i, err)
					}
				}
			}
		})
	}
	wg.Wait()
}

// What changed while it was read is read again, and the last attempt counts.
func TestInterrupted(t *testing.T) {
	attempt := 0
	stack := fake{routes: func(yield func(netstat.Route, error) bool) {
		attempt++
		for r := range routes(10 * attempt) {
			if !yield(r, nil) {
				return
			}
		}
		if attempt < 3 {
			yield(netstat.Route{}, netstat.ErrInterrupted)
		}
	}}
	var b bytes.Buffer
	if err := Write(context.Background(), &b, stack, Options{Kinds: []Kind{KindRoute}}); err != nil {
		t.Fatal(err)
	}
	// With the catalogue, and without.
	whole := b.Bytes()
	f, err := openBytes(whole)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{len(whole), int(f.moments[0].End)} {
		f, err := openBytes(whole[:size])
		if err != nil {
			t.Fatal(err)
		}
		s, err := f.Stack(Choice{})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, err := range s.Routes(context.Background(), netstat.RouteQuery{Families: []netstat.Family{netstat.IPv4}}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
		}
		if n != 30 {
			t.Errorf("%d routes of the last attempt's 30", n)
		}
	}
}

func TestUnknownKind(t *testing.T) {
	err := Write(context.Background(), io.Discard, fake{}, Options{Kinds: []Kind{"root"}})
	if err == nil || !strings.Contains(err.Error(), `"root"`) {
		t.Errorf("recording it: %v", err)
	}
	if kinds, err := ParseKinds("route", "root"); err == nil || !strings.Contains(err.Error(), "address") {
		t.Errorf("%v, %v", kinds, err)
	}
	if kinds, err := ParseKinds("route", "tcp-statistics"); err != nil || !slices.Equal(kinds, []Kind{KindRoute, KindTCPStatistics}) {
		t.Errorf("%v, %v", kinds, err)
	}
}

// A stack that another host's agent told says so, in a recording of several.
func TestRemote(t *testing.T) {
	var b bytes.Buffer
	w, err := NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	err = w.Record(t.Context(), onlyRoutes, slices.Values([]Source{
		{Name: "a", Remote: "192.0.2.1", Stack: fake{routes: routes(1)}}, {Name: "b", Stack: fake{routes: routes(2)}},
		{Name: "c", Remote: "192.0.2.3", Err: errors.New("no answer")},
	}))
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	f, err := openBytes(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for name, remote := range map[string]string{"a": "192.0.2.1", "b": ""} {
		s, err := f.Stack(Choice{Stack: name})
		if err != nil || s.Remote() != remote {
			t.Errorf("%s is of %q, %v", name, s.Remote(), err)
		}
	}
	n, _ := f.Last()
	moment, err := f.Moment(n)
	if err != nil {
		t.Fatal(err)
	}
	if c := moment.Stacks()[2]; c.Remote() != "192.0.2.3" || c.Err() == nil {
		t.Errorf("c is of %q, %v", c.Remote(), c.Err())
	}
}
