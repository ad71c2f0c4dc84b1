package show

import (
	"context"
	"errors"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Further is what is known of a row beside its fields: it is read when somebody asks for it.
type Further struct{ Name, Text, Doc string }

// OptionsOf reads the options of the socket that a row of Connections is of from a stack, which
// is the row's or another one of the same namespace: each that is known. Which ones are not
// stands in the last row, and an error says why.
func OptionsOf(ctx context.Context, from netstat.Stack, of Sheet, row int) (found []Further, err error) {
	t, ok := of.(*sheet[connection])
	if !ok {
		return nil, netstat.ErrNotSupported
	}
	r := &t.rows[row]
	options, err := readOptions(ctx, from, &r.v.Socket)
	switch {
	case options == nil && err == nil:
		return nil, errGone
	case options == nil:
		return nil, err
	}
	for _, option := range inetOptions.all {
		v, known := options.Get(option)
		if !known {
			continue
		}
		text := string(t.o.s.appendOption(nil, r.from, option, v))
		switch options.Source(option) {
		case netstat.OptionInferred:
			text += " (inferred)"
		case netstat.OptionByLayout:
			text += " (by the layout of the kernel's memory)"
		}
		found = append(found, Further{option.String(), text, option.Description()})
	}
	if unknown := unknownOptions(ctx, from, &r.v.Socket, options); len(unknown) > 0 {
		found = append(found, Further{Name: "not known", Text: strings.Join(optionNames(unknown), ", ")})
	}
	return found, err
}

var errGone = errors.New("the socket is there no more")

// readOptions reads the options of a socket, which are nil where it is there no more. What is
// read comes with an error that says what is missing.
func readOptions(ctx context.Context, from netstat.Stack, v *netstat.Socket) (options *netstat.SocketOptions, err error) {
	cookie, known := v.Cookie.Get()
	if !known {
		return nil, netstat.ErrNotSupported
	}
	ask := netstat.SocketQuery{Protocols: []netstat.Protocol{v.Protocol}, Families: []netstat.Family{v.Family}, Details: netstat.DetailSocketOptions}
	if port := v.Local.Port(); port != 0 {
		ask.Filter.LocalPorts = netstat.PortRange{First: port, Last: port}
	}
	for s, err := range from.Sockets(ctx, ask) {
		if err != nil {
			return options, err
		}
		if other, known := s.Cookie.Get(); known && other == cookie && s.Detail != nil {
			options = s.Detail.Options
		}
	}
	return options, nil
}

// unknownOptions are those that a new socket of its kind has and that are not known of a socket.
func unknownOptions(ctx context.Context, from netstat.Stack, v *netstat.Socket, options *netstat.SocketOptions) (unknown []netstat.SocketOption) {
	reader, ok := from.(netstat.SocketDefaultsReader)
	if !ok {
		return nil
	}
	for d, err := range reader.SocketDefaults(ctx) {
		if err != nil {
			return nil
		}
		if d.Protocol != v.Protocol || d.Family != v.Family {
			continue
		}
		for _, option := range inetOptions.all {
			if d.Options.Source(option) != netstat.OptionUnknown && options.Source(option) == netstat.OptionUnknown {
				unknown = append(unknown, option)
			}
		}
	}
	return unknown
}
