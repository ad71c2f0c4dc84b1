package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/namespaces"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
)

// namespace is one that a command is for.
type namespace struct {
	label string // how rows name it, empty where it is the only one
	key   string // what tells it from the others that there are
	open  func(ctx context.Context) (*collectors.Kernel, error)
}

// everyNamespace reports whether the command is for all that there are.
func (c *command) everyNamespace() bool { return slices.Contains(c.netns, namespaces.All) }

// namespaces are those that a command is for.
func (c *command) namespaces(ctx context.Context) (all []namespace, err error) {
	if c.everyNamespace() {
		found, err := namespaces.List(ctx)
		if err != nil {
			return nil, err
		}
		for i := range found {
			n := &found[i]
			all = append(all, namespace{n.Label(), fmt.Sprintf("%d:%d", n.Device, n.Inode), func(context.Context) (*collectors.Kernel, error) {
				return collectors.OpenNamespace(n)
			}})
		}
		return all, nil
	}
	names := c.netns
	if len(names) == 0 {
		names = []string{""}
	}
	for i, name := range names {
		n := namespace{key: strconv.Itoa(i), open: func(ctx context.Context) (*collectors.Kernel, error) { return namespaces.Open(ctx, name) }}
		if len(names) > 1 {
			n.label = name
		}
		all = append(all, n)
	}
	return all, nil
}

// failed says in which namespace something failed.
func (n *namespace) failed(err error) error {
	if err == nil || n.label == "" {
		return err
	}
	return fmt.Errorf("%s: %w", n.label, err)
}

// each opens the namespaces that a command is for, one after the other. What fails in
// one is left to the end.
func (p *program) each(ctx context.Context, c *command, f func(k *collectors.Kernel, from *show.Source) error) error {
	all, err := c.namespaces(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, n := range all {
		k, err := n.open(ctx)
		switch {
		case err == nil:
			err = errors.Join(f(k, &show.Source{Stack: k, NetNS: n.label}), k.Close())
		case c.everyNamespace() && errors.Is(err, fs.ErrNotExist):
			continue // it went meanwhile
		}
		failed = errors.Join(failed, n.failed(err))
		if ctx.Err() != nil {
			return failed
		}
	}
	return failed
}
