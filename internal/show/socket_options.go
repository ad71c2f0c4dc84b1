package show

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// SocketOptions is the table of the options of sockets, with knetstat's columns.
func SocketOptions() Table {
	title := func(o *Options) string {
		if o.Changed {
			return "Options of sockets that differ from a new one's " + o.which()
		}
		return "Options of sockets " + o.which()
	}
	return socketTable(title, (*Session).socketOptionsColumns, netstat.DetailSocketOptions|netstat.DetailTCPInfo, netstat.TCP, netstat.UDP)
}

// shortStates are knetstat's names of states.
var shortStates = [...]string{
	netstat.Established: "ESTB", netstat.SynSent: "SYNS", netstat.SynReceived: "SYNR", netstat.FinWait1: "FNW1", netstat.FinWait2: "FNW2",
	netstat.TimeWait: "TIMW", netstat.Close: "CLSD", netstat.CloseWait: "CLSW", netstat.LastAck: "LACK", netstat.Listen: "LSTN",
	netstat.Closing: "CLSG", netstat.NewSynReceived: "SYNR",
}

func shortState(v *netstat.Socket) string {
	name := stateName(v)
	if name != "" && int(v.State) < len(shortStates) && shortStates[v.State] != "" {
		return shortStates[v.State]
	}
	return name
}

// socketOptionsColumns are those of --options.
func (s *Session) socketOptionsColumns() []table.Column[Row[netstat.Socket]] {
	state := columnOf("Stat", 4, false, func(b []byte, v *netstat.Socket) []byte { return append(b, shortState(v)...) })
	state.Colour = stateColour
	diagnostics := columnOf("Diag", 4, false, func(b []byte, v *netstat.Socket) []byte {
		wrong, known := v.Diagnose().Get()
		if !known && v.Protocol == netstat.TCP && v.State == netstat.Established {
			return append(b, '-')
		}
		return append(b, wrong.String()...)
	})
	diagnostics.Colour = func(r *Row[netstat.Socket]) table.Colour {
		if r.v.Diagnose().Or(0) != 0 {
			return table.Red
		}
		return table.Plain
	}
	columns := slices.Concat(s.queueColumns(), s.endpointColumns(), []table.Column[Row[netstat.Socket]]{state, diagnostics})
	if s.Programs {
		columns = append(columns, columnOf("PID/Program name", programWidth+1, false, func(b []byte, v *netstat.Socket) []byte {
			return appendProcesses(b, v.Processes)
		}))
	}
	return append(columns, inetOptions.column(s))
}

// UnixOptions is the table of the options of sockets of the local family.
func UnixOptions() Table {
	return unixTable(func(o *Options) string {
		if o.Changed {
			return "Options of UNIX domain sockets that differ from a new one's " + o.which()
		}
		return "Options of UNIX domain sockets " + o.which()
	}, unixOptionsColumns, true)
}

func unixOptionsColumns(s *Session) []table.Column[Row[netstat.UnixSocket]] {
	columns := []table.Column[Row[netstat.UnixSocket]]{
		columnOf("Proto", 5, false, func(b []byte, _ *netstat.UnixSocket) []byte { return append(b, "unix"...) }),
		columnOf("Recv-Q", 6, true, func(b []byte, v *netstat.UnixSocket) []byte { return s.appendKnownBytes(b, v.ReceiveQueue) }),
		columnOf("Send-Q", 6, true, func(b []byte, v *netstat.UnixSocket) []byte { return s.appendKnownBytes(b, v.SendQueue) }),
		columnOf("Type", 9, false, func(b []byte, v *netstat.UnixSocket) []byte {
			return append(b, strings.ToUpper(v.Type.String())...)
		}),
		columnOf("State", 9, false, func(b []byte, v *netstat.UnixSocket) []byte { return append(b, unixState(v)...) }),
		columnOf("I-Node", 8, false, func(b []byte, v *netstat.UnixSocket) []byte { return appendUint(b, v.Inode) }),
	}
	if s.Programs {
		columns = append(columns, columnOf("PID/Program name", 20, false, func(b []byte, v *netstat.UnixSocket) []byte {
			return appendProcesses(b, v.Processes)
		}))
	}
	return append(columns, columnOf("Path", 24, false, func(b []byte, v *netstat.UnixSocket) []byte {
		if v.Name == "" && !v.Abstract {
			return append(b, '-')
		}
		return appendUnixName(b, v)
	}), unixOptions.column(s))
}

// optioned is what there is to know of the options of a kind of sockets.
type optioned[T any] struct {
	all []netstat.SocketOption
	// of returns the options of a socket, nil for none; new is the kind of new sockets
	// that it is compared with, and changed what differs from those.
	of      func(*T) *netstat.SocketOptions
	new     func(*T) newSocket
	changed func(v *T, fresh *netstat.SocketOptions) []netstat.SocketOption
}

var (
	inetOptions = optioned[netstat.Socket]{
		all: optionsWhere(func(o netstat.SocketOption) bool { return o < netstat.OptionPassCredentials }),
		of: func(v *netstat.Socket) *netstat.SocketOptions {
			if v.Detail == nil {
				return nil
			}
			return v.Detail.Options
		},
		new:     func(v *netstat.Socket) newSocket { return newSocket{v.Protocol, v.Family} },
		changed: (*netstat.Socket).ChangedOptions,
	}
	unixOptions = optioned[netstat.UnixSocket]{
		all:     optionsWhere(func(o netstat.SocketOption) bool { return strings.HasPrefix(o.String(), "SO_") }),
		of:      func(v *netstat.UnixSocket) *netstat.SocketOptions { return v.Options },
		new:     func(*netstat.UnixSocket) newSocket { return newSocket{family: netstat.Unix} },
		changed: (*netstat.UnixSocket).ChangedOptions,
	}
)

func optionsWhere(has func(netstat.SocketOption) bool) []netstat.SocketOption {
	return slices.DeleteFunc(netstat.AllSocketOptions(), func(o netstat.SocketOption) bool { return !has(o) })
}

// column shows those that are to be shown.
func (o *optioned[T]) column(s *Session) table.Column[Row[T]] {
	texts := make(map[*netstat.SocketOptions]string)
	return table.Column[Row[T]]{Heading: "Options", Append: func(b []byte, r *Row[T]) []byte {
		options := o.of(&r.v)
		if options == nil || r.from.newSockets != nil && r.from.newSockets.only {
			return s.appendOptions(b, r.from, options, o.shown(r))
		}
		// Most sockets share theirs with many others.
		if text, ok := texts[options]; ok {
			return append(b, text...)
		}
		start := len(b)
		b = s.appendOptions(b, r.from, options, o.all)
		if len(texts) >= mostTexts {
			clear(texts)
		}
		texts[options] = string(b[start:])
		return b
	}}
}

// mostTexts bounds how many texts are kept for other sockets with the same options.
const mostTexts = 4096

// appendOptions appends those options of a socket that are known, or a dash for none.
func (s *Session) appendOptions(b []byte, src *Source, options *netstat.SocketOptions, shown []netstat.SocketOption) []byte {
	start := len(b)
	for _, option := range shown {
		v, known := options.Get(option)
		if !known {
			continue
		}
		if len(b) > start {
			b = append(b, ',')
		}
		b = append(append(b, option.String()...), '=')
		source := options.Source(option)
		if source == netstat.OptionInferred {
			b = append(b, '~')
		}
		b = s.appendOption(b, src, option, v)
		if source == netstat.OptionByLayout {
			b = append(b, '*')
		}
	}
	if len(b) == start {
		return append(b, '-')
	}
	return b
}

// appendOption appends the value of an option for people.
func (s *Session) appendOption(b []byte, src *Source, option netstat.SocketOption, value any) []byte {
	switch v := value.(type) {
	case bool:
		if v {
			return append(b, '1')
		}
		return append(b, '0')
	case string:
		if v == "" {
			return append(b, "none"...)
		}
		return table.AppendEscaped(b, v)
	case time.Duration:
		if option == netstat.OptionLinger && v == netstat.LingerOff {
			return append(b, "off"...)
		}
		return appendUnits(b, v)
	case uint8:
		if option != netstat.OptionTTL {
			return strconv.AppendUint(append(b, "0x"...), uint64(v), 16)
		}
		return appendUint(b, v)
	case int32:
		if v < 0 {
			return append(b, "none"...)
		}
		return strconv.AppendInt(b, int64(v), 10)
	case uint64:
		if v == netstat.PacingUnlimited {
			return append(b, "unlimited"...)
		}
		return s.appendBytes(b, v)
	case uint32:
		switch option {
		case netstat.OptionReceiveBufferSet, netstat.OptionSendBufferSet:
			if v == 0 {
				return append(b, "off"...)
			}
			return s.appendBytes(b, uint64(v))
		case netstat.OptionReceiveBuffer, netstat.OptionSendBuffer, netstat.OptionReceiveLowWater, netstat.OptionWindowClamp, netstat.OptionNotSentLowWater:
			return s.appendBytes(b, uint64(v))
		case netstat.OptionBindToDevice:
			if v == 0 {
				return append(b, "none"...)
			}
			return table.AppendEscaped(b, src.name(v))
		case netstat.OptionMark:
			return strconv.AppendUint(append(b, "0x"...), uint64(v), 16)
		}
		return appendUint(b, v)
	}
	return b
}

// appendUnits appends a duration in the largest unit that it is a whole number of: 7200s,
// 250ms, 50us.
func appendUnits(b []byte, d time.Duration) []byte {
	for _, unit := range []struct {
		name string
		of   time.Duration
	}{{"s", time.Second}, {"ms", time.Millisecond}, {"us", time.Microsecond}} {
		if d%unit.of == 0 {
			return append(strconv.AppendInt(b, int64(d/unit.of), 10), unit.name...)
		}
	}
	return append(strconv.AppendInt(b, int64(d), 10), "ns"...)
}

// newSocket is a kind of sockets that have the same options when they are new.
type newSocket struct {
	protocol netstat.Protocol
	family   netstat.Family
}

// newSockets are the options of new sockets of a stack.
type newSockets struct {
	of map[newSocket]*netstat.SocketOptions
	// only says that what differs from them is shown, and nothing else.
	only bool
}

// readNewSockets reads what options new sockets of a stack have, once. That they are
// not known is nothing to complain of unless what differs from them was asked for.
func (s *Session) readNewSockets(ctx context.Context, src *Source, asked bool) {
	if src.newSockets != nil {
		return
	}
	src.newSockets = &newSockets{make(map[newSocket]*netstat.SocketOptions), s.Changed}
	reader, ok := src.Stack.(netstat.SocketDefaultsReader)
	if !ok || src.SNMP {
		s.complain("options of sockets", src, netstat.ErrNotSupported)
		return
	}
	for d, err := range reader.SocketDefaults(ctx) {
		switch {
		case err == nil:
			src.newSockets.of[newSocket{d.Protocol, d.Family}] = d.Options
		case ctx.Err() == nil:
			s.lacks("options of new sockets", src, err, asked)
		}
	}
}

// changedIn returns the options of a socket that differ from those of a new one, and
// whether it is known which do.
func (o *optioned[T]) changedIn(r *Row[T]) (changed []netstat.SocketOption, known bool) {
	if o.of(&r.v) == nil || r.from.newSockets == nil {
		return nil, false
	}
	fresh := r.from.newSockets.of[o.new(&r.v)]
	if fresh == nil {
		return nil, false
	}
	return o.changed(&r.v, fresh), true
}

// shown returns which of all options are shown of a socket. Beside a buffer that a
// program set stands what the kernel made of it.
func (o *optioned[T]) shown(r *Row[T]) (shown []netstat.SocketOption) {
	switch {
	case o.of(&r.v) == nil:
		return nil
	case r.from.newSockets == nil || !r.from.newSockets.only:
		return o.all
	}
	changed, _ := o.changedIn(r)
	for _, option := range changed {
		switch option {
		case netstat.OptionReceiveBufferSet:
			shown = append(shown, netstat.OptionReceiveBuffer)
		case netstat.OptionSendBufferSet:
			shown = append(shown, netstat.OptionSendBuffer)
		}
		shown = append(shown, option)
	}
	return shown
}

// diagnosticsField is what is wrong with a connection.
func diagnosticsField() table.Field[Row[netstat.Socket]] {
	return fieldOf("diagnostics", table.Strings, "what is wrong with an established connection: `sendWindowClosed`, `receiveWindowClosed`, `unacknowledged` for more than a second", func(v *netstat.Socket) table.Value {
		wrong, known := v.Diagnose().Get()
		if !known {
			return table.Value{}
		}
		return table.KnownWords(wrong.Names())
	})
}

func optionNames(options []netstat.SocketOption) []string {
	names := make([]string, len(options))
	for i, option := range options {
		names[i] = option.String()
	}
	return names
}

// Names of the fields of options.
const (
	optionsField        = "options"
	changedOptionsField = "changedOptions"
)

// fields are the options of a socket as one object, each of them by its own name, and
// the names of those that differ from a new socket's.
func (o *optioned[T]) fields() []table.Field[Row[T]] {
	fields := []table.Field[Row[T]]{{Name: optionsField, Type: table.Compound, Doc: "options by their own names, as above; with `--options` only",
		Value: func(r *Row[T]) table.Value {
			options := o.of(&r.v)
			if options == nil {
				return table.Value{}
			}
			return table.Members(func(yield func(string, table.Value) bool) { yieldOptions(options, o.shown(r), yield) })
		}}}
	for _, option := range o.all {
		fields = append(fields, table.Field[Row[T]]{Name: option.String(), Type: optionType(option), Doc: option.Description(), Within: optionsField,
			Value: func(r *Row[T]) table.Value {
				options := o.of(&r.v)
				if options == nil {
					return table.Value{}
				}
				return optionValue(options, option)
			}})
	}
	return append(fields, table.Field[Row[T]]{Name: changedOptionsField, Type: table.Strings, Doc: "names of the options that are not those of a new socket of its kind; with `--options` only",
		Value: func(r *Row[T]) table.Value {
			changed, known := o.changedIn(r)
			if !known {
				return table.Value{}
			}
			return table.KnownWords(optionNames(changed))
		}})
}

// yieldOptions yields the members of an object of options: those that are shown, and how
// they are known.
func yieldOptions(options *netstat.SocketOptions, shown []netstat.SocketOption, yield func(string, table.Value) bool) {
	var byLayout, inferred []string
	for _, option := range shown {
		if !yield(option.String(), optionValue(options, option)) {
			return
		}
		switch options.Source(option) {
		case netstat.OptionByLayout:
			byLayout = append(byLayout, option.String())
		case netstat.OptionInferred:
			inferred = append(inferred, option.String())
		}
	}
	_ = yield("byLayout", table.Words(byLayout)) && yield("inferred", table.Words(inferred))
}

// optionType is the type of an option's values.
func optionType(option netstat.SocketOption) table.Type {
	switch option {
	case netstat.OptionReceiveBufferSet, netstat.OptionSendBufferSet:
		return table.IntegerOrFalse
	case netstat.OptionLinger:
		return table.DurationOrFalse
	}
	switch v, _ := new(netstat.SocketOptions).Get(option); v.(type) {
	case bool:
		return table.Boolean
	case string:
		return table.String
	case time.Duration:
		return table.Duration
	}
	return table.Integer
}

// optionValue is the value of an option for programs.
func optionValue(options *netstat.SocketOptions, option netstat.SocketOption) table.Value {
	value, known := options.Get(option)
	if !known {
		return table.Value{}
	}
	switch v := value.(type) {
	case bool:
		return table.Bool(v)
	case string:
		return table.KnownText(v)
	case time.Duration:
		if option == netstat.OptionLinger && v == netstat.LingerOff {
			return table.Bool(false)
		}
		return table.Seconds(v)
	case uint8:
		return table.Uint(v)
	case int32:
		return table.Int(v)
	case uint64:
		return table.Uint(v)
	case uint32:
		if optionType(option) == table.IntegerOrFalse && v == 0 {
			return table.Bool(false)
		}
		return table.Uint(v)
	}
	return table.Value{}
}
