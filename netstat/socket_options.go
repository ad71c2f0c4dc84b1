package netstat

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// SocketOptions are the options of a socket, as getsockopt(2) tells them: those
// that a program set, and those that it left as they were. Each field is one
// [SocketOption]. An option that this kind of socket does not have, or that no
// source tells of, is unknown.
//
// How long things take is a Duration, to the precision that the kernel keeps: its
// ticks (CONFIG_HZ) for most. A time of 0 is the option's own 0, which is "no limit"
// or "the default" for several: each says which.
type SocketOptions struct {
	// Of every socket (socket(7); sk_getsockopt, net/core/sock.c).
	ReuseAddress     Optional[bool]          `json:"SO_REUSEADDR"`
	ReusePort        Optional[bool]          `json:"SO_REUSEPORT"`
	KeepAlive        Optional[bool]          `json:"SO_KEEPALIVE"`
	Broadcast        Optional[bool]          `json:"SO_BROADCAST"`
	ReceiveBuffer    Optional[uint32]        `json:"SO_RCVBUF"` // bytes, as the kernel keeps them: twice what a program sets
	ReceiveBufferSet Optional[uint32]        `json:"SO_RCVBUF_SET" form:"orfalse"`
	SendBuffer       Optional[uint32]        `json:"SO_SNDBUF"`
	SendBufferSet    Optional[uint32]        `json:"SO_SNDBUF_SET" form:"orfalse"`
	ReceiveTimeout   Optional[time.Duration] `json:"SO_RCVTIMEO"`             // 0: no limit
	SendTimeout      Optional[time.Duration] `json:"SO_SNDTIMEO"`             // 0: no limit
	Linger           Optional[time.Duration] `json:"SO_LINGER" form:"linger"` // LingerOff, or how long close(2) waits
	Priority         Optional[uint32]        `json:"SO_PRIORITY"`
	Mark             Optional[uint32]        `json:"SO_MARK"`
	BindToDevice     Optional[uint32]        `json:"SO_BINDTODEVICE"` // an interface's index (SO_BINDTOIFINDEX); 0: none
	ReceiveLowWater  Optional[uint32]        `json:"SO_RCVLOWAT"`     // bytes
	MaxPacingRate    Optional[uint64]        `json:"SO_MAX_PACING_RATE"`
	IncomingCPU      Optional[int32]         `json:"SO_INCOMING_CPU"` // -1: none
	BusyPoll         Optional[time.Duration] `json:"SO_BUSY_POLL"`    // to the microsecond; 0: off
	ZeroCopy         Optional[bool]          `json:"SO_ZEROCOPY"`
	Filter           Optional[bool]          `json:"SO_ATTACH_FILTER"` // whether there is one, of SO_ATTACH_BPF also
	LockFilter       Optional[bool]          `json:"SO_LOCK_FILTER"`

	// Of IPv4, which IPv6 sockets have for the IPv4 packets that they send, and of
	// IPv6 (ip(7), ipv6(7); net/ipv4/ip_sockglue.c, net/ipv6/ipv6_sockglue.c).
	TOS          Optional[uint8] `json:"IP_TOS"`
	TTL          Optional[uint8] `json:"IP_TTL"`
	FreeBind     Optional[bool]  `json:"IP_FREEBIND"`
	Transparent  Optional[bool]  `json:"IP_TRANSPARENT"`
	TrafficClass Optional[uint8] `json:"IPV6_TCLASS"`
	V6Only       Optional[bool]  `json:"IPV6_V6ONLY"`

	// Of TCP (tcp(7); do_tcp_getsockopt, net/ipv4/tcp.c).
	NoDelay         Optional[bool]          `json:"TCP_NODELAY"`
	Cork            Optional[bool]          `json:"TCP_CORK"`
	KeepIdle        Optional[time.Duration] `json:"TCP_KEEPIDLE"`
	KeepInterval    Optional[time.Duration] `json:"TCP_KEEPINTVL"`
	KeepCount       Optional[uint32]        `json:"TCP_KEEPCNT"`
	UserTimeout     Optional[time.Duration] `json:"TCP_USER_TIMEOUT"` // to the millisecond; 0: the default
	SYNCount        Optional[uint32]        `json:"TCP_SYNCNT"`
	DeferAccept     Optional[time.Duration] `json:"TCP_DEFER_ACCEPT"` // 0: off
	FastOpen        Optional[uint32]        `json:"TCP_FASTOPEN"`     // connections; 0: off
	MaxSegment      Optional[uint32]        `json:"TCP_MAXSEG"`       // bytes; of a connection, the size in use
	WindowClamp     Optional[uint32]        `json:"TCP_WINDOW_CLAMP"` // bytes
	NotSentLowWater Optional[uint32]        `json:"TCP_NOTSENT_LOWAT"`
	Linger2         Optional[time.Duration] `json:"TCP_LINGER2"` // negative: FIN-WAIT-2 is not waited in
	QuickAck        Optional[bool]          `json:"TCP_QUICKACK"`
	Congestion      Optional[string]        `json:"TCP_CONGESTION"`
	UpperLayer      Optional[string]        `json:"TCP_ULP"` // empty: none

	// Of UDP (udp(7); udp_lib_getsockopt, net/ipv4/udp.c).
	UDPCork          Optional[bool]   `json:"UDP_CORK"`
	UDPReceive       Optional[bool]   `json:"UDP_GRO"`
	UDPSegment       Optional[uint32] `json:"UDP_SEGMENT"` // bytes; 0: off
	UDPEncapsulation Optional[uint32] `json:"UDP_ENCAP"`   // UDP_ENCAP_*, include/uapi/linux/udp.h; 0: none

	// Of the local family (unix(7)).
	PassCredentials Optional[bool]  `json:"SO_PASSCRED"`
	PassSecurity    Optional[bool]  `json:"SO_PASSSEC"`
	PassPIDFD       Optional[bool]  `json:"SO_PASSPIDFD"`
	PassRights      Optional[bool]  `json:"SO_PASSRIGHTS"`
	PeekOffset      Optional[int32] `json:"SO_PEEK_OFF"` // bytes; -1: none

	// ByLayout are options that were read from the kernel's structures, and Inferred
	// those that something else told of. All others that are known are exact.
	ByLayout, Inferred SocketOptionSet
}

// SocketDefaults are the options of a new socket that no program has changed yet.
// They depend on the settings of its namespace (net.core.rmem_default,
// net.ipv4.tcp_keepalive_time, ...).
type SocketDefaults struct {
	Protocol Protocol // 0 for the local family
	Family   Family
	Options  *SocketOptions
}

// SocketDefaultsReader tells what options a new socket has.
// Errors of its method are as for [Stack].
type SocketDefaultsReader interface {
	// SocketDefaults yields those of TCP and UDP sockets over each family that the
	// source has, and of the local family's.
	SocketDefaults(ctx context.Context) iter.Seq2[SocketDefaults, error]
}

// SocketOptionQuery says of which sockets of a namespace a source is to tell the options.
type SocketOptionQuery struct {
	// Protocol is TCP or UDP, or 0 for sockets of the local family.
	Protocol Protocol
	// Bound says that TCP sockets which only have a port are among them.
	Bound bool
	// Settings are the values that a new socket of the namespace has, by family, of the
	// options whose default is a setting of the namespace: TTL, and of TCP KeepIdle,
	// KeepInterval, KeepCount, SYNCount and Linger2. Others are unknown.
	Settings map[Family]*SocketOptions
}

// SocketOptionTable looks for the options of a socket by its cookie (SO_COOKIE) and
// family, and returns nil when it has none. What it returns may be shared, and is not to
// be changed.
type SocketOptionTable func(cookie uint64, family Family) *SocketOptions

// SocketOptionSource tells the options of sockets that a kernel's own list of sockets does
// not tell.
type SocketOptionSource interface {
	// ReadSocketOptions reads the options of those sockets of the network namespace that
	// the calling thread is in. A table may come with an error that says what is missing.
	ReadSocketOptions(ctx context.Context, q SocketOptionQuery) (SocketOptionTable, error)
}

// NamespacesOptionSource is a source that can read the sockets of many namespaces at
// once.
type NamespacesOptionSource interface {
	SocketOptionSource
	// ForNamespaces returns a source for one look at many namespaces: what it tells is
	// of one moment, and it is not to be used again.
	ForNamespaces() SocketOptionSource
}

// LingerOff says that close(2) does not wait for what was sent (SO_LINGER off). With
// a Linger of 0 it resets the connection.
const LingerOff time.Duration = -1

// SocketOption names an option of a socket.
type SocketOption uint8

// Socket options. String returns their names in the kernel.
//
// Two are not the kernel's own: ReceiveBufferSet and SendBufferSet are what a program
// set, after the limits of net.core.rmem_max and wmem_max: half of the buffer, as
// the kernel doubles it. They are 0 when no program has set it (SO_BUF_LOCK):
// then the kernel sizes the buffers of TCP as it goes.
const (
	OptionReuseAddress SocketOption = iota
	OptionReusePort
	OptionKeepAlive
	OptionBroadcast
	OptionReceiveBuffer
	OptionReceiveBufferSet
	OptionSendBuffer
	OptionSendBufferSet
	OptionReceiveTimeout
	OptionSendTimeout
	OptionLinger
	OptionPriority
	OptionMark
	OptionBindToDevice
	OptionReceiveLowWater
	OptionMaxPacingRate
	OptionIncomingCPU
	OptionBusyPoll
	OptionZeroCopy
	OptionFilter
	OptionLockFilter
	OptionTOS
	OptionTTL
	OptionFreeBind
	OptionTransparent
	OptionTrafficClass
	OptionV6Only
	OptionNoDelay
	OptionCork
	OptionKeepIdle
	OptionKeepInterval
	OptionKeepCount
	OptionUserTimeout
	OptionSYNCount
	OptionDeferAccept
	OptionFastOpen
	OptionMaxSegment
	OptionWindowClamp
	OptionNotSentLowWater
	OptionLinger2
	OptionQuickAck
	OptionCongestion
	OptionUpperLayer
	OptionUDPCork
	OptionUDPReceive
	OptionUDPSegment
	OptionUDPEncapsulation
	OptionPassCredentials
	OptionPassSecurity
	OptionPassPIDFD
	OptionPassRights
	OptionPeekOffset
	optionCount
)

// option is what there is to tell of a SocketOption.
type option struct {
	name, doc string
	get       func(*SocketOptions) (any, bool)
	copy      func(to, from *SocketOptions)
	differs   func(a, b *SocketOptions) bool // both are known, and not the same
}

func optionOf[T comparable](name, doc string, at func(*SocketOptions) *Optional[T]) option {
	return option{
		name: name, doc: doc,
		get: func(o *SocketOptions) (any, bool) {
			v, known := at(o).Get()
			return v, known
		},
		copy: func(to, from *SocketOptions) { *at(to) = *at(from) },
		differs: func(a, b *SocketOptions) bool {
			v, w := at(a), at(b)
			return v.known && w.known && v.value != w.value
		},
	}
}

var options = [optionCount]option{
	OptionReuseAddress: optionOf("SO_REUSEADDR", "whether others may bind to the address", func(o *SocketOptions) *Optional[bool] { return &o.ReuseAddress }),
	OptionReusePort:    optionOf("SO_REUSEPORT", "whether several sockets share the address and its load", func(o *SocketOptions) *Optional[bool] { return &o.ReusePort }),
	OptionKeepAlive:    optionOf("SO_KEEPALIVE", "whether an idle connection is probed", func(o *SocketOptions) *Optional[bool] { return &o.KeepAlive }),
	OptionBroadcast:    optionOf("SO_BROADCAST", "whether it may send to broadcast addresses", func(o *SocketOptions) *Optional[bool] { return &o.Broadcast }),
	OptionReceiveBuffer: optionOf("SO_RCVBUF", "bytes of the receive buffer as the kernel keeps it, which is twice what a program sets",
		func(o *SocketOptions) *Optional[uint32] { return &o.ReceiveBuffer }),
	OptionReceiveBufferSet: optionOf("SO_RCVBUF_SET", "bytes of it that a program set, false when none did: then TCP sizes it as it goes",
		func(o *SocketOptions) *Optional[uint32] { return &o.ReceiveBufferSet }),
	OptionSendBuffer: optionOf("SO_SNDBUF", "bytes of the send buffer as the kernel keeps it, which is twice what a program sets",
		func(o *SocketOptions) *Optional[uint32] { return &o.SendBuffer }),
	OptionSendBufferSet: optionOf("SO_SNDBUF_SET", "bytes of it that a program set, false when none did: then TCP sizes it as it goes",
		func(o *SocketOptions) *Optional[uint32] { return &o.SendBufferSet }),
	OptionReceiveTimeout:  optionOf("SO_RCVTIMEO", "seconds that a read waits, 0 without limit", func(o *SocketOptions) *Optional[time.Duration] { return &o.ReceiveTimeout }),
	OptionSendTimeout:     optionOf("SO_SNDTIMEO", "seconds that a write waits, 0 without limit", func(o *SocketOptions) *Optional[time.Duration] { return &o.SendTimeout }),
	OptionLinger:          optionOf("SO_LINGER", "seconds that a close waits for data to be acknowledged, false when it does not; 0 resets the connection", func(o *SocketOptions) *Optional[time.Duration] { return &o.Linger }),
	OptionPriority:        optionOf("SO_PRIORITY", "priority of the packets it sends, in queueing disciplines", func(o *SocketOptions) *Optional[uint32] { return &o.Priority }),
	OptionMark:            optionOf("SO_MARK", "mark of the packets it sends", func(o *SocketOptions) *Optional[uint32] { return &o.Mark }),
	OptionBindToDevice:    optionOf("SO_BINDTODEVICE", "index of the interface that it is bound to, 0 for none", func(o *SocketOptions) *Optional[uint32] { return &o.BindToDevice }),
	OptionReceiveLowWater: optionOf("SO_RCVLOWAT", "bytes that wake a reader", func(o *SocketOptions) *Optional[uint32] { return &o.ReceiveLowWater }),
	OptionMaxPacingRate:   optionOf("SO_MAX_PACING_RATE", "bytes a second that it sends at most, 2^64-1 without limit", func(o *SocketOptions) *Optional[uint64] { return &o.MaxPacingRate }),
	OptionIncomingCPU:     optionOf("SO_INCOMING_CPU", "CPU whose packets it takes, or that received its last one; -1 for none", func(o *SocketOptions) *Optional[int32] { return &o.IncomingCPU }),
	OptionBusyPoll:        optionOf("SO_BUSY_POLL", "seconds that a read polls the device, 0 when it does not", func(o *SocketOptions) *Optional[time.Duration] { return &o.BusyPoll }),
	OptionZeroCopy:        optionOf("SO_ZEROCOPY", "whether it may send without a copy", func(o *SocketOptions) *Optional[bool] { return &o.ZeroCopy }),
	OptionFilter:          optionOf("SO_ATTACH_FILTER", "whether a filter is attached", func(o *SocketOptions) *Optional[bool] { return &o.Filter }),
	OptionLockFilter:      optionOf("SO_LOCK_FILTER", "whether its filter cannot be changed", func(o *SocketOptions) *Optional[bool] { return &o.LockFilter }),

	OptionTOS:          optionOf("IP_TOS", "type of service of the IPv4 packets it sends", func(o *SocketOptions) *Optional[uint8] { return &o.TOS }),
	OptionTTL:          optionOf("IP_TTL", "time to live of the IPv4 packets it sends", func(o *SocketOptions) *Optional[uint8] { return &o.TTL }),
	OptionFreeBind:     optionOf("IP_FREEBIND", "whether it may bind to an address that is not there yet", func(o *SocketOptions) *Optional[bool] { return &o.FreeBind }),
	OptionTransparent:  optionOf("IP_TRANSPARENT", "whether it may bind to others' addresses", func(o *SocketOptions) *Optional[bool] { return &o.Transparent }),
	OptionTrafficClass: optionOf("IPV6_TCLASS", "traffic class of the IPv6 packets it sends", func(o *SocketOptions) *Optional[uint8] { return &o.TrafficClass }),
	OptionV6Only:       optionOf("IPV6_V6ONLY", "whether an IPv6 socket refuses IPv4", func(o *SocketOptions) *Optional[bool] { return &o.V6Only }),

	OptionNoDelay:         optionOf("TCP_NODELAY", "whether small segments are sent at once", func(o *SocketOptions) *Optional[bool] { return &o.NoDelay }),
	OptionCork:            optionOf("TCP_CORK", "whether only full segments are sent", func(o *SocketOptions) *Optional[bool] { return &o.Cork }),
	OptionKeepIdle:        optionOf("TCP_KEEPIDLE", "seconds without data after which SO_KEEPALIVE probes", func(o *SocketOptions) *Optional[time.Duration] { return &o.KeepIdle }),
	OptionKeepInterval:    optionOf("TCP_KEEPINTVL", "seconds between its probes", func(o *SocketOptions) *Optional[time.Duration] { return &o.KeepInterval }),
	OptionKeepCount:       optionOf("TCP_KEEPCNT", "probes without an answer that end the connection", func(o *SocketOptions) *Optional[uint32] { return &o.KeepCount }),
	OptionUserTimeout:     optionOf("TCP_USER_TIMEOUT", "seconds that data may stay unacknowledged, 0 for the default", func(o *SocketOptions) *Optional[time.Duration] { return &o.UserTimeout }),
	OptionSYNCount:        optionOf("TCP_SYNCNT", "SYNs that are sent again at most", func(o *SocketOptions) *Optional[uint32] { return &o.SYNCount }),
	OptionDeferAccept:     optionOf("TCP_DEFER_ACCEPT", "seconds that a listener waits for data before it wakes, 0 when it does not", func(o *SocketOptions) *Optional[time.Duration] { return &o.DeferAccept }),
	OptionFastOpen:        optionOf("TCP_FASTOPEN", "connections that a listener takes with data in their SYN, 0 for none", func(o *SocketOptions) *Optional[uint32] { return &o.FastOpen }),
	OptionMaxSegment:      optionOf("TCP_MAXSEG", "bytes of a segment: of a connection the size in use", func(o *SocketOptions) *Optional[uint32] { return &o.MaxSegment }),
	OptionWindowClamp:     optionOf("TCP_WINDOW_CLAMP", "bytes that the receive window has at most", func(o *SocketOptions) *Optional[uint32] { return &o.WindowClamp }),
	OptionNotSentLowWater: optionOf("TCP_NOTSENT_LOWAT", "bytes not sent yet that stop a writer, 0 for the default", func(o *SocketOptions) *Optional[uint32] { return &o.NotSentLowWater }),
	OptionLinger2:         optionOf("TCP_LINGER2", "seconds that FIN-WAIT-2 lasts at most, negative when it is not waited in", func(o *SocketOptions) *Optional[time.Duration] { return &o.Linger2 }),
	OptionQuickAck:        optionOf("TCP_QUICKACK", "whether acknowledgements are sent at once, at this moment", func(o *SocketOptions) *Optional[bool] { return &o.QuickAck }),
	OptionCongestion:      optionOf("TCP_CONGESTION", "algorithm of congestion control", func(o *SocketOptions) *Optional[string] { return &o.Congestion }),
	OptionUpperLayer:      optionOf("TCP_ULP", "protocol on top of TCP that the kernel handles, empty for none", func(o *SocketOptions) *Optional[string] { return &o.UpperLayer }),

	OptionUDPCork:          optionOf("UDP_CORK", "whether what is written waits to be one datagram", func(o *SocketOptions) *Optional[bool] { return &o.UDPCork }),
	OptionUDPReceive:       optionOf("UDP_GRO", "whether datagrams are received many at a time", func(o *SocketOptions) *Optional[bool] { return &o.UDPReceive }),
	OptionUDPSegment:       optionOf("UDP_SEGMENT", "bytes of the datagrams that a large one is sent as, 0 when it is not", func(o *SocketOptions) *Optional[uint32] { return &o.UDPSegment }),
	OptionUDPEncapsulation: optionOf("UDP_ENCAP", "protocol that the datagrams carry, 0 for none: 2 ESP, 3 L2TP, 4 and 5 GTP, 6 RxRPC", func(o *SocketOptions) *Optional[uint32] { return &o.UDPEncapsulation }),

	OptionPassCredentials: optionOf("SO_PASSCRED", "whether messages come with their sender's process, user and group", func(o *SocketOptions) *Optional[bool] { return &o.PassCredentials }),
	OptionPassSecurity:    optionOf("SO_PASSSEC", "whether messages come with their sender's security label", func(o *SocketOptions) *Optional[bool] { return &o.PassSecurity }),
	OptionPassPIDFD:       optionOf("SO_PASSPIDFD", "whether messages come with a descriptor of their sender's process", func(o *SocketOptions) *Optional[bool] { return &o.PassPIDFD }),
	OptionPassRights:      optionOf("SO_PASSRIGHTS", "whether it takes descriptors that are sent to it", func(o *SocketOptions) *Optional[bool] { return &o.PassRights }),
	OptionPeekOffset:      optionOf("SO_PEEK_OFF", "bytes behind the first where a peek begins, -1 when it begins there", func(o *SocketOptions) *Optional[int32] { return &o.PeekOffset }),
}

// AllSocketOptions returns every option, in order.
func AllSocketOptions() []SocketOption {
	all := make([]SocketOption, optionCount)
	for i := range all {
		all[i] = SocketOption(i)
	}
	return all
}

// String returns the option's name: "SO_KEEPALIVE".
func (o SocketOption) String() string {
	if o < optionCount {
		return options[o].name
	}
	return fmt.Sprintf("option %d", uint8(o))
}

// Description says in a few words what the option's value is.
func (o SocketOption) Description() string {
	if o < optionCount {
		return options[o].doc
	}
	return ""
}

// MarshalText returns the form of String.
func (o SocketOption) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads the form of String.
func (o *SocketOption) UnmarshalText(text []byte) error {
	return unmarshalName(o, text, SocketOption.String)
}

// SocketOptionSet is a set of options.
type SocketOptionSet uint64

// Has reports whether the set holds an option.
func (s SocketOptionSet) Has(o SocketOption) bool { return s>>o&1 != 0 }

// Add adds an option.
func (s *SocketOptionSet) Add(o SocketOption) { *s |= 1 << o }

// Names returns the options' names, in order; "option 63" for one without.
func (s SocketOptionSet) Names() (names []string) {
	for o := SocketOption(0); s != 0; o, s = o+1, s>>1 {
		if s&1 != 0 {
			names = append(names, o.String())
		}
	}
	return names
}

// OptionSource is how the value of an option is known.
type OptionSource uint8

// Sources of options, from what is worth least to what is worth most.
const (
	// OptionUnknown says that the value is not known.
	OptionUnknown OptionSource = iota
	// OptionInferred says that something else tells the value: what the socket does,
	// or an option that goes with it.
	OptionInferred
	// OptionByLayout says that the value was read from the kernel's structures,
	// where its own type information (BTF) says that it is.
	OptionByLayout
	// OptionExact says that the kernel was asked for the option.
	OptionExact
)

func (s OptionSource) String() string {
	switch s {
	case OptionUnknown:
		return "unknown"
	case OptionInferred:
		return "inferred"
	case OptionByLayout:
		return "by layout"
	case OptionExact:
		return "exact"
	}
	return fmt.Sprintf("source %d", uint8(s))
}

// Get returns the value of an option, and whether it is known: a bool, uint8, uint32,
// int32, uint64, string or time.Duration, as the option's field has it.
func (o *SocketOptions) Get(option SocketOption) (value any, known bool) {
	if option >= optionCount {
		return nil, false
	}
	return options[option].get(o)
}

// Source says how the value of an option is known.
func (o *SocketOptions) Source(option SocketOption) OptionSource {
	if _, known := o.Get(option); !known {
		return OptionUnknown
	}
	switch {
	case o.ByLayout.Has(option):
		return OptionByLayout
	case o.Inferred.Has(option):
		return OptionInferred
	}
	return OptionExact
}

// Join takes from other the options that it knows better.
func (o *SocketOptions) Join(other *SocketOptions) {
	for i := range options {
		option := SocketOption(i)
		source := other.Source(option)
		if source <= o.Source(option) {
			continue
		}
		options[i].copy(o, other)
		bit := SocketOptionSet(1) << option
		o.ByLayout = o.ByLayout&^bit | other.ByLayout&bit
		o.Inferred = o.Inferred&^bit | other.Inferred&bit
	}
}

// ChangedOptions returns the options whose values are known and not those of a new
// socket of that kind, in order: what a program has set, or the listener that a
// connection comes from. A buffer is among them when a program set it
// (OptionReceiveBufferSet, OptionSendBufferSet), and never for what the kernel made
// of it. Of a connection, the segment size, the window's clamp, quick
// acknowledgements and the CPU are the kernel's own doing, and are not among them;
// nor is that a socket bound to an address of IPv6 refuses IPv4 (__inet6_bind,
// net/ipv6/af_inet6.c).
func (s *Socket) ChangedOptions(fresh *SocketOptions) []SocketOption {
	if s.Detail == nil || s.Detail.Options == nil {
		return nil
	}
	unconnected := s.State == Close || s.State == Listen || s.State == Bound
	bound := s.Local.Addr()
	return s.Detail.Options.changed(fresh, func(option SocketOption) bool {
		switch option {
		case OptionMaxSegment, OptionWindowClamp, OptionQuickAck, OptionIncomingCPU:
			return !unconnected
		case OptionV6Only:
			return bound.IsValid() && !bound.IsUnspecified() && s.Detail.Options.V6Only.Or(false)
		}
		return false
	})
}

// ChangedOptions returns the options whose values are known and not those of a new
// socket of the local family, in order. A buffer is among them as in
// [Socket.ChangedOptions].
func (u *UnixSocket) ChangedOptions(fresh *SocketOptions) []SocketOption {
	if u.Options == nil {
		return nil
	}
	return u.Options.changed(fresh, func(SocketOption) bool { return false })
}

// changed returns the options that differ from a new socket's, without those that the
// kernel changes by itself.
func (o *SocketOptions) changed(fresh *SocketOptions, byItself func(SocketOption) bool) (changed []SocketOption) {
	for i := range options {
		option := SocketOption(i)
		if !options[i].differs(o, fresh) || option == OptionReceiveBuffer || option == OptionSendBuffer || byItself(option) {
			continue
		}
		changed = append(changed, option)
	}
	return changed
}
