package mib

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestValuesInJSON(t *testing.T) {
	for _, c := range []struct {
		value Value
		want  string
	}{
		{Value{}, `null`},
		{Int(math.MinInt32), `{"type":"INTEGER","value":-2147483648}`},
		{Octets(""), `{"type":"OCTET STRING","value":""}`},
		{Octets("é\x00\""), `{"type":"OCTET STRING","value":"é\u0000\""}`},
		{Octets("\x76\xbc\x9e"), `{"type":"OCTET STRING","hex":"76bc9e"}`},
		{OpaqueValue("\x9f\x78"), `{"type":"Opaque","hex":"9f78"}`},
		{OpaqueValue("a"), `{"type":"Opaque","value":"a"}`},
		{OIDValue(MakeOID(1, 3, 6, math.MaxUint32)), `{"type":"OBJECT IDENTIFIER","value":"1.3.6.4294967295"}`},
		{OIDValue(OID{}), `{"type":"OBJECT IDENTIFIER","value":""}`},
		{AddrValue(netip.MustParseAddr("192.0.2.1")), `{"type":"IpAddress","value":"192.0.2.1"}`},
		{Count32(math.MaxUint32), `{"type":"Counter32","value":4294967295}`},
		{Gauge(0), `{"type":"Gauge32","value":0}`},
		{Ticks(8640000), `{"type":"TimeTicks","value":8640000}`},
		{Count64(math.MaxUint64), `{"type":"Counter64","value":18446744073709551615}`},
		{Exception(Null), `{"type":"NULL"}`},
		{Exception(NoSuchObject), `{"type":"noSuchObject"}`},
		{Exception(NoSuchInstance), `{"type":"noSuchInstance"}`},
		{Exception(EndOfMibView), `{"type":"endOfMibView"}`},
		{stampValue(base.Add(time.Since(base))), ""},
		{stampValue(time.Unix(1e9, 1)), `{"type":"TimeStamp","value":"2001-09-09T01:46:40.000000001Z"}`},
	} {
		b, err := json.Marshal(c.value)
		if err != nil || c.want != "" && string(b) != c.want {
			t.Errorf("%v is %s, %v; want %s", c.value, b, err, c.want)
		}
		back := Int(1)
		if err := json.Unmarshal(b, &back); err != nil || back != c.value {
			t.Errorf("%s comes back as %v, %v; want %v", b, back, err, c.value)
		}
	}
	for _, bad := range []string{
		`{}`, `1`, `"x"`, `{"type":"INTEGER"}`, `{"type":"INTEGER","value":null}`, `{"type":"INTEGER","value":2147483648}`, `{"type":"INTEGER","value":"1"}`,
		`{"type":"INTEGER","value":1.0}`, `{"type":"Counter32","value":4294967296}`, `{"type":"Gauge32","value":-1}`, `{"type":"Counter64","value":18446744073709551616}`,
		`{"type":"OCTET STRING","hex":"0"}`, `{"type":"OCTET STRING","hex":"00","value":"x"}`, `{"type":"OCTET STRING","value":1}`, `{"type":"INTEGER","hex":"00"}`,
		`{"type":"IpAddress","value":"::1"}`, `{"type":"IpAddress","value":""}`, `{"type":"NULL","value":1}`, `{"type":"x","value":1}`, `{"type":"type 0x03","value":1}`,
		`{"type":"TimeStamp","value":"x"}`, `{"type":"OBJECT IDENTIFIER","value":"1..2"}`,
	} {
		back := Int(1)
		if err := json.Unmarshal([]byte(bad), &back); !errors.Is(err, ErrInvalidValue) || back != Int(1) {
			t.Errorf("%s is %v, %v", bad, back, err)
		}
	}
}

func TestOIDsInText(t *testing.T) {
	type object struct {
		O    OID
		Tree map[OID]Value
	}
	want := object{MakeOID(1, 3, 6, 1), map[OID]Value{MakeOID(1, 3): Int(1)}}
	b, err := json.Marshal(want)
	if err != nil || string(b) != `{"O":"1.3.6.1","Tree":{"1.3":{"type":"INTEGER","value":1}}}` {
		t.Errorf("%s, %v", b, err)
	}
	var back object
	if err := json.Unmarshal(b, &back); err != nil || back.O != want.O || back.Tree[MakeOID(1, 3)] != Int(1) {
		t.Errorf("%+v, %v", back, err)
	}
	for _, bad := range []string{".", "1.", "1.x", "4294967296", strings.Repeat("1.", MaxOIDLength) + "1"} {
		o := MakeOID(7)
		if err := o.UnmarshalText([]byte(bad)); !errors.Is(err, ErrInvalidOID) || o != MakeOID(7) {
			t.Errorf("%q is %v, %v", bad, o, err)
		}
	}
	for n := range 256 {
		text, _ := Type(n).MarshalText()
		var back Type
		if err := back.UnmarshalText(text); err != nil || back != Type(n) {
			t.Errorf("%s is %d, %v; want %d", text, back, err, n)
		}
	}
}

func TestLoggedAsJSON(t *testing.T) {
	var b bytes.Buffer
	slog.New(slog.NewJSONHandler(&b, nil)).Info("x", "oid", MakeOID(1, 3, 6), "value", Count32(7))
	for _, want := range []string{`"oid":"1.3.6"`, `"value":{"type":"Counter32","value":7}`} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is not in %s", want, b.String())
		}
	}
}

func FuzzValueUnmarshalJSON(f *testing.F) {
	for _, v := range []Value{Int(-1), Octets("a"), Octets("\xff"), OIDValue(MakeOID(1, 3)), IPv4Value(1), Count64(1), Exception(Null), stampValue(time.Unix(1, 1))} {
		b, _ := json.Marshal(v)
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var v, back Value
		if json.Unmarshal(b, &v) != nil {
			return
		}
		again, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(again, &back); err != nil || back != v {
			t.Errorf("%s is %v, which is %s: %v, %v", b, v, again, back, err)
		}
	})
}

func FuzzOIDUnmarshalText(f *testing.F) {
	f.Add([]byte("1.3.6.1"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, text []byte) {
		var o, back OID
		if o.UnmarshalText(text) != nil {
			return
		}
		again, _ := o.MarshalText()
		if err := back.UnmarshalText(again); err != nil || back != o {
			t.Errorf("%q is %v, which comes back as %v, %v", text, o, back, err)
		}
	})
}
