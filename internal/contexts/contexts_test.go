package contexts

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func TestPatterns(t *testing.T) {
	parse := func(texts ...string) (p Patterns, err error) {
		for _, text := range texts {
			one, e := ParsePattern(text)
			p, err = append(p, one...), errors.Join(err, e)
		}
		return p, err
	}
	for _, c := range []struct {
		patterns []string
		path     string
		want     bool
	}{
		{[]string{"*"}, "/run/netns/blue", true},
		{[]string{"blue"}, "/run/netns/blue", true},
		{[]string{"blue"}, "/run/netns/blue2", false},
		{[]string{"!tmp*", "*"}, "/run/netns/tmp1", false},
		{[]string{"!tmp*", "*"}, "/run/netns/blue", true},
		{[]string{"*", "!tmp*"}, "/run/netns/tmp1", true}, // the first decides
		{[]string{"b[lr]*"}, "/run/netns/brown", true},
		{[]string{"*"}, "/run/docker/netns/1-abc", false},
		{[]string{"/run/docker/netns/1-*"}, "/run/docker/netns/1-abc", true},
		{[]string{"/run/docker/netns/1-*"}, "/run/netns/1-abc", false},
	} {
		p, err := parse(c.patterns...)
		if err != nil {
			t.Fatal(err)
		}
		at := strings.LastIndexByte(c.path, '/')
		if got := p.match(c.path[:at], c.path[at+1:]); got != c.want {
			t.Errorf("%q of %s: %t", c.patterns, c.path, got)
		}
	}
	p, err := parse("a*", "/x/y/b", "!/z/c", "d")
	if got := p.folders(); err != nil || !slices.Equal(got, []string{"/run/netns", "/x/y"}) {
		t.Errorf("folders %q, %v", got, err)
	}
	for _, wrong := range []string{"", "!", "a[", "/", "x/y", "/run/*/blue", "/x/[/y"} {
		if _, err := ParsePattern(wrong); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}

// testStack is a stack that says when it is closed.
type testStack struct {
	netstat.Stack
	name   string
	closed func(string)
	done   chan struct{}
}

func (s *testStack) Close() error          { s.closed(s.name); return nil }
func (s *testStack) Done() <-chan struct{} { return s.done }

// world is a Set and what it did.
type world struct {
	*Set
	mu     sync.Mutex
	opened map[string]*testStack // by name
	epochs map[string]time.Time
	follow map[string]int // how often each is followed now, by name
	ended  int
	told   []string
}

func (w *world) look(f func() string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return f()
}

func treeOf(t testing.TB) *mib.Tree {
	t.Helper()
	tree, err := mib.NewTree(mib.TreeOptions{}, mib.Module{Name: "TEST"})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

func newWorld(t *testing.T, idle time.Duration, patterns ...string) *world {
	t.Helper()
	w := &world{opened: map[string]*testStack{}, epochs: map[string]time.Time{}, follow: map[string]int{}}
	o := Options{
		Default: treeOf(t), Modules: []mib.Module{{Name: "TEST"}}, Idle: idle, Log: slog.New(slog.DiscardHandler),
		Open: func(path string) (Stack, error) {
			if _, err := os.Stat(path); err != nil {
				return nil, err
			}
			return &testStack{done: make(chan struct{}), closed: func(name string) {
				w.mu.Lock()
				defer w.mu.Unlock()
				delete(w.opened, name)
				w.ended++
			}}, nil
		},
		Tree: func(name string, s netstat.Stack, epoch time.Time) (*mib.Tree, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			of := s.(*testStack)
			of.name = name
			w.opened[name], w.epochs[name] = of, epoch
			return mib.NewTree(mib.TreeOptions{}, mib.Module{Name: "TEST"})
		},
		Follow: func(ctx context.Context, name string, s Stack, epoch time.Time) {
			count := func(n int) {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.follow[name] += n
			}
			count(1)
			defer count(-1)
			select {
			case <-ctx.Done():
			case <-s.(*testStack).done:
			}
		},
		Changed: func(names []string) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.told = names
		},
	}
	for _, text := range patterns {
		p, err := ParsePattern(text)
		if err != nil {
			t.Fatal(err)
		}
		o.Patterns = append(o.Patterns, p...)
	}
	w.Set = New(o)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
		if s := w.look(func() string { return fmt.Sprint(len(w.opened)) }); s != "0" {
			t.Errorf("%s stacks are open at the end", s)
		}
	})
	return w
}

// exists waits until there is a context, or is none.
func (w *world) exists(t *testing.T, name string, want bool) {
	t.Helper()
	nstest.Eventually(t, func() string {
		if _, got := w.Modules(name); got != want {
			return fmt.Sprintf("context %s exists: %t", name, got)
		}
		return ""
	})
}

func TestNamespacesComeAndGo(t *testing.T) {
	nstest.NeedsRoot(t)
	first := nstest.New(t)
	w := newWorld(t, 0, "!"+first.Name+"x*", first.Name+"*")
	w.exists(t, first.Name, true)
	if _, err := w.Tree(t.Context(), first.Name+"-not"); !errors.Is(err, mib.ErrNoContext) {
		t.Errorf("a context that there is not: %v", err)
	}
	if tree, err := w.Tree(mib.NoWait(), ""); err != nil || tree == nil {
		t.Errorf("the default context: %v, %v", tree, err)
	}
	// It is opened for who may wait, once, and then there for everybody.
	if _, err := w.Tree(mib.NoWait(), first.Name); !errors.Is(err, mib.ErrWouldWait) {
		t.Errorf("who may not wait gets %v", err)
	}
	tree, err := w.Tree(t.Context(), first.Name)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := w.Tree(mib.NoWait(), first.Name); again != tree || err != nil {
		t.Errorf("another tree, %v", err)
	}

	// A stack that ends by itself is opened anew, with the same epoch.
	epoch := w.epochs[first.Name]
	close(w.opened[first.Name].done)
	nstest.Eventually(t, func() string {
		switch again, err := w.Tree(t.Context(), first.Name); {
		case err != nil:
			return err.Error()
		case again == tree:
			return "the tree of a stack that ended is still there"
		}
		return ""
	})
	if got := w.epochs[first.Name]; !got.Equal(epoch) {
		t.Errorf("sysUpTime was zero at %v and at %v", epoch, got)
	}

	// Names that are added, hidden, too long, renamed, and deleted while open.
	second, hidden, long := first.Name+"b", first.Name+"x1", first.Name+strings.Repeat("l", MaxName)
	ip := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
		}
	}
	for _, name := range []string{second, hidden, long} {
		ip("netns", "add", name)
		t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", name).Run() })
	}
	w.exists(t, second, true)
	short, err := contextName(long)
	if err != nil || len(short) > MaxName {
		t.Errorf("the context of %q is %q: %v", long, short, err)
	}
	w.exists(t, short, true)
	if got, want := w.Names(), []string{first.Name, second, short}; !slices.Equal(got, want) {
		t.Errorf("names %q, want %q", got, want)
	}
	for of, want := range map[string]string{short: long, second: second, "none": "none"} {
		if got := w.NetNS(of); got != want {
			t.Errorf("the namespace of the context %q is %q, want %q", of, got, want)
		}
	}
	if _, err := w.Tree(t.Context(), short); err != nil {
		t.Error(err)
	}
	if got := w.look(func() string { return fmt.Sprint(w.told) }); got != fmt.Sprint(w.Names()) {
		t.Errorf("told of %s", got)
	}
	if _, err := w.Tree(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	ip("netns", "del", second)
	w.exists(t, second, false)
	nstest.Eventually(t, func() string {
		return w.look(func() string {
			if w.opened[second] != nil {
				return "the stack of a namespace without a name is open"
			}
			return ""
		})
	})
	if _, err := w.Tree(t.Context(), second); !errors.Is(err, mib.ErrNoContext) {
		t.Errorf("a context that went: %v", err)
	}

	// Another namespace of the name is another context, whatever its number.
	before := time.Now()
	ip("netns", "add", second)
	w.exists(t, second, true)
	if _, err := w.Tree(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	if got := w.epochs[second]; got.Before(before) {
		t.Errorf("sysUpTime of the new namespace was zero at %v, before it was there (%v)", got, before)
	}
	ip("netns", "del", second)
	w.exists(t, second, false)

	w.SetPatterns(nil)
	w.exists(t, first.Name, false)
	p, err := ParsePattern(first.Name)
	if err != nil {
		t.Fatal(err)
	}
	w.SetPatterns(p)
	w.exists(t, first.Name, true)
}

// TestIdle holds that a stack which nobody asks for is closed, and opened when somebody
// does.
func TestIdle(t *testing.T) {
	nstest.NeedsRoot(t)
	n := nstest.New(t)
	w := newWorld(t, 10*time.Millisecond, n.Name)
	for range 3 {
		if _, err := w.Tree(t.Context(), n.Name); err != nil {
			t.Fatal(err)
		}
		nstest.Eventually(t, func() string {
			return w.look(func() string {
				if w.opened[n.Name] != nil {
					return "the stack is still open"
				}
				return ""
			})
		})
	}
}

// TestLinks holds that a name which is a link is a context as long as it leads to a
// namespace, and that two folders' names do not take each other's place.
func TestLinks(t *testing.T) {
	nstest.NeedsRoot(t)
	n, folder := nstest.New(t), t.TempDir()
	w := newWorld(t, 0, folder+"/*", n.Name)
	link := folder + "/link"
	if err := os.Symlink(n.Path(), link); err != nil {
		t.Fatal(err)
	}
	w.exists(t, "link", true)
	if err := os.Symlink(n.Path(), folder+"/"+n.Name); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(link, folder+"/other"); err != nil {
		t.Fatal(err)
	}
	w.exists(t, "other", true)
	w.exists(t, "link", false)
	if got := w.find(n.Name).path; got != folder+"/"+n.Name {
		t.Errorf("%s is %s: the first folder's name counts", n.Name, got)
	}
	if err := os.Remove(folder + "/other"); err != nil {
		t.Fatal(err)
	}
	w.exists(t, "other", false)
}

// TestFollowed holds that the stacks of the contexts which patterns say are watched, and stay open though nobody asks: while they are
// contexts, and the patterns say so; and again after a stack ended by itself.
func TestFollowed(t *testing.T) {
	nstest.NeedsRoot(t)
	one := nstest.New(t)
	two := one.Name + "two"
	ip := func(args ...string) {
		t.Helper()
		if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v: %s", args, err, out)
		}
	}
	ip("netns", "add", two)
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", two).Run() })
	w := newWorld(t, 20*time.Millisecond, one.Name, two)
	follow := func(names ...string) {
		t.Helper()
		var patterns Patterns
		for _, name := range names {
			p, err := ParsePattern(name)
			if err != nil {
				t.Fatal(err)
			}
			patterns = append(patterns, p...)
		}
		w.SetFollowed(patterns)
	}
	expect := func(first, second int) {
		t.Helper()
		nstest.Eventually(t, func() string {
			return w.look(func() string {
				if a, b := w.follow[one.Name], w.follow[two]; a != first || b != second || len(w.opened) != first+second {
					return fmt.Sprintf("followed %d and %d times, %d are open", a, b, len(w.opened))
				}
				return ""
			})
		})
	}
	expect(0, 0)
	follow(one.Name)
	expect(1, 0)
	if !w.Follows(one.Name) || w.Follows(two) || w.Follows("") {
		t.Error("others are followed")
	}
	follow("*")
	expect(1, 1)
	was := w.look(func() string { return fmt.Sprintf("%p", w.opened[one.Name]) })
	w.mu.Lock()
	close(w.opened[one.Name].done)
	w.mu.Unlock()
	nstest.Eventually(t, func() string {
		if w.look(func() string { return fmt.Sprintf("%p", w.opened[one.Name]) }) == was {
			return "the stack that ended is still there"
		}
		return ""
	})
	expect(1, 1)
	ip("netns", "del", two)
	expect(1, 0)
	follow()
	expect(0, 0)
}

// TestContextName holds that names are those of namespaces as long as they fit, and that longer ones are told apart.
func TestContextName(t *testing.T) {
	for _, of := range []string{"blue", strings.Repeat("x", MaxName), ""} {
		if name, err := contextName(of); name != of || err != nil {
			t.Errorf("%q: %q, %v", of, name, err)
		}
	}
	seen := make(map[string]string)
	for _, of := range []string{
		"cni-7f0c0d9e-5d3c-4a61-9d0c-6f2b8a1c3e55", "cni-7f0c0d9e-5d3c-4a61-9d0c-6f2b8a1c3e56", strings.Repeat("x", MaxName+1),
		strings.Repeat("x", MaxName+2), strings.Repeat("x", 22) + strings.Repeat("é", 20),
	} {
		name, err := contextName(of)
		if err != nil || len(name) > MaxName || !utf8.ValidString(name) || !strings.HasPrefix(of, name[:20]) {
			t.Errorf("%q: %q, %v", of, name, err)
		}
		if other := seen[name]; other != "" {
			t.Errorf("%q and %q are both %q", of, other, name)
		}
		seen[name] = of
	}
	if name, err := contextName("\xff"); err == nil {
		t.Errorf("a name that is not UTF-8 is %q", name)
	}
}
