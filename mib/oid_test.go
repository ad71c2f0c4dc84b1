package mib

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// boundary values of the packed form.
var subidentifiers = []uint32{0, 1, 127, 128, 239, 240, 241, 495, 496, 2287, 2288, 2289, 67823, 67824, 1<<24 - 1, 1 << 24, 1<<32 - 1}

func TestOIDPackedOrderIsNumericalOrder(t *testing.T) {
	for _, a := range subidentifiers {
		for _, b := range subidentifiers {
			x, y := MakeOID(1, a, 5), MakeOID(1, b, 5)
			want := 0
			if a < b {
				want = -1
			} else if a > b {
				want = 1
			}
			if got := x.Compare(y); got != want {
				t.Errorf("%v.Compare(%v) = %d, want %d", x, y, got, want)
			}
			if got := x.Less(y); got != (want < 0) {
				t.Errorf("%v.Less(%v) = %v", x, y, got)
			}
		}
		if o := MakeOID(a); !slices.Equal(o.Subidentifiers(), []uint32{a}) {
			t.Errorf("MakeOID(%d) holds %v", a, o.Subidentifiers())
		}
	}
}

// Every octet is packed as the sub-identifier that it is, beside every neighbour
// that takes more room or less.
func TestAppendIPv4(t *testing.T) {
	for o := range 256 {
		for _, octets := range [][4]byte{{byte(o), 0, 240, 255}, {239, byte(o), 255, 1}, {240, 255, byte(o), 239}, {255, 255, 255, byte(o)}} {
			var want []byte
			for _, o := range octets {
				want = AppendSubidentifier(want, uint32(o))
			}
			if got := appendIPv4([]byte{7}, octets); string(got) != "\x07"+string(want) {
				t.Errorf("%v is % x, want 07 % x", octets, got, want)
			}
		}
	}
}

func FuzzOIDOrder(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1}, []byte{0, 0, 1, 0, 255, 255, 255, 255})
	subs := func(b []byte) (s []uint32) {
		for ; len(b) >= 4 && len(s) < MaxOIDLength; b = b[4:] {
			s = append(s, uint32(b[0])<<24|uint32(b[1])<<16|uint32(b[2])<<8|uint32(b[3]))
		}
		return s
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		x, y := subs(a), subs(b)
		o, p := MakeOID(x...), MakeOID(y...)
		if got, want := o.Compare(p), slices.Compare(x, y); got != want {
			t.Fatalf("Compare(%v, %v) = %d, want %d", x, y, got, want)
		}
		if !slices.Equal(o.Subidentifiers(), x) && len(x) > 0 {
			t.Fatalf("%v came back as %v", x, o.Subidentifiers())
		}
		if got, want := o.HasPrefix(p), len(x) >= len(y) && slices.Equal(x[:len(y)], y); got != want {
			t.Fatalf("%v.HasPrefix(%v) = %v", x, y, got)
		}
		if len(x) > 0 {
			again, err := ParseOID(o.String())
			if err != nil || again != o {
				t.Fatalf("ParseOID(%q) = %v, %v", o.String(), again, err)
			}
			parent, last := o.Parent()
			if parent.Sub(last) != o {
				t.Fatalf("%v.Parent() = %v, %d", x, parent, last)
			}
		}
	})
}

func TestParseOID(t *testing.T) {
	for _, s := range []string{"1.3.6.1", ".1.3.6.1", "0", "2.4294967295"} {
		o, err := ParseOID(s)
		if err != nil || o.String() != strings.TrimPrefix(s, ".") {
			t.Errorf("ParseOID(%q) = %v, %v", s, o, err)
		}
	}
	for _, s := range []string{"", ".", "1..3", "1.3.", "1.4294967296", "1.-3", "1.x", strings.Repeat("1.", MaxOIDLength) + "1"} {
		if o, err := ParseOID(s); !errors.Is(err, ErrInvalidOID) {
			t.Errorf("ParseOID(%q) = %v, %v, want an error that matches ErrInvalidOID", s, o, err)
		}
	}
}

func TestOIDList(t *testing.T) {
	var l OIDList
	for range 2 {
		l.Reset()
		want := []OID{MakeOID(1, 3, 6), {}, MakeOID(2, 1<<20, 300)}
		for _, o := range want {
			for s := range o.All() {
				l.Append(s)
			}
			l.End()
		}
		for _, got := range [][]OID{l.AppendOIDs(nil), l.AppendBorrowed(nil)} {
			if !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		}
	}
	got := l.AppendOIDs(nil)
	l.Reset()
	l.Append(9)
	if got[0] != MakeOID(1, 3, 6) {
		t.Errorf("an OID changed with the list that it came from: %v", got[0])
	}
}
