package recording

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/netsnmp-agent/netsnmp-agent/internal/randomrow"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// crafted is a recording of one moment whose catalogue is any value.
func crafted(t testing.TB, catalogue any) []byte {
	t.Helper()
	z, err := newEncoder()
	if err != nil {
		t.Fatal(err)
	}
	frame := func(b []byte, kind byte, v any) []byte {
		payload, err := encoding().Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return appendFrame(b, kind, payload, z)
	}
	b := frame(fileHeader(Version), frameMoment, momentHead{Time: generatedTime})
	return frame(b, frameMomentEnd, catalogue)
}

// typed is a typed array of octets.
func typed(b ...byte) cbor.Tag { return cbor.Tag{Number: tagUint8, Content: b} }

// TestNoRowsOfAValue has a column for which there are no rows, by one that says that
// all of its values are absent.
func TestNoRowsOfAValue(t *testing.T) {
	head := rowsHead{Kind: KindInterface, Rows: 1, Columns: make(map[string]cbor.RawMessage)}
	for name, column := range map[string]any{
		"Index?": typed(0), "Index": typed(5), "Name?": typed(0), "Name": octets{Lengths: typed(1), Octets: []byte("x")},
		"LastChange?": typed(0), "LastChange": typed(7), "Multicast?": typed(0), "Multicast#": typed(3),
	} {
		b, err := encoding().Marshal(column)
		if err != nil {
			t.Fatal(err)
		}
		head.Columns[name] = b
	}
	rows, err := decodeRows[netstat.Interface](interfaceTable.codec(), &head, false, new(scratch), nil)
	if err != nil || len(rows) != 1 || rows[0].Index != 0 {
		t.Errorf("%+v, %v", rows, err)
	}
}

// bomb is a namespace that claims a million elements in a few octets.
func bomb() map[string]any {
	return map[string]any{
		"Paths#": cbor.Tag{Number: tagUint32LE, Content: []byte{0, 0, 8, 0}}, "Names#": cbor.Tag{Number: tagUint32LE, Content: []byte{0, 0, 8, 0}},
	}
}

// TestMemoryOfAMoment opens small files that claim much: what they take is bounded,
// however many stacks there are.
func TestMemoryOfAMoment(t *testing.T) {
	type of = map[string]any
	repeated := func(n int, v any) cbor.RawMessage {
		one, err := encoding().Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		head := binary.BigEndian.AppendUint32([]byte{majorArray<<5 | 26}, uint32(n))
		return append(head, bytes.Repeat(one, n)...)
	}
	head := of{"time": time.Now(), "host": of{}, "ended": time.Now(), "begin": headerSize}
	with := func(stacks any) of {
		c := of{"stacks": stacks}
		for k, v := range head {
			c[k] = v
		}
		return c
	}
	for name, catalogue := range map[string]of{
		"namespaces":      with(repeated(150, of{"namespace": bomb(), "kinds": []string{}, "contents": []any{}})),
		"contents":        with(repeated(6, of{"contents": repeated(1<<20-1, of{})})),
		"kinds":           with(repeated(6, of{"kinds": repeated(1<<20-1, "")})),
		"stacks":          with(repeated(1<<20-1, of{})),
		"kinds of errors": with(repeated(6, of{"error": of{"text": "x", "is": repeated(1<<20-1, "")}})),
		"many columns":    with(repeated(600, of{"namespace": manyColumns(1 << 12)})),
	} {
		b := crafted(t, catalogue)
		file, err := openBytes(b)
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		m, err := file.Moment(0)
		runtime.ReadMemStats(&after)
		if !errors.Is(err, ErrCorrupt) || m != nil {
			t.Errorf("%s: %d octets are accepted: %v", name, len(b), err)
		}
		// Twice the bound, the payload in every layer of decoding, and the frame.
		if took := after.TotalAlloc - before.TotalAlloc; took > 2*maxMomentMemory+10*maxPayload {
			t.Errorf("%s: %d octets took %d", name, len(b), took)
		}
		file.Close()
	}
}

func manyColumns(n int) map[string]any {
	all := make(map[string]any, n)
	for i := range n {
		all[fmt.Sprint(i)] = 0
	}
	return all
}

// TestUnendedMomentIsBounded is a moment without a catalogue that goes on with kinds.
func TestUnendedMomentIsBounded(t *testing.T) {
	z, err := newEncoder()
	if err != nil {
		t.Fatal(err)
	}
	b := fileHeader(Version)
	add := func(kind byte, v any) {
		payload, err := encoding().Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		b = appendFrame(b, kind, payload, z)
	}
	add(frameMoment, momentHead{Time: generatedTime})
	add(frameStack, stackHead{Name: "one", Kinds: []Kind{KindRoute}})
	for i := range maxContents + 10 {
		add(frameKind, contents{Kind: Kind(fmt.Sprint("kind", i))})
	}
	file, err := openBytes(b)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	m, err := file.Moment(0)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(m.Stacks()[0].Contents()); n != maxContents || !errors.Is(m.cut, ErrCorrupt) {
		t.Errorf("%d kinds, cut for %v", n, m.cut)
	}
}

// octetsOfOthers is a name that is not UTF-8.
const octetsOfOthers = "M\xfcller\xff"

// TestNamesThatAreNotUTF8 come back as they were.
func TestNamesThatAreNotUTF8(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	r, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	host := Host{Name: octetsOfOthers, Kernel: "6.1"}
	namespace := &netstat.Namespace{Inode: 7, Names: []string{octetsOfOthers}}
	failed := fmt.Errorf("open %s: %w", octetsOfOthers, fs.ErrPermission)
	err = r.Record(context.Background(), Options{Kinds: []Kind{KindRoute}, Host: host}, func(yield func(Source) bool) {
		_ = yield(Source{Name: octetsOfOthers, Namespace: namespace, Remote: octetsOfOthers, Stack: fake{routes: routes(3)}}) &&
			yield(Source{Name: "other", Err: failed})
	})
	if err != nil {
		t.Fatal(err)
	}
	for closed := range 2 {
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		s, err := f.Stack(Choice{Stack: octetsOfOthers})
		if err != nil {
			t.Fatal(err)
		}
		if s.Moment().Host() != host || s.Remote() != octetsOfOthers || !reflect.DeepEqual(s.Namespace(), namespace) {
			t.Errorf("%+v, %q, %+v", s.Moment().Host(), s.Remote(), s.Namespace())
		}
		if err := s.Moment().Stacks()[1].Err(); !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), octetsOfOthers) {
			t.Errorf("%q", err)
		}
		if closed == 0 {
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestManyStacks has more in its catalogue than one frame has room for: as much as
// thousands of namespaces that nobody may read.
func TestManyStacks(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	r, err := Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	const stacks = 300
	all := func(yield func(Source) bool) {
		for i := range stacks {
			name := fmt.Sprint("namespace-", i)
			if !yield(Source{Name: name, Stack: failing{name}}) {
				return
			}
		}
	}
	kinds := []Kind{KindRoute, KindInterface, KindAddress, KindTCPStatistics, KindUDPStatistics}
	if err := r.Record(context.Background(), Options{Kinds: kinds}, all); err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := f.Moment(0)
	if err != nil {
		t.Fatal(err)
	}
	parts := 0
	for at := int64(headerSize); ; {
		h, err := f.frames.header(at)
		if err != nil {
			break
		}
		if at = h.next(); h.kind == frameCatalogue {
			parts++
		}
	}
	if parts < 2 {
		t.Errorf("the catalogue has %d parts: it is to be too large for a frame", parts)
	}
	if len(m.Stacks()) != stacks || m.Ended().IsZero() {
		t.Fatalf("%d stacks, ended %v", len(m.Stacks()), m.Ended())
	}
	for i, s := range m.Stacks() {
		name := fmt.Sprint("namespace-", i)
		if s.Name() != name {
			t.Fatalf("stack %d is %s", i, s.Name())
		}
		for _, c := range s.Contents() {
			if c.Err == nil || c.Kind == KindRoute && !strings.Contains(c.Err.Error(), name) {
				t.Fatalf("%s: %+v", name, c)
			}
		}
	}
	for _, err := range m.Stacks()[stacks-1].Routes(context.Background(), netstat.RouteQuery{}) {
		if !errors.Is(err, fs.ErrPermission) {
			t.Errorf("routes: %v", err)
		}
	}
}

// TestTooManyStacks finds out while it writes, and leaves what was there.
func TestTooManyStacks(t *testing.T) {
	w, err := NewWriter(new(strings.Builder))
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 1<<20)
	stacks := 0
	err = w.Record(context.Background(), Options{Kinds: []Kind{KindRule}}, func(yield func(Source) bool) {
		for range 1000 {
			stacks++
			if !yield(Source{Name: long, Err: fs.ErrPermission}) {
				return
			}
		}
	})
	var at *WriteError
	if !errors.As(err, &at) || stacks > maxMomentMemory>>20 {
		t.Errorf("after %d stacks: %v", stacks, err)
	}
}

// failing is a stack of which nothing can be read, for a long reason.
type failing struct{ name string }

func (f failing) fail() error {
	return fmt.Errorf("dump links in netns %s: %w: %s", f.name, fs.ErrPermission, strings.Repeat("why ", 3000))
}

func failingRows[T any](f failing) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, f.fail())
	}
}

func (f failing) Sockets(context.Context, netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	return failingRows[netstat.Socket](f)
}
func (f failing) Interfaces(context.Context) iter.Seq2[netstat.Interface, error] {
	return failingRows[netstat.Interface](f)
}
func (f failing) Addresses(context.Context) iter.Seq2[netstat.Address, error] {
	return failingRows[netstat.Address](f)
}
func (f failing) Routes(context.Context, netstat.RouteQuery) iter.Seq2[netstat.Route, error] {
	return failingRows[netstat.Route](f)
}
func (f failing) TCPStatistics(context.Context) (netstat.TCPStatistics, error) {
	return netstat.TCPStatistics{}, f.fail()
}
func (f failing) UDPStatistics(context.Context) (netstat.UDPStatistics, error) {
	return netstat.UDPStatistics{}, f.fail()
}

// TestTwoBeginners have one name for their new files: one gets it, and the other one
// is told.
func TestTwoBeginners(t *testing.T) {
	directory := t.TempDir()
	path := filepath.Join(directory, "a")
	one, err := Append(path)
	if err != nil {
		t.Fatal(err)
	}
	two, err := Append(path)
	if err != nil {
		t.Fatal(err)
	}
	recordRoutes(t, two, 20)
	for range 2 {
		if err := one.Record(context.Background(), onlyRoutes, One(fake{routes: routes(10)})); !errors.Is(err, fs.ErrExist) {
			t.Errorf("the name is taken: %v", err)
		}
	}
	recordRoutes(t, two, 30)
	if err := errors.Join(one.Close(), two.Close()); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, directory, "a")
	wantMoments(t, path, 20, 30)

	// The same where a file system knows no files without a name.
	file, err := os.CreateTemp(directory, asidePattern)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	named := &aside{temporary: file.Name()}
	if err := named.name(file, path, true); !errors.Is(err, fs.ErrExist) {
		t.Errorf("the name is taken: %v", err)
	}
	if err := named.name(file, path+"b", true); err != nil {
		t.Error(err)
	}
	wantFiles(t, directory, "a", "ab")
	if err := named.remove(); err != nil {
		t.Error(err)
	}
}

// TestEmptyFileOfTwo is begun by one only.
func TestEmptyFileOfTwo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	one, err := Append(path)
	if err != nil {
		t.Fatal(err)
	}
	if two, err := Append(path); err == nil {
		t.Errorf("two begin one file: %v", two.Close())
	}
	if err := one.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() != 0 {
		t.Errorf("without a moment: %v, %v", info, err)
	}
}

// TestLongNames are as long as a file system takes.
func TestLongNames(t *testing.T) {
	directory := t.TempDir()
	name := strings.Repeat("n", 255)
	for _, begin := range []func(string) (*Recorder, error){Append, Create, Append} {
		r, err := begin(filepath.Join(directory, name))
		if err != nil {
			t.Fatal(err)
		}
		recordRoutes(t, r, 10)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
	}
	wantFiles(t, directory, name)
	wantMoments(t, filepath.Join(directory, name), 10, 10)
}

// TestNothingIsLeftAside: before its first moment is whole a file has no name.
func TestNothingIsLeftAside(t *testing.T) {
	directory := t.TempDir()
	if file, where, err := newAside(directory); err != nil || where.temporary != "" {
		t.Skipf("the file system has no files without a name: %v", errors.Join(err, file.Close(), where.remove()))
	} else {
		file.Close()
	}
	r, err := Append(filepath.Join(directory, "a"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	wantFiles(t, directory)
}

func TestAppendToWhatIsNoFile(t *testing.T) {
	for _, path := range []string{"/dev/null", t.TempDir()} {
		if r, err := Append(path); err == nil {
			t.Errorf("%s: %v", path, r.Close())
		}
	}
}

// FuzzColumns reads columns of any values, which the checksums and the form of a file
// keep from FuzzFile and FuzzRows.
func FuzzColumns(f *testing.F) {
	f.Add(uint8(1), uint16(1), "Index?", byte(tagUint8), []byte{0}, "Index", byte(tagUint8), []byte{5}, "Name", []byte{1}, []byte("x"))
	f.Add(uint8(3), uint16(9), "Multicast#", byte(tagUint16LE), []byte{255, 255}, "Multicast?", byte(tagUint8), []byte{1}, "Multicast", []byte{6}, []byte("abcdef"))
	f.Fuzz(func(t *testing.T, kind uint8, rows uint16, a string, tagA byte, columnA []byte, b string, tagB byte, columnB []byte, c string, lengths, all []byte) {
		columns := map[string]any{
			a: cbor.Tag{Number: uint64(tagA), Content: columnA}, b: cbor.Tag{Number: uint64(tagB), Content: columnB},
			c: octets{Lengths: typed(lengths...), Octets: all},
		}
		payload, err := encoding().Marshal(rowsFrame{Kind: tables[int(kind)%len(tables)].name(), Rows: int(rows) % maxBlockRows, Columns: columns})
		if err != nil {
			return
		}
		var head rowsHead
		if err := unmarshal(payload, &head); err != nil {
			return
		}
		tables[int(kind)%len(tables)].(interface {
			decode(t *testing.T, head *rowsHead)
		}).decode(t, &head)
	})
}

// FuzzMetadata reads anything as a catalogue, and as a namespace.
func FuzzMetadata(f *testing.F) {
	namespace, _, err := encodeNamespace(&goldenNamespace)
	if err != nil {
		f.Fatal(err)
	}
	b, err := encoding().Marshal(catalogue{Stacks: []stackContents{{stackHead: stackHead{Name: "a", Namespace: namespace, Kinds: Kinds()}, Contents: []contents{{Kind: KindRoute, Error: &recordedError{Text: "x", Classes: []string{"permission"}}}}}}, Parts: []int64{7}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		var c catalogue
		of := newMetadata()
		if _, err := of.catalogue(b, &c); err != nil && !errors.Is(err, ErrCorrupt) {
			t.Error(err)
		}
		if of.left < 0 {
			t.Errorf("%d octets more than there may be", -of.left)
		}
	})
}

// TestAllDetailsAreKept holds that a field of the details belongs to what can be
// asked for.
func TestAllDetailsAreKept(t *testing.T) {
	for seed := range uint64(50) {
		d := randomrow.Make[netstat.SocketDetail](randomrow.New(seed))
		kept := d
		if leaveDetails(&kept, netstat.AllDetails|netstat.DetailSocketOptions); !reflect.DeepEqual(kept, d) {
			t.Fatalf("%+v, of %+v", kept, d)
		}
	}
}
