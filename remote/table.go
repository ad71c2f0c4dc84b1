package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// column is an object whose instances are read.
type column struct {
	oid  mib.OID
	name string
}

// scan is a reading of columns that have the same index, side by side.
type scan struct {
	host    *Stack
	name    string // of the table or group
	columns []column
	// scalars says that the only instance is 0.
	scalars bool
	// beside are scalars that are read with the first request, and tell is
	// told of each that is there.
	beside []column
	tell   func(i int, v mib.Value)
	// cut has rows told of which not all columns were read when reading ended with an error.
	// A column that was not read that far has a Null there.
	cut bool
	// expected returns about how many rows there are, 0 where nobody knows.
	expected func() int

	rows, octets atomic.Int64 // read so far
	heard        atomic.Bool  // an answer came
	size         atomic.Int64 // octets that a variable takes
	// absent says which columns have no instance at all.
	absent []atomic.Bool
	skips  skips
}

func newScan(host *Stack, name string, columns []column) *scan {
	host.window.begin()
	s := &scan{host: host, name: name, columns: columns, absent: make([]atomic.Bool, len(columns))}
	s.size.Store(firstSize)
	return s
}

// firstSize is how many octets a variable is thought to take before the first answer: that of
// a table indexed by an IPv4 address.
const firstSize = 36

// cell is a column's value in a row.
type cell struct {
	index mib.OID
	value mib.Value
}

// front is how far a column is read.
type front struct {
	column int
	last   mib.OID // the last index, or what the reading began after
	cells  []cell  // read and not taken, from head on
	head   int
	ended  bool
}

func (f *front) waiting() bool { return f.head < len(f.cells) }

// strip reads the rows of a span, column fronts abreast.
type strip struct {
	scan    *scan
	session session
	span    *span
	fronts  []front
	rows    int
	size    int // octets that a variable takes; 0 before the first answer

	request request
	asked   []int // the fronts that the request is for
	answer  answer
	values  []mib.Value
	beside  bool // the scalars beside are still to be asked for
	// careful is after an error-status that does not say which variable it is about:
	// one repetition, then one column at a time, until that is known.
	careful care
	// plain is after a GetBulkRequest that the agent refused where it answered none yet:
	// GetNextRequests are tried.
	plain bool
}

type care int

const (
	careless care = iota
	oneRepetition
	oneColumn
)

func newStrip(s *scan, session session, span *span) *strip {
	r := &strip{scan: s, session: session, span: span, values: make([]mib.Value, len(s.columns))}
	r.fronts = make([]front, len(s.columns))
	for i := range r.fronts {
		r.fronts[i] = front{column: i, last: span.after, ended: s.absent[i].Load()}
	}
	return r
}

// errStop ends a reading that nobody wants more of.
var errStop = errors.New("nobody wants more")

// read reads until the span is read, calling row with each row in order of the
// index. values are the columns', the zero Value for an instance that is not
// there, and are overwritten by the next row; flush is called after the rows of
// each answer.
func (r *strip) read(ctx context.Context, row func(index mib.OID, values []mib.Value) error, flush func() error) error {
	for {
		asked := r.ask(ctx)
		if err := r.take(row, asked != nil && r.scan.cut); err != nil {
			return err
		}
		if err := flush(); err != nil {
			return err
		}
		if asked != nil {
			return asked
		}
		if !slices.ContainsFunc(r.fronts, func(f front) bool { return !f.ended || f.waiting() }) {
			return nil
		}
	}
}

// take hands out the rows that are complete: those that no column can have
// another value of. With cut it hands out the others as well.
func (r *strip) take(row func(mib.OID, []mib.Value) error, cut bool) error {
	for {
		var index mib.OID
		found := false
		for i := range r.fronts {
			f := &r.fronts[i]
			if f.waiting() {
				if here := f.cells[f.head].index; !found || here.Less(index) {
					index, found = here, true
				}
			} else if !f.ended && !cut {
				return nil
			}
		}
		if !found {
			return nil
		}
		for i := range r.fronts {
			f := &r.fronts[i]
			r.values[i] = mib.Value{}
			if f.waiting() && f.cells[f.head].index == index {
				if v := f.cells[f.head].value; v.Type() != mib.Null {
					r.values[i] = v
				}
				if f.head++; f.head == len(f.cells) {
					f.cells, f.head = f.cells[:0], 0
				}
			} else if !f.ended && !f.waiting() && f.last.Less(index) {
				r.values[i] = mib.Exception(mib.Null)
			}
		}
		r.rows++
		if err := r.bound(index); err != nil {
			return r.fault(err)
		}
		if err := row(index, r.values); err != nil {
			return err
		}
	}
}

// bound says that the row is beyond what a table, or a host of many, may tell.
func (r *strip) bound(index mib.OID) error {
	const number = 8 // octets, at most
	octets := len(index.Packed())
	for _, v := range r.values {
		octets += number + len(v.Octets())
	}
	h := r.scan.host
	c := &h.config
	switch {
	case r.scan.rows.Add(1) > int64(c.MaxRows):
		return fmt.Errorf("more than %d rows", c.MaxRows)
	case r.scan.octets.Add(int64(octets)) > int64(c.MaxOctets), h.isOfPool && h.octets.Add(int64(octets)) > int64(c.MaxOctets):
		return fmt.Errorf("more than %d octets", c.MaxOctets)
	}
	return nil
}

// ask sends requests until one is answered, and takes the answer in.
func (r *strip) ask(ctx context.Context) error {
	for {
		to, err := r.scan.host.question(ctx, r.session, r.scan.heard.Load(), r.prepare, &r.answer)
		if err != nil {
			return r.fault(err)
		}
		r.scan.heard.Store(true)
		r.asked = to.asked
		again, err := r.absorb(to)
		if err != nil {
			return r.fault(err)
		}
		if !again {
			return nil
		}
	}
}

// noAnswer is the error after the last of the attempts.
func (s *Stack) noAnswer(attempts int, err error) error {
	what := "1 attempt"
	if attempts > 1 {
		what = fmt.Sprintf("%d attempts", attempts)
	}
	from := s.strays.noticed()
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		switch {
		case s.answered.Load():
			return fmt.Errorf("%w (%s)", ErrNoAnswer, what)
		case from.IsValid():
			return &StrayError{from}
		case s.there.Load():
			return fmt.Errorf("%w (%s), though the agent is there: it %s", ErrNoAnswer, what, s.perhapsThere())
		}
		return fmt.Errorf("%w (%s): nobody is there, or %s", ErrNoAnswer, what, s.perhaps())
	}
	if isRefused(err) {
		return fmt.Errorf("nobody listens there: %w (%s)", syscall.ECONNREFUSED, what)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err // the host is named already
	}
	return fmt.Errorf("%w (%s)", err, what)
}

// perhaps is what has agents drop a question without a word.
func (s *Stack) perhaps() string {
	switch c := &s.config; {
	case c.Context != "":
		return "the agent does not speak SNMPv3 or have the context, or finds the privacy passphrase or protocol wrong"
	case c.Version != V3:
		return fmt.Sprintf("the agent does not speak SNMPv%v, know the community or let this host ask", c.Version)
	case c.SecurityLevel == AuthPriv:
		return "the agent does not speak SNMPv3, or finds the privacy passphrase or protocol wrong"
	}
	return "the agent does not speak SNMPv3 or let this host ask"
}

// perhapsThere is what has an agent that told its engine ID drop a question
// without a word. It would say that a security name or digest is wrong.
func (s *Stack) perhapsThere() string {
	switch c := &s.config; {
	case c.Context != "" && c.SecurityLevel == AuthPriv:
		return "does not have the context, or finds the privacy passphrase or protocol wrong"
	case c.Context != "":
		return "does not have the context"
	case c.SecurityLevel == AuthPriv:
		return "finds the privacy passphrase or protocol wrong"
	}
	return "does not let this security name ask"
}

// pause waits before another attempt where the last failed at once: a host that
// refuses now may be starting its agent, who said that somebody may not ask
// may not have been the host, and what is malformed is asked for in smaller parts.
func pause(ctx context.Context, rest time.Duration, err error) error {
	if rest <= 0 {
		return nil
	}
	if bad := (*malformedError)(nil); isRefused(err) || errors.Is(err, fs.ErrPermission) || errors.As(err, &bad) {
		rest = min(rest, time.Second/4)
	}
	timer := time.NewTimer(rest)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// prepare makes the request of the nth attempt, from 0. What got lost is asked for in smaller
// parts, whatever it was lost for: rows may be longer than those before.
func (r *strip) prepare(n int) attempt {
	h := r.scan.host
	octets := 0
	if n == 0 && r.careful == careless && h.config.Retries.Or(0) > 0 {
		octets = h.path.probe()
	}
	isProbe := octets > 0
	if !isProbe {
		octets = smaller(h.path.settled(), n)
	}
	size := r.size
	if size == 0 {
		size = int(r.scan.size.Load())
	}
	variables := r.compose(n, max(octets/size, 1))
	expected := variables * size
	if isProbe && expected <= h.path.settled() {
		h.path.withdraw()
		isProbe = false
	}
	return attempt{request: &r.request, pdu: r.request.pdu, asked: slices.Clone(r.asked), variables: variables, expected: expected, probe: isProbe}
}

// smaller returns how many octets the nth attempt asks for.
func smaller(octets, n int) int {
	if n == 0 {
		return octets
	}
	return octets * 3 / 2 >> n
}

// asksBulk reports whether the nth attempt, from 0, is a GetBulkRequest. An agent that does
// not answer these, and never did, is asked by a GetNextRequest.
func (r *strip) asksBulk(n int) bool {
	h := r.scan.host
	if h.config.Version == V1 || r.scan.scalars || r.plain {
		return false
	}
	uses, knows := h.path.usesBulk()
	if !uses {
		return n == 0 && h.path.triesBulk()
	}
	return knows || n == 0 || n < min(silentBulks, h.config.Retries.Or(0))
}

// silentBulks is after how many GetBulkRequests without an answer another one is asked by.
const silentBulks = 2

// compose makes the request of the nth attempt for at most so many variables, if more than
// one, and returns how many it asks for.
func (r *strip) compose(n, budget int) int {
	bulk := r.asksBulk(n)
	if r.careful == oneColumn {
		budget = 1
	}
	r.asked = r.asked[:0]
	r.request = request{pdu: ber.GetNextRequest, names: r.request.names[:0]}
	if r.beside {
		for _, c := range r.scan.beside {
			r.request.names = append(r.request.names, c.oid)
		}
	}
	beside := len(r.request.names)
	// The columns that hold up the next row; all, where they are abreast.
	for i := range r.fronts {
		if f := &r.fronts[i]; !f.ended && !f.waiting() && len(r.asked) < budget {
			r.asked = append(r.asked, i)
			r.request.names = append(r.request.names, r.scan.columns[f.column].oid.Append(f.last))
		}
	}
	columns := len(r.asked)
	if !bulk {
		return beside + columns
	}
	r.request.pdu, r.request.nonRepeaters = ber.GetBulkRequest, beside
	r.request.repetitions = max(budget/max(columns, 1), 1)
	if r.careful != careless {
		r.request.repetitions = 1
	}
	if r.scan.expected != nil {
		// One beyond the last row shows that it is the last.
		if left := r.scan.expected() - r.rows; left > 0 {
			r.request.repetitions = min(r.request.repetitions, left+1)
		}
	}
	return beside + columns*r.request.repetitions
}

// absorb takes an answer in. again says that it told nothing, and that another
// request will.
func (r *strip) absorb(to attempt) (again bool, err error) {
	h, a, asked := r.scan.host, &r.answer, to.variables
	learnt := false
	defer func() {
		if to.probe && !learnt {
			h.path.withdraw()
		}
	}()
	beside := 0
	if r.beside {
		beside = len(r.scan.beside)
	}
	n := len(r.asked)
	if a.status != 0 && a.status != mib.TooBig && to.pdu == ber.GetBulkRequest {
		// It may be about the variables, or about the request: then it is that to one
		// repetition, and not to a GetNextRequest.
		if _, knows := h.path.usesBulk(); !knows {
			r.plain = r.request.repetitions <= 1
			r.careful = max(r.careful, oneRepetition)
			return true, nil
		}
	}
	switch a.status {
	case 0:
		switch {
		case to.pdu == ber.GetBulkRequest:
			h.path.answeredBulk()
		case h.config.Version != V1 && !r.scan.scalars:
			h.path.answeredPlain(r.plain)
		}
	case mib.TooBig:
		if asked <= 1 {
			return false, errors.New("the agent says tooBig to a request for one variable")
		}
		h.path.tooBig(to.expected, to.probe)
		r.beside = false // they are not worth it
		return true, nil
	case mib.NoSuchName:
		return r.noSuchName(beside)
	case mib.NoAccess, mib.AuthorizationError:
		return false, r.statusError(beside)
	default:
		if to.probe {
			// Agents exist that answer so to more than they have room for.
			h.path.tooBig(to.expected, true)
			return true, nil
		}
		return r.refused(beside), nil
	}
	if len(a.variables) == 0 || len(a.variables) < beside {
		if asked <= 1 {
			return false, errors.New("an answer without variables")
		}
		h.path.tooBig(to.expected, to.probe)
		r.beside = false
		return true, nil
	}
	if len(a.variables) > asked || to.pdu == ber.GetNextRequest && len(a.variables) < asked {
		return false, fmt.Errorf("an answer with %d variables to a request for %d", len(a.variables), asked)
	}
	if r.beside {
		for i := range beside {
			if v := &a.variables[i]; v.name == r.scan.beside[i].oid.Sub(0) {
				r.scan.tell(i, v.value)
			}
		}
		r.beside = false
	}
	got := a.variables[beside:]
	if n == 0 {
		return false, nil
	}
	if len(got) >= n {
		// Columns stay abreast without the beginning of a repetition that the
		// agent cut.
		got = got[:len(got)-len(got)%n]
	}
	whole := r.advance(got)
	if len(a.variables) > 0 && a.octets > 0 {
		// A little of what it was before, so that answers are hardly ever longer than expected.
		r.size = max((a.octets+len(a.variables)-1)/len(a.variables), r.size-(r.size+31)/32)
		r.scan.size.Store(int64(r.size))
	}
	learnt = true
	h.path.arrived(arrival{asked: asked, got: len(a.variables), octets: a.octets, ended: whole, probe: to.probe})
	return false, nil
}

// maxOctets is the longest OCTET STRING that a value may be: what any of the columns
// that are read may have (DisplayString, RFC 2579; the longest link-layer address).
const maxOctets = 255

// advance takes the columns' variables in, one repetition after the other. It
// reports whether a column ended, so that nothing more was to be had.
func (r *strip) advance(got []variable) (whole bool) {
	r.span.mu.Lock()
	defer r.span.mu.Unlock()
	n := len(r.asked)
	for i := range got {
		f := &r.fronts[r.asked[i%n]]
		if f.ended || !r.step(f, &got[i]) {
			whole = true
		}
	}
	r.span.requests++
	r.settle()
	return whole
}

// step takes the next variable of a column in. It reports false where the column
// ends. The span's mu is held.
func (r *strip) step(f *front, v *variable) bool {
	c := &r.scan.columns[f.column]
	index, within := v.name.CutPrefix(c.oid)
	switch typ := v.value.Type(); {
	case typ == mib.EndOfMibView:
		r.exhausted(f)
		return false
	case v.value.IsException() && (!within || !f.last.Less(index)):
		if r.exhausted(f); !f.last.IsEmpty() {
			r.scan.skips.column(f.column, fmt.Errorf("the agent answers %s where the next variable after %s.%s was asked for", typ, c.name, f.last))
		}
		return false
	case !within && v.name.Less(c.oid):
		r.giveUp(f, fmt.Errorf("the agent goes backwards: %s follows %s.%s", v.name, c.name, f.last))
		return false
	case !within:
		r.exhausted(f)
		return false
	case !f.last.Less(index):
		what := "goes backwards"
		if index == f.last {
			what = "does not move on"
		}
		r.giveUp(f, fmt.Errorf("the agent %s: %s.%s follows %s.%s", what, c.name, index, c.name, f.last))
		return false
	case r.span.isBeyond(index):
		f.ended = true
		return false
	}
	value := v.value
	switch octets := len(value.Octets()); {
	case v.fault != nil:
		r.scan.skips.value(fmt.Errorf("%s.%s: %w", c.name, index, v.fault))
	case value.IsException():
		r.scan.skips.value(fmt.Errorf("%s.%s: %s", c.name, index, value.Type()))
		value = mib.Exception(mib.Null)
	case octets > maxOctets && value.Type() != mib.ObjectIdentifier:
		r.scan.skips.value(fmt.Errorf("%s.%s: %d octets, more than %d", c.name, index, octets, maxOctets))
		value = mib.Exception(mib.Null)
	}
	f.last = index
	f.cells = append(f.cells, cell{index, value})
	if r.scan.scalars {
		f.ended = true
	}
	if r.span.reached.Less(index) {
		r.span.reached = index
	}
	return !f.ended
}

// giveUp ends a column that the agent does not tell to its end.
func (r *strip) giveUp(f *front, err error) {
	f.ended = true
	if !f.last.IsEmpty() {
		err = fmt.Errorf("cut short after %s.%s: %w", r.scan.columns[f.column].name, f.last, err)
	}
	r.scan.skips.column(f.column, err)
}

// exhausted says that the agent has no more of a column.
func (r *strip) exhausted(f *front) {
	f.ended = true
	if f.last.IsEmpty() {
		r.scan.absent[f.column].Store(true)
	}
}

// settle finishes the span once every column has ended: nothing is left of it to
// give away. The span's mu is held.
func (r *strip) settle() {
	r.span.finished = !slices.ContainsFunc(r.fronts, func(f front) bool { return !f.ended })
}

// noSuchName is SNMPv1's end of the MIB view, for the variable that the
// error-index names.
func (r *strip) noSuchName(beside int) (again bool, err error) {
	r.span.mu.Lock()
	defer r.span.mu.Unlock()
	defer r.settle()
	i := r.answer.index - 1
	switch {
	case i >= 0 && i < beside:
		r.beside = false
	case i >= beside && i < beside+len(r.asked):
		r.exhausted(&r.fronts[r.asked[i-beside]])
	case beside > 0:
		r.beside = false
	case len(r.asked) == 1:
		r.exhausted(&r.fronts[r.asked[0]])
	default:
		// An agent that does not say which: one at a time.
		r.scan.host.path.tooBig(2*int(r.scan.size.Load()), false)
	}
	waits := slices.ContainsFunc(r.fronts, func(f front) bool { return !f.ended && !f.waiting() })
	return waits, nil
}

// refused takes in an error-status that is about one of the variables. It reports
// whether another request will tell more: the column of that variable is given up,
// once it is known which it is, and how far it goes.
func (r *strip) refused(beside int) (again bool) {
	r.span.mu.Lock()
	defer r.span.mu.Unlock()
	defer r.settle()
	i := r.answer.index - 1
	switch {
	case i >= 0 && i < beside:
		r.beside = false
	case r.request.repetitions > 1:
		r.careful = max(r.careful, oneRepetition)
	case i >= beside && i < beside+len(r.asked):
		r.giveUp(&r.fronts[r.asked[i-beside]], r.statusError(beside))
		r.careful = careless
	case beside > 0:
		r.beside = false
	case len(r.asked) > 1:
		r.careful = oneColumn
	case len(r.asked) == 1:
		r.giveUp(&r.fronts[r.asked[0]], r.statusError(beside))
		r.careful = careless
	}
	return slices.ContainsFunc(r.fronts, func(f front) bool { return !f.ended && !f.waiting() })
}

func (r *strip) statusError(beside int) error {
	err := fmt.Errorf("the agent answers %v", r.answer.status)
	if i := r.answer.index - 1 - beside; i >= 0 && i < len(r.asked) {
		f := &r.fronts[r.asked[i]]
		err = fmt.Errorf("%w for the variable after %s.%s", err, r.scan.columns[f.column].name, f.last)
	}
	if r.answer.status == mib.NoAccess || r.answer.status == mib.AuthorizationError {
		err = fmt.Errorf("%w: %w", err, fs.ErrPermission)
	}
	return err
}

// fault names where a reading ended.
func (r *strip) fault(err error) error {
	if ended := r.firstWaiting(); ended != nil && !ended.last.IsEmpty() {
		return fmt.Errorf("cut short after %s.%s: %w", r.scan.columns[ended.column].name, ended.last, err)
	}
	return err
}

func (r *strip) firstWaiting() *front {
	for i := range r.fronts {
		if f := &r.fronts[i]; !f.ended && !f.waiting() {
			return f
		}
	}
	return nil
}
