package recording

import (
	"encoding/binary"
	"math/bits"
	"time"
	"unicode/utf8"
	"unsafe"

	"github.com/fxamacker/cbor/v2"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

const (
	// maxMomentMemory bounds what the stacks of a moment take in memory together,
	// but for their rows: names, namespaces, what each holds, errors. It is room
	// for some 10,000 stacks, or a third of that where nothing of them can be read.
	// It is half of it on 32 bits, where values are smaller: what is written there can be read
	// on 64.
	maxMomentMemory = bits.UintSize << 20
	// maxContents bounds the kinds, and parts of kinds, of a stack.
	maxContents = 1 << 12
)

// memory is what is left of a bound. A writer counts with the measure of a reader,
// so that what it writes can be read.
type memory int

// take claims memory for n values of a size, before it is had.
func (m *memory) take(n int, each uintptr) bool {
	if !m.has(n, each) {
		return false
	}
	*m -= memory(n) * memory(each)
	return true
}

func (m *memory) has(n int, each uintptr) bool {
	return n >= 0 && n <= maxMomentMemory && uint64(n)*uint64(each) <= uint64(max(*m, 0))
}

// cost is what a recorded error takes.
func (r *recordedError) cost() int {
	if r == nil {
		return 0
	}
	n := int(unsafe.Sizeof(*r)) + len(r.Text)
	for _, name := range r.Classes {
		n += int(unsafe.Sizeof(name)) + len(name)
	}
	return n
}

func (c *contents) cost() int {
	return int(unsafe.Sizeof(*c)) + len(c.Kind) + len(c.Part) + c.Error.cost()
}

// cost is what a stack takes, but for its namespace and its contents.
func (s *stackHead) cost() int {
	n := int(unsafe.Sizeof(Stack{})+unsafe.Sizeof(stackContents{})) + len(s.Name) + len(s.Remote) + s.Error.cost()
	for _, kind := range s.Kinds {
		n += int(unsafe.Sizeof(kind)) + len(kind)
	}
	return n
}

// perColumn is what a column of a namespace takes beside its octets.
const perColumn = 64

// text is a string that is written as text where it is UTF-8, and as a byte string
// where it is not: names of hosts and namespaces need not be.
type text string

func (t text) MarshalCBOR() ([]byte, error) {
	if utf8.ValidString(string(t)) {
		return encoding().Marshal(string(t))
	}
	return encoding().Marshal([]byte(t))
}

// What follows is the metadata as it is read: what has a length stays as it is in
// the file until that is known to be bearable.

type errorWire struct {
	Text string          `cbor:"text"`
	Is   cbor.RawMessage `cbor:"is"`
}

type contentsWire struct {
	Kind   Kind            `cbor:"kind"`
	Part   string          `cbor:"part"`
	Rows   uint64          `cbor:"rows"`
	Offset int64           `cbor:"offset"`
	Error  cbor.RawMessage `cbor:"error"`
}

type stackWire struct {
	Name      string          `cbor:"name"`
	Remote    string          `cbor:"remote"`
	Namespace cbor.RawMessage `cbor:"namespace"`
	Kinds     cbor.RawMessage `cbor:"kinds"`
	Error     cbor.RawMessage `cbor:"error"`
	Contents  cbor.RawMessage `cbor:"contents"`
}

type catalogueWire struct {
	momentHead
	Ended  time.Time       `cbor:"ended"`
	Begin  int64           `cbor:"begin"`
	Stacks cbor.RawMessage `cbor:"stacks"`
	Parts  cbor.RawMessage `cbor:"parts"`
}

// metadata reads what a moment says of its stacks, within one bound of memory.
type metadata struct{ left memory }

func newMetadata() *metadata { return &metadata{left: maxMomentMemory} }

func (m *metadata) take(n int) error {
	if !m.left.take(n, 1) {
		return errMoment()
	}
	return nil
}

func errMoment() error {
	return corrupt("the stacks of a moment take more than %d octets", maxMomentMemory)
}

// itemLength returns how many elements an array, or pairs a map, says that it has. It
// is 0 for one that is not there.
func itemLength(raw cbor.RawMessage, major byte) (int, error) {
	const null = 0xf6
	if len(raw) == 0 || raw[0] == null {
		return 0, nil
	}
	if raw[0]>>5 != major {
		return 0, corrupt("an item of the major type %d and not %d", raw[0]>>5, major)
	}
	const ofOneOctet = 24 // and the next ones are of 2, 4 and 8 (RFC 8949, section 3)
	info := int(raw[0] & 0x1f)
	if info < ofOneOctet {
		return info, nil
	}
	width := 1 << (info - ofOneOctet)
	if width > 8 || len(raw) < 1+width {
		return 0, corrupt("the length of an item")
	}
	var b [8]byte
	copy(b[8-width:], raw[1:])
	n := binary.BigEndian.Uint64(b[:])
	if n > maxElements {
		return 0, corrupt("%d elements", n)
	}
	return int(n), nil
}

const (
	majorArray = 4
	majorMap   = 5
)

// list decodes an array whose elements take some memory each.
func list[T any](m *metadata, raw cbor.RawMessage) ([]T, error) {
	n, err := itemLength(raw, majorArray)
	if err != nil || n == 0 {
		return nil, err
	}
	var one T
	if !m.left.has(n, unsafe.Sizeof(one)) {
		return nil, errMoment()
	}
	var all []T
	return all, unmarshal(raw, &all)
}

func (m *metadata) error(raw cbor.RawMessage) (*recordedError, error) {
	var w *errorWire
	if len(raw) == 0 {
		return nil, nil
	}
	if err := unmarshal(raw, &w); err != nil || w == nil {
		return nil, err
	}
	is, err := list[string](m, w.Is)
	return &recordedError{Text: text(w.Text), Classes: is}, err
}

// contents completes what the frame at the end of a kind says, or an entry of a
// catalogue.
func (m *metadata) contents(w *contentsWire) (contents, error) {
	c := contents{Kind: known(w.Kind), Part: w.Part, Rows: w.Rows, Offset: w.Offset}
	var err error
	if c.Error, err = m.error(w.Error); err == nil {
		err = m.take(c.cost())
	}
	return c, err
}

// stack completes what the frame at the beginning of a stack says, or an entry of a
// catalogue.
func (m *metadata) stack(w *stackWire) (stackContents, error) {
	s := stackContents{stackHead: stackHead{Name: text(w.Name), Remote: text(w.Remote)}}
	var err error
	if s.Kinds, err = list[Kind](m, w.Kinds); err != nil {
		return s, err
	}
	for i, kind := range s.Kinds {
		s.Kinds[i] = known(kind)
	}
	if s.Error, err = m.error(w.Error); err != nil {
		return s, err
	}
	if err := m.take(s.cost()); err != nil {
		return s, err
	}
	if s.namespace, err = m.namespace(w.Namespace); err != nil {
		return s, err
	}
	entries, err := list[contentsWire](m, w.Contents)
	if err != nil {
		return s, err
	}
	if len(entries) > maxContents {
		return s, corrupt("a stack of %d kinds and parts, more than %d", len(entries), maxContents)
	}
	s.Contents = make([]contents, len(entries))
	for i := range entries {
		if s.Contents[i], err = m.contents(&entries[i]); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (m *metadata) namespace(raw cbor.RawMessage) (*netstat.Namespace, error) {
	pairs, err := itemLength(raw, majorMap)
	if err != nil || len(raw) == 0 || pairs == 0 && raw[0]>>5 != majorMap {
		return nil, err
	}
	if err := m.take(pairs*perColumn + len(raw)); err != nil {
		return nil, err
	}
	var columns map[string]cbor.RawMessage
	if err := unmarshal(raw, &columns); err != nil {
		return nil, err
	}
	return decodeNamespace(columns, &m.left)
}

// catalogue reads the payload of the frame that ends a moment. parts are the offsets
// of the frames with further stacks.
func (m *metadata) catalogue(payload []byte, c *catalogue) (parts []int64, err error) {
	var w catalogueWire
	if err := unmarshal(payload, &w); err != nil {
		return nil, err
	}
	c.momentHead, c.Ended, c.Begin = w.momentHead, w.Ended, w.Begin
	if err := m.stacks(w.Stacks, c); err != nil {
		return nil, err
	}
	return list[int64](m, w.Parts)
}

// part reads the payload of a frame with further stacks.
func (m *metadata) part(payload []byte, c *catalogue) error {
	var w struct {
		Stacks cbor.RawMessage `cbor:"stacks"`
	}
	if err := unmarshal(payload, &w); err != nil {
		return err
	}
	return m.stacks(w.Stacks, c)
}

// stacks adds the stacks of a catalogue, or of a part of one.
func (m *metadata) stacks(raw cbor.RawMessage, c *catalogue) error {
	entries, err := list[stackWire](m, raw)
	if err != nil {
		return err
	}
	for i := range entries {
		s, err := m.stack(&entries[i])
		if err != nil {
			return err
		}
		c.Stacks = append(c.Stacks, s)
	}
	return nil
}

// known returns the one string of a kind that this package knows.
func known(kind Kind) Kind {
	for _, t := range tables {
		if t.name() == kind {
			return t.name()
		}
	}
	return kind
}
