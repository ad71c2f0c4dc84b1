package main

import (
	"context"
	"errors"
	"io/fs"
	"iter"

	"github.com/netsnmp-agent/netsnmp-agent/internal/namespaces"
	"github.com/netsnmp-agent/netsnmp-agent/internal/sources"
	"github.com/netsnmp-agent/netsnmp-agent/recording"
)

// recordKernels yields the stacks that --netns names, each opened for as long as
// it is read.
func recordKernels(ctx context.Context, where *sources.Where) (iter.Seq[recording.Source], error) {
	if where.NetNS != namespaces.All {
		kernel, err := namespaces.Open(ctx, where.NetNS, where.SocketOptions...)
		if err != nil {
			return nil, err
		}
		return func(yield func(recording.Source) bool) {
			yield(recording.Source{Name: where.NetNS, Stack: kernel})
			_ = kernel.Close() // nothing was written
		}, nil
	}
	found, err := namespaces.List(ctx)
	if err != nil {
		return nil, err
	}
	options := namespaces.OptionsOf(found, where.SocketOptions)
	return func(yield func(recording.Source) bool) {
		for _, n := range found {
			kernel, err := namespaces.OpenFound(&n, options...)
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
