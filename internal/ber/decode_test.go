package ber

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber/bertest"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

func TestHeader(t *testing.T) {
	for _, c := range []struct {
		hex             string
		header, content int
		problem         string
	}{
		{"", 0, 0, "ends early"},
		{"30", 0, 0, "ends early"},
		{"3000", 2, 0, ""},
		{"307f", 2, 127, ""},
		{"3080", 0, 0, "indefinite"},
		{"308100", 3, 0, ""}, // more octets than necessary: RFC 3417, section 8, (2)
		{"308180", 3, 128, ""},
		{"30820080", 4, 128, ""},
		{"3082", 0, 0, "ends early"},
		{"308201", 0, 0, "ends early"},
		{"30847fffff", 0, 0, "ends early"},
		{"30847fffffff", 0, 0, "no message has"},
		{"3084ffffffff", 0, 0, "no message has"},
		{"3088ffffffffffffffff", 0, 0, "no message has"},
		{"30880000000000000005", 10, 5, ""},
		{"30fe" + strings.Repeat("00", 125) + "07", 128, 7, ""},
		{"30ff", 0, 0, "reserved"},
	} {
		header, content, problem := Header(bertest.Unhex(t, c.hex))
		if header != c.header || problem == "" && content != c.content || !strings.Contains(problem, c.problem) || (problem == "") != (c.problem == "") {
			t.Errorf("%s: got %d, %d, %q, want %d, %d, %q", c.hex, header, content, problem, c.header, c.content, c.problem)
		}
	}
}

func TestParseOID(t *testing.T) {
	max := "2b" + strings.Repeat("01", 126)
	for _, c := range []struct{ hex, want, problem string }{
		{"00", "0.0", ""},
		{"27", "0.39", ""},
		{"28", "1.0", ""},
		{"4f", "1.39", ""},
		{"50", "2.0", ""},
		{"8837 03", "2.999.3", ""},
		{"90808080 4f", "2.4294967295", ""},
		{"90808080 50", "", "greater than"},
		{"2b 8fffffff7f", "1.3.4294967295", ""},
		{"2b 9080808000", "", "greater than"},
		{"2b ffffffffffffffffff7f", "", "greater than"},
		{"", "", "no sub-identifier"},
		{"2b 81", "", "ends within"},
		{"2b 80 01", "", "leading zeros"},
		{"80 2b", "", "leading zeros"},
		{max, "1.3" + strings.Repeat(".1", 126), ""},
		{max + "01", "", "more than 128"},
	} {
		var list mib.OIDList
		problem := ParseOID(&list, bertest.Unhex(t, c.hex))
		got := ""
		if problem == "" {
			got = list.AppendOIDs(nil)[0].String()
		}
		if got != c.want || !strings.Contains(problem, c.problem) || (problem == "") != (c.problem == "") {
			t.Errorf("%s: got %s, %q, want %s, %q", c.hex, got, problem, c.want, c.problem)
		}
	}
}

// FuzzValue holds that whatever passes CheckValue is a value, which encoded and decoded
// again is the same.
func FuzzValue(f *testing.F) {
	f.Add(byte(0x02), []byte{0, 0, 0, 1})
	f.Add(byte(0x46), []byte{0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
	f.Add(byte(0x06), []byte{0x2b, 6, 1})
	f.Add(byte(0x40), []byte{192, 0, 2, 1})
	f.Fuzz(func(t *testing.T, tag byte, content []byte) {
		var scratch mib.OIDList
		if CheckValue(&scratch, false, tag, content) != "" {
			return
		}
		v := Value(tag, content)
		if byte(v.Type()) != tag {
			t.Fatalf("%x of type %02x is %v", content, tag, v)
		}
		var d Decoder
		d.Rest = AppendValue(nil, v)
		kind, again := d.Element("value")
		if problem := CheckValue(&scratch, false, kind, again); problem != "" || d.Err != nil || Value(kind, again) != v {
			t.Fatalf("%v came back as %x: %s, %v", v, again, problem, d.Err)
		}
	})
}

func TestCheckValue(t *testing.T) {
	for _, c := range []struct {
		hex        string
		ok, okInV1 bool
	}{
		{"020100", true, true},
		{"0200", false, false},
		{"020480000000", true, true},
		{"020400000001", true, true}, // not the shortest form, which some managers send
		{"02050000000001", false, false},
		{"0400", true, true},
		{"0500", true, true},
		{"050100", false, false},
		{"06012b", true, true},
		{"0600", false, false},
		{"400401020304", true, true},
		{"4003010203", false, false},
		{"40050102030405", false, false},
		{"410500ffffffff", true, true},
		{"41050100000000", false, false},
		{"4104ffffffff", false, false}, // negative
		{"4100", false, false},
		{"4204 7fffffff", true, true},
		{"4306 000000000001", false, false},
		{"44020102", true, true},
		{"4501 00", false, false},
		{"460900ffffffffffffffff", true, false},
		{"4609ffffffffffffffffff", false, false},
		{"460901ffffffffffffffff", false, false},
		{"460a0000ffffffffffffffff", false, false},
		{"4600", false, false},
		{"4701 00", false, false},
		{"8000", true, false},
		{"8100", true, false},
		{"8200", true, false},
		{"820100", false, false},
		{"8300", false, false},
		{"3000", false, false},
		{"1f01 00", false, false},
	} {
		b := bertest.Unhex(t, c.hex)
		for _, v1 := range []bool{false, true} {
			want := c.ok
			if v1 {
				want = c.okInV1
			}
			var scratch mib.OIDList
			if problem := CheckValue(&scratch, v1, b[0], b[2:]); (problem == "") != want {
				t.Errorf("%s, SNMPv1 %v: got %q", c.hex, v1, problem)
			}
		}
	}
	var scratch mib.OIDList
	if CheckValue(&scratch, false, 4, make([]byte, math.MaxUint16)) != "" || CheckValue(&scratch, false, 4, make([]byte, math.MaxUint16+1)) == "" {
		t.Error("an OCTET STRING has at most 65535 octets")
	}
}

func FuzzParseOID(f *testing.F) {
	for _, s := range []string{"2b06010201010300", "883703", "908080804f", "2b8fffffff7f", "2b8001", "00"} {
		f.Add(bertest.Unhex(f, s))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		var list mib.OIDList
		if ParseOID(&list, content) != "" {
			return
		}
		o := list.AppendOIDs(nil)[0]
		if o.Len() < 2 || o.Len() > mib.MaxOIDLength {
			t.Fatalf("%x: %v has %d sub-identifiers", content, o, o.Len())
		}
		if got := bertest.OIDText(content); got != o.String() {
			t.Fatalf("%x: got %v, want %v", content, o, got)
		}
		back, _ := bertest.Split(AppendOID(nil, o, mib.OID{}))
		if !bytes.Equal(back, content) {
			t.Fatalf("%x came back as %x", content, back)
		}
	})
}
