package netstat

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"
)

// filler makes random values.
type filler struct{ *rand.Rand }

func (g filler) addr() netip.Addr {
	var a [16]byte
	for i := range a {
		a[i] = byte(g.Uint32())
	}
	switch g.IntN(4) {
	case 0:
		return netip.AddrFrom4([4]byte(a[:4]))
	case 1:
		return netip.AddrFrom16(a).WithZone(fmt.Sprint(g.IntN(100)))
	}
	return netip.AddrFrom16(a)
}

func (g filler) fill(t *testing.T, v reflect.Value) {
	if g.IntN(4) == 0 && v.Kind() != reflect.Struct {
		return
	}
	switch p := v.Addr().Interface().(type) {
	case *netip.Addr:
		*p = g.addr()
		return
	case *netip.AddrPort:
		*p = netip.AddrPortFrom(g.addr(), uint16(g.Uint32()))
		return
	case *netip.Prefix:
		if a := g.addr().WithZone(""); g.IntN(3) > 0 {
			*p = netip.PrefixFrom(a, g.IntN(a.BitLen()+1))
		}
		return
	case *time.Time:
		*p = time.Unix(g.Int64N(1<<34), g.Int64N(1e9)).UTC()
		return
	case *Number:
		if *p = Unsigned(g.Uint64()); g.IntN(2) == 0 {
			*p = Signed(int64(g.Uint64()))
		}
		return
	case interface{ Fields() (any, *bool) }:
		value, known := p.Fields()
		if *known = g.IntN(3) > 0; *known {
			to := reflect.ValueOf(value).Elem()
			if g.fill(t, to); to.Kind() == reflect.Slice && to.IsNil() {
				to.Set(reflect.MakeSlice(to.Type(), 0, 0))
			}
		}
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uint:
		if v.SetUint(g.Uint64() >> (64 - v.Type().Bits())); g.IntN(2) == 0 {
			v.SetUint(uint64(g.IntN(12)))
		}
	case reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64, reflect.Int:
		v.SetInt(int64(g.Uint64()) >> (64 - v.Type().Bits()))
	case reflect.String:
		if _, text := v.Interface().(encoding.TextMarshaler); !text {
			v.SetString(strings.Repeat("é\x00<\"", g.IntN(3)))
			return
		}
		b := make([]byte, g.IntN(20))
		for i := range b {
			b[i] = byte(g.Uint32())
		}
		v.SetString(string(b))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		g.fill(t, v.Elem())
	case reflect.Slice:
		n := g.IntN(4)
		v.Set(reflect.MakeSlice(v.Type(), n, n))
		for i := range n {
			g.fill(t, v.Index(i))
		}
	case reflect.Array:
		for i := range v.Len() {
			g.fill(t, v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				t.Fatalf("%v has the field %s, which is not exported", v.Type(), v.Type().Field(i).Name)
			}
			g.fill(t, v.Field(i))
		}
	default:
		t.Fatalf("no values of %v are made", v.Type())
	}
}

// rows returns the types of what readers give, those of iterators and the others,
// without SocketOwners, which is an index to look into and no row.
func rows() map[string]reflect.Type {
	found := make(map[string]reflect.Type)
	for _, reader := range []reflect.Type{
		reflect.TypeFor[CompleteStack](), reflect.TypeFor[FlowReader](), reflect.TypeFor[ExpectationReader](), reflect.TypeFor[FlowStatisticsReader](),
	} {
		for m := range reader.NumMethod() {
			method := reader.Method(m).Type
			for i := range method.NumOut() {
				out := method.Out(i)
				if out.Kind() == reflect.Func {
					out = out.In(0).In(0)
				}
				for out.Kind() == reflect.Pointer || out.Kind() == reflect.Slice {
					out = out.Elem()
				}
				if out.Kind() == reflect.Struct && strings.HasSuffix(out.PkgPath(), "/netstat") {
					found[out.Name()] = out
				}
			}
		}
	}
	for _, other := range []any{MulticastGroup{}, NewFlow{}, FlowChange{}, InterfaceCounters{}, CounterInfo{}} {
		found[reflect.TypeOf(other).Name()] = reflect.TypeOf(other)
	}
	delete(found, reflect.TypeFor[SocketOwners]().Name())
	return found
}

func TestRowsInJSON(t *testing.T) {
	found := rows()
	for _, name := range []string{"Socket", "Interface", "Address", "Route", "Neighbour", "Rule", "UnixSocket", "Flow", "Expectation", "Counter"} {
		if found[name] == nil {
			t.Errorf("%s is not among the rows", name)
		}
	}
	for name, row := range found {
		g := filler{rand.New(rand.NewPCG(1, uint64(len(name))))}
		for range 200 {
			want := reflect.New(row)
			g.fill(t, want.Elem())
			b, err := json.Marshal(want.Interface())
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			got := reflect.New(row)
			if err := json.Unmarshal(b, got.Interface()); err != nil {
				t.Fatalf("%s: %v in %s", name, err, b)
			}
			if !reflect.DeepEqual(got.Interface(), want.Interface()) {
				t.Fatalf("%s comes back as\n%+v, not\n%+v\nfrom %s", name, got, want, b)
			}
		}
	}
}

func TestOptionalInJSON(t *testing.T) {
	type object struct {
		A Optional[uint64]            `json:"a"`
		B Optional[uint64]            `json:"b,omitzero"`
		C Optional[[]HardwareAddress] `json:"c"`
	}
	for want, o := range map[string]object{
		`{"a":null,"c":null}`:                      {},
		`{"a":0,"b":0,"c":[]}`:                     {Known[uint64](0), Known[uint64](0), Known[[]HardwareAddress](nil)},
		`{"a":18446744073709551615,"c":["01:ff"]}`: {A: Known[uint64](1<<64 - 1), C: Known([]HardwareAddress{"\x01\xff"})},
	} {
		b, err := json.Marshal(o)
		if err != nil || string(b) != want {
			t.Errorf("%s, %v; want %s", b, err, want)
		}
		var back object
		if err := json.Unmarshal(b, &back); err != nil || back.A != o.A || back.B != o.B || back.C.IsKnown() != o.C.IsKnown() {
			t.Errorf("%s comes back as %+v, %v", b, back, err)
		}
	}
	o := Known[uint8](7)
	for _, bad := range []string{`256`, `"x"`, `{}`, `-1`} {
		if err := json.Unmarshal([]byte(bad), &o); err == nil || o != Known[uint8](7) {
			t.Errorf("%s is %v, %v", bad, o, err)
		}
	}
	if err := json.Unmarshal([]byte("null"), &o); err != nil || o.IsKnown() {
		t.Errorf("null is %v, %v", o, err)
	}
}

// named is one of the types whose numbers have names.
type named struct {
	name   string
	of     func(n uint64) (any, encoding.TextMarshaler)
	decode func(text []byte) (any, error)
	most   uint64
}

func namesOf[T interface {
	~uint8 | ~uint16 | ~uint32
	encoding.TextMarshaler
	fmt.Stringer
}, P interface {
	*T
	encoding.TextUnmarshaler
}]() named {
	return named{
		name: reflect.TypeFor[T]().Name(),
		of:   func(n uint64) (any, encoding.TextMarshaler) { return T(n), T(n) },
		decode: func(text []byte) (any, error) {
			var v T
			err := P(&v).UnmarshalText(text)
			return v, err
		},
		most: uint64(^T(0)),
	}
}

func allNames() []named {
	return []named{
		namesOf[IPProtocol](), namesOf[FlowList](), namesOf[FlowStatus](), namesOf[FlowTCPState](), namesOf[FlowSCTPState](), namesOf[FlowDCCPState](),
		namesOf[CounterKind](), namesOf[OperState](), namesOf[Direction](), namesOf[Kinds](), namesOf[FilterMode](), namesOf[NeighbourState](),
		namesOf[TrafficHandle](), namesOf[RouteType](), namesOf[EncapKind](), namesOf[RouteFeatures](), namesOf[RuleAction](), namesOf[Protocol](),
		namesOf[Family](), namesOf[State](), namesOf[Timer](), namesOf[SocketFlags](), namesOf[Shutdown](), namesOf[SocketType](),
		namesOf[NetlinkProtocol](), namesOf[NetlinkFlags](), namesOf[PacketFlags](), namesOf[SMCState](), namesOf[SMCMode](), namesOf[TCPOptions](),
		namesOf[CongestionState](), namesOf[TLSMode](), namesOf[SubflowFlags](),
	}
}

func TestNamesInText(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, n := range allNames() {
		numbers := []uint64{n.most}
		for i := range min(n.most+1, 600) {
			numbers = append(numbers, i, r.Uint64N(n.most+1))
		}
		for _, number := range numbers {
			want, m := n.of(number)
			text, err := m.MarshalText()
			if err != nil {
				t.Fatalf("%s %d: %v", n.name, number, err)
			}
			if got, err := n.decode(text); err != nil || got != want {
				t.Errorf("%s %d is %q, which is %d, %v", n.name, number, text, got, err)
			}
		}
		for _, bad := range []string{"nonsense", "state", " 1", "state 99999999999999999999", "0x", "-1", ",", "1,"} {
			if got, err := n.decode([]byte(bad)); err == nil {
				t.Errorf("%s reads %q as %d", n.name, bad, got)
			} else if e := err.Error(); !strings.Contains(e, fmt.Sprintf("%q", bad)) || !strings.Contains(e, n.name) {
				t.Errorf("%s, %q: %v", n.name, bad, err)
			}
		}
	}
	for want, v := range map[string]encoding.TextMarshaler{
		"ESTABLISHED": Established, "SYN-SENT": SynSent, "state 77": State(77), "lowerLayerDown": OperLowerLayerDown, "blackhole": RouteBlackhole,
		"reachable,0x400": NeighbourState(0x402), "0x400": NeighbourState(0x400), "none": NeighbourState(0), "mptcp": MPTCP, "ipv6": IPv6,
	} {
		if got, err := v.MarshalText(); err != nil || string(got) != want {
			t.Errorf("%d is %q, %v; want %q", v, got, err, want)
		}
	}
}

func TestHardwareAddressInText(t *testing.T) {
	for text, want := range map[string]HardwareAddress{
		"": "", "00": "\x00", "76:bc:9e:c2:4e:4b": "\x76\xbc\x9e\xc2\x4e\x4b", "76:BC:9E:c2:4e:4b": "\x76\xbc\x9e\xc2\x4e\x4b",
	} {
		got := HardwareAddress("x")
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q is %q, %v", text, string(got), err)
		}
	}
	for _, bad := range []string{":", "1", "1:2", "01:", ":01", "01::02", "0102", "01-02", "gg", "01:2 ", "76:bc:9e:c2:4e:4b\n"} {
		got := HardwareAddress("x")
		if err := got.UnmarshalText([]byte(bad)); err == nil || got != "x" || !strings.Contains(err.Error(), fmt.Sprintf("%q", bad)) {
			t.Errorf("%q is %q, %v", bad, string(got), err)
		}
	}
}

func TestLoggedAsJSON(t *testing.T) {
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "known", Known(uint32(1500)), "unknown", Optional[uint32]{},
		"address", HardwareAddress("\x76\xbc\x9e\xc2\x4e\x4b"), "state", Known(OperUp))
	for _, want := range []string{`"known":1500`, `"unknown":null`, `"address":"76:bc:9e:c2:4e:4b"`, `"state":"up"`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is not in %s", want, b.String())
		}
	}
}

func FuzzUnmarshalText(f *testing.F) {
	all := allNames()
	for i, n := range all {
		_, m := n.of(3)
		text, _ := m.MarshalText()
		f.Add(uint8(i), text)
	}
	f.Add(uint8(200), []byte("76:bc:9e:c2:4e:4b"))
	f.Add(uint8(201), []byte("0000:5efe:0a00"))
	f.Fuzz(func(t *testing.T, which uint8, text []byte) {
		if int(which) < len(all) {
			v, err := all[which].decode(text)
			if err != nil {
				return
			}
			if again, err := v.(encoding.TextMarshaler).MarshalText(); err != nil || !bytes.Equal(again, text) {
				t.Errorf("%s: %q is %d, which is %q, %v", all[which].name, text, v, again, err)
			}
			return
		}
		var a HardwareAddress
		if err := a.UnmarshalText(text); err == nil && !strings.EqualFold(a.String(), string(text)) {
			t.Errorf("%q is the address %v", text, a)
		}
		var i InterfaceIdentifier
		if err := i.UnmarshalText(text); err == nil && i.String() != string(text) {
			t.Errorf("%q is the identifier %v", text, i)
		}
	})
}

func FuzzOptionalUnmarshalJSON(f *testing.F) {
	f.Add([]byte(`null`))
	f.Add([]byte(`["01:02",""]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var o, back Optional[[]HardwareAddress]
		if json.Unmarshal(b, &o) != nil {
			return
		}
		again, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(again, &back); err != nil || !reflect.DeepEqual(o, back) {
			t.Errorf("%s is %v, which is %s, %v", b, o, again, err)
		}
	})
}
