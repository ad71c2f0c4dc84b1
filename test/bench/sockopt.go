package main

import (
	"context"
	"fmt"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/collectors/sockopt"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// optionNamespaces is among how many namespaces the sockets are divided.
const optionNamespaces = 100

// optionsCase measures what the options of all sockets take beyond the sockets
// themselves.
func (b *bench) optionsCase(s *section) error {
	s.Title = "The options of " + thousands(b.listedSockets) + " sockets"
	source := sockopt.New("")
	defer source.Close()
	begin := time.Now()
	if _, err := source.ReadSocketOptions(b.ctx, netstat.SocketOptionQuery{Protocol: netstat.TCP}); err != nil {
		return err
	}
	s.add(figure{Case: "loading the programs, once", Ours: &quantity{Value: time.Since(begin).Seconds(), Unit: seconds}})

	tcp, err := socketsScene(b.ctx, b.listedSockets)
	if err != nil {
		return err
	}
	err = b.optionsOf(s, netstat.TCP, tcp, source)
	tcp.remove()
	if err != nil {
		return err
	}
	udp, err := udpScene(b.ctx, b.listedSockets)
	if err != nil {
		return err
	}
	defer udp.remove()
	if err := b.optionsOf(s, netstat.UDP, udp, source); err != nil {
		return err
	}

	var many []*namespace
	defer func() {
		for _, ns := range many {
			ns.remove()
		}
	}()
	for range optionNamespaces {
		ns, err := udpScene(b.ctx, b.listedSockets/optionNamespaces)
		if err != nil {
			return err
		}
		many = append(many, ns)
	}
	one, _, err := b.compareOptions(netstat.UDP, source, udp)
	if err != nil {
		return err
	}
	all, plain, err := b.compareOptions(netstat.UDP, source, many...)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("UDP in %d namespaces", optionNamespaces)
	s.add(figure{Case: name + ", beside as many in one", Ours: &quantity{Value: all, Unit: seconds}}.
		against(&quantity{Value: one, Unit: seconds}).reach("at most twice the time", all <= 2*one))
	s.add(figure{Case: name + ", beside dumps without", Ours: &quantity{Value: all, Unit: seconds}}.against(&quantity{Value: plain, Unit: seconds}))
	s.note("A dump is sock_diag's alone, in one process. The kernel has one table for the sockets of all namespaces, and walks it anew for each: dumps of %d namespaces take about as much longer without options as with.", optionNamespaces)
	return nil
}

// optionsOf compares a dump with options with one without.
func (b *bench) optionsOf(s *section, p netstat.Protocol, ns *namespace, source *sockopt.Source) error {
	ours, plain, err := b.compareOptions(p, source, ns)
	if err != nil {
		return err
	}
	s.add(figure{Case: p.String() + " with options, beside a dump without", Ours: &quantity{Value: ours, Unit: seconds}}.
		against(&quantity{Value: plain, Unit: seconds}).reach("at most 0.15 s more", ours-plain <= 0.15))
	return nil
}

// compareOptions reads the sockets of namespaces with and without options, in turn, and
// returns how many seconds each takes.
func (b *bench) compareOptions(p netstat.Protocol, source *sockopt.Source, namespaces ...*namespace) (with, without float64, err error) {
	var times [2][]float64
	for range b.runs {
		for i, from := range []*sockopt.Source{nil, source} {
			took, err := b.readOptions(p, from, namespaces...)
			if err != nil {
				return 0, 0, err
			}
			times[i] = append(times[i], took.Seconds())
		}
	}
	return median(times[1]), median(times[0]), nil
}

// readOptions reads the sockets of namespaces, with their options if there is a source.
// None may be missing.
func (b *bench) readOptions(p netstat.Protocol, source *sockopt.Source, namespaces ...*namespace) (time.Duration, error) {
	query := netstat.SocketQuery{Protocols: []netstat.Protocol{p}, Families: []netstat.Family{netstat.IPv4}}
	var options collectors.Options
	if source != nil {
		query.Details = netstat.DetailSocketOptions
		options.SocketOptions = []netstat.SocketOptionSource{source}
	}
	var took time.Duration
	rows := 0
	for _, ns := range namespaces {
		options.NetNS = ns.name
		n, one, err := readOptionsIn(b.ctx, options, query)
		if err != nil {
			return 0, err
		}
		rows, took = rows+n, took+one
	}
	if rows < b.listedSockets {
		return 0, fmt.Errorf("%d rows of %d sockets", rows, b.listedSockets)
	}
	return took, nil
}

func readOptionsIn(ctx context.Context, options collectors.Options, query netstat.SocketQuery) (rows int, took time.Duration, err error) {
	begin := time.Now()
	k, err := collectors.Open(options)
	if err != nil {
		return 0, 0, err
	}
	defer k.Close()
	for row, err := range k.Sockets(ctx, query) {
		if err != nil {
			return 0, 0, err
		}
		if query.Details != 0 && row.UID.IsKnown() && !row.Detail.Options.Linger.IsKnown() {
			return 0, 0, fmt.Errorf("the options of %v to %v are not told", row.Local, row.Remote)
		}
		rows++
	}
	return rows, time.Since(begin), nil
}
