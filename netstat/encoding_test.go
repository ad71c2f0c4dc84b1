package netstat

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

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
		namesOf[CongestionState](), namesOf[TLSMode](), namesOf[SubflowFlags](), namesOf[SocketOption](),
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
