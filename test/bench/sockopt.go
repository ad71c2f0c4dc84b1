package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
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
	_, err = b.optionsOf(s, netstat.TCP, tcp, source)
	tcp.remove()
	if err != nil {
		return err
	}
	udp, err := udpScene(b.ctx, b.listedSockets)
	if err != nil {
		return err
	}
	one, err := b.optionsOf(s, netstat.UDP, udp, source)
	udp.remove() // its sockets are in the table that dumps of the others walk
	if err != nil {
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
	all, err := b.compareOptions(netstat.UDP, source.ForNamespaces, many...)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("UDP in %d namespaces", optionNamespaces)
	s.add(figure{Case: name + ": the options alone, beside those of as many in one", Ours: &quantity{Value: all.source, Unit: seconds}}.
		against(&quantity{Value: one.source, Unit: seconds}).reach("at most twice the time", all.source <= 2*one.source))
	s.add(figure{Case: name + ": options beyond the dumps, beside those of as many in one", Ours: &quantity{Value: all.beyond, Unit: seconds}}.
		against(&quantity{Value: one.beyond, Unit: seconds}).reach("at most twice the time", all.beyond <= 2*one.beyond))
	s.add(figure{Case: name + ": dumps with options, beside as many in one", Ours: &quantity{Value: all.with, Unit: seconds}}.
		against(&quantity{Value: one.with, Unit: seconds}).reach("at most twice the time", all.with <= 2*one.with))
	s.add(figure{Case: name + ": dumps with options, beside dumps without", Ours: &quantity{Value: all.with, Unit: seconds}}.against(&quantity{Value: all.without, Unit: seconds}))
	s.note("A dump is sock_diag's alone, in one process. The kernel has one table for the sockets of all namespaces, and walks it anew for the dump of each; the options of %d namespaces are read in one walk through the files of processes. As many namespaces are read at a time as there are processors, as netstat --netns all does. Besides, each is entered, and new sockets are opened in it to compare with. The options alone are the time that goes by in their source, divided by how many namespaces are read at a time.", optionNamespaces)
	return nil
}

// optionsOf compares a dump with options with one without.
func (b *bench) optionsOf(s *section, p netstat.Protocol, ns *namespace, source *sockopt.Source) (optionTimes, error) {
	took, err := b.compareOptions(p, func() netstat.SocketOptionSource { return source }, ns)
	if err != nil {
		return took, err
	}
	s.add(figure{Case: p.String() + " with options, beside a dump without", Ours: &quantity{Value: took.with, Unit: seconds}}.
		against(&quantity{Value: took.without, Unit: seconds}).reach("at most 0.15 s more", took.beyond <= 0.15))
	return took, nil
}

// optionTimes are how many seconds dumps take with options and without, how many more
// with them, and how many of these go by in the source of the options alone.
type optionTimes struct{ with, without, beyond, source float64 }

// timedSource adds up how long its source takes.
type timedSource struct {
	netstat.SocketOptionSource
	took atomic.Int64 // nanoseconds
}

func (s *timedSource) ReadSocketOptions(ctx context.Context, q netstat.SocketOptionQuery) (netstat.SocketOptionTable, error) {
	begin := time.Now()
	defer func() { s.took.Add(int64(time.Since(begin))) }()
	return s.SocketOptionSource.ReadSocketOptions(ctx, q)
}

// compareOptions reads the sockets of namespaces with and without options, in turn.
// source is called for each look with options.
func (b *bench) compareOptions(p netstat.Protocol, source func() netstat.SocketOptionSource, namespaces ...*namespace) (optionTimes, error) {
	var with, without, beyond, inSource []float64
	for range b.runs {
		plain, err := b.readOptions(p, nil, namespaces...)
		if err != nil {
			return optionTimes{}, err
		}
		timed := &timedSource{SocketOptionSource: source()}
		options, err := b.readOptions(p, timed, namespaces...)
		if err != nil {
			return optionTimes{}, err
		}
		with, without, beyond = append(with, options.Seconds()), append(without, plain.Seconds()), append(beyond, (options-plain).Seconds())
		inSource = append(inSource, time.Duration(timed.took.Load()).Seconds()/float64(optionWorkers(namespaces)))
	}
	return optionTimes{median(with), median(without), median(beyond), median(inSource)}, nil
}

// readOptions reads the sockets of namespaces, as many at a time as there are processors,
// with their options if there is a source. None may be missing.
func (b *bench) readOptions(p netstat.Protocol, source netstat.SocketOptionSource, namespaces ...*namespace) (time.Duration, error) {
	query := netstat.SocketQuery{Protocols: []netstat.Protocol{p}, Families: []netstat.Family{netstat.IPv4}}
	var options collectors.Options
	if source != nil {
		query.Details = netstat.DetailSocketOptions
		options.SocketOptions = []netstat.SocketOptionSource{source}
	}
	begin := time.Now()
	waiting := make(chan string, len(namespaces))
	for _, ns := range namespaces {
		waiting <- ns.name
	}
	close(waiting)
	var rows atomic.Int64
	failed := make(chan error)
	workers := optionWorkers(namespaces)
	for range workers {
		go func() {
			var err error
			for name := range waiting {
				of := options
				of.NetNS = name
				n, oneErr := readOptionsIn(b.ctx, of, query)
				rows.Add(int64(n))
				err = errors.Join(err, oneErr)
			}
			failed <- err
		}()
	}
	var err error
	for range workers {
		err = errors.Join(err, <-failed)
	}
	took := time.Since(begin)
	if n := rows.Load(); err == nil && n < int64(b.listedSockets) {
		err = fmt.Errorf("%d rows of %d sockets", n, b.listedSockets)
	}
	return took, err
}

// optionWorkers is how many namespaces are read at a time.
func optionWorkers(namespaces []*namespace) int { return min(runtime.GOMAXPROCS(0), len(namespaces)) }

func readOptionsIn(ctx context.Context, options collectors.Options, query netstat.SocketQuery) (rows int, err error) {
	k, err := collectors.Open(options)
	if err != nil {
		return 0, err
	}
	defer k.Close()
	for row, err := range k.Sockets(ctx, query) {
		if err != nil {
			return 0, err
		}
		if query.Details != 0 && row.UID.IsKnown() && !row.Detail.Options.Linger.IsKnown() {
			return 0, fmt.Errorf("the options of %v to %v are not told", row.Local, row.Remote)
		}
		rows++
	}
	return rows, nil
}
