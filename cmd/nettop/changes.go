package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/namespaces"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/internal/sources"
	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// mostChanges is how many changes are remembered.
const mostChanges = 1000

// changes follows what changes in a namespace, from when it is first asked for.
type changes struct {
	where  *sources.Where
	begin  sync.Once
	cancel context.CancelFunc
	ended  chan struct{}

	mu     sync.Mutex
	found  []show.Change // the last ones, in their order
	number uint64
	err    error
}

func newChanges(w *sources.Where) *changes { return &changes{where: w} }

// Close ends it.
func (c *changes) Close() {
	c.begin.Do(func() {})
	if c.cancel != nil {
		c.cancel()
		<-c.ended
	}
}

// recent returns what changed, and begins to follow it at the first time.
func (c *changes) recent(ctx context.Context) ([]show.Change, error) {
	c.begin.Do(func() { c.err = c.start(ctx) })
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.found), c.err
}

// start opens the live stack, so that nothing is missed from here on.
func (c *changes) start(ctx context.Context) error {
	kernel, err := namespaces.Open(ctx, c.where.NetNS)
	if err != nil {
		return err
	}
	path, err := namespaces.Path(ctx, c.where.NetNS)
	if err != nil {
		kernel.Close()
		return err
	}
	stack, err := live.Open(ctx, live.Options{NetNS: path, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		kernel.Close()
		return fmt.Errorf("follow changes: %w", err)
	}
	ctx, c.cancel = context.WithCancel(context.WithoutCancel(ctx))
	c.ended = make(chan struct{})
	names := &interfaceNames{kernel: kernel, stack: stack, names: make(map[uint32]string)}
	for i := range stack.Snapshot().Interfaces() {
		names.names[i.Index] = i.Name
	}
	sub := stack.Subscribe(live.SubscribeOptions{})
	go func() {
		defer close(c.ended)
		defer kernel.Close()
		defer stack.Close()
		defer sub.Close()
		c.follow(ctx, sub, names)
	}()
	return nil
}

func (c *changes) follow(ctx context.Context, sub *live.Subscription, names *interfaceNames) {
	for e, err := range sub.Events(ctx) {
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			c.mu.Lock()
			c.err = err
			c.mu.Unlock()
			return
		}
		if i, ok := e.Value.(netstat.Interface); ok {
			names.names[i.Index] = i.Name
		}
		change := show.Change{Time: e.Received, What: e.Change.String()}
		if change.Time.IsZero() {
			change.Time = time.Now()
		}
		if e.Kind != 0 {
			change.Of = e.Kind.String()
		}
		if e.Value != nil {
			change.Words = strings.TrimSpace(string(show.AppendWords(nil, e.Kind, e.Value, e.Old, names.of)))
		}
		c.add(change)
	}
}

func (c *changes) add(change show.Change) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.number++
	change.Number = c.number
	if c.found = append(c.found, change); len(c.found) > mostChanges {
		c.found = slices.Delete(c.found, 0, len(c.found)-mostChanges)
	}
}

// interfaceNames are the names of interfaces that are or were there.
type interfaceNames struct {
	kernel *collectors.Kernel
	stack  *live.Stack
	names  map[uint32]string
}

// of returns the name that an interface has or last had, and its index where it was gone
// before anyone saw it.
func (n *interfaceNames) of(index uint32) string {
	if i, ok := n.stack.Snapshot().Interface(index); ok {
		n.names[index] = i.Name
	}
	if _, ok := n.names[index]; !ok {
		// The kernel tells settings and groups of a new interface before the interface.
		for i, err := range n.kernel.Interfaces(context.Background()) {
			if err != nil {
				break
			}
			n.names[i.Index] = i.Name
		}
	}
	if _, ok := n.names[index]; !ok {
		n.names[index] = fmt.Sprintf("if%d", index)
	}
	return n.names[index]
}
