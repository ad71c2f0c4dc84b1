package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/namespaces"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/internal/sources"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/recording"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// recordStacks adds a moment to the recording in a file, or one in each interval
// until it is interrupted.
func recordStacks(ctx context.Context, f *flags, stderr io.Writer) error {
	kinds, err := recording.ParseKinds(f.kinds...)
	if err != nil {
		return err
	}
	open := func(time.Time) (iter.Seq[recording.Source], error) { return recordKernels(ctx, &f.Where) }
	if f.IsRemote() {
		configs, err := f.HostConfigs()
		if err != nil {
			return err
		}
		hosts := remote.NewHosts(ctx, f.Pool(), configs)
		defer hosts.Close()
		r := hostRecorder{hosts: hosts, configs: configs, tell: func(error) {}}
		if f.Interval > 0 {
			r.tell = func(err error) { fmt.Fprintf(stderr, "netstat: %v\n", err) }
		}
		open = func(until time.Time) (iter.Seq[recording.Source], error) { return r.open(ctx, until) }
	}
	recorder, err := recording.Append(f.record)
	if err != nil {
		return err
	}
	moments, err := recordMoments(ctx, f, recorder, recording.Options{Kinds: kinds}, open)
	if err = errors.Join(err, recorder.Close()); err != nil || moments == 0 {
		return err
	}
	return f.tellGaps(stderr)
}

// recordMoments records the stacks that open returns for each moment, which is to
// end by a time, and returns how many moments were recorded.
func recordMoments(ctx context.Context, f *flags, recorder *recording.Recorder, o recording.Options, open func(until time.Time) (iter.Seq[recording.Source], error)) (moments int, err error) {
	turns := show.NewTurns(f.Interval)
	for {
		var until time.Time
		if f.Interval > 0 {
			until = turns.Begin()
		}
		stacks, err := open(until)
		if err == nil {
			err = recorder.Record(ctx, o, stacks)
		}
		if err != nil {
			if moments > 0 && ctx.Err() != nil {
				return moments, nil // the moment that was interrupted is not in the file
			}
			return moments, err
		}
		moments++
		if f.Interval == 0 || !turns.Wait(ctx) {
			return moments, nil
		}
	}
}

// hostRecorder opens the stacks of other hosts for one moment after the other.
type hostRecorder struct {
	hosts   *remote.Hosts
	configs []remote.Config
	tell    func(error) // that nothing, or not all, is recorded of a host
	reached bool        // one of them, at least once, or it may be slow
}

// open returns the stacks for a moment that is to end by then, the zero time for
// no such time. That one cannot be reached is recorded in its place; that none
// ever could be is an error.
func (r *hostRecorder) open(ctx context.Context, until time.Time) (iter.Seq[recording.Source], error) {
	r.hosts.Turn(sources.TurnOf(r.configs, until))
	stacks := r.hosts.Stacks()
	var first []recording.Source // up to the first that can be reached
	var unreachable []error
	for i := 0; i < len(stacks) && len(first) == len(unreachable); i++ {
		source := r.source(ctx, i, stacks[i])
		if first = append(first, source); source.Err != nil {
			unreachable = append(unreachable, source.Err)
		}
		var late *remote.LateError
		r.reached = r.reached || source.Err == nil || errors.As(source.Err, &late)
	}
	if err := ctx.Err(); err != nil {
		return nil, err // which may be all that is the matter with the hosts
	}
	if !r.reached {
		return nil, errors.Join(unreachable...)
	}
	return func(yield func(recording.Source) bool) {
		for i, stack := range stacks {
			var source recording.Source
			if i < len(first) {
				source = first[i]
			} else {
				source = r.source(ctx, i, stack)
			}
			if !yield(source) {
				return
			}
			if err := stack.Err(); err != nil {
				r.tell(err)
			}
		}
	}, nil
}

// source is what is recorded of a host.
func (r *hostRecorder) source(ctx context.Context, i int, stack *remote.HostStack) recording.Source {
	s := recording.Source{Name: r.configs[i].Address, Remote: r.configs[i].Address, Stack: stack}
	if s.Err = stack.Reach(ctx); s.Err != nil {
		s.Stack = nil
	}
	return s
}

// tellGaps says what the last moment of the recording lacks: what the stacks do
// not have only where it was asked for by name, or with -v.
func (f *flags) tellGaps(stderr io.Writer) error {
	file, err := recording.Open(f.record)
	if err != nil {
		return err
	}
	defer file.Close()
	moment, err := sources.ChooseMoment(file, recording.Choice{})
	if err != nil {
		return err
	}
	incomplete := false
	for _, stack := range moment.Stacks() {
		if err := stack.Err(); err != nil {
			if !f.IsRemote() || f.Interval == 0 { // otherwise it was said in its turn
				fmt.Fprintf(stderr, "netstat: %v\n", err)
			}
			incomplete = true
			continue
		}
		of := ""
		if f.NetNS == namespaces.All || len(moment.Stacks()) > 1 {
			of = " of " + sources.RecordedLabel(stack)
		}
		contents := stack.Contents()
		for _, c := range contents {
			// Of a kind that is there, the stack may lack a part.
			asked := slices.Contains(f.kinds, string(c.Kind)) && !slices.ContainsFunc(contents, func(other recording.Content) bool {
				return other.Kind == c.Kind && other.Err == nil
			})
			absent := errors.Is(c.Err, netstat.ErrNotSupported)
			if c.Err == nil || absent && !asked && f.Verbose == 0 {
				continue
			}
			incomplete = incomplete || (asked || !absent) && !netstat.IsComplete(c.Err)
			fmt.Fprintf(stderr, "netstat: record %s: %s%s: %v\n", f.record, strings.TrimSpace(string(c.Kind)+" "+c.Part), of, c.Err)
		}
	}
	if incomplete {
		return show.ErrIncomplete
	}
	return nil
}
