package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/commandline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/hangup"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
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
per-interface settings and the multicast groups of interfaces.`

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
	fs.StringSliceVar(&f.kinds, "kinds", nil, "print only these `KIND,...`: interface, address, route, neighbour, rule, nexthop, netconf, multicast")
	fs.StringVar(&f.dev, "dev", "", "print only what belongs to the interface `NAME`, which must be there")
	fs.Uint32Var(&f.table, "table", 0, "print only routes and rules of the table `NUMBER`")
	fs.StringVar(&f.prefix, "prefix", "", "print only routes, addresses, neighbours and multicast groups within `PREFIX`")
	fs.BoolVar(&f.initial, "initial", false, "print what is there first")
	fs.BoolVar(&f.asJSON, "json", false, "print JSON, one object a line")
	return cmd
}

func monitor(cmd *cobra.Command, f monitorFlags) error {
	hangup.Default()
	options := live.Options{NetNS: f.netns, Log: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))}
	subscribe := live.SubscribeOptions{Queue: 1 << 16}
	var err error
	if options.Kinds, err = netstat.ParseKinds(f.kinds...); err != nil {
		return fmt.Errorf("--kinds: %w", err)
	}
	subscribe.Kinds, subscribe.Table = options.Kinds, f.table
	if f.prefix != "" {
		if subscribe.Prefix, err = netip.ParsePrefix(f.prefix); err != nil {
			return fmt.Errorf("--prefix: %w", err)
		}
		subscribe.Prefix = subscribe.Prefix.Masked()
	}
	if f.initial {
		subscribe.Initial = live.InitialEvents
	}
	if options.Kinds != 0 {
		options.Kinds |= netstat.KindInterface // whose names are printed
	}
	stack, err := live.Open(cmd.Context(), options)
	if err != nil {
		return err
	}
	defer stack.Close()
	kernel, err := collectors.Open(collectors.Options{NetNS: f.netns})
	if err != nil {
		return err
	}
	defer kernel.Close()
	if f.dev != "" {
		if subscribe.Interface, err = findInterface(cmd.Context(), kernel, f.dev); err != nil {
			return fmt.Errorf("--dev: %w", err)
		}
	}
	sub := stack.Subscribe(subscribe)
	defer sub.Close()
	p := printer{w: bufio.NewWriter(cmd.OutOrStdout()), stack: stack, asJSON: f.asJSON, names: make(map[uint32]string), ask: func() iter.Seq2[netstat.Interface, error] {
		return kernel.Interfaces(cmd.Context())
	}}
	for i := range stack.Snapshot().Interfaces() {
		p.names[i.Index] = i.Name
	}
	for e, err := range sub.Events(cmd.Context()) {
		switch {
		case cmd.Context().Err() != nil:
			return p.w.Flush()
		case err != nil:
			return errors.Join(p.w.Flush(), err)
		}
		at := e.Received
		if at.IsZero() {
			at = time.Now()
		}
		if err := p.print(&e, at); err != nil {
			return err
		}
	}
	return nil
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

// printer prints events.
type printer struct {
	w      *bufio.Writer
	stack  *live.Stack
	asJSON bool
	names  map[uint32]string // of the interfaces seen so far
	// ask asks the kernel for the interfaces that there are now.
	ask func() iter.Seq2[netstat.Interface, error]
}

func (p *printer) print(e *live.Event, now time.Time) error {
	if i, ok := e.Value.(netstat.Interface); ok {
		p.names[i.Index] = i.Name
	}
	if p.asJSON {
		if err := p.printJSON(e, now); err != nil {
			return err
		}
	} else {
		p.printText(e, now)
	}
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

// shown returns a name that anybody may have chosen as a terminal may show it.
func shown(name string) string { return string(table.AppendEscaped(nil, name)) }

func (p *printer) printText(e *live.Event, now time.Time) {
	fmt.Fprintf(p.w, "%s %s", now.Format("15:04:05.000"), e.Change)
	if e.Kind != 0 {
		fmt.Fprintf(p.w, " %s", e.Kind)
	}
	unsaid := e.Old != nil // what changed
	switch v := e.Value.(type) {
	case netstat.Interface:
		old, changed := e.Old.(netstat.Interface)
		told := false
		was := func(format string, now, before any) {
			if changed && now != before {
				told = true
				fmt.Fprintf(p.w, " (was "+format+")", before)
			}
		}
		fmt.Fprintf(p.w, " %s", shown(v.Name))
		was("%s", shown(v.Name), shown(old.Name))
		fmt.Fprintf(p.w, " index %d %s", v.Index, v.Operational())
		was("%s", v.Operational(), old.Operational())
		if !v.Up().Or(true) {
			fmt.Fprint(p.w, " disabled")
		}
		fmt.Fprintf(p.w, " mtu %v", v.MTU)
		was("%v", v.MTU, old.MTU)
		if v.Kind != "" {
			fmt.Fprintf(p.w, " kind %s", shown(v.Kind))
		}
		if v.Master != 0 {
			fmt.Fprintf(p.w, " master %s", shown(p.name(v.Master)))
		}
		if v.Address != "" {
			fmt.Fprintf(p.w, " address %s", v.Address)
			was("%s", v.Address, old.Address)
		}
		if v.Alias != "" || changed && old.Alias != "" {
			fmt.Fprintf(p.w, " alias %q", v.Alias)
			was("%q", v.Alias, old.Alias)
		}
		unsaid = unsaid && !told
	case netstat.Address:
		fmt.Fprintf(p.w, " %s dev %s", netip.PrefixFrom(v.Prefix.Addr().WithZone(""), v.Prefix.Bits()), shown(p.name(v.Interface)))
		if v.Peer.IsValid() {
			fmt.Fprintf(p.w, " peer %s", v.Peer.WithZone(""))
		}
	case netstat.Route:
		if v.Type != netstat.RouteUnicast {
			fmt.Fprintf(p.w, " %s", v.Type)
		}
		fmt.Fprintf(p.w, " %s", v.Destination)
		if v.Gateway.IsValid() {
			fmt.Fprintf(p.w, " via %s", shown(v.Gateway.String()))
		}
		if v.Interface != 0 {
			fmt.Fprintf(p.w, " dev %s", shown(p.name(v.Interface)))
		}
		for _, n := range []struct {
			name  string
			value uint32
		}{{"table", v.Table}, {"metric", v.Metric.Or(0)}, {"nhid", v.NextHopID}, {"tos", uint32(v.TOS.Or(0))}, {"weight", uint32(v.Weight)}} {
			if n.value != 0 {
				fmt.Fprintf(p.w, " %s %d", n.name, n.value)
			}
		}
		if v.PreferredSource.IsValid() {
			fmt.Fprintf(p.w, " src %s", shown(v.PreferredSource.String()))
		}
		if v.Flags&netstat.RouteDead != 0 {
			fmt.Fprint(p.w, " dead")
		}
		if v.Flags&netstat.RouteLinkDown != 0 {
			fmt.Fprint(p.w, " linkdown")
		}
	case netstat.Neighbour:
		if v.Address.IsValid() {
			fmt.Fprintf(p.w, " %s", v.Address.WithZone(""))
		}
		if v.LinkAddress != "" {
			fmt.Fprintf(p.w, " lladdr %s", v.LinkAddress)
		}
		fmt.Fprintf(p.w, " dev %s", shown(p.name(v.Interface)))
		if v.Master != 0 {
			fmt.Fprintf(p.w, " master %s", shown(p.name(v.Master)))
		}
		fmt.Fprintf(p.w, " %s", v.State)
	case netstat.Rule:
		fmt.Fprintf(p.w, " %s priority %d", v.Family, v.Priority)
		if v.Flags&netstat.RuleInvert != 0 {
			fmt.Fprint(p.w, " not")
		}
		if v.Source.IsValid() {
			fmt.Fprintf(p.w, " from %s", v.Source)
		}
		if v.Destination.IsValid() {
			fmt.Fprintf(p.w, " to %s", v.Destination)
		}
		if v.InputInterface != "" {
			fmt.Fprintf(p.w, " iif %s", shown(v.InputInterface))
		}
		if v.OutputInterface != "" {
			fmt.Fprintf(p.w, " oif %s", shown(v.OutputInterface))
		}
		if v.Mask != 0 {
			fmt.Fprintf(p.w, " fwmark %#x/%#x", v.Mark, v.Mask)
		}
		switch v.Action {
		case netstat.RuleTable:
			fmt.Fprintf(p.w, " table %d", v.Table)
		case netstat.RuleGoto:
			fmt.Fprintf(p.w, " goto %d", v.Goto)
		default:
			fmt.Fprintf(p.w, " %s", v.Action)
		}
	case netstat.NextHop:
		fmt.Fprintf(p.w, " id %d", v.ID)
		if v.Gateway.IsValid() {
			fmt.Fprintf(p.w, " via %s", shown(v.Gateway.String()))
		}
		if v.Interface != 0 {
			fmt.Fprintf(p.w, " dev %s", shown(p.name(v.Interface)))
		}
		if v.Blackhole {
			fmt.Fprint(p.w, " blackhole")
		}
		for i, m := range v.Group {
			fmt.Fprintf(p.w, "%s%d,%d", []string{" group ", "/"}[min(i, 1)], m.ID, m.Weight)
		}
	case netstat.Netconf:
		name := map[int32]string{netstat.NetconfAll: "all", netstat.NetconfDefault: "default"}[v.Interface]
		if name == "" {
			name = shown(p.name(uint32(v.Interface)))
		}
		fmt.Fprintf(p.w, " %s dev %s", v.Family, name)
		settings := reflect.ValueOf(v)
		for i := range settings.NumField() {
			if text := fmt.Sprint(settings.Field(i).Interface()); i >= 2 && text != "-" {
				fmt.Fprintf(p.w, " %s %s", kebab(settings.Type().Field(i).Name), text)
			}
		}
	case netstat.MulticastGroup:
		fmt.Fprintf(p.w, " %s dev %s", v.Group.WithZone(""), shown(p.name(v.Interface)))
	}
	if unsaid {
		fmt.Fprintf(p.w, " (changed: %s)", strings.Join(differences(e.Old, e.Value), ", "))
	}
	fmt.Fprintln(p.w)
}

// differences returns what two values of one kind differ in, by the names of JSON.
func differences(a, b any) (names []string) {
	var members [2]map[string]json.RawMessage
	for i, value := range []any{a, b} {
		text, err := json.Marshal(value)
		if err != nil || json.Unmarshal(text, &members[i]) != nil {
			return nil // rows of the vocabulary encode
		}
	}
	for name, value := range members[1] {
		if !bytes.Equal(members[0][name], value) {
			names = append(names, name)
		}
	}
	for name := range members[0] {
		if _, there := members[1][name]; !there {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// kebab returns a field's name in small letters with hyphens.
func kebab(name string) string {
	var b strings.Builder
	for i, c := range name {
		if c >= 'A' && c <= 'Z' {
			if i > 0 {
				b.WriteByte('-')
			}
			c += 'a' - 'A'
		}
		b.WriteRune(c)
	}
	return b.String()
}
