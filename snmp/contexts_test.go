package snmp

import (
	"context"
	"errors"
	"net/netip"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
)

// lateContext is the context blue, whose tree is made for who may wait.
type lateContext struct {
	tree *mib.Tree
	err  error // in its place
	made int
}

func (l *lateContext) Modules(name string) ([]mib.Module, bool) { return nil, name == "blue" }

func (l *lateContext) Tree(ctx context.Context, _ string) (*mib.Tree, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	l.made++
	return l.tree, l.err
}

// nobody lets nobody do anything.
type nobody struct{}

func (nobody) View(*Principal, Operation) (mib.Subset, bool) { return nil, false }

// TestTreeThatIsMade holds that the tree of a context is made by somebody who may wait, for
// who has access, and that one which cannot be had is counted (RFC 3413, section 3.2).
func TestTreeThatIsMade(t *testing.T) {
	handler := &lateContext{tree: newTreeOf(t, scalarGroup().BindNow(func() scalars { return scalars{descr: "blue"} }))}
	communities := []Community{{Name: "blue", Source: netip.MustParsePrefix("127.0.0.0/8"), Context: "blue"}}
	d := testEngine(t, handler, communities)
	message := messageOf(1, "blue", pduOf(0xa0, 1, 0, 0, asked(descrName)))
	if answer, err := d.process(d.engine.noWait, message, fromLoopback, within(noLimit)); answer != nil || !errors.Is(err, mib.ErrWouldWait) || handler.made > 0 {
		t.Errorf("who may not wait gets %x, %v; %d trees were made", answer, err, handler.made)
	}
	if a := ask(t, d, message, noLimit); a == nil || string(unhex(t, a.bindings[0].hex)) != "blue" {
		t.Errorf("who may wait gets %v", a)
	}
	for err, want := range map[error]enginemib.Counter{errors.New("no"): enginemib.UnavailableContexts, mib.ErrNoContext: enginemib.UnknownContexts} {
		handler.err = err
		before := d.engine.counters.statistics()[want]
		if a := ask(t, d, message, noLimit); a != nil {
			t.Errorf("%v: answered with %v", err, a)
		}
		if got := d.engine.counters.statistics()[want]; got != before+1 {
			t.Errorf("%v: %v is counted %d times", err, want, got-before)
		}
	}
	handler.err, handler.made = nil, 0
	if err := d.engine.setCommunities(communities, nil, nobody{}); err != nil {
		t.Fatal(err)
	}
	if a := ask(t, d, message, noLimit); a == nil || mib.Status(a.status) != mib.AuthorizationError || handler.made > 0 {
		t.Errorf("who has no access gets %v; %d trees were made", a, handler.made)
	}
}
