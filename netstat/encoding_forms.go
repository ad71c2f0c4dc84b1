package netstat

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A form is how a field's value is written that its type alone does not say.
type form struct {
	encode func(v reflect.Value) ([]byte, error)
	decode func(b []byte, v reflect.Value) error
}

// forms are those that the tag `form` names.
var forms = sync.OnceValue(func() map[string]form {
	return map[string]form{
		"ethertype": numberForm(
			func(n uint64) string {
				if name, ok := etherTypeNames[n]; ok {
					return name
				}
				return fmt.Sprintf("0x%04x", n)
			},
			func(s string) (uint64, error) {
				for n, name := range etherTypeNames {
					if name == s {
						return n, nil
					}
				}
				return strconv.ParseUint(s, 0, 16)
			}),
		"hex": numberForm(
			func(n uint64) string { return fmt.Sprintf("0x%04x", n) },
			func(s string) (uint64, error) { return strconv.ParseUint(s, 0, 64) }),
		"hexbytes": {
			encode: func(v reflect.Value) ([]byte, error) { return json.Marshal(hex.EncodeToString(v.Bytes())) },
			decode: func(b []byte, v reflect.Value) error {
				var s string
				if err := json.Unmarshal(b, &s); err != nil {
					return err
				}
				octets, err := hex.DecodeString(s)
				if err == nil {
					v.SetBytes(octets)
				}
				return err
			},
		},
		"linger": orFalse(func(v reflect.Value) bool { return time.Duration(v.Int()) == LingerOff },
			func(v reflect.Value) { v.SetInt(int64(LingerOff)) }),
		"orfalse": orFalse(reflect.Value.IsZero, reflect.Value.SetZero),
		"realms": numberForm(
			func(n uint64) string {
				if from := n >> 16; from != 0 {
					return fmt.Sprintf("%d/%d", from, n&0xffff)
				}
				return strconv.FormatUint(n, 10)
			},
			func(s string) (uint64, error) {
				from, to, both := strings.Cut(s, "/")
				if !both {
					from, to = "0", s
				}
				upper, err := strconv.ParseUint(from, 10, 16)
				if err != nil {
					return 0, err
				}
				lower, err := strconv.ParseUint(to, 10, 16)
				return upper<<16 | lower, err
			}),
		"rpfilter": numberForm(
			func(n uint64) string {
				if n < uint64(len(reversePathFilterNames)) {
					return reversePathFilterNames[n]
				}
				return strconv.FormatUint(n, 10)
			},
			func(s string) (uint64, error) {
				for n, name := range reversePathFilterNames {
					if name == s {
						return uint64(n), nil
					}
				}
				return strconv.ParseUint(s, 10, 32)
			}),
		"strings": {
			encode: func(v reflect.Value) ([]byte, error) {
				list := make([]string, v.Len())
				for i := range list {
					list[i] = strconv.FormatUint(v.Index(i).Uint(), 10)
				}
				return json.Marshal(list)
			},
			decode: func(b []byte, v reflect.Value) error {
				var list []string
				if err := json.Unmarshal(b, &list); err != nil {
					return err
				}
				v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
				for i, s := range list {
					n, err := strconv.ParseUint(s, 10, v.Type().Elem().Bits())
					if err != nil {
						return err
					}
					v.Index(i).SetUint(n)
				}
				return nil
			},
		},
		"100ths": partForm(100), "256ths": partForm(256), "1024ths": partForm(1024),
	}
})

// etherTypeNames are names of what packet sockets receive most often.
var etherTypeNames = map[uint64]string{0: "none", EtherTypeAll: "all", 0x0800: "ipv4", 0x0806: "arp", 0x86dd: "ipv6", 0x8100: "vlan", 0x88cc: "lldp", 0x888e: "eapol"}

var reversePathFilterNames = [...]string{"off", "strict", "loose"}

// numberForm is a form of numbers that are text.
func numberForm(text func(uint64) string, parse func(string) (uint64, error)) form {
	return form{
		encode: func(v reflect.Value) ([]byte, error) { return json.Marshal(text(v.Uint())) },
		decode: func(b []byte, v reflect.Value) error {
			var s string
			if err := json.Unmarshal(b, &s); err != nil {
				return err
			}
			n, err := parse(s)
			if err != nil || v.OverflowUint(n) {
				return fmt.Errorf("%.64q is none of %v", s, v.Type())
			}
			v.SetUint(n)
			return nil
		},
	}
}

// orFalse is the form of values of which one, that isFalse tells and setFalse makes,
// is written as false.
func orFalse(isFalse func(reflect.Value) bool, setFalse func(reflect.Value)) form {
	return form{
		encode: func(v reflect.Value) ([]byte, error) {
			if isFalse(v) {
				return []byte("false"), nil
			}
			return encodeValue(v)
		},
		decode: func(b []byte, v reflect.Value) error {
			if string(bytes.TrimSpace(b)) == "false" {
				setFalse(v)
				return nil
			}
			return decodeValue(b, v)
		},
	}
}

// partForm is the form of a number of parts of a unit: it is written in units.
func partForm(parts float64) form {
	return form{
		encode: func(v reflect.Value) ([]byte, error) {
			return strconv.AppendFloat(nil, float64(v.Uint())/parts, 'f', -1, 64), nil
		},
		decode: func(b []byte, v reflect.Value) error {
			var units float64
			if err := json.Unmarshal(b, &units); err != nil {
				return err
			}
			n := math.Round(units * parts)
			if n < 0 || n > math.MaxUint32 || v.OverflowUint(uint64(n)) {
				return fmt.Errorf("%v is out of range", units)
			}
			v.SetUint(uint64(n))
			return nil
		},
	}
}

// madeMember is a member that is made of a row and is no field of its own.
type madeMember struct {
	name string
	// encode returns nil where the row does not have it.
	encode func(row any) ([]byte, error)
	decode func(row any, b []byte) error
}

// made is a member of T with a value of type V. get reports false where the row does
// not have it.
func made[T, V any](name string, get func(*T) (V, bool), set func(*T, V) error) madeMember {
	return madeMember{
		name: name,
		encode: func(row any) ([]byte, error) {
			v, there := get(row.(*T))
			if !there {
				return nil, nil
			}
			return encodeValue(reflect.ValueOf(&v).Elem())
		},
		decode: func(row any, b []byte) error {
			var v V
			if err := decodeValue(b, reflect.ValueOf(&v).Elem()); err != nil {
				return err
			}
			return set(row.(*T), v)
		},
	}
}

// madeMembers are those of each type, by the field that they stand for in its place;
// without a name those of the whole row.
var madeMembers = sync.OnceValue(func() map[reflect.Type]map[string][]madeMember {
	return map[reflect.Type]map[string][]madeMember{
		reflect.TypeFor[Socket](): {
			"Local":  ends("local", func(s *Socket) *netip.AddrPort { return &s.Local }),
			"Remote": ends("remote", func(s *Socket) *netip.AddrPort { return &s.Remote }),
		},
		reflect.TypeFor[SMCSocket](): {
			"Local":  smcEnd("local", func(s *SMCSocket) *netip.AddrPort { return &s.Local }),
			"Remote": smcEnd("remote", func(s *SMCSocket) *netip.AddrPort { return &s.Remote }),
		},
		reflect.TypeFor[Address](): {"Prefix": {
			made("address", func(a *Address) (netip.Addr, bool) { return a.Prefix.Addr(), a.Prefix.Addr().IsValid() },
				func(a *Address, ip netip.Addr) error {
					a.Prefix = netip.PrefixFrom(ip, -1)
					return nil
				}),
			made("prefixLength", func(a *Address) (int, bool) { return a.Prefix.Bits(), a.Prefix.IsValid() },
				func(a *Address, bits int) error {
					if a.Prefix = netip.PrefixFrom(a.Prefix.Addr(), bits); !a.Prefix.IsValid() {
						return fmt.Errorf("%d is no length of a prefix of %v", bits, a.Prefix.Addr())
					}
					return nil
				}),
		}},
		reflect.TypeFor[UnixSocket](): {
			"State": {made("state", (*UnixSocket).stateWord, (*UnixSocket).setStateWord)},
			"Name": {
				made("path", func(u *UnixSocket) (string, bool) { return u.Name, !u.Abstract && u.Name != "" },
					func(u *UnixSocket, name string) error {
						u.Name = name
						return nil
					}),
				made("abstractName", func(u *UnixSocket) (string, bool) { return u.Name, u.Abstract },
					func(u *UnixSocket, name string) error {
						u.Name, u.Abstract = name, true
						return nil
					}),
			},
		},
		reflect.TypeFor[PacketFanout](): {"Mode": {
			made("mode", func(f *PacketFanout) (string, bool) { return f.String(), true }, func(f *PacketFanout, name string) error {
				for mode := range uint16(packetFanoutMode + 1) {
					if (PacketFanout{Mode: mode}).String() == name {
						f.Mode |= mode
						return nil
					}
				}
				return fmt.Errorf("%.64q is no mode", name)
			}),
			made("flags", func(f *PacketFanout) (uint16, bool) { return f.Mode &^ packetFanoutMode, f.Mode&^packetFanoutMode != 0 },
				func(f *PacketFanout, flags uint16) error {
					f.Mode |= flags &^ packetFanoutMode
					return nil
				}),
		}},
		reflect.TypeFor[InterfaceCounters](): {
			"InPackets": interfaceCounterMembers(),
			"NarrowOctets": {made("narrow", func(c *InterfaceCounters) ([]string, bool) {
				var words []string
				for _, n := range c.narrow() {
					if *n.is {
						words = append(words, n.word)
					}
				}
				return words, len(words) > 0
			}, func(c *InterfaceCounters, words []string) error {
			next:
				for _, word := range words {
					for _, n := range c.narrow() {
						if n.word == word {
							*n.is = true
							continue next
						}
					}
					return fmt.Errorf("%.64q is none of packets, octets and errors", word)
				}
				return nil
			})},
		},
		reflect.TypeFor[Neighbour](): {"Flags": neighbourFlagMembers()},
		reflect.TypeFor[Rule](): {
			"Flags": ruleFlagMembers(),
			"DSCP":  masked("dscp", "dscpMask", func(r *Rule) (value, mask *uint8) { return &r.DSCP, &r.DSCPMask }),
			"Mark":  masked("fwmark", "fwmask", func(r *Rule) (value, mask *uint32) { return &r.Mark, &r.Mask }),
			"FlowLabel": masked("flowLabel", "flowLabelMask", func(r *Rule) (value, mask *uint32) {
				return &r.FlowLabel, &r.FlowLabelMask
			}),
		},
		reflect.TypeFor[Netconf](): {"Interface": {
			made("interface", func(c *Netconf) (string, bool) {
				name, ok := netconfInterfaces[c.Interface]
				return name, ok
			}, func(c *Netconf, name string) error {
				for index, known := range netconfInterfaces {
					if known == name {
						c.Interface = index
					}
				}
				return nil // the name of an interface, which has its index beside it
			}),
			made("interfaceIndex", func(c *Netconf) (int32, bool) {
				_, special := netconfInterfaces[c.Interface]
				return c.Interface, !special
			}, func(c *Netconf, index int32) error {
				c.Interface = index
				return nil
			}),
		}},
		reflect.TypeFor[SocketMembership](): {"Process": {
			made("processes", func(m *SocketMembership) ([]Process, bool) { return []Process{m.Process}, m.Process != Process{} },
				func(m *SocketMembership, processes []Process) error {
					if len(processes) > 0 {
						m.Process = processes[0]
					}
					return nil
				}),
		}},
		reflect.TypeFor[BridgeGroup](): {"Group": {
			made("group", func(g *BridgeGroup) (string, bool) {
				if g.Group.IsValid() {
					return g.Group.String(), true
				}
				return g.LinkGroup.String(), g.linkGroupAlone()
			}, func(g *BridgeGroup, text string) error {
				if ip, err := netip.ParseAddr(text); err == nil {
					g.Group = ip
					return nil
				}
				return g.LinkGroup.UnmarshalText([]byte(text))
			}),
			made("linkGroup", func(g *BridgeGroup) (HardwareAddress, bool) {
				return g.LinkGroup, g.LinkGroup != "" && !g.linkGroupAlone()
			},
				func(g *BridgeGroup, a HardwareAddress) error {
					g.LinkGroup = a
					return nil
				}),
		}},
		reflect.TypeFor[Flow]():        flowMembers(),
		reflect.TypeFor[Expectation](): expectationMembers(),
		reflect.TypeFor[TIPCSocket](): {"Node": {
			made("address", func(s *TIPCSocket) (TIPCAddress, bool) { return TIPCAddress{s.Node, s.Reference}, true },
				func(s *TIPCSocket, a TIPCAddress) error {
					s.Node, s.Reference = a.Node, a.Reference
					return nil
				}),
		}},
	}
})

// ends are the two members of an address and a port.
func ends[T any](name string, at func(*T) *netip.AddrPort) []madeMember {
	return []madeMember{
		made(name+"Address", func(row *T) (netip.Addr, bool) { return at(row).Addr(), at(row).Addr().IsValid() },
			func(row *T, a netip.Addr) error {
				*at(row) = netip.AddrPortFrom(a, at(row).Port())
				return nil
			}),
		made(name+"Port", func(row *T) (uint16, bool) { return at(row).Port(), true },
			func(row *T, port uint16) error {
				*at(row) = netip.AddrPortFrom(at(row).Addr(), port)
				return nil
			}),
	}
}

// smcEnd is an address and a port in one member, or the port alone where the kernel
// does not tell the family of a wildcard.
func smcEnd(name string, at func(*SMCSocket) *netip.AddrPort) []madeMember {
	return []madeMember{
		made(name, func(s *SMCSocket) (netip.AddrPort, bool) { return *at(s), at(s).IsValid() },
			func(s *SMCSocket, a netip.AddrPort) error {
				*at(s) = a
				return nil
			}),
		made(name+"Port", func(s *SMCSocket) (uint16, bool) { return at(s).Port(), !at(s).IsValid() && at(s).Port() != 0 },
			func(s *SMCSocket, port uint16) error {
				*at(s) = netip.AddrPortFrom(at(s).Addr(), port)
				return nil
			}),
	}
}

// masked are a number and the mask of its bits that count. A row that asks for
// nothing has neither.
func masked[T any, N uint8 | uint32](name, mask string, at func(*T) (value, mask *N)) []madeMember {
	part := func(name string, of func(*T) *N) madeMember {
		return made(name, func(row *T) (N, bool) {
			value, mask := at(row)
			return *of(row), *value != 0 || *mask != 0
		}, func(row *T, n N) error {
			*of(row) = n
			return nil
		})
	}
	return []madeMember{
		part(name, func(row *T) *N {
			value, _ := at(row)
			return value
		}),
		part(mask, func(row *T) *N {
			_, mask := at(row)
			return mask
		}),
	}
}

// ruleFlagMembers are flags of rules that are members of their own, and the others.
func ruleFlagMembers() []madeMember {
	var list []madeMember
	var told RuleFlags
	for _, f := range []struct {
		name string
		flag RuleFlags
	}{{"not", RuleInvert}, {"iifDetached", RuleInputDetached}, {"oifDetached", RuleOutputDetached}, {"unresolved", RuleUnresolved}} {
		told |= f.flag
		list = append(list, made(f.name, func(r *Rule) (bool, bool) { return r.Flags&f.flag != 0, true },
			func(r *Rule, set bool) error {
				if set {
					r.Flags |= f.flag
				}
				return nil
			}))
	}
	return append(list, made("flags", func(r *Rule) (RuleFlags, bool) { return r.Flags &^ told, r.Flags&^told != 0 },
		func(r *Rule, rest RuleFlags) error {
			r.Flags |= rest
			return nil
		}))
}

// neighbourFlagsTold are the flags of neighbours that are members of their own.
// Where they are absent the source does not tell of them.
const neighbourFlagsTold = NeighbourRouter | NeighbourProxy

func (n *Neighbour) start() { n.UnknownFlags = neighbourFlagsTold }

func neighbourFlagMembers() []madeMember {
	var list []madeMember
	for _, f := range []struct {
		name string
		flag NeighbourFlags
	}{{"router", NeighbourRouter}, {"proxy", NeighbourProxy}} {
		list = append(list, made(f.name, func(n *Neighbour) (bool, bool) { return n.Flag(f.flag).Get() },
			func(n *Neighbour, set bool) error {
				if n.UnknownFlags &^= f.flag; set {
					n.Flags |= f.flag
				}
				return nil
			}))
	}
	others := func(name string, at func(*Neighbour) *NeighbourFlags) madeMember {
		return made(name, func(n *Neighbour) (NeighbourFlags, bool) {
			rest := *at(n) &^ neighbourFlagsTold
			return rest, rest != 0
		}, func(n *Neighbour, rest NeighbourFlags) error {
			*at(n) |= rest &^ neighbourFlagsTold
			return nil
		})
	}
	return append(list, others("flags", func(n *Neighbour) *NeighbourFlags { return &n.Flags }),
		others("unknownFlags", func(n *Neighbour) *NeighbourFlags { return &n.UnknownFlags }))
}

var netconfInterfaces = map[int32]string{NetconfAll: "all", NetconfDefault: "default"}

// linkGroupAlone reports whether the link-layer address is the group, and does not
// look like an address of IPv6.
func (g *BridgeGroup) linkGroupAlone() bool {
	_, err := netip.ParseAddr(g.LinkGroup.String())
	return g.LinkGroup != "" && !g.Group.IsValid() && err != nil
}

// packetFanoutMode are the bits of PacketFanout.Mode that are no flags.
const packetFanoutMode = 0xff

// Words for the state of a local socket, which are net-tools' own.
const (
	unixListening, unixConnecting, unixConnected, unixDisconnecting = "LISTENING", "CONNECTING", "CONNECTED", "DISCONNECTING"
)

func (u *UnixSocket) start() { u.State = Close }

// stateWord returns the word for the socket's state, and false for one that is not
// connected. Without an inode nobody has accepted the connection yet, or it goes.
func (u *UnixSocket) stateWord() (word string, there bool) {
	switch accepted := u.Inode != 0; {
	case u.State == Listen:
		return unixListening, true
	case u.State == Established && accepted:
		return unixConnected, true
	case u.State == Established, u.State == SynSent && accepted:
		return unixConnecting, true
	case u.State == Close && !accepted:
		return unixDisconnecting, true
	}
	return u.State.String(), u.State != Close
}

func (u *UnixSocket) setStateWord(word string) error {
	switch word {
	case unixListening:
		u.State = Listen
	case unixConnected:
		u.State = Established
	case unixConnecting:
		if u.State = Established; u.Inode != 0 {
			u.State = SynSent
		}
	case unixDisconnecting:
		u.State = Close
	default:
		return u.State.UnmarshalText([]byte(word))
	}
	return nil
}

func interfaceCounterMembers() []madeMember {
	var list []madeMember
	for _, c := range interfaceCounters {
		list = append(list, made(c.name, func(i *InterfaceCounters) (uint64, bool) { return c.at(i).Get() },
			func(i *InterfaceCounters, n uint64) error {
				c.at(i).Set(n)
				return nil
			}))
	}
	return list
}

type narrowCounters struct {
	word string
	is   *bool
}

func (c *InterfaceCounters) narrow() [3]narrowCounters {
	return [...]narrowCounters{{"packets", &c.NarrowPackets}, {"octets", &c.NarrowOctets}, {"errors", &c.NarrowErrors}}
}
