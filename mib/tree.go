package mib

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// ErrWouldWait is returned by a Request that may not wait (see NoWait) when an
// answer needs a view that is not at hand, or the request takes more work than
// others may be kept waiting for. The same request can be answered with another
// context, by somebody who may wait.
var ErrWouldWait = errors.New("the answer is not at hand")

// NoWait returns the context of a Request that may not wait. It is done from
// the start, with ErrWouldWait for its error.
func NoWait() context.Context { return noWait{} }

type noWait struct{}

var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (noWait) Deadline() (time.Time, bool) { return time.Time{}, false }
func (noWait) Done() <-chan struct{}       { return closed }
func (noWait) Err() error                  { return ErrWouldWait }
func (noWait) Value(any) any               { return nil }

// Node is something that a tree can hold: a table or a group of scalars, bound
// to where its rows come from. Nodes are made by Table.Bind, Group.Bind and
// their kin.
type Node interface {
	// Name is the descriptor of the table or group.
	Name() string
	// Regions are the subtrees that the node answers for, as an AgentX
	// subagent registers them: a table's OID, or the OIDs of its scalars.
	Regions() []OID
	// Objects are the leaf objects, in order of their OIDs.
	Objects() []Object

	// check says what is wrong with the declaration.
	check() error
	// pin returns the rows that a request is answered from. kept is what the
	// node returned to an earlier request of the same Request, or nil: it may
	// return it again, changed.
	pin(r *Request, kept rows) (rows, error)
	// rowWriter returns what writes its rows, or nil.
	rowWriter() rowWriter
	// settle is called when they were written, once for all of a SetRequest. Its error says
	// that they cannot stay so.
	settle() error
}

// Object is a leaf object type: a scalar or a column.
type Object struct {
	Name   string
	OID    OID
	Type   Type // Integer32 to Counter64
	Scalar bool
	Text   bool // a DisplayString or SnmpAdminString

	secret OID // see ColumnOf.Secret
}

// hidden reports whether who may see everything does not see the object.
func (o *Object) hidden() bool { return !o.secret.IsEmpty() }

// rows is a set of rows in index order, typed away.
type rows interface {
	// seek returns the position of the first row whose index is at or after
	// index, or after it when it may not be it. Here and below, w is told of
	// steps beyond those that any such call takes.
	seek(w *work, index OID, include bool) (position, error)
	// get returns the value of a column of the row with an index; ok is false
	// where there is none.
	get(w *work, index OID, column int) (v Value, ok bool, err error)
	// next returns the first row from a position on that has a value in the
	// column: its index, which is valid until the request ends, the value, and
	// the position behind it. The value is invalid where there is no such row.
	next(w *work, from position, column int) (index OID, v Value, after position, err error)
	// total returns the number of rows.
	total(w *work) (int, error)
	// release is called when the request ends. It reports whether the rows
	// belong to one Request, which may fill them anew.
	release() bool
}

// position is a place among rows: between two of them, or at either end. Its zero
// value is in front of all.
type position struct {
	run  Place // 0 where rows are not in runs
	row  int   // within the run
	kept int   // among rows that are kept
}

type leaf struct {
	Object
	node   int // in Tree.nodes
	column int // within the node
}

// Module is a MIB module as an agent serves it.
type Module struct {
	Name        string // "TCP-MIB"
	Identity    OID    // what sysORID says (RFC 3418): the MODULE-IDENTITY or a capability statement
	Description string
	Nodes       []Node
}

// Tree answers requests from the nodes of its modules. It is immutable and safe
// for concurrent use.
type Tree struct {
	modules []Module
	nodes   []Node
	leaves  []leaf // by OID
	epoch   func() time.Time
	log     *slog.Logger
	turns   *Turns
	sets    sets
	ended   sync.Pool // requests of Begin's

	complaints []atomic.Pointer[complaint] // by node: the last, nil for none
}

// complaint is an error that was logged.
type complaint struct {
	text  string
	at    time.Time
	ended bool // the source was read since
}

// complaintInterval is how often the same fault of a source that comes and goes is
// logged at most.
const complaintInterval = time.Minute

// TreeOptions are what a tree needs beside its modules.
type TreeOptions struct {
	// Epoch returns the moment at which sysUpTime was zero, for TimeStamp
	// objects. It is called once a request. Nil means the moment of NewTree.
	Epoch func() time.Time
	// Turns are shared by the trees of one process. Nil means that there is no other.
	Turns *Turns
	// Log is told of sources that cannot be read, once as long as the cause
	// stays the same, and of one that comes and goes at most once a minute. Nil
	// means slog.Default.
	Log *slog.Logger
}

// NewTree returns a tree of the modules. A declaration that is not whole (no
// OID, no INDEX, no field, sub-identifiers that do not ascend) is an error that
// names it, and so are two objects with the same OID or one below the other.
func NewTree(options TreeOptions, modules ...Module) (*Tree, error) {
	t := &Tree{modules: modules, epoch: options.Epoch, log: options.Log, turns: options.Turns, sets: newSets()}
	if t.turns == nil {
		t.turns = NewTurns()
	}
	if t.epoch == nil {
		start := time.Now()
		t.epoch = func() time.Time { return start }
	}
	if t.log == nil {
		t.log = slog.Default()
	}
	for _, m := range modules {
		for _, n := range m.Nodes {
			if err := n.check(); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", m.Name, n.Name(), err)
			}
			for column, o := range n.Objects() {
				t.leaves = append(t.leaves, leaf{Object: o, node: len(t.nodes), column: column})
			}
			t.nodes = append(t.nodes, n)
		}
	}
	slices.SortStableFunc(t.leaves, func(a, b leaf) int { return a.OID.Compare(b.OID) })
	for i := 1; i < len(t.leaves); i++ {
		if a, b := t.leaves[i-1], t.leaves[i]; b.OID.HasPrefix(a.OID) {
			return nil, fmt.Errorf("objects overlap: %s (%s) and %s (%s)", a.Name, a.OID, b.Name, b.OID)
		}
	}
	t.complaints = make([]atomic.Pointer[complaint], len(t.nodes))
	return t, nil
}

// Objects returns every leaf object in the order of a walk.
func (t *Tree) Objects() []Object {
	objects := make([]Object, len(t.leaves))
	for i := range t.leaves {
		objects[i] = t.leaves[i].Object
	}
	return objects
}

// Request answers the variables of one request, each from the views that the
// request met first. It is for one goroutine; NewRequest's caller reuses it
// with Reset.
type Request struct {
	// SkipCounter64 makes Next pass over Counter64 objects, which SNMPv1
	// cannot carry (RFC 3584, section 4.2.2.1).
	SkipCounter64 bool
	// Limit is what the request may see, by its tree's Limit; nil is everything.
	Limit *Limited
	// User is in whose name a SetRequest came, as Change.User tells writers; "" where no security model of
	// users says.
	User string

	tree   *Tree
	ctx    context.Context
	work   work
	pinned []rows   // by node; nil while not met
	kept   []rows   // by node; what was pinned by an earlier request
	failed []error  // by node
	used   []int    // the nodes of which either is set
	bases  []pinned // the snapshots that views were made of
	limits map[Subset]*Limited
	epoch  time.Time
}

type pinned struct {
	source any
	taken  any
}

// NewRequest returns a request on the tree that may not wait.
func (t *Tree) NewRequest() *Request {
	r := &Request{
		tree: t, ctx: NoWait(), work: work{turns: t.turns},
		pinned: make([]rows, len(t.nodes)), kept: make([]rows, len(t.nodes)), failed: make([]error, len(t.nodes)),
	}
	r.work.begin(r.ctx)
	return r
}

// Reset ends the request and begins another, which waits for sources until ctx
// is done and returns the context's error then. With a context that is done
// already, such as NoWait's, it answers from what is at hand and never waits, and
// returns ErrWouldWait as well when it is more work than a millisecond's. Any
// request is bounded in what it may do (ErrTooMuchWork).
func (r *Request) Reset(ctx context.Context) {
	for _, n := range r.used {
		// Scalars that are made anew for each request keep their place.
		// A view must not be kept beyond its time.
		if r.pinned[n] != nil && r.pinned[n].release() {
			r.kept[n] = r.pinned[n]
		}
		r.pinned[n], r.failed[n] = nil, nil
	}
	clear(r.bases)
	r.used, r.bases = r.used[:0], r.bases[:0]
	r.ctx, r.epoch, r.SkipCounter64, r.Limit, r.User = ctx, time.Time{}, false, nil, ""
	r.work.begin(ctx)
}

// rows returns the rows of a node as this request sees them; nil without an
// error when the source cannot tell them, so that its objects are absent.
func (r *Request) rows(node int) (rows, error) {
	if r.pinned[node] != nil || r.failed[node] != nil {
		return r.pinned[node], r.failed[node]
	}
	r.work.pause()
	view, err := r.tree.nodes[node].pin(r, r.kept[node])
	switch {
	case err == nil:
		r.tree.recovered(node)
	case r.ctx.Err() != nil && errors.Is(err, r.ctx.Err()), errors.Is(err, ErrTooMuchWork):
		return nil, err
	case errors.Is(err, errors.ErrUnsupported), errors.Is(err, fs.ErrPermission):
		r.tree.complain(node, slog.LevelWarn, "objects are absent", err)
		view, err = noRows{}, nil
	default:
		r.tree.complain(node, slog.LevelError, "cannot be read", err)
	}
	r.pinned[node], r.failed[node] = view, err
	r.used = append(r.used, node)
	if err == nil {
		err = r.work.enter()
	}
	return view, err
}

func (t *Tree) complain(node int, level slog.Level, what string, err error) {
	last, now := t.complaints[node].Load(), time.Now()
	c := &complaint{text: err.Error(), at: now}
	if last != nil && last.text == c.text && (!last.ended || now.Sub(last.at) < complaintInterval) {
		return
	}
	if t.complaints[node].CompareAndSwap(last, c) {
		t.log.Log(context.Background(), level, what, "node", t.nodes[node].Name(), "error", err)
	}
}

// recovered notes that a node's source was read.
func (t *Tree) recovered(node int) {
	if last := t.complaints[node].Load(); last != nil && !last.ended {
		t.complaints[node].CompareAndSwap(last, &complaint{last.text, last.at, true})
	}
}

// resolve turns a TimeStamp into the TimeTicks of this request's sysUpTime.
func (r *Request) resolve(v Value) Value {
	if v.typ != timeStamp {
		return v
	}
	if r.epoch.IsZero() {
		r.epoch = r.tree.epoch()
	}
	return v.resolve(r.epoch)
}

// find returns the first leaf whose OID is name's or after it, or that name is
// below of.
func (t *Tree) find(name OID) int {
	i, found := slices.BinarySearchFunc(t.leaves, name, func(l leaf, name OID) int { return l.OID.Compare(name) })
	if !found && i > 0 && name.HasPrefix(t.leaves[i-1].OID) {
		return i - 1
	}
	return i
}

// Get returns the value of the variable name: NoSuchObject where no object has
// a prefix of that name, or none that the request may see any instance of, and
// NoSuchInstance where the object has no such instance, or the request may not see it
// (RFC 3416, section 4.2.1). An error means that its source failed or, when it
// is ErrWouldWait, that the request may not wait for it.
func (r *Request) Get(name OID) (Value, error) {
	i := r.tree.find(name)
	if i == len(r.tree.leaves) || !name.HasPrefix(r.tree.leaves[i].OID) {
		return Exception(NoSuchObject), nil
	}
	l := &r.tree.leaves[i]
	index, _ := name.CutPrefix(l.OID)
	if r.hides(i) {
		return Exception(NoSuchObject), nil
	}
	if r.Limit != nil && !r.Limit.has(i, l.OID, index) {
		return Exception(NoSuchInstance), nil
	}
	if r.work.waits {
		if err := r.work.enter(); err != nil {
			return Value{}, err
		}
		defer r.work.pause()
	}
	rows, err := r.rows(l.node)
	if err != nil {
		return Value{}, err
	}
	if err := r.work.spend(searchSteps); err != nil {
		return Value{}, err
	}
	v, ok, err := rows.get(&r.work, index, l.column)
	if err != nil {
		return Value{}, err
	}
	if !ok {
		return Exception(NoSuchInstance), nil
	}
	return r.resolve(v), nil
}

// hides reports whether the request may see no instance of an object.
func (r *Request) hides(leaf int) bool {
	if r.Limit == nil {
		return r.tree.leaves[leaf].hidden()
	}
	return r.Limit.leaves[leaf] == CoversNothing || r.Limit.hidden[leaf]
}

// Cursor is a position in a walk of a Request; it is valid until the request's
// Reset.
type Cursor struct {
	leaf int
	at   position
	// seek says that leaf must be found yet, and search that at must be, from
	// where from and include say.
	seek, search bool
	from         OID
	include      bool
}

// Seek returns a cursor whose Next gives the first variable after name, or
// name itself when include is true and there is such a variable. It is Next that
// looks for it: of the cursors that a request has, not all may be moved.
func (r *Request) Seek(name OID, include bool) Cursor {
	return Cursor{seek: true, search: true, from: name, include: include}
}

// Next moves the cursor to the next variable that exists and returns it. At the
// end of the tree the binding's value is EndOfMibView and its name is empty. The
// binding's index is valid until the request's Reset. After an error the cursor is
// where it was.
func (r *Request) Next(c *Cursor) (Binding, error) {
	if r.work.waits {
		if err := r.work.enter(); err != nil {
			return Binding{}, err
		}
		defer r.work.pause()
	}
	if c.seek {
		c.leaf, c.seek = r.tree.find(c.from), false
	}
	for c.leaf < len(r.tree.leaves) {
		l := &r.tree.leaves[c.leaf]
		if r.SkipCounter64 && l.Type == Counter64 || r.hides(c.leaf) {
			*c = Cursor{leaf: c.leaf + 1}
			continue
		}
		rows, err := r.rows(l.node)
		if err != nil {
			return Binding{}, err
		}
		if c.search {
			if index, below := c.from.CutPrefix(l.OID); below {
				if err := r.work.spend(searchSteps); err != nil {
					return Binding{}, err
				}
				at, err := rows.seek(&r.work, index, c.include)
				if err != nil {
					return Binding{}, err
				}
				c.at = at
			}
			c.search = false
		}
		if err := r.work.spend(1); err != nil {
			return Binding{}, err
		}
		var index OID
		var v Value
		var after position
		if r.Limit == nil {
			index, v, after, err = rows.next(&r.work, c.at, l.column)
		} else {
			index, v, after, err = r.Limit.next(r, rows, c.at, c.leaf)
		}
		if err != nil {
			return Binding{}, err
		}
		if v.typ != 0 {
			c.at = after
			return Binding{Object: l.OID, Index: index, Value: r.resolve(v)}, nil
		}
		*c = Cursor{leaf: c.leaf + 1}
	}
	return Binding{Value: Exception(EndOfMibView)}, nil
}

// MayWait reports whether the request waits for what is not at hand.
func (r *Request) MayWait() bool { return r.work.waits }

// noRows is a table that its source cannot tell.
type noRows struct{}

func (noRows) release() bool                                     { return false }
func (noRows) total(*work) (int, error)                          { return 0, nil }
func (noRows) seek(*work, OID, bool) (position, error)           { return position{}, nil }
func (noRows) get(*work, OID, int) (v Value, ok bool, err error) { return }
func (noRows) next(*work, position, int) (index OID, v Value, after position, err error) {
	return
}
