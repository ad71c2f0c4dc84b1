package recording

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/fxamacker/cbor/v2"
)

const (
	// maxBlockRows bounds the rows of one frame, and maxBlockMemory what they
	// take in memory: on 32 bits half of that, see maxMomentMemory.
	maxBlockRows   = 1 << 14
	maxBlockMemory = bits.UintSize << 19
	// perValue is what reading a value takes besides the value itself.
	perValue = 40
)

// Tags of typed arrays (RFC 8746, section 2.1): those of one octet an element,
// and the little-endian ones of more.
const (
	tagUint8    = 64
	tagUint16LE = 69
	tagUint32LE = 70
	tagUint64LE = 71
	tagSint8    = 72
	tagSint16LE = 77
	tagSint32LE = 78
	tagSint64LE = 79
)

// What is appended to a field's name for the columns that it needs besides.
const (
	suffixPresent     = "?"            // whether an optional value is known
	suffixCount       = "#"            // how many elements: 0 for a nil slice, else one more than there are
	suffixNanoseconds = "/nanoseconds" // of a moment, beside its seconds
	suffixNegative    = "/negative"    // of a number, beside its magnitude
)

// octets is a column of strings of octets.
type octets struct {
	_       struct{} `cbor:",toarray"`
	Lengths cbor.Tag
	Octets  []byte
}

// columnWriter makes the columns of a block of rows.
type columnWriter struct {
	columns map[string]any
	memory  int // what a reader will need for the rows
	scratch scratch
}

// integers adds a column of integers, unless all of them are 0.
func (w *columnWriter) integers(name string, values []uint64, signed bool) {
	if tag, ok := integerColumn(values, signed); ok {
		w.columns[name] = tag
	}
}

// integerColumn returns values as a typed array, as narrow as they allow: one
// element when they are all the same. It is not ok when they are all 0.
func integerColumn(values []uint64, signed bool) (tag cbor.Tag, ok bool) {
	same, low, high := true, int64(0), int64(0)
	var bits uint64
	for _, v := range values {
		same = same && v == values[0]
		bits |= v
		low, high = min(low, int64(v)), max(high, int64(v))
	}
	if bits == 0 {
		return tag, false
	}
	if same {
		values = values[:1]
	}
	var b []byte
	fits := func(width int) bool {
		if signed {
			return low >= -1<<(width-1) && high < 1<<(width-1)
		}
		return bits < 1<<width
	}
	switch {
	case fits(8):
		tag.Number = tagUint8
		b = make([]byte, 0, len(values))
		for _, v := range values {
			b = append(b, byte(v))
		}
	case fits(16):
		tag.Number = tagUint16LE
		b = make([]byte, 0, 2*len(values))
		for _, v := range values {
			b = binary.LittleEndian.AppendUint16(b, uint16(v))
		}
	case fits(32):
		tag.Number = tagUint32LE
		b = make([]byte, 0, 4*len(values))
		for _, v := range values {
			b = binary.LittleEndian.AppendUint32(b, uint32(v))
		}
	default:
		tag.Number = tagUint64LE
		b = make([]byte, 0, 8*len(values))
		for _, v := range values {
			b = binary.LittleEndian.AppendUint64(b, v)
		}
	}
	if signed {
		tag.Number += tagSint8 - tagUint8
	}
	tag.Content = b
	return tag, true
}

// octets adds a column of strings of octets, unless all of them are empty: one
// after the other, or one where they are all the same. each calls its argument
// with every value.
func (w *columnWriter) octets(name string, n int, value func(i int, b []byte) []byte) {
	lengths := w.scratch.integers(n)
	defer w.scratch.giveIntegers(lengths)
	var all []byte
	same, first := true, 0
	for i := range n {
		at := len(all)
		all = value(i, all)
		lengths[i] = uint64(len(all) - at)
		if i == 0 {
			first = len(all)
		}
		same = same && string(all[at:]) == string(all[:first])
	}
	w.memory += len(all)
	tag, ok := integerColumn(lengths, false)
	if !ok {
		return
	}
	if same {
		all = all[:first]
	}
	w.columns[name] = octets{Lengths: tag, Octets: all}
}

// take counts memory that a reader will need.
func (w *columnWriter) take(n int, each uintptr) { w.memory += n * int(each) }

// columnReader reads the columns of a block of rows.
type columnReader struct {
	columns map[string]cbor.RawMessage
	// parents are what columns' names begin with: fields whose fields are there.
	parents map[string]bool
	// plain says that fields of wasPlain were not optional when the file was
	// written: one that is not there is zero, and known.
	plain bool
	// milliseconds says that fields of wasMilliseconds were that.
	milliseconds bool
	memory       *memory
	scratch      scratch
}

// newColumnReader returns a reader of columns, whose values take of a memory.
func newColumnReader(columns map[string]cbor.RawMessage, of *memory) *columnReader {
	r := &columnReader{columns: columns, parents: make(map[string]bool), memory: of}
	for name := range columns {
		r.parents[strings.TrimRight(name, suffixPresent+suffixCount)] = true
		for {
			dot := strings.LastIndexByte(name, '.')
			if dot < 0 {
				break
			}
			name = name[:dot]
			r.parents[name] = true
		}
	}
	return r
}

// take claims memory for n values of a size, before it is had.
func (r *columnReader) take(n int, each uintptr) error {
	if !r.memory.take(n, each) {
		return corrupt("the values take more memory than the %d octets that there are for them", maxBlockMemory)
	}
	return nil
}

// integers reads a column of n integers, which are sign-extended. It is false
// when there is none. The values are to be given back.
func (r *columnReader) integers(name string, n int) (values []uint64, signed, ok bool, err error) {
	raw, ok := r.columns[name]
	if !ok {
		return nil, false, false, nil
	}
	var tag cbor.RawTag
	if err := decoding().Unmarshal(raw, &tag); err != nil {
		return nil, false, false, corrupt("column %q: %v", name, err)
	}
	values, signed, err = r.typedArray(tag.Number, tag.Content, n)
	if err != nil {
		return nil, false, false, fmt.Errorf("column %q: %w", name, err)
	}
	return values, signed, true, nil
}

// typedArray reads a typed array of n elements, or of one that stands for all
// of them.
func (r *columnReader) typedArray(tag uint64, content cbor.RawMessage, n int) (values []uint64, signed bool, err error) {
	var b []byte
	if err := decoding().Unmarshal(content, &b); err != nil {
		return nil, false, corrupt("%v", err)
	}
	var width int
	switch tag {
	case tagUint8, tagSint8:
		width = 1
	case tagUint16LE, tagSint16LE:
		width = 2
	case tagUint32LE, tagSint32LE:
		width = 4
	case tagUint64LE, tagSint64LE:
		width = 8
	default:
		return nil, false, corrupt("tag %d is not that of a typed array", tag)
	}
	signed = tag >= tagSint8
	if len(b) != width && len(b) != n*width {
		return nil, false, corrupt("a typed array of %d octets, of %d each, for %d values", len(b), width, n)
	}
	values = r.scratch.integers(n)
	for i := range min(n, len(b)/width) {
		var v uint64
		switch width {
		case 1:
			v = uint64(b[i])
		case 2:
			v = uint64(binary.LittleEndian.Uint16(b[2*i:]))
		case 4:
			v = uint64(binary.LittleEndian.Uint32(b[4*i:]))
		case 8:
			v = binary.LittleEndian.Uint64(b[8*i:])
		}
		if signed {
			shift := 64 - 8*width
			v = uint64(int64(v<<shift) >> shift)
		}
		values[i] = v
	}
	if len(b) != n*width { // n may be 0
		for i := range values {
			values[i] = values[0]
		}
	}
	return values, signed, nil
}

// octets reads a column of n strings of octets and calls each with every value.
// It is false when there is none.
func (r *columnReader) octets(name string, n int, each func(i int, s string) error) error {
	raw, ok := r.columns[name]
	if !ok || n == 0 {
		return nil
	}
	var column struct {
		_       struct{} `cbor:",toarray"`
		Lengths cbor.RawTag
		Octets  []byte
	}
	if err := decoding().Unmarshal(raw, &column); err != nil {
		return corrupt("column %q: %v", name, err)
	}
	lengths, _, err := r.typedArray(column.Lengths.Number, column.Lengths.Content, n)
	if err != nil {
		return fmt.Errorf("column %q: %w", name, err)
	}
	defer r.scratch.giveIntegers(lengths)
	if err := r.take(len(column.Octets), 1); err != nil {
		return err
	}
	all := string(column.Octets)
	if isSame(lengths) && uint64(len(all)) == lengths[0] {
		for i := range n {
			if err := each(i, all); err != nil {
				return fmt.Errorf("column %q: %w", name, err)
			}
		}
		return nil
	}
	for i, length := range lengths {
		if length > uint64(len(all)) {
			return corrupt("column %q: there are fewer octets than its lengths tell", name)
		}
		if err := each(i, all[:length]); err != nil {
			return fmt.Errorf("column %q: %w", name, err)
		}
		all = all[length:]
	}
	if all != "" {
		return corrupt("column %q: there are more octets than its lengths tell", name)
	}
	return nil
}

func isSame(values []uint64) bool {
	for _, v := range values {
		if v != values[0] {
			return false
		}
	}
	return true
}

// scratch keeps slices for further use. At any time few are in use.
type scratch struct {
	values [][]reflect.Value
	ints   [][]uint64
}

// rows returns a slice with room for n values.
func (s *scratch) rows(n int) []reflect.Value {
	if last := len(s.values) - 1; last >= 0 {
		v := s.values[last]
		s.values = s.values[:last]
		if cap(v) >= n {
			return v[:0]
		}
	}
	return make([]reflect.Value, 0, n)
}

func (s *scratch) giveRows(v []reflect.Value) { s.values = append(s.values, v) }

// integers returns a slice of n integers, which are not cleared.
func (s *scratch) integers(n int) []uint64 {
	if last := len(s.ints) - 1; last >= 0 {
		v := s.ints[last]
		s.ints = s.ints[:last]
		if cap(v) >= n {
			return v[:n]
		}
	}
	return make([]uint64, n)
}

func (s *scratch) giveIntegers(v []uint64) { s.ints = append(s.ints, v) }

// encoding and decoding are CBOR as the format has it. What is decoded is
// bounded by the length of its frame.
var (
	encoding = sync.OnceValue(func() cbor.EncMode {
		m, err := cbor.EncOptions{
			Sort: cbor.SortCoreDeterministic, Time: cbor.TimeRFC3339NanoUTC, TimeTag: cbor.EncTagRequired,
		}.EncMode()
		if err != nil {
			panic(err)
		}
		return m
	})
	decoding = sync.OnceValue(func() cbor.DecMode {
		m, err := cbor.DecOptions{
			DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, MaxNestedLevels: 16,
			MaxArrayElements: maxElements, MaxMapPairs: 1 << 14, TimeTag: cbor.DecTagOptional,
			// Text of others is in byte strings where it is not UTF-8.
			ByteStringToString: cbor.ByteStringToStringAllowed, UTF8: cbor.UTF8DecodeInvalid,
		}.DecMode()
		if err != nil {
			panic(err)
		}
		return m
	})
)

// maxElements bounds the elements of an array in metadata.
const maxElements = 1 << 20

// marshal encodes v. The error names what is too large for a frame.
func marshal(v any) ([]byte, error) {
	b, err := encoding().Marshal(v)
	if err != nil {
		return nil, err
	}
	if len(b) > maxPayload {
		return nil, errPayload
	}
	return b, nil
}

var errPayload = errors.New("more than the " + strconv.Itoa(maxPayload) + " octets that a frame may have")

// unmarshal decodes the payload of a frame that is not one of rows.
func unmarshal(b []byte, v any) error {
	if err := decoding().Unmarshal(b, v); err != nil {
		return corrupt("%v", err)
	}
	return nil
}

// rowsFrame is the payload of a frame of rows.
type rowsFrame struct {
	Kind    Kind           `cbor:"kind"`
	Part    string         `cbor:"part,omitempty"`
	Rows    int            `cbor:"rows"`
	Version uint64         `cbor:"version,omitempty"`
	Columns map[string]any `cbor:"columns"`
}

// rowsHead is what every frame of rows has, whatever its columns.
type rowsHead struct {
	Kind    Kind                       `cbor:"kind"`
	Part    string                     `cbor:"part"`
	Rows    uint64                     `cbor:"rows"`
	Version uint64                     `cbor:"version"`
	Columns map[string]cbor.RawMessage `cbor:"columns"`
}

// rowsVersion is the version of rows: since 1, the fields of wasPlain are optional, and since 2 those of
// wasMilliseconds are in nanoseconds, as all that lasts.
const rowsVersion = 2

// wasMilliseconds are the columns of fields that were in milliseconds in rows of versions 0 and 1.
func wasMilliseconds(column string) bool {
	return column == "RTOMin" || column == "RTOMax" || strings.HasSuffix(column, "RetireTimeout")
}

// wasPlain are the columns of fields that were not optional in rows of version 0:
// one that is left out there is zero in all rows, but for rows that SNMP told,
// which had a zero for what was not told.
var wasPlain = sync.OnceValue(func() map[string]bool {
	columns := make(map[string]bool)
	for _, name := range []string{
		"HardwareType", "OperState", "MTU",
		"Interface", "Inode", "Cookie", "Timer", "Expires", "Retransmits",
		"Metric", "TOS", "Scope",
		"State",
	} {
		columns[name], columns["Socket."+name] = true, true
	}
	for _, name := range []string{
		"InPackets", "OutPackets", "InOctets", "OutOctets", "InErrors", "OutErrors", "InDropped", "OutDropped", "InMulticast", "Collisions",
		"InLengthErrors", "InOverErrors", "InCRCErrors", "InFrameErrors", "InFIFOErrors", "InMissedErrors",
		"OutAbortedErrors", "OutCarrierErrors", "OutFIFOErrors", "OutHeartbeatErrors", "OutWindowErrors", "InCompressed", "OutCompressed",
	} {
		columns["Counters."+name] = true
	}
	return columns
})

// errBlock says that rows are too large for one frame.
var errBlock = errors.New("the rows are too large for one frame")

// encodeRows returns the payload of a frame of rows.
func encodeRows[T any](c codec, kind Kind, part string, rows []T, w *columnWriter) ([]byte, error) {
	w.columns, w.memory = make(map[string]any), 0
	w.take(len(rows), reflect.TypeFor[T]().Size()+perValue)
	values := w.scratch.rows(len(rows))
	slice := reflect.ValueOf(rows)
	for i := range rows {
		values = append(values, slice.Index(i))
	}
	c.write(w, "", values)
	w.scratch.giveRows(values)
	if w.memory > maxBlockMemory {
		return nil, errBlock
	}
	b, err := marshal(rowsFrame{Kind: kind, Part: part, Rows: len(rows), Version: rowsVersion, Columns: w.columns})
	if errors.Is(err, errPayload) {
		return nil, errBlock
	}
	return b, err
}

// decodeRows reads the rows of a frame into a slice that is used again. told says
// that SNMP told them.
func decodeRows[T any](c codec, head *rowsHead, told bool, s *scratch, rows []T) ([]T, error) {
	if head.Rows > maxBlockRows {
		return nil, corrupt("%d rows in one frame, more than %d", head.Rows, maxBlockRows)
	}
	n := int(head.Rows)
	left := memory(maxBlockMemory)
	r := newColumnReader(head.Columns, &left)
	r.plain = head.Version < 1 && !told && head.Kind != KindIdentity // whose cookie was optional
	r.milliseconds = head.Version < 2
	r.scratch = *s
	defer func() { *s = r.scratch }()
	if err := r.take(n, reflect.TypeFor[T]().Size()+perValue); err != nil {
		return nil, err
	}
	if cap(rows) < n {
		rows = make([]T, n)
	}
	rows = rows[:n]
	clear(rows)
	if n == 0 {
		return rows, nil
	}
	values := r.scratch.rows(n)
	slice := reflect.ValueOf(rows)
	for i := range rows {
		values = append(values, slice.Index(i))
	}
	err := c.read(r, "", values)
	r.scratch.giveRows(values)
	return rows, err
}

// fitsSigned reports whether an integer of a column fits a signed field.
func fitsSigned(v uint64, signed bool) bool { return signed || v <= math.MaxInt64 }
