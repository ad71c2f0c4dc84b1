package sockopt

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

var cut = flag.String("cut", "", "cut the type information in `FILE` down to what is looked for, and write it to testdata under that name")

// knownMembers are the names that paths go by.
func knownMembers() map[string]bool {
	names := map[string]bool{"sk": true, "sk_protocol": true}
	for _, s := range slots {
		for _, r := range []root{tcpRoot, udpRoot, unixRoot} {
			for _, p := range s.places {
				for step := range strings.FieldsFuncSeq(r.absolute(p).path, func(c rune) bool { return c == '.' || c == '>' }) {
					names[step] = true
				}
			}
		}
	}
	return names
}

// cutter copies types with only the members that paths go by.
type cutter struct {
	names map[string]bool
	made  map[btf.Type]btf.Type
}

func (c *cutter) members(from []btf.Member) (kept []btf.Member) {
	for _, m := range from {
		if c.names[m.Name] || m.Name == "" {
			if m.Type = c.cut(m.Type); m.Type != nil {
				kept = append(kept, m)
			}
		}
	}
	return kept
}

// cut returns nil for what no path ends at or goes through.
func (c *cutter) cut(t btf.Type) btf.Type {
	t = btf.UnderlyingType(t)
	if made, ok := c.made[t]; ok {
		return made
	}
	switch t := t.(type) {
	case *btf.Int, *btf.Enum:
		return t
	case *btf.Pointer:
		if to, ok := btf.UnderlyingType(t.Target).(*btf.Struct); ok && to.Name == "socket" {
			return &btf.Pointer{Target: c.cut(to)}
		}
		return &btf.Pointer{Target: new(btf.Void)}
	case *btf.Struct:
		to := &btf.Struct{Name: t.Name, Size: t.Size}
		c.made[t] = to
		to.Members = c.members(t.Members)
		return to
	case *btf.Union:
		to := &btf.Union{Name: t.Name, Size: t.Size}
		c.made[t] = to
		to.Members = c.members(t.Members)
		return to
	}
	return nil
}

// structures are those that members are looked for in.
var structures = []string{"tcp_sock", "udp_sock", "unix_sock", "sock", "sock_common", "socket"}

// The type information of a kernel that is cut down has the structures as they were:
// of the running kernel, or of the one that -cut names, which leaves a fixture.
func TestCut(t *testing.T) {
	from, dir := *cut, "testdata"
	if from == "" {
		from, dir = "/sys/kernel/btf/vmlinux", t.TempDir()
	}
	b, err := os.ReadFile(from)
	if *cut == "" && errors.Is(err, fs.ErrNotExist) {
		t.Skip("this kernel lacks CONFIG_DEBUG_INFO_BTF")
	}
	if err != nil {
		t.Fatal(err)
	}
	types, err := typesOf(b, 8)
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{knownMembers(), make(map[btf.Type]btf.Type)}
	var kept []btf.Type
	for _, name := range structures {
		s, err := types.structure(name)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, c.cut(s))
	}
	flags := &btf.Enum{Size: 4}
	for name, n := range types.bits {
		flags.Values = append(flags.Values, btf.EnumValue{Name: name, Value: n})
	}
	builder, err := btf.NewBuilder(append(kept, flags), nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err = builder.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := typesOf(b, 8)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range structures {
		whole, err := types.structure(name)
		if err != nil {
			t.Fatal(err)
		}
		if s, err := again.structure(name); err != nil || s.Size != whole.Size || len(s.Members) == 0 {
			t.Errorf("%s is cut down to %+v: %v", name, s, err)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(from)), b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// typesOf makes types of what a kernel gives of itself.
func typesOf(b []byte, pointerSize uint8) (*kernelTypes, error) {
	spec, err := btf.LoadSpecFromReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return newTypes(spec, b, pointerSize)
}

// eachFixture calls f with the type information of each kernel in testdata, cut down by
// TestCut. Beside each, the .txt has the offsets in bits of all members, and how many bits they have, which
// were taken from what bpftool(8) prints of the whole (bpftool -j btf dump file).
func eachFixture(t *testing.T, f func(t *testing.T, name string, b []byte)) {
	t.Helper()
	files, err := filepath.Glob("testdata/*.btf")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(file), ".btf")
		t.Run(name, func(t *testing.T) { f(t, name, b) })
	}
}

// Every member is found where bpftool says that it is.
func TestMembersOfOtherKernels(t *testing.T) {
	eachFixture(t, func(t *testing.T, name string, b []byte) {
		types, err := typesOf(b, 8)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join("testdata", name+".txt"))
		if err != nil {
			t.Fatal(err)
		}
		want := make(map[string]string)
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			want[strings.Join(fields[:3], " ")] = strings.Join(fields[3:], " ")
		}
		compared := 0
		for _, s := range slots {
			for of, r := range map[protocols]root{ofTCP: tcpRoot, ofUDP: udpRoot, ofUnix: unixRoot} {
				if s.of&of == 0 {
					continue
				}
				for _, p := range s.places {
					p = r.absolute(p)
					bit := p.bit
					if bit == "" {
						bit = "-"
					}
					var got string
					switch l, err := locateOne(types, r.name, p); {
					case errors.Is(err, errNoPlace):
						got = "absent"
					case err != nil:
						t.Error(err)
					default:
						sign := map[bool]string{true: "signed", false: "unsigned"}[l.signed]
						if l.pointer {
							sign = "pointer"
						}
						got = fmt.Sprintf("%d %d %s", l.offset*8+uint32(l.shift), l.bits, sign)
						if l.offset%uint32(l.size) != 0 || l.shift+l.bits > 8*l.size {
							t.Errorf("%s is loaded with %+v", p.path, l)
						}
					}
					if compared++; got != want[r.name+" "+p.path+" "+bit] {
						t.Errorf("struct %s, %s %s: %s, bpftool says %s", r.name, p.path, bit, got, want[r.name+" "+p.path+" "+bit])
					}
				}
			}
		}
		if compared != len(want) {
			t.Errorf("%d members of %d", compared, len(want))
		}
	})
}

// A program is made for each of these kernels.
func TestProgramsForOtherKernels(t *testing.T) {
	eachFixture(t, func(t *testing.T, _ string, b []byte) {
		types, err := typesOf(b, 8)
		if err != nil {
			t.Fatal(err)
		}
		for _, list := range listings {
			l, err := newLayout(types, list, list.means()[0])
			if err != nil {
				t.Fatal(err)
			}
			if _, err := l.program(types); err != nil {
				t.Errorf("%v: %v", list, err)
			}
		}
	})
}

// A member that has another name is one that the kernel does not have: its options are
// unknown, and the others are what they were.
func TestRenamedMembers(t *testing.T) {
	eachFixture(t, func(t *testing.T, _ string, b []byte) {
		for member, lost := range map[string]map[netstat.Protocol][]netstat.SocketOption{
			"udp_flags":    {netstat.UDP: {netstat.OptionUDPCork, netstat.OptionUDPReceive}},
			"sk_userlocks": {netstat.TCP: {netstat.OptionReceiveBufferSet, netstat.OptionSendBufferSet}, netstat.UDP: {netstat.OptionReceiveBufferSet, netstat.OptionSendBufferSet}},
			"nonagle":      {netstat.TCP: {netstat.OptionNoDelay, netstat.OptionCork}},
			"SOCK_LINGER":  {netstat.TCP: {netstat.OptionLinger}, netstat.UDP: {netstat.OptionLinger}},
		} {
			renamed := bytes.Replace(b, []byte("\x00"+member+"\x00"), []byte("\x00X"+member[1:]+"\x00"), 1)
			if bytes.Equal(renamed, b) {
				t.Fatalf("there is no %s", member)
			}
			for _, p := range []netstat.Protocol{netstat.TCP, netstat.UDP} {
				known := func(b []byte) map[netstat.SocketOption]bool {
					types, err := typesOf(b, 8)
					if err != nil {
						t.Fatal(err)
					}
					l, err := newLayout(types, listing{protocol: p}, typed)
					if err != nil {
						t.Fatal(err)
					}
					r := &reader{layout: l, hz: 250, pingPong: 1, settings: map[netstat.Family]*netstat.SocketOptions{}}
					o := r.options(make([]byte, l.size))
					found := make(map[netstat.SocketOption]bool)
					for _, option := range netstat.AllSocketOptions() {
						if _, known := o.Get(option); known {
							found[option] = true
						}
					}
					return found
				}
				before, after := known(b), known(renamed)
				for option := range before {
					if gone := slices.Contains(lost[p], option); after[option] == gone {
						t.Errorf("without %s, %v: %v is known: %v", member, p, option, after[option])
					}
				}
				for _, option := range lost[p] {
					if !before[option] {
						t.Errorf("%v: %v was not known with %s", p, option, member)
					}
				}
			}
		}
	})
}

// Numbers and pointers of 32 bits, bits on both sides of a word, and the other byte order:
// what is loaded, by hand.
func TestOtherWords(t *testing.T) {
	long := &btf.Int{Name: "long int", Size: 4, Encoding: btf.Signed}
	word := &btf.Int{Name: "unsigned int", Size: 4}
	inner := &btf.Union{Size: 4, Members: []btf.Member{{Name: "flags", Type: &btf.Int{Name: "unsigned long", Size: 4}}}}
	target := &btf.Struct{Name: "target", Size: 8, Members: []btf.Member{{Name: "number", Type: long, Offset: 32}}}
	builder, err := btf.NewBuilder([]btf.Type{&btf.Struct{Name: "s", Size: 24, Members: []btf.Member{
		{Type: inner},
		{Name: "pointer", Type: &btf.Pointer{Target: target}, Offset: 4 * 8},
		{Name: "time", Type: long, Offset: 8 * 8},
		{Name: "three", Type: word, Offset: 12*8 + 2, BitfieldSize: 3},
		{Name: "across", Type: word, Offset: 16*8 + 6, BitfieldSize: 4},
	}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	b, err := builder.Marshal(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	types, err := typesOf(b, 4)
	if err != nil {
		t.Fatal(err)
	}
	types.bits = map[string]uint64{"LOW": 3, "BEYOND": 32}
	for _, c := range []struct {
		place         place
		little, other location
	}{
		{place{path: "flags"}, location{size: 4, bits: 32}, location{size: 4, bits: 32}},
		{place{"flags", "LOW"}, location{size: 4, shift: 3, bits: 1}, location{size: 4, shift: 3, bits: 1}},
		{place{path: "pointer"}, location{offset: 4, size: 4, bits: 32, pointer: true}, location{offset: 4, size: 4, bits: 32, pointer: true}},
		{place{path: "pointer>number"}, location{follow: []uint32{4}, offset: 4, size: 4, bits: 32, signed: true},
			location{follow: []uint32{4}, offset: 4, size: 4, bits: 32, signed: true}},
		{place{path: "time"}, location{offset: 8, size: 4, bits: 32, signed: true}, location{offset: 8, size: 4, bits: 32, signed: true}},
		{place{path: "three"}, location{offset: 12, size: 1, shift: 2, bits: 3}, location{offset: 12, size: 1, shift: 3, bits: 3}},
		{place{path: "across"}, location{offset: 16, size: 2, shift: 6, bits: 4}, location{offset: 16, size: 2, shift: 6, bits: 4}},
	} {
		for big, want := range map[bool]location{false: c.little, true: c.other} {
			types.big = big
			if got, err := locateOne(types, "s", c.place); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%+v, big-endian %v: %+v, %v; want %+v", c.place, big, got, err, want)
			}
		}
	}
	for _, p := range []place{{path: "none"}, {path: "time.none"}, {path: "time>none"}, {path: "pointer>none"}, {"flags", "NONE"}, {"flags", "BEYOND"}, {path: ""}} {
		if l, err := locateOne(types, "s", p); !errors.Is(err, errNoPlace) {
			t.Errorf("%+v is at %+v, %v", p, l, err)
		}
	}
	if _, err := locateOne(types, "none", place{path: "flags"}); !errors.Is(err, errNoPlace) {
		t.Errorf("%v", err)
	}
}
