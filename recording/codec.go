package recording

import (
	"fmt"
	"net/netip"
	"reflect"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// codec writes values of one type into columns and reads them back. The name of
// a column is that of the field, with those of the structures it stands in
// before it, joined by dots. Columns that hold nothing but zero values are left
// out; one that is not there leaves the fields at their zero values.
type codec interface {
	// write adds the columns of the values, which are addressable.
	write(w *columnWriter, name string, values []reflect.Value)
	// read sets the values, which are zero.
	read(r *columnReader, name string, values []reflect.Value) error
}

// optional is what *netstat.Optional[T] has.
type optional interface {
	Fields() (value any, known *bool)
}

// codecOf returns the codec of a type. It panics for types that the vocabulary
// does not use: floating point, maps, interfaces, functions.
func codecOf(t reflect.Type) codec {
	switch reflect.New(t).Interface().(type) {
	case *netip.Addr, *netip.AddrPort, *netip.Prefix:
		return binaryCodec{}
	case *time.Time:
		return timeCodec{}
	case *netstat.Number:
		return numberCodec{}
	case optional:
		value, _ := reflect.New(t).Interface().(optional).Fields()
		return optionalCodec{alwaysThere(reflect.TypeOf(value).Elem())}
	}
	switch t.Kind() {
	case reflect.Bool:
		return boolCodec{}
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		return uintCodec{}
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int:
		return intCodec{}
	case reflect.String:
		return stringCodec{}
	case reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			return octetsCodec{}
		}
	case reflect.Pointer:
		return pointerCodec{t.Elem(), alwaysThere(t.Elem())}
	case reflect.Slice:
		elem := alwaysThere(t.Elem())
		if _, ok := elem.(sliceCodec); ok {
			panic(fmt.Sprintf("recording: %v would need two columns of one name", t))
		}
		return sliceCodec{t, elem}
	case reflect.Struct:
		s := make(structCodec, 0, t.NumField())
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() {
				panic(fmt.Sprintf("recording: %v has the field %s, which is not exported", t, f.Name))
			}
			s = append(s, fieldCodec{index: i, name: f.Name, embedded: f.Anonymous, codec: codecOf(f.Type)})
		}
		return s
	}
	panic(fmt.Sprintf("recording: no column can hold a %v", t))
}

// alwaysThere returns the codec of a type that stands in an optional value or a
// slice, and is therefore not to need a column of presence itself.
func alwaysThere(t reflect.Type) codec {
	c := codecOf(t)
	switch c.(type) {
	case optionalCodec, pointerCodec, timeCodec:
		panic(fmt.Sprintf("recording: an optional %v would need two columns of one name", t))
	}
	return c
}

type structCodec []fieldCodec

type fieldCodec struct {
	index    int
	name     string
	embedded bool // its fields are named like those of the structure itself
	codec    codec
}

// under returns the field's name in a structure.
func (f *fieldCodec) under(name string) string {
	switch {
	case f.embedded:
		return name
	case name == "":
		return f.name
	}
	return name + "." + f.name
}

func (s structCodec) write(w *columnWriter, name string, values []reflect.Value) {
	fields := w.scratch.rows(len(values))
	for i := range s {
		f := &s[i]
		fields = fields[:0]
		for _, v := range values {
			fields = append(fields, v.Field(f.index))
		}
		f.codec.write(w, f.under(name), fields)
	}
	w.scratch.giveRows(fields)
}

func (s structCodec) read(r *columnReader, name string, values []reflect.Value) error {
	present, given, err := r.present(name, values)
	if err != nil {
		return err
	}
	if given {
		defer r.scratch.giveRows(present)
	}
	fields := r.scratch.rows(len(present))
	defer func() { r.scratch.giveRows(fields) }()
	for i := range s {
		f := &s[i]
		under := f.under(name)
		if !f.embedded && !r.parents[under] && !r.isPlain(under) {
			continue
		}
		fields = fields[:0]
		for _, v := range present {
			fields = append(fields, v.Field(f.index))
		}
		if err := f.codec.read(r, under, fields); err != nil {
			return err
		}
	}
	return nil
}

// isPlain reports whether a field that is optional now was not when the rows were
// written.
func (r *columnReader) isPlain(name string) bool { return r.plain && wasPlain()[name] }

// present returns the values for which there is something in the columns of a
// name: all of them, unless the writer knew the field as an optional one. given
// says that the slice is to be given back.
func (r *columnReader) present(name string, values []reflect.Value) (present []reflect.Value, given bool, err error) {
	known, _, ok, err := r.integers(name+suffixPresent, len(values))
	if err != nil || !ok {
		return values, false, err
	}
	present = r.scratch.rows(len(values))
	for i, k := range known {
		if k != 0 {
			present = append(present, values[i])
		}
	}
	r.scratch.giveIntegers(known)
	return present, true, nil
}

// writePresent adds the column that says which values there are.
func (w *columnWriter) writePresent(name string, n int, isPresent func(i int) bool) {
	known := w.scratch.integers(n)
	for i := range known {
		known[i] = 0
		if isPresent(i) {
			known[i] = 1
		}
	}
	w.integers(name+suffixPresent, known, false)
	w.scratch.giveIntegers(known)
}

// optionalCodec is of netstat.Optional. The columns of the value hold the known
// values only.
type optionalCodec struct{ value codec }

func (c optionalCodec) write(w *columnWriter, name string, values []reflect.Value) {
	known := w.scratch.rows(len(values))
	w.writePresent(name, len(values), func(i int) bool {
		value, isKnown := values[i].Addr().Interface().(optional).Fields()
		if *isKnown {
			known = append(known, reflect.ValueOf(value).Elem())
		}
		return *isKnown
	})
	if len(known) > 0 {
		c.value.write(w, name, known)
	}
	w.scratch.giveRows(known)
}

func (c optionalCodec) read(r *columnReader, name string, values []reflect.Value) error {
	// A field that became optional after the file was written is known in all
	// rows.
	if !r.parents[name] && !r.isPlain(name) {
		return nil
	}
	present, given, err := r.present(name, values)
	if err != nil {
		return err
	}
	known := r.scratch.rows(len(present))
	for _, v := range present {
		value, isKnown := v.Addr().Interface().(optional).Fields()
		*isKnown = true
		known = append(known, reflect.ValueOf(value).Elem())
	}
	if given {
		r.scratch.giveRows(present)
	}
	err = r.dense(c.value, name, known)
	r.scratch.giveRows(known)
	return err
}

// dense reads values all of which are there, into a codec that must not look at
// the column of presence once more.
func (r *columnReader) dense(c codec, name string, values []reflect.Value) error {
	if len(values) == 0 {
		return nil
	}
	column, ok := r.columns[name+suffixPresent]
	delete(r.columns, name+suffixPresent)
	err := c.read(r, name, values)
	if ok {
		r.columns[name+suffixPresent] = column
	}
	return err
}

// pointerCodec is of a pointer that may be nil, which is an optional value.
type pointerCodec struct {
	elem  reflect.Type
	value codec
}

func (c pointerCodec) write(w *columnWriter, name string, values []reflect.Value) {
	there := w.scratch.rows(len(values))
	w.writePresent(name, len(values), func(i int) bool {
		if values[i].IsNil() {
			return false
		}
		there = append(there, values[i].Elem())
		return true
	})
	if len(there) > 0 {
		w.take(len(there), c.elem.Size())
		c.value.write(w, name, there)
	}
	w.scratch.giveRows(there)
}

func (c pointerCodec) read(r *columnReader, name string, values []reflect.Value) error {
	if !r.parents[name] {
		return nil
	}
	present, given, err := r.present(name, values)
	if err != nil {
		return err
	}
	if err := r.take(len(present), c.elem.Size()); err != nil {
		return err
	}
	there := r.scratch.rows(len(present))
	for _, v := range present {
		p := reflect.New(c.elem)
		v.Set(p)
		there = append(there, p.Elem())
	}
	if given {
		r.scratch.giveRows(present)
	}
	err = r.dense(c.value, name, there)
	r.scratch.giveRows(there)
	return err
}

// sliceCodec is of a slice. The columns of the elements hold those of all rows,
// one after the other.
type sliceCodec struct {
	slice reflect.Type
	elem  codec
}

func (c sliceCodec) write(w *columnWriter, name string, values []reflect.Value) {
	counts := w.scratch.integers(len(values))
	elements := w.scratch.rows(len(values))
	for i, v := range values {
		counts[i] = 0
		if v.IsNil() {
			continue
		}
		counts[i] = uint64(v.Len()) + 1
		for j := range v.Len() {
			elements = append(elements, v.Index(j))
		}
	}
	w.integers(name+suffixCount, counts, false)
	w.scratch.giveIntegers(counts)
	if len(elements) > 0 {
		w.take(len(elements), c.slice.Elem().Size()+perValue)
		c.elem.write(w, name, elements)
	}
	w.scratch.giveRows(elements)
}

func (c sliceCodec) read(r *columnReader, name string, values []reflect.Value) error {
	present, given, err := r.present(name, values)
	if err != nil {
		return err
	}
	if given {
		defer r.scratch.giveRows(present)
	}
	counts, _, ok, err := r.integers(name+suffixCount, len(present))
	if err != nil || !ok {
		return err
	}
	total := 0
	for _, n := range counts {
		if n > maxBlockMemory {
			return corrupt("column %q: %d elements", name+suffixCount, n)
		}
		total += int(max(n, 1) - 1)
		if err := r.take(int(max(n, 1)-1), c.slice.Elem().Size()+perValue); err != nil {
			return err
		}
	}
	elements := r.scratch.rows(total)
	for i, v := range present {
		if counts[i] == 0 {
			continue
		}
		n := int(counts[i] - 1)
		s := reflect.MakeSlice(c.slice, n, n)
		for j := range n {
			elements = append(elements, s.Index(j))
		}
		v.Set(s)
	}
	r.scratch.giveIntegers(counts)
	err = r.dense(c.elem, name, elements)
	r.scratch.giveRows(elements)
	return err
}

// leaf reads integers and hands each with its value to set.
func (r *columnReader) leaf(name string, values []reflect.Value, set func(v reflect.Value, n uint64, signed bool) bool) error {
	present, given, err := r.present(name, values)
	if err != nil {
		return err
	}
	if given {
		defer r.scratch.giveRows(present)
	}
	ints, signed, ok, err := r.integers(name, len(present))
	if err != nil || !ok {
		return err
	}
	for i, v := range present {
		if !set(v, ints[i], signed) {
			return corrupt("column %q: %d does not fit a %v", name, ints[i], v.Type())
		}
	}
	r.scratch.giveIntegers(ints)
	return nil
}

type boolCodec struct{}

func (boolCodec) write(w *columnWriter, name string, values []reflect.Value) {
	ints := w.scratch.integers(len(values))
	for i, v := range values {
		ints[i] = 0
		if v.Bool() {
			ints[i] = 1
		}
	}
	w.integers(name, ints, false)
	w.scratch.giveIntegers(ints)
}

func (boolCodec) read(r *columnReader, name string, values []reflect.Value) error {
	return r.leaf(name, values, func(v reflect.Value, n uint64, _ bool) bool {
		v.SetBool(n != 0)
		return n <= 1
	})
}

type uintCodec struct{}

func (uintCodec) write(w *columnWriter, name string, values []reflect.Value) {
	ints := w.scratch.integers(len(values))
	for i, v := range values {
		ints[i] = v.Uint()
	}
	w.integers(name, ints, false)
	w.scratch.giveIntegers(ints)
}

func (uintCodec) read(r *columnReader, name string, values []reflect.Value) error {
	return r.leaf(name, values, func(v reflect.Value, n uint64, signed bool) bool {
		if signed && int64(n) < 0 || v.OverflowUint(n) {
			return false
		}
		v.SetUint(n)
		return true
	})
}

type intCodec struct{}

func (intCodec) write(w *columnWriter, name string, values []reflect.Value) {
	ints := w.scratch.integers(len(values))
	for i, v := range values {
		ints[i] = uint64(v.Int())
	}
	w.integers(name, ints, true)
	w.scratch.giveIntegers(ints)
}

func (intCodec) read(r *columnReader, name string, values []reflect.Value) error {
	scale := int64(1)
	if r.milliseconds && wasMilliseconds(name) {
		scale = int64(time.Millisecond)
	}
	return r.leaf(name, values, func(v reflect.Value, n uint64, signed bool) bool {
		if !fitsSigned(n, signed) || v.OverflowInt(int64(n)) || int64(n)*scale/scale != int64(n) {
			return false
		}
		n *= uint64(scale)
		v.SetInt(int64(n))
		return true
	})
}

type stringCodec struct{}

func (stringCodec) write(w *columnWriter, name string, values []reflect.Value) {
	w.octets(name, len(values), func(i int, b []byte) []byte { return append(b, values[i].String()...) })
}

func (stringCodec) read(r *columnReader, name string, values []reflect.Value) error {
	present, given, err := r.present(name, values)
	if err != nil {
		return err
	}
	if given {
		defer r.scratch.giveRows(present)
	}
	return r.octets(name, len(present), func(i int, s string) error {
		present[i].SetString(s)
		return nil
	})
}

// octetsCodec is of arrays of octets. One of zeros is empty, so that it needs no
// column.
type octetsCodec struct{}

func (octetsCodec) write(w *columnWriter, name string, values []reflect.Value) {
	w.octets(name, len(values), func(i int, b []byte) []byte {
		if values[i].IsZero() {
			return b
		}
		for j := range values[i].Len() {
			b = append(b, byte(values[i].Index(j).Uint()))
		}
		return b
	})
}

func (octetsCodec) read(r *columnReader, name string, values []reflect.Value) error {
	present, given, err := r.present(name, values)
	if err != nil {
		return err
	}
	if given {
		defer r.scratch.giveRows(present)
	}
	return r.octets(name, len(present), func(i int, s string) error {
		v := present[i]
		if len(s) != 0 && len(s) != v.Len() {
			return corrupt("%d octets where there are to be %d", len(s), v.Len())
		}
		for j := range len(s) {
			v.Index(j).SetUint(uint64(s[j]))
		}
		return nil
	})
}

// binaryCodec is of the types of package netip, in the form of their
// MarshalBinary.
type binaryCodec struct{}

func (binaryCodec) write(w *columnWriter, name string, values []reflect.Value) {
	w.octets(name, len(values), func(i int, b []byte) []byte {
		var err error
		// What is invalid, as a whole, is empty, so that it needs no column.
		switch p := values[i].Addr().Interface().(type) {
		case *netip.Addr:
			b, err = p.AppendBinary(b)
		case *netip.AddrPort:
			if *p != (netip.AddrPort{}) {
				b, err = p.AppendBinary(b)
			}
		case *netip.Prefix:
			if *p != (netip.Prefix{}) {
				b, err = p.AppendBinary(b)
			}
		}
		if err != nil {
			panic(err) // none of them has a reason to
		}
		return b
	})
}

func (binaryCodec) read(r *columnReader, name string, values []reflect.Value) error {
	present, given, err := r.present(name, values)
	if err != nil {
		return err
	}
	if given {
		defer r.scratch.giveRows(present)
	}
	var b []byte
	var addr netip.Addr
	return r.octets(name, len(present), func(i int, s string) (err error) {
		if s == "" {
			return nil
		}
		b = append(b[:0], s...)
		switch p := present[i].Addr().Interface().(type) {
		case *netip.Addr:
			err = p.UnmarshalBinary(b)
		case *netip.AddrPort:
			err = p.UnmarshalBinary(b)
		case *netip.Prefix: // as its UnmarshalBinary, which allocates
			last := len(b) - 1
			err = addr.UnmarshalBinary(b[:last])
			*p = netip.PrefixFrom(addr, int(b[last]))
		}
		if err != nil {
			return corrupt("%v", err)
		}
		return nil
	})
}

// timeCodec is of moments, as seconds since 1970 and nanoseconds. The zero Time
// is not there, as an optional value is not that is not known.
type timeCodec struct{}

func (timeCodec) write(w *columnWriter, name string, values []reflect.Value) {
	seconds, nanoseconds := w.scratch.integers(len(values)), w.scratch.integers(len(values))
	n := 0
	w.writePresent(name, len(values), func(i int) bool {
		t := values[i].Addr().Interface().(*time.Time)
		if t.IsZero() {
			return false
		}
		seconds[n], nanoseconds[n] = uint64(t.Unix()), uint64(t.Nanosecond())
		n++
		return true
	})
	w.integers(name, seconds[:n], true)
	w.integers(name+suffixNanoseconds, nanoseconds[:n], false)
	w.scratch.giveIntegers(seconds)
	w.scratch.giveIntegers(nanoseconds)
}

func (timeCodec) read(r *columnReader, name string, values []reflect.Value) error {
	if !r.parents[name] {
		return nil
	}
	present, given, err := r.present(name, values)
	if err != nil {
		return err
	}
	if given {
		defer r.scratch.giveRows(present)
	}
	seconds, signed, ok, err := r.integers(name, len(present))
	if err != nil {
		return err
	}
	if !ok {
		seconds = r.scratch.integers(len(present))
		clear(seconds)
	}
	nanoseconds, _, ok, err := r.integers(name+suffixNanoseconds, len(present))
	if err != nil {
		return err
	}
	if !ok {
		nanoseconds = r.scratch.integers(len(present))
		clear(nanoseconds)
	}
	for i, v := range present {
		if nanoseconds[i] >= uint64(time.Second) || !fitsSigned(seconds[i], signed) {
			return corrupt("column %q: %d seconds and %d nanoseconds", name, seconds[i], nanoseconds[i])
		}
		*v.Addr().Interface().(*time.Time) = time.Unix(int64(seconds[i]), int64(nanoseconds[i]))
	}
	r.scratch.giveIntegers(seconds)
	r.scratch.giveIntegers(nanoseconds)
	return nil
}

// numberCodec is of netstat.Number: its magnitude, and whether it is negative.
type numberCodec struct{}

func (numberCodec) write(w *columnWriter, name string, values []reflect.Value) {
	magnitude, negative := w.scratch.integers(len(values)), w.scratch.integers(len(values))
	for i, v := range values {
		number := v.Addr().Interface().(*netstat.Number)
		n, ok := number.Uint64()
		negative[i] = 0
		if !ok {
			signed, _ := number.Int64()
			n, negative[i] = -uint64(signed), 1
		}
		magnitude[i] = n
	}
	w.integers(name, magnitude, false)
	w.integers(name+suffixNegative, negative, false)
	w.scratch.giveIntegers(magnitude)
	w.scratch.giveIntegers(negative)
}

func (numberCodec) read(r *columnReader, name string, values []reflect.Value) error {
	err := r.leaf(name, values, func(v reflect.Value, n uint64, _ bool) bool {
		*v.Addr().Interface().(*netstat.Number) = netstat.Unsigned(n)
		return true
	})
	if err != nil {
		return err
	}
	return r.leaf(name+suffixNegative, values, func(v reflect.Value, n uint64, _ bool) bool {
		number := v.Addr().Interface().(*netstat.Number)
		magnitude, _ := number.Uint64()
		switch {
		case n == 0:
			return true
		case n > 1 || magnitude == 0 || magnitude > 1<<63:
			return false
		}
		*number = netstat.Signed(int64(-magnitude))
		return true
	})
}
