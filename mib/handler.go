package mib

import (
	"context"
	"errors"
)

// Handler is what a protocol serves: a tree for each SNMP context. The default context
// is the empty string.
type Handler interface {
	// Modules returns what the tree of a context is made of, and whether there is such a
	// context. It does not wait, and makes no tree.
	Modules(contextName string) (modules []Module, exists bool)
	// Tree returns the tree of a context, which may be made only now: it waits for that
	// until ctx is done, and returns its error then. Other errors match ErrNoContext
	// where there is no such context, and otherwise tell why there is none now.
	Tree(ctx context.Context, contextName string) (*Tree, error)
}

// ErrNoContext says that there is no context of that name.
var ErrNoContext = errors.New("there is no such context")

// Modules makes a Tree the Handler of itself as the default context.
func (t *Tree) Modules(contextName string) ([]Module, bool) {
	if contextName != "" {
		return nil, false
	}
	return t.modules, true
}

// Tree makes a Tree the Handler of itself as the default context. The error is ErrNoContext for
// every other one.
func (t *Tree) Tree(_ context.Context, contextName string) (*Tree, error) {
	if contextName != "" {
		return nil, ErrNoContext
	}
	return t, nil
}

// Begin returns a request on the tree of a context, as Request.Reset begins it. Its
// error is Handler.Tree's. End ends the request.
func Begin(ctx context.Context, h Handler, contextName string) (*Request, error) {
	tree, err := h.Tree(ctx, contextName)
	if err != nil {
		return nil, err
	}
	r, ok := tree.ended.Get().(*Request)
	if !ok {
		r = tree.NewRequest()
	}
	r.Reset(ctx)
	return r, nil
}

// End ends a request of Begin's, which holds nothing then. Who ended it must not use it
// any more: its memory is the next one's, and goes with the tree.
func (r *Request) End() {
	r.Reset(noWait{})
	r.tree.ended.Put(r)
}

// maxLimits is how many subsets a request knows what they are on its tree. There are
// more than a few only where these changed meanwhile.
const maxLimits = 32

// LimitTo limits a request, which was begun anew, to a subset: nil is everything. It
// remembers what Tree.Limit makes of those that it met.
func (r *Request) LimitTo(s Subset) {
	if s == nil {
		r.Limit = nil
		return
	}
	limited, ok := r.limits[s]
	if !ok {
		if r.limits == nil || len(r.limits) >= maxLimits {
			r.limits = make(map[Subset]*Limited)
		}
		limited = r.tree.Limit(s)
		r.limits[s] = limited
	}
	r.Limit = limited
}
