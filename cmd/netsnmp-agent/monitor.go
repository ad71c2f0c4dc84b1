package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/commandline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/hangup"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// monitorFlags are what the command line of monitor says.
type monitorFlags struct {
	netns   string
	kinds   []string
	dev     string
	table   uint32
	prefix  string
	initial bool
	asJSON  bool
}

const monitorLong = `netsnmp-agent monitor prints the changes of a network stack as they happen, one a
line: of interfaces, addresses, routes, neighbours, policy rules, nexthop objects,
per-interface settings and the multicast groups of interfaces. With --kinds flow
and expectation it follows connection tracking, which costs the kernel work for
each connection and needs CAP_NET_ADMIN.`

func newMonitorCommand() *cobra.Command {
	var f monitorFlags
	cmd := &cobra.Command{
		Use:   "monitor",
		Short: "Print the changes of a network stack as they happen",
		Long:  monitorLong,
		Args:  commandline.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return monitor(cmd, f) },
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	fs.StringVar(&f.netns, "netns", "", "watch the network namespace `NAME`: one of \"ip netns\", or a path")
	fs.StringSliceVar(&f.kinds, "kinds", nil, fmt.Sprintf("print only these `KIND,...`: %s; or, if named, %s",
		strings.ReplaceAll(netstat.AllKinds.String(), ",", ", "), strings.ReplaceAll(netstat.AllTrackedKinds.String(), ",", ", ")))
	fs.StringVar(&f.dev, "dev", "", "print only what belongs to the interface `NAME`, which must be there")
	fs.Uint32Var(&f.table, "table", 0, "print only routes and rules of the table `NUMBER`")
	fs.StringVar(&f.prefix, "prefix", "", "print only routes, addresses, neighbours and multicast groups within `PREFIX`, and flows from or to it")
	fs.BoolVar(&f.initial, "initial", false, "print what is there first")
	fs.BoolVar(&f.asJSON, "json", false, "print JSON, one object a line")
	return cmd
}

// narrowed returns the kinds that --table and --prefix leave of those that are asked for, 0 for all. One that
// is named must have what they look at.
func (f *monitorFlags) narrowed(asked netstat.Kinds) (netstat.Kinds, error) {
	kinds := asked
	for _, only := range []struct {
		flag  string
		given bool
		of    netstat.Kinds
	}{
		{"table", f.table != 0, netstat.KindRoute | netstat.KindRule},
		{"prefix", f.prefix != "", netstat.KindRoute | netstat.KindAddress | netstat.KindNeighbour | netstat.KindMulticast | netstat.AllTrackedKinds},
	} {
		switch {
		case !only.given:
		case kinds&^only.of != 0 && asked != 0:
			return 0, fmt.Errorf("--%s: %v has none to choose by", only.flag, asked&^only.of)
		case kinds == 0:
			kinds = only.of & netstat.AllKinds
		default:
			kinds &= only.of
		}
	}
	return kinds, nil
}

func monitor(cmd *cobra.Command, f monitorFlags) error {
	hangup.Default()
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
	subscribe := live.SubscribeOptions{Queue: 1 << 16}
	kinds, err := netstat.ParseKinds(f.kinds...)
	if err != nil {
		return fmt.Errorf("--kinds: %w", err)
	}
	if kinds, err = f.narrowed(kinds); err != nil {
		return err
	}
	tracked := kinds & netstat.AllTrackedKinds
	subscribe.Kinds, subscribe.Table = kinds&netstat.AllKinds, f.table
	if f.prefix != "" {
		if subscribe.Prefix, err = netip.ParsePrefix(f.prefix); err != nil {
			return fmt.Errorf("--prefix: %w", err)
		}
		subscribe.Prefix = subscribe.Prefix.Masked()
	}
	if f.dev != "" && tracked != 0 {
		return errors.New("--dev: flows and expectations belong to no interface")
	}
	if f.initial {
		subscribe.Initial = live.InitialEvents
	}
	kernel, err := collectors.Open(collectors.Options{NetNS: f.netns})
	if err != nil {
		return err
	}
	defer kernel.Close()
	p := &printer{w: bufio.NewWriter(cmd.OutOrStdout()), asJSON: f.asJSON, names: make(map[uint32]string), ask: func() iter.Seq2[netstat.Interface, error] {
		return kernel.Interfaces(ctx)
	}}
	var flows *flowFollower
	if tracked != 0 {
		flows, err = followFlows(kernel, tracked, subscribe.Prefix, p)
		switch {
		case err == nil:
			defer flows.Close()
		case kinds == tracked:
			return err
		default:
			log.Warn("flows and expectations are not followed", "error", err)
		}
	}
	options := live.Options{NetNS: f.netns, Kinds: subscribe.Kinds, Log: log}
	if kinds != 0 {
		options.Kinds |= netstat.KindInterface // whose names are printed
	}
	if p.stack, err = live.Open(ctx, options); err != nil {
		return err
	}
	defer p.stack.Close()
	if f.dev != "" {
		if subscribe.Interface, err = findInterface(ctx, kernel, f.dev); err != nil {
			return fmt.Errorf("--dev: %w", err)
		}
	}
	if subscribe.Kinds == 0 {
		subscribe.Kinds = options.Kinds
	}
	sub := p.stack.Subscribe(subscribe)
	defer sub.Close()
	for i := range p.stack.Snapshot().Interfaces() {
		p.names[i.Index] = i.Name
	}
	ended := make(chan error, 1)
	if flows == nil {
		ended <- nil
	} else {
		if f.initial {
			if err := flows.present(ctx); err != nil {
				return err
			}
		}
		go func() {
			defer cancel()
			ended <- flows.follow(ctx)
		}()
	}
	err = p.follow(ctx, sub, kinds)
	cancel()
	return errors.Join(err, <-ended, p.flush())
}

// findInterface returns the index of the interface that has a name, or an
// alternative one.
func findInterface(ctx context.Context, kernel *collectors.Kernel, name string) (uint32, error) {
	for i, err := range kernel.InterfaceDetails(ctx) {
		if err != nil {
			return 0, err
		}
		if i.Name == name || slices.Contains(i.AlternativeNames, name) {
			return i.Index, nil
		}
	}
	return 0, fmt.Errorf("there is no interface %s", name)
}

// printer prints events. Its methods may be called concurrently, but for name.
type printer struct {
	stack  *live.Stack
	asJSON bool
	// ask asks the kernel for the interfaces that there are now.
	ask func() iter.Seq2[netstat.Interface, error]

	mutex sync.Mutex
	w     *bufio.Writer
	names map[uint32]string // of the interfaces seen so far
}

// follow prints the events of a live stack that are of one of the kinds, of all where
// none is named, until the context ends.
func (p *printer) follow(ctx context.Context, sub *live.Subscription, kinds netstat.Kinds) error {
	for e, err := range sub.Events(ctx) {
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		case e.Kind != 0 && kinds != 0 && !kinds.Has(e.Kind):
			continue
		}
		if err := errors.Join(p.print(&e), p.flush()); err != nil {
			return err
		}
	}
	return nil
}

// print prints an event that was received at a moment, or now.
func (p *printer) print(e *live.Event) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if i, ok := e.Value.(netstat.Interface); ok {
		p.names[i.Index] = i.Name
	}
	at := e.Received
	if at.IsZero() {
		at = time.Now()
	}
	if p.asJSON {
		return p.printJSON(e, at)
	}
	_, err := p.w.Write(p.text(e, at))
	return err
}

func (p *printer) flush() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.w.Flush()
}

// name returns the name of an interface: the one that it has or last had, and its
// index where it was gone before anyone saw it. The kernel tells settings and groups
// of a new interface before the interface itself.
func (p *printer) name(index uint32) string {
	if i, ok := p.stack.Snapshot().Interface(index); ok {
		p.names[index] = i.Name
	}
	if _, ok := p.names[index]; !ok {
		for i, err := range p.ask() {
			if err != nil {
				break
			}
			p.names[i.Index] = i.Name
		}
	}
	if _, ok := p.names[index]; !ok {
		p.names[index] = fmt.Sprintf("if%d", index)
	}
	return p.names[index]
}

// text returns an event in words.
func (p *printer) text(e *live.Event, now time.Time) []byte {
	b := append(now.AppendFormat(nil, "15:04:05.000 "), e.Change.String()...)
	if e.Kind != 0 {
		b = append(append(b, ' '), e.Kind.String()...)
	}
	if e.Value != nil {
		b = show.AppendWords(b, e.Kind, e.Value, e.Old, p.name)
	}
	return append(b, '\n')
}
