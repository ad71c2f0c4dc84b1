// Package contexts makes an SNMP context of each network namespace that a pattern
// names, for as long as it has its name.
//
// A namespace that nobody asks for is a name and the moment when it was seen. Its stack
// is opened when somebody does, and closed again when nobody did for some time. One
// thread follows all the names.
package contexts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/netnsnames"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Options are what a Set works with. All but Changed, Follow and Idle are needed.
type Options struct {
	// Default serves the default context.
	Default mib.Handler
	// Patterns say which namespaces are contexts.
	Patterns Patterns
	// Open opens the stack of the namespace at a path. One that has a method Done, as a
	// live stack has, is given up when that is closed.
	Open func(path string) (Stack, error)
	// Tree makes the tree of a context over its stack; sysUpTime was zero at epoch.
	Tree func(name string, stack netstat.Stack, epoch time.Time) (*mib.Tree, error)
	// Modules are what these trees are made of, whoever's.
	Modules []mib.Module
	// Changed is told of the names, in order, when others are contexts than before. It
	// must not wait.
	Changed func(names []string)
	// Follow watches the stack of a context that Followed has, for as long as it is one and its stack goes on: until ctx is
	// done at the latest. Such stacks are open whether or not somebody asks. It is called on a goroutine for each.
	Follow func(ctx context.Context, name string, stack Stack, epoch time.Time)
	// Followed says which contexts are followed; of none where there are no patterns.
	Followed Patterns
	// Idle is how long a stack stays open at least that nobody asks for; 0 means 30
	// minutes. What it alone knows, such as when an interface changed last, goes then.
	Idle time.Duration
	Log  *slog.Logger
}

// Stack is a stack that can be closed.
type Stack interface {
	netstat.Stack
	io.Closer
}

// Set is the contexts: the default one and a namespace each. It is a mib.Handler.
type Set struct {
	options Options
	device  uint64        // of nsfs, which namespaces are files of
	wake    chan struct{} // holds one when patterns are others

	mu       sync.RWMutex
	patterns Patterns
	watch    *netnsnames.Watch // of Run, nil while there is none
	spaces   map[string]*space // by name
	links    bool              // among their names
	refused  map[string]bool   // paths that cannot be contexts, which was said; of who looks

	followed  Patterns
	following map[*space]context.CancelFunc
}

// space is a namespace that is a context.
type space struct {
	name, path string
	id         identity
	since      time.Time
	used       atomic.Bool // since the last look
	open       atomic.Pointer[opened]

	mu     sync.Mutex // held while it is opened or closed
	gone   bool
	failed error // why it was not opened at the last attempt
	at     time.Time
}

// netns returns the name of the namespace.
func (n *space) netns() string { return filepath.Base(n.path) }

// identity is a namespace's file, which stands for it while it exists.
type identity struct{ device, inode uint64 }

// opened is what is there of a context that somebody asks for.
type opened struct {
	tree  *mib.Tree
	stack Stack
}

const (
	// retry is how long a namespace that could not be opened is not tried again.
	retry = time.Second
	// settle is how long names may go on changing before they are looked at.
	settle = 5 * time.Millisecond
	// linksEvery is how often names that are links are looked at: nobody tells when
	// they lead nowhere any more.
	linksEvery = 5 * time.Second
)

// New returns the contexts that there are now. Run keeps them so.
func New(o Options) *Set {
	if o.Idle == 0 {
		o.Idle = 30 * time.Minute
	}
	s := &Set{options: o, patterns: o.Patterns, followed: o.Followed, following: map[*space]context.CancelFunc{}, wake: make(chan struct{}, 1), spaces: map[string]*space{}, refused: map[string]bool{}}
	if info, err := os.Stat("/proc/self/ns/net"); err == nil {
		id, _ := identityOf(info)
		s.device = id.device
	}
	s.look(netnsnames.Change{All: true})
	return s
}

// Modules returns what a context is made of.
func (s *Set) Modules(name string) ([]mib.Module, bool) {
	if name == "" {
		return s.options.Default.Modules(name)
	}
	if s.find(name) == nil {
		return nil, false
	}
	return s.options.Modules, true
}

// Tree returns the tree of a context, whose stack it opens.
func (s *Set) Tree(ctx context.Context, name string) (*mib.Tree, error) {
	if name == "" {
		return s.options.Default.Tree(ctx, name)
	}
	n := s.find(name)
	if n == nil {
		return nil, mib.ErrNoContext
	}
	if !n.used.Load() {
		n.used.Store(true)
	}
	if o := n.open.Load(); o != nil {
		return o.tree, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return s.enter(n)
}

func (s *Set) find(name string) *space {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.spaces[name]
}

// NetNS returns the name of a context's namespace, which may be longer than the context's. Of a name that is none's it
// returns that.
func (s *Set) NetNS(name string) string {
	if n := s.find(name); n != nil {
		return n.netns()
	}
	return name
}

// Names returns the names of the contexts besides the default one, in order.
func (s *Set) Names() []string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Sorted(maps.Keys(s.spaces))
}

// enter opens the stack of a namespace.
func (s *Set) enter(n *space) (*mib.Tree, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if o := n.open.Load(); o != nil {
		return o.tree, nil
	}
	switch {
	case n.gone:
		return nil, mib.ErrNoContext
	case n.failed != nil && time.Since(n.at) < retry:
		return nil, n.failed
	}
	o, err := s.opened(n)
	if err != nil {
		if !errors.Is(err, mib.ErrNoContext) && n.failed == nil {
			s.options.Log.Warn("a context cannot be had", "context", n.name, "error", err)
		}
		n.failed, n.at = err, time.Now()
		return nil, err
	}
	n.failed = nil
	n.open.Store(o)
	s.options.Log.Debug("context opened", "context", n.name)
	if live, ok := o.stack.(interface{ Done() <-chan struct{} }); ok {
		go func() {
			<-live.Done()
			s.leave(n, o, false)
		}()
	}
	return o.tree, nil
}

// opened opens the namespace that the space is, and none that has its name since.
func (s *Set) opened(n *space) (*opened, error) {
	file, err := os.OpenFile(n.path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, mib.ErrNoContext
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if id, ok := identityOf(info); !ok || id != n.id {
		return nil, mib.ErrNoContext
	}
	stack, err := s.options.Open(fmt.Sprintf("/proc/self/fd/%d", file.Fd()))
	if err != nil {
		return nil, err
	}
	tree, err := s.options.Tree(n.name, stack, n.since)
	if err != nil {
		return nil, errors.Join(err, stack.Close())
	}
	return &opened{tree, stack}, nil
}

// leave closes the stack of a namespace, if it is still that one, or any where it is nil.
// With gone it is not opened again.
func (s *Set) leave(n *space, which *opened, gone bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.gone = n.gone || gone
	o := n.open.Load()
	if o == nil || which != nil && which != o {
		return
	}
	n.open.Store(nil)
	_ = o.stack.Close() // nothing was written
	s.options.Log.Debug("context closed", "context", n.name)
}

// SetPatterns makes other namespaces contexts, while Run runs.
func (s *Set) SetPatterns(p Patterns) {
	s.mu.Lock()
	s.patterns = p
	s.mu.Unlock()
	s.lookAgain()
}

// lookAgain has Run begin anew.
func (s *Set) lookAgain() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
	s.interrupt()
}

// interrupt ends what Run waits for.
func (s *Set) interrupt() {
	s.mu.RLock()
	defer s.mu.RUnlock()
	s.watch.Close() // of nil as well
}

// Run follows the names until ctx is done, and then closes what was opened. It is
// called once.
func (s *Set) Run(ctx context.Context) {
	defer s.closeAll()
	defer context.AfterFunc(ctx, s.interrupt)()
	for {
		watch, err := s.begin()
		if ctx.Err() != nil {
			watch.Close()
			return
		}
		s.look(netnsnames.Change{All: true})
		s.followAll(ctx)
		if err != nil {
			s.options.Log.Error("network namespaces are not followed", "error", err)
		}
		if watch == nil {
			select {
			case <-s.wake:
			case <-ctx.Done():
			}
			continue
		}
		err = s.followNames(ctx, watch)
		watch.Close()
		if !errors.Is(err, fs.ErrClosed) {
			s.options.Log.Error("network namespaces are followed anew", "error", err)
			select {
			case <-time.After(retry):
			case <-ctx.Done():
			}
		}
	}
}

// begin watches the folders of the patterns; its watch is nil where there are none.
func (s *Set) begin() (watch *netnsnames.Watch, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if folders := s.patterns.folders(); len(folders) > 0 {
		watch, err = netnsnames.Open(folders...)
	}
	s.watch = watch
	return watch, err
}

// followNames looks at names as the watch tells, and closes what nobody uses, until the watch
// is closed.
func (s *Set) followNames(ctx context.Context, watch *netnsnames.Watch) error {
	swept := time.Now()
	for {
		limit := s.options.Idle - time.Since(swept)
		if s.hasLinks() {
			limit = min(limit, linksEvery)
		}
		change, err := watch.Wait(max(limit, 0))
		if err != nil {
			return err
		}
		if change.All || len(change.Paths) > 0 {
			time.Sleep(settle)
		}
		s.look(change)
		s.followAll(ctx)
		if time.Since(swept) >= s.options.Idle {
			swept = time.Now()
			s.sweep()
		}
	}
}

// closeAll closes what is open, for good.
func (s *Set) closeAll() {
	for _, n := range s.all() {
		s.leave(n, nil, true)
	}
}

func (s *Set) all() []*space {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Collect(maps.Values(s.spaces))
}

// sweep closes what nobody asked for since the last sweep.
func (s *Set) sweep() {
	for _, n := range s.all() {
		if !n.used.Swap(false) && !s.Follows(n.name) {
			s.leave(n, nil, false)
		}
	}
}
