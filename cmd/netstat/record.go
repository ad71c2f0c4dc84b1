package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/recording"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// besideRecord are the flags that --record goes with.
var besideRecord = []string{"record", "kinds", "netns", "interval", "verbose", "host", "hosts", "snmp-config", "context", "timeout"}

// checkRecording says which flags make no sense with --record and --recording.
func (f *flags) checkRecording(fs *pflag.FlagSet) (err error) {
	if f.record != "" {
		fs.Visit(func(flag *pflag.Flag) {
			if !slices.Contains(besideRecord, flag.Name) && err == nil {
				err = fmt.Errorf("--%s makes no sense with --record, which records rows of every kind, or those of --kinds", flag.Name)
			}
		})
		if _, bad := recording.ParseKinds(f.kinds...); err == nil && bad != nil {
			err = fmt.Errorf("--kinds: %w", bad)
		}
		return err
	}
	switch {
	case len(f.kinds) > 0:
		return errors.New("--kinds makes sense with --record only")
	case f.at != "" && f.recording == "":
		return errors.New("--at makes sense with --recording only")
	case f.recording != "" && f.interval > 0:
		return errors.New("--interval and --continuous make no sense with --recording: what is recorded does not change")
	}
	if f.at != "" {
		_, err = parseAt(f.at, time.Time{})
	}
	return err
}

// recordStacks adds a moment to the recording in a file, or one in each interval
// until it is interrupted.
func recordStacks(ctx context.Context, f *flags, stderr io.Writer) error {
	kinds, err := recording.ParseKinds(f.kinds...)
	if err != nil {
		return err
	}
	open := func() (iter.Seq[recording.Source], error) { return recordSources(ctx, f.netns) }
	if f.isRemote() {
		configs, err := f.hostConfigs()
		if err != nil {
			return err
		}
		hosts := remote.NewHosts(ctx, f.pool(), configs)
		defer hosts.Close()
		reached := false
		open = func() (iter.Seq[recording.Source], error) {
			sources, err := recordHosts(ctx, hosts, configs)
			if reached = reached || err == nil; reached {
				err = nil // they may answer again
			}
			return slices.Values(sources), err
		}
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

// recordMoments records the stacks that open returns for each moment, and returns
// how many moments were recorded.
func recordMoments(ctx context.Context, f *flags, recorder *recording.Recorder, o recording.Options, open func() (iter.Seq[recording.Source], error)) (moments int, err error) {
	var turns <-chan time.Time
	if f.interval > 0 {
		ticker := time.NewTicker(time.Duration(f.interval * float64(time.Second)))
		defer ticker.Stop()
		turns = ticker.C
	}
	for {
		sources, err := open()
		if err == nil {
			err = recorder.Record(ctx, o, sources)
		}
		if err != nil {
			if moments > 0 && ctx.Err() != nil {
				return moments, nil // the moment that was interrupted is not in the file
			}
			return moments, err
		}
		moments++
		if turns == nil {
			return moments, nil
		}
		select {
		case <-ctx.Done():
			return moments, nil
		case <-turns:
		}
	}
}

// recordSources yields the stacks that --netns names, each opened for as long as
// it is read.
func recordSources(ctx context.Context, netns string) (iter.Seq[recording.Source], error) {
	if netns != allNamespaces {
		kernel, err := openKernel(ctx, netns)
		if err != nil {
			return nil, err
		}
		return func(yield func(recording.Source) bool) {
			yield(recording.Source{Name: netns, Stack: kernel})
			_ = kernel.Close() // nothing was written
		}, nil
	}
	namespaces, err := listNamespaces(ctx)
	if err != nil {
		return nil, err
	}
	return func(yield func(recording.Source) bool) {
		for _, n := range namespaces {
			kernel, err := collectors.OpenNamespace(&n)
			if errors.Is(err, fs.ErrNotExist) {
				continue // it went meanwhile
			}
			src := recording.Source{Name: n.Label(), Namespace: &n, Err: err}
			if err == nil {
				src.Stack = kernel
			}
			more := yield(src)
			if err == nil {
				_ = kernel.Close() // nothing was written
			}
			if !more {
				return
			}
		}
	}, nil
}

// recordHosts returns the stacks of other hosts. That one cannot be reached is
// recorded in its place; that none can be is an error as well.
func recordHosts(ctx context.Context, hosts *remote.Hosts, configs []remote.Config) ([]recording.Source, error) {
	hosts.Renew()
	var unreachable []error
	sources := make([]recording.Source, len(configs))
	for i, stack := range hosts.Stacks() {
		sources[i] = recording.Source{Name: configs[i].Address, Remote: configs[i].Address, Stack: stack}
		if err := stack.Reach(ctx); err != nil {
			unreachable = append(unreachable, err)
			sources[i].Stack, sources[i].Err = nil, err
		}
	}
	if len(unreachable) == len(sources) {
		return sources, errors.Join(unreachable...)
	}
	return sources, nil
}

// tellGaps says what the last moment of the recording lacks: what the stacks do
// not have only where it was asked for by name, or with -v.
func (f *flags) tellGaps(stderr io.Writer) error {
	file, err := recording.Open(f.record)
	if err != nil {
		return err
	}
	defer file.Close()
	moment, err := chooseMoment(file, recording.Choice{})
	if err != nil {
		return err
	}
	incomplete := false
	for _, stack := range moment.Stacks() {
		if err := stack.Err(); err != nil {
			fmt.Fprintf(stderr, "netstat: %v\n", err)
			incomplete = true
			continue
		}
		of := ""
		if f.netns == allNamespaces || len(moment.Stacks()) > 1 {
			of = " of " + recordedLabel(stack)
		}
		contents := stack.Contents()
		for _, c := range contents {
			// Of a kind that is there, the stack may lack a part.
			asked := slices.Contains(f.kinds, string(c.Kind)) && !slices.ContainsFunc(contents, func(other recording.Content) bool {
				return other.Kind == c.Kind && other.Err == nil
			})
			absent := errors.Is(c.Err, netstat.ErrNotSupported)
			if c.Err == nil || absent && !asked && f.verbose == 0 {
				continue
			}
			incomplete = incomplete || asked || !absent
			fmt.Fprintf(stderr, "netstat: record %s: %s%s: %v\n", f.record, strings.TrimSpace(string(c.Kind)+" "+c.Part), of, c.Err)
		}
	}
	if incomplete {
		return errIncomplete
	}
	return nil
}
