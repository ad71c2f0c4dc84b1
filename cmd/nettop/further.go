package main

import (
	"context"
	"errors"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/collectors/sockopt"
	"github.com/netsnmp-agent/netsnmp-agent/internal/namespaces"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// further is what is read of a row once, when it is opened in full: what is too dear to read of
// every row in every turn.
type further struct {
	sheet show.Sheet
	row   int
	by    *furtherReader

	read  bool
	found []show.Further
	err   error // why that is not all
}

// furtherReader reads something further of a row of a view.
type furtherReader struct {
	// what is read.
	what string
	read func(ctx context.Context, sheet show.Sheet, row int) ([]show.Further, error)
}

// socketOptions reads the options of the socket of a row: of this kernel with everything that
// tells of them.
var socketOptions = &furtherReader{
	what: "options of the socket",
	read: func(ctx context.Context, sheet show.Sheet, row int) ([]show.Further, error) {
		v, from, _ := show.SocketOf(sheet, row)
		switch {
		case from.SNMP:
			return nil, errors.New("no MIB has them")
		case v.Protocol != netstat.TCP && v.Protocol != netstat.UDP:
			return nil, netstat.ErrNotSupported
		case !from.At.IsZero():
			return show.OptionsOf(ctx, from.Stack, sheet, row)
		}
		options := sockopt.New(sockopt.PinFolder)
		defer options.Close()
		kernel, err := namespaces.Open(ctx, from.Name, options, collectors.Descriptors())
		if err != nil {
			return nil, err
		}
		defer kernel.Close()
		return show.OptionsOf(ctx, kernel, sheet, row)
	},
}
