package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/namespaces"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
)

// killer has rows of a view go, one at a time.
type killer struct {
	// what is the question: what of the row goes.
	what func(sheet show.Sheet, row int) string
	kill func(ctx context.Context, sheet show.Sheet, row int) error
}

// flowKiller deletes entries of connection tracking, each by its tuple and its ID: no later
// one with the same tuple.
var flowKiller = &killer{
	what: func(sheet show.Sheet, row int) string {
		f, _, _ := show.FlowOf(sheet, row)
		return fmt.Sprintf("delete the tracked flow %s %s:%d > %s:%d, ID %v", f.Original.Protocol, f.Original.Source, f.Original.SourcePort,
			f.Original.Destination, f.Original.DestinationPort, f.ID)
	},
	kill: func(ctx context.Context, sheet show.Sheet, row int) error {
		f, from, _ := show.FlowOf(sheet, row)
		kernel, err := namespaces.Open(ctx, from.Name)
		if err != nil {
			return err
		}
		defer kernel.Close()
		editor, err := kernel.EditFlows()
		if err != nil {
			return err
		}
		defer editor.Close()
		return editor.DeleteExactly(ctx, *f)
	},
}

// socketKiller ends sockets, each known by its cookie.
var socketKiller = &killer{
	what: func(sheet show.Sheet, row int) string {
		v, _, _ := show.SocketOf(sheet, row)
		return fmt.Sprintf("end the %v connection %v > %v", v.Protocol, v.Local, v.Remote)
	},
	kill: func(ctx context.Context, sheet show.Sheet, row int) error {
		v, from, _ := show.SocketOf(sheet, row)
		kernel, err := namespaces.Open(ctx, from.Name)
		if err != nil {
			return err
		}
		defer kernel.Close()
		return kernel.DestroySocket(ctx, v)
	},
}

// mayKill says why nothing can be killed: what is shown is no kernel that runs here, or the
// program may not.
func mayKill(f *flags) error {
	switch {
	case f.Recording != "":
		return errors.New("what is recorded is past")
	case f.IsRemote():
		return errors.New("SNMP only reads other hosts here")
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return fmt.Errorf("read the program's capabilities: %w", err)
	}
	if data[0].Effective&(1<<unix.CAP_NET_ADMIN) == 0 {
		return errors.New("that takes CAP_NET_ADMIN, which this program does not have")
	}
	return nil
}
