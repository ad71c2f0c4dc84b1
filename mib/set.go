package mib

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Writer writes rows of type R for a table or group that is bound with it. It is asked
// whether a change can be made, the first phase of RFC 3416, section 4.2.5, and changes
// nothing yet: what it returns does. A tree asks for one SetRequest at a time.
//
// Of a table with a RowStatus it is asked for rows that are to be made (Was is nil), changed
// or removed (Change.Removes), in the order of the request. Rows that are not to be active wait
// beside those that the table is bound to, and no Writer is asked for them.
//
// An error of Change.Refuse says itself what it is answered with. Any other that matches
// fs.ErrPermission or errors.ErrUnsupported is notWritable, since no value would do better;
// one that matches fs.ErrExist is inconsistentValue, and what is left genErr.
type Writer[R any] func(ctx context.Context, c *Change[R]) (Assignment, error)

// Assignment is a change that was tested. A Writer's zero Assignment changes nothing.
type Assignment struct {
	// Commit makes the change. Where it fails nothing has changed.
	Commit func(ctx context.Context) error
	// Undo makes it as it was, after a Commit. Nil where nothing can: such changes are
	// made after all others of their request. Its error makes the request undoFailed.
	Undo func(ctx context.Context) error
	// Last says that others notice the change and its Undo: it is made after all others of its request
	// that can be undone.
	Last bool
	// Cleanup lets go of what the test took. It is called once, last, whatever happened;
	// nil where there is nothing.
	Cleanup func()
}

// Then returns one assignment made of two: next is made after a, which can be undone, or
// neither is.
func (a Assignment) Then(next Assignment) Assignment {
	switch {
	case a.Commit == nil && a.Cleanup == nil:
		return next
	case next.Commit == nil && next.Cleanup == nil:
		return a
	}
	both := Assignment{
		Commit: func(ctx context.Context) error {
			if err := run(ctx, a.Commit); err != nil {
				return err
			}
			err := run(ctx, next.Commit)
			if err != nil {
				err = errors.Join(err, run(context.WithoutCancel(ctx), a.Undo))
			}
			return err
		},
		Last: a.Last || next.Last,
		Cleanup: func() {
			for _, done := range []func(){a.Cleanup, next.Cleanup} {
				if done != nil {
					done()
				}
			}
		},
	}
	if next.Commit == nil || next.Undo != nil {
		both.Undo = func(ctx context.Context) error { return errors.Join(run(ctx, next.Undo), run(ctx, a.Undo)) }
	}
	return both
}

func run(ctx context.Context, f func(context.Context) error) error {
	if f == nil {
		return nil
	}
	return f(ctx)
}

// Change is what one request wants of one row: all of its variables there.
type Change[R any] struct {
	Index OID // of the row
	// Was is the row as it was read last, up to some seconds before; nil for a row that
	// is to be created. It must not be changed.
	Was *R
	// Row has the values that are wanted, and otherwise what Was has; of a row that
	// is to be created, what its index tells.
	Row R

	// User is whose request it is, by a security model that has users; "" otherwise.
	User string

	*change
}

// change is a Change.
type change struct {
	index OID
	user  string
	of    *declaration

	// typed is the *Change[R] that writers see, was its Was, and row its Row.
	typed, was, row any

	sets      []int // columns, in the order of the request
	variables []int // of each, its number in the request, from 1
	values    []Value
	// status is what the row's is going to be, RowDestroy for none; 0 of a table without a
	// RowStatus.
	status RowStatus
}

// note takes down that the request has a variable.
func (c *change) note(v *variable) {
	c.sets, c.variables, c.values = append(c.sets, v.column), append(c.variables, v.number), append(c.values, v.value)
}

// Sets reports whether the request has a variable of the column. It panics where the
// table declares no such column.
func (c *Change[R]) Sets(descriptor string) bool { return c.variable(descriptor) >= 0 }

// Value returns what the request has for a column, before it became the row's, and whether it
// has anything. It panics as Sets does.
func (c *Change[R]) Value(descriptor string) (Value, bool) { return c.value(descriptor) }

// Refuse returns the error of a Writer that cannot take the value of a column, or the row
// where descriptor is "". The cause, which may be nil, is for people.
func (c *Change[R]) Refuse(status Status, descriptor string, cause error) error {
	return c.refuse(status, descriptor, cause)
}

func (c *change) value(descriptor string) (Value, bool) {
	if i := c.variable(descriptor); i >= 0 {
		return c.values[i], true
	}
	return Value{}, false
}

// variable returns the place of the last variable of a column, -1 where there is none.
func (c *change) variable(descriptor string) (last int) {
	column := c.of.named(descriptor)
	if column < 0 {
		panic("mib: no column " + descriptor)
	}
	last = -1
	for i, set := range c.sets {
		if set == column {
			last = i
		}
	}
	return last
}

func (c *change) refuse(status Status, descriptor string, cause error) error {
	at := 0
	if descriptor != "" {
		at = max(at, c.variable(descriptor))
	}
	return &SetError{status, c.variables[at], cause}
}

// SetError says why variables were not written.
type SetError struct {
	Status Status
	Index  int   // of the variable at fault, from 1; 0 for none
	Err    error // the cause, for people; it may be nil
}

func (e *SetError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("variable %d: %v", e.Index, e.Status)
	}
	return fmt.Sprintf("variable %d: %v: %v", e.Index, e.Status, e.Err)
}

func (e *SetError) Unwrap() error { return e.Err }

// writing is who writes rows of a table or group.
type writing struct {
	names []string // of the columns that are written
	asks  bool     // a Writer; otherwise rows are kept and nothing else
	// room has rows that wait, of a table with a RowStatus; without a writer all of its rows.
	room *keptRows
}

// rowWriter writes rows of a node, typed away.
type rowWriter interface {
	// judge says what is wrong with a value of a column, whatever the row: RFC 3416,
	// section 4.2.5, rules 2 to 6.
	judge(column int, v Value) Status
	// test asks the writer about variables of one row among rows.
	test(ctx context.Context, w *work, rows rows, index OID, variables []variable) (Assignment, error)
}

// variable is one of a SetRequest.
type variable struct {
	number int // in the request, from 1
	leaf   int
	column int
	index  OID
	value  Value
}

// WrittenBy returns the table with a writer of the columns of those descriptors; of all
// that are declared Writable or Creatable where there are none.
func (t *Table[R]) WrittenBy(w Writer[R], descriptors ...string) *Table[R] {
	written := *t
	written.writer, written.writing = w, nil
	d := written.declaration()
	written.writing = &writing{names: writable(d.columns, descriptors), asks: true}
	if status := d.statusColumn(); status >= 0 && slices.Contains(written.writing.names, d.columns[status].name) {
		written.writing.room = newKeptRows(d)
	}
	return &written
}

// WrittenBy is as Table's.
func (g *Group[R]) WrittenBy(w Writer[R], descriptors ...string) *Group[R] {
	written := *g
	written.writer, written.writing = w, &writing{names: writable(columnsOf(g.Objects), descriptors), asks: true}
	return &written
}

func writable(columns []*column, descriptors []string) []string {
	if len(descriptors) > 0 {
		return descriptors
	}
	for _, c := range columns {
		if c.access != readOnly {
			descriptors = append(descriptors, c.name)
		}
	}
	return descriptors
}

// check says what is wrong with what is to be written.
func (w *writing) check(columns []*column) error {
	if w == nil {
		return nil
	}
	for _, name := range w.names {
		i := slices.IndexFunc(columns, func(c *column) bool { return c.name == name })
		if i < 0 {
			return fmt.Errorf("%s is written and not declared", name)
		}
		if columns[i].access == readOnly {
			return fmt.Errorf("%s is written and not declared as writable", name)
		}
	}
	return nil
}

func (d *declaration) judge(column int, v Value) Status {
	c := d.columns[column]
	if !slices.Contains(d.writing.names, c.name) {
		return NotWritable
	}
	return c.syntax.judge(v)
}

// requester is the key of Request.User in the context of a test.
type requester struct{}

func userOf(ctx context.Context) string {
	user, _ := ctx.Value(requester{}).(string)
	return user
}

func (t *table) test(ctx context.Context, w *work, rows rows, index OID, variables []variable) (Assignment, error) {
	if both, ok := rows.(*bothRows); ok {
		rows = both.base
	}
	was, err := rowAt(w, rows, index)
	if err != nil {
		return Assignment{}, err
	}
	c := &change{index: index, user: userOf(ctx), of: &t.declaration}
	if room := t.writing.room; room != nil {
		return t.testRow(ctx, w, room, c, was, variables)
	}
	if was != nil {
		t.rows.begin(c, was, was)
		return t.testChange(ctx, w, c, variables)
	}
	for i := range variables {
		if t.columns[variables[i].column].access != readCreate {
			return Assignment{}, &SetError{NoCreation, variables[i].number, nil}
		}
	}
	t.rows.begin(c, nil, nil)
	if _, err := t.begin(index, c.row); err != nil {
		return Assignment{}, &SetError{NoCreation, variables[0].number, err}
	}
	return t.testChange(ctx, w, c, variables)
}

func (d *declaration) test(ctx context.Context, w *work, rows rows, index OID, variables []variable) (Assignment, error) {
	was, err := rowAt(w, rows, index)
	if err != nil {
		return Assignment{}, err
	}
	if was == nil {
		return Assignment{}, &SetError{NoCreation, variables[0].number, nil}
	}
	c := &change{index: index, user: userOf(ctx), of: d}
	d.rows.begin(c, was, was)
	return d.testChange(ctx, w, c, variables)
}

// rowAt returns the row with an index, nil where there is none.
func rowAt(w *work, rows rows, index OID) (any, error) {
	of, ok := rows.(interface {
		lookup(w *work, index OID) (any, error)
	})
	if !ok {
		return nil, nil
	}
	return of.lookup(w, index)
}

// testChange puts the values into the row, and asks the writer.
func (d *declaration) testChange(ctx context.Context, work *work, c *change, variables []variable) (Assignment, error) {
	for i := range variables {
		v := &variables[i]
		if c.was != nil && d.columns[v.column].access != readCreate {
			if _, ok := d.rows.get(c.was, v.column); !ok {
				return Assignment{}, &SetError{NoCreation, v.number, nil}
			}
		}
		if err := d.rows.set(c.row, v.column, v.value); err != nil {
			return Assignment{}, &SetError{WrongValue, v.number, err}
		}
		c.note(v)
	}
	work.pause() // others go on while the writer waits
	a, err := d.rows.write(ctx, c)
	if err != nil {
		return Assignment{}, refusal(err, variables[0].number)
	}
	return a, nil
}

// refusal makes a SetError of a Writer's error.
func refusal(err error, number int) error {
	var refused *SetError
	switch {
	case errors.As(err, &refused):
		return refused
	case errors.Is(err, fs.ErrPermission), errors.Is(err, errors.ErrUnsupported):
		return &SetError{NotWritable, number, err}
	case errors.Is(err, fs.ErrExist):
		return &SetError{InconsistentValue, number, err}
	}
	return &SetError{GenErr, number, err}
}

// SetRequests of a tree are served one at a time, so that the variables of each are
// assigned "as if simultaneously". Of those that wait for their turn there are
// maxWaitingSets: further ones are refused at once, so that who writes much leaves room for
// who reads. What fails is undone for undoTimeout at most, even if nobody waits any more.
const (
	maxWaitingSets = 16
	undoTimeout    = 2 * time.Second
)

// sets is the turn of a tree's SetRequests.
type sets struct {
	waiting chan struct{} // holds one for each that waits, or has the turn
	turn    chan struct{} // holds one while it is taken
}

func newSets() sets {
	return sets{make(chan struct{}, maxWaitingSets), make(chan struct{}, 1)}
}

var errBusy = errors.New("other variables are being written")

// take waits for the turn.
func (s *sets) take(ctx context.Context) error {
	select {
	case s.waiting <- struct{}{}:
	default:
		return errBusy
	}
	select {
	case s.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		<-s.waiting
		return errBusy
	}
}

func (s *sets) leave() {
	<-s.turn
	<-s.waiting
}

// Set is a SetRequest whose variables were tested: Commit, perhaps Undo, and in any case
// Cleanup follow. No other of its tree is tested meanwhile. It is for one goroutine at a time.
type Set struct {
	tree  *Tree
	steps []step
	done  int  // steps that were committed
	turn  bool // has the tree's turn
	parts bool // the variables come in several calls of Test
}

// step is the change of one row.
type step struct {
	Assignment
	number    int // of the first variable
	node      int
	variables []variable
	// lacks is why the row cannot be written by these variables alone, where others of it
	// may follow.
	lacks *SetError
}

// TestSet is the first phase of a SetRequest (RFC 3416, section 4.2.5): nothing is
// changed yet. A *SetError says why the variables cannot be written; the request's Limit
// is that for writing. Only what no Writer need be asked for is found at once: a request
// that may not wait gets ErrWouldWait otherwise.
func (r *Request) TestSet(bindings []Binding) (*Set, error) {
	s := &Set{tree: r.tree}
	if err := s.Test(r, bindings); err != nil {
		s.Cleanup()
		return nil, err
	}
	return s, nil
}

// NewSet returns a SetRequest whose variables come in parts, each by a Test: a master sends
// those of one request in several PDUs (RFC 2741, section 7.2.4). What only lacks variables
// that may come yet is refused by Commit.
func (r *Request) NewSet() *Set { return &Set{tree: r.tree, parts: true} }

// Test tests further variables of a SetRequest, as TestSet does, whose numbers begin at 1
// again. Rows of a table that has some of them are tested anew with all that they have, since
// one change of a row may need another. After an error the Set is as it was.
func (s *Set) Test(r *Request, bindings []Binding) error {
	variables := make([]variable, len(bindings))
	for i := range bindings {
		variables[i].number, variables[i].value = i+1, bindings[i].Value
		if status := r.judge(bindings[i].Name(), &variables[i]); status != NoError {
			return &SetError{status, i + 1, nil}
		}
	}
	switch {
	case len(variables) == 0:
		return nil
	case !r.work.waits:
		return r.ctx.Err()
	case s.tree != r.tree || s.done > 0:
		return &SetError{GenErr, 1, errors.New("the request is another one")}
	}
	if !s.turn {
		if err := r.tree.sets.take(r.ctx); err != nil {
			return &SetError{ResourceUnavailable, 1, err}
		}
		s.turn = true
	}
	earlier := s.takeBack(variables)
	refused := s.testRows(r, append(earlier[:len(earlier):len(earlier)], variables...))
	if refused != nil {
		if again := s.testRows(r, earlier); again != nil { // something has changed besides
			s.steps = append(s.steps, step{number: 1, node: r.tree.leaves[earlier[0].leaf].node, variables: earlier, lacks: again})
		}
	}
	// What cannot be undone comes last, and before it what should not have to be. Otherwise the order is the request's.
	slices.SortStableFunc(s.steps, func(a, b step) int { return a.late() - b.late() })
	if refused != nil {
		return refused
	}
	return nil
}

// takeBack ends the tests of rows in the tables that variables are of, and returns the variables
// of these rows. They have no numbers in what is tested next.
func (s *Set) takeBack(variables []variable) (earlier []variable) {
	tables := make(map[int]bool)
	for i := range variables {
		tables[s.tree.leaves[variables[i].leaf].node] = true
	}
	s.steps = slices.DeleteFunc(s.steps, func(at step) bool {
		if !tables[at.node] {
			return false
		}
		earlier = append(earlier, at.variables...)
		cleanup([]step{at})
		return true
	})
	for i := range earlier {
		earlier[i].number = 1
	}
	return earlier
}

// testRows tests rows with their variables, all of them or none.
func (s *Set) testRows(r *Request, variables []variable) *SetError {
	before := len(s.steps)
	for _, row := range byRow(r.tree, variables) {
		if err := s.test(r, row); err != nil {
			cleanup(s.steps[before:])
			s.steps = s.steps[:before]
			return err
		}
	}
	return nil
}

// late is 0 for what is made first, and more for what is made later.
func (s *step) late() int {
	switch {
	case s.irrevocable():
		return 2
	case s.Last:
		return 1
	}
	return 0
}

// irrevocable reports whether the step cannot be undone once it is made.
func (s *step) irrevocable() bool { return s.Commit != nil && s.Undo == nil }

// judge finds the object of a name, and says what is wrong with a variable of that name
// whatever the row (RFC 3416, section 4.2.5, rules 1 to 6).
func (r *Request) judge(name OID, v *variable) Status {
	if r.Limit != nil && !r.Limit.shows(r.tree, name) {
		return NoAccess
	}
	i := r.tree.find(name)
	if i == len(r.tree.leaves) || !name.HasPrefix(r.tree.leaves[i].OID) {
		return NotWritable
	}
	l := &r.tree.leaves[i]
	w := r.tree.nodes[l.node].rowWriter()
	if w == nil {
		return NotWritable
	}
	v.leaf, v.column = i, l.column
	index, _ := name.CutPrefix(l.OID)
	v.index = OID{strings.Clone(index.packed)} // a Writer may keep it
	return w.judge(l.column, v.value)
}

// byRow returns the variables of each row, in the order of the first of each.
func byRow(t *Tree, variables []variable) (rows [][]variable) {
	type row struct {
		node  int
		index OID
	}
	at := make(map[row]int)
	for i := range variables {
		v := &variables[i]
		of := row{t.leaves[v.leaf].node, v.index}
		n, known := at[of]
		if !known {
			n = len(rows)
			rows, at[of] = append(rows, nil), n
		}
		rows[n] = append(rows[n], *v)
	}
	return rows
}

// test tests the variables of one row.
func (s *Set) test(r *Request, of []variable) *SetError {
	at := step{number: of[0].number, node: r.tree.leaves[of[0].leaf].node, variables: of}
	failed := func(err error) *SetError {
		var refused *SetError
		if errors.As(err, &refused) {
			return refused
		}
		return &SetError{GenErr, of[0].number, err}
	}
	if err := r.work.enter(); err != nil {
		return failed(err)
	}
	defer r.work.pause()
	rows, err := r.rows(at.node)
	if err == nil {
		err = r.work.spend(searchSteps)
	}
	if err != nil {
		return failed(err)
	}
	at.Assignment, err = r.tree.nodes[at.node].rowWriter().test(context.WithValue(r.ctx, requester{}, r.User), &r.work, rows, of[0].index, of)
	if err != nil {
		refused := failed(err)
		if !s.parts || !isIncomplete(refused.Err) {
			return refused
		}
		at.lacks = refused
	}
	s.steps = append(s.steps, at)
	return nil
}

// Commit is the second phase: it assigns the values, once however often it is called. Where one cannot
// be assigned those that were are undone, and the *SetError is commitFailed with that variable's
// index, or undoFailed (RFC 3416, section 4.2.5).
func (s *Set) Commit(ctx context.Context) error {
	for i := range s.steps {
		if lacks := s.steps[i].lacks; lacks != nil {
			return &SetError{CommitFailed, lacks.Index, lacks}
		}
	}
	for s.done < len(s.steps) {
		at := &s.steps[s.done]
		err := ctx.Err()
		if err == nil {
			err = run(ctx, at.Commit)
		}
		if err == nil {
			s.done++
			if s.done == len(s.steps) || s.steps[s.done].irrevocable() && !at.irrevocable() {
				err = s.settle()
			}
		}
		if err != nil {
			failed := &SetError{CommitFailed, at.number, err}
			if undo := s.Undo(ctx); undo != nil {
				return &SetError{UndoFailed, 0, errors.Join(err, undo)}
			}
			return failed
		}
	}
	return nil
}

// Undo takes back what was committed, in reverse order, and whether or not ctx is done.
// Its *SetError is undoFailed.
func (s *Set) Undo(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	var failed []error
	for ; s.done > 0; s.done-- {
		at := &s.steps[s.done-1]
		switch {
		case at.irrevocable():
			failed = append(failed, fmt.Errorf("variable %d was written and nothing can undo that", at.number))
		case at.Undo != nil:
			if err := at.Undo(ctx); err != nil {
				failed = append(failed, fmt.Errorf("variable %d: %w", at.number, err))
			}
		}
	}
	failed = append(failed, s.settle())
	if err := errors.Join(failed...); err != nil {
		return &SetError{UndoFailed, 0, err}
	}
	return nil
}

// settle settles the nodes whose rows were written.
func (s *Set) settle() error {
	var problems []error
	settled := map[int]bool{}
	for i := range s.steps {
		if node := s.steps[i].node; !settled[node] {
			settled[node] = true
			problems = append(problems, s.tree.nodes[node].settle())
		}
	}
	return errors.Join(problems...)
}

// Cleanup ends the SetRequest. Another may follow.
func (s *Set) Cleanup() {
	if !s.turn {
		return
	}
	cleanup(s.steps)
	s.steps, s.done, s.turn = nil, 0, false
	s.tree.sets.leave()
}

func cleanup(steps []step) {
	for i := range steps {
		if done := steps[i].Cleanup; done != nil {
			done()
		}
	}
}

// Set tests and assigns the variables of a SetRequest, all or none of them. Its error is
// TestSet's or Commit's.
func (r *Request) Set(bindings []Binding) error {
	s, err := r.TestSet(bindings)
	if err != nil {
		return err
	}
	defer s.Cleanup()
	return s.Commit(r.ctx)
}

// Describe returns variables with their values for people, "ifAdminStatus.3 = INTEGER: 2,
// ...", at most so many of them. Octets that are no text, which may be a key, are told as
// their number, and of a secret nothing is told.
func (r *Request) Describe(bindings []Binding, most int) string {
	var text strings.Builder
	for i, b := range bindings {
		if i > 0 {
			text.WriteString(", ")
		}
		if i == most {
			fmt.Fprintf(&text, "and %d more", len(bindings)-most)
			break
		}
		name, of := b.Name(), Object{}
		if at := r.tree.find(name); at < len(r.tree.leaves) && name.HasPrefix(r.tree.leaves[at].OID) {
			of = r.tree.leaves[at].Object
		}
		if index, below := name.CutPrefix(of.OID); below && of.Name != "" {
			fmt.Fprintf(&text, "%s.%s = ", of.Name, index)
		} else {
			fmt.Fprintf(&text, "%s = ", name)
		}
		if of.hidden() {
			text.WriteString("a secret")
		} else if t := b.Value.typ; (t == OctetString || t == Opaque) && !of.Text {
			fmt.Fprintf(&text, "%s: %d octets", t, len(b.Value.str))
		} else {
			text.WriteString(b.Value.abridged().String())
		}
	}
	return text.String()
}

// TestAndIncr is an advisory lock of managers that write (RFC 2579): who sends its value
// is let through, and the value is another one afterwards. Of two that read the same value
// one is refused, and a request that has it and arrives twice is made once.
type TestAndIncr struct{ value atomic.Int32 }

// NewTestAndIncr returns a lock. Its value is a random one, so that what was read before
// the agent began anew does not pass.
func NewTestAndIncr() *TestAndIncr {
	l := new(TestAndIncr)
	l.value.Store(rand.Int32())
	return l
}

// Value returns the lock's value.
func (l *TestAndIncr) Value() int32 { return l.value.Load() }

var errOtherValue = errors.New("it has another value")

// Test says whether who sends a value is let through, as a Writer does. It fails where what is
// sent is not the present number.
func (l *TestAndIncr) Test(sent int32) (Assignment, error) {
	next := int32(uint32(sent+1) & math.MaxInt32)
	if sent != l.Value() {
		return Assignment{}, errOtherValue
	}
	swap := func(from, to int32) func(context.Context) error {
		return func(context.Context) error {
			if !l.value.CompareAndSwap(from, to) {
				return errOtherValue
			}
			return nil
		}
	}
	return Assignment{Commit: swap(sent, next), Undo: swap(next, sent)}, nil
}
