package show

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/baseline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/filter"
	"github.com/netsnmp-agent/netsnmp-agent/internal/names"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// ErrIncomplete says that something could not be shown, which has been said.
var ErrIncomplete = errors.New("something could not be shown")

// Bounds of looking up names: all of it together, and at a time.
const (
	nameLimit    = 2 * time.Second
	nameParallel = 32
)

// Session is one run of the program.
type Session struct {
	ctx context.Context
	Options
	out      *table.Output
	stderr   io.Writer // standard error
	sources  []*Source
	services names.Services
	rawNames names.Protocols // of the protocols of raw sockets
	resolver *names.Resolver // nil where no name of a host or user is looked up

	owners  *netstat.SocketOwners // of every stack: inodes of sockets are the host's
	earlier []*baseline.Snapshot  // the baseline that --since names

	asked       bool // the filter asks for listeners
	incomplete  bool
	said        map[string]bool
	saidOfHosts map[string]bool // in this turn

	turns       Turns
	groupOf     map[string]netstat.CounterGroup // of the counters that are followed, by name
	chosenNames map[*Source]string              // of the interface that -I means
}

// New prepares a run. open opens the stacks to show, and tells complain
// which of them it cannot.
func New(ctx context.Context, o Options, stdout, stderr io.Writer, open func(complain func(error)) ([]*Source, error)) (*Session, error) {
	s := &Session{
		ctx: ctx, Options: o, out: table.NewOutput(stdout), stderr: stderr, turns: NewTurns(o.Interval),
		said: make(map[string]bool), saidOfHosts: make(map[string]bool), groupOf: make(map[string]netstat.CounterGroup),
		chosenNames: make(map[*Source]string),
	}
	s.out.JSON = o.JSON
	if file, ok := stdout.(*os.File); ok {
		if size, err := unix.IoctlGetWinsize(int(file.Fd()), unix.TIOCGWINSZ); err == nil {
			if !o.Wide {
				s.out.Width = int(size.Col)
			}
			s.out.Colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
		}
	}
	sources, err := open(func(err error) { s.complain("", nil, err) })
	if err != nil {
		return nil, err
	}
	s.sources = sources
	for _, src := range sources {
		src.readNames = func() { s.readNames(src) }
	}
	if !o.numericPorts() || o.Filter != "" {
		s.services = names.ReadServices()
	}
	if !o.numericPorts() {
		s.rawNames = names.ReadProtocols()
	}
	if !o.JSON && (!o.numericHosts() || !o.numericUsers()) {
		s.resolver = names.New(names.Options{Limit: nameLimit, Parallel: nameParallel})
	}
	return s, nil
}

// Close gives the stacks up.
func (s *Session) Close() {
	for _, src := range s.sources {
		src.Close()
	}
	if s.resolver != nil {
		s.resolver.Close()
	}
}

// complain says on standard error what a source cannot show, once, and makes the
// program's exit status 1.
//
// That values are unknown which the source did not tell as it should is said as well,
// and is no failure: all rows are there.
func (s *Session) complain(what string, src *Source, err error) {
	s.incomplete = s.incomplete || !onlyValues(err)
	text := fmt.Sprintf("netstat: %s: %v", what, err)
	// Of a host that cannot be reached there is nothing else to say, and that
	// in each turn.
	if gone := hostError(err); gone != nil {
		s.tell(s.saidOfHosts, "netstat: "+gone.Error())
		return
	}
	if what == "" {
		text = fmt.Sprintf("netstat: %v", err)
	}
	var read *netstat.ReadError
	named := errors.As(err, &read) && read.Source != ""
	if src != nil && src.label() != "" && !named {
		text = fmt.Sprintf("netstat: %s of %s: %v", what, src.label(), err)
	}
	s.note(text)
}

// onlyValues reports whether an error says of nothing but values that they are unknown.
func onlyValues(err error) bool {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return !slices.ContainsFunc(joined.Unwrap(), func(err error) bool { return !onlyValues(err) })
	}
	var skipped *remote.SkippedError
	return errors.As(err, &skipped) && skipped.Rows == 0 && skipped.Columns == 0
}

// lacks is complain for what is shown where there is such a thing: that a source
// has none is nothing to complain of unless it was asked for by name, and is said
// with -v.
func (s *Session) lacks(what string, src *Source, err error, asked bool) {
	switch {
	case asked || !errors.Is(err, netstat.ErrNotSupported):
		s.complain(what, src, err)
	case s.Verbose > 0:
		s.note(fmt.Sprintf("netstat: %s: %v", what, err))
	}
}

// note says something on standard error, once.
func (s *Session) note(text string) { s.tell(s.said, text) }

func (s *Session) tell(said map[string]bool, text string) {
	if !said[text] {
		said[text] = true
		_ = s.out.Flush() // so that it stands below what is shown so far
		fmt.Fprintln(s.stderr, text)
	}
}

// newPrinter makes a printer for rows of a kind, with the filter and the order that
// the flags name.
func newPrinter[T any](s *Session, kind *table.Kind[Row[T]], columns []table.Column[Row[T]]) (*table.Printer[Row[T]], *filter.Expr, error) {
	t := table.Table[Row[T]]{Kind: kind, Columns: columns}
	var expr *filter.Expr
	if s.Filter != "" {
		var err error
		expr, err = filter.Parse(s.Filter, kind, s.filterNames())
		if err != nil {
			return nil, nil, fmt.Errorf("--filter: %w", err)
		}
		t.Keep = func(r *Row[T]) bool {
			return expr.Match(func(field int) table.Value { return kind.Fields[field].Value(r) })
		}
	}
	var err error
	if t.Order, err = kind.Order(s.Sort); err != nil {
		return nil, nil, fmt.Errorf("--sort: %w", err)
	}
	if s.namesNamespaces() {
		t.Columns = append(t.Columns, table.Column[Row[T]]{Heading: "Namespace", Append: func(b []byte, r *Row[T]) []byte {
			return table.AppendEscaped(b, r.from.netns)
		}})
	}
	if slices.ContainsFunc(s.sources, func(src *Source) bool { return src.host != "" }) {
		t.Columns = append(t.Columns, table.Column[Row[T]]{Heading: "Host", Append: func(b []byte, r *Row[T]) []byte {
			return table.AppendEscaped(b, r.from.host)
		}})
	}
	return table.NewPrinter(s.out, t), expr, nil
}

// filterNames are the names that a filter may have in place of numbers. Users are
// those of the host whose stack is shown, which this one knows of its own only.
func (s *Session) filterNames() filter.Names {
	known := filter.Names{Port: s.services.Port}
	if s.Recording == "" && !s.IsRemote() {
		known.User = names.UserID
	}
	return known
}

// namesNamespaces reports whether rows say which namespace they are of.
func (s *Session) namesNamespaces() bool {
	return slices.ContainsFunc(s.sources, func(src *Source) bool { return src.netns != "" })
}

// whereFields are fields of every kind: which stack it is of.
func whereFields[T any]() []table.Field[Row[T]] {
	return []table.Field[Row[T]]{
		{Name: "netns", Type: table.String, Doc: "network namespace; with `--netns all` only",
			Value: func(r *Row[T]) table.Value { return table.Text(r.from.netns) }},
		{Name: "host", Type: table.String, Doc: "host; with several of `--host` and `--hosts` only",
			Value: func(r *Row[T]) table.Value { return table.Text(r.from.host) }},
	}
}

// newKind declares a kind of rows.
func newKind[T any](name, doc string, fields ...table.Field[Row[T]]) *table.Kind[Row[T]] {
	return &table.Kind[Row[T]]{Name: name, Doc: doc, Fields: append(fields, whereFields[T]()...)}
}

// fieldOf declares a field that a row's value alone tells.
func fieldOf[T any](name string, typ table.Type, doc string, value func(*T) table.Value) table.Field[Row[T]] {
	return table.Field[Row[T]]{Name: name, Type: typ, Doc: doc, Value: func(r *Row[T]) table.Value { return value(&r.v) }}
}

// interfaceField declares a field that names an interface by its index: unknown for one
// without a name that is known.
func interfaceField[T any](name, doc string, index func(*T) uint32) table.Field[Row[T]] {
	return table.Field[Row[T]]{Name: name, Type: table.String, Doc: doc, Value: func(r *Row[T]) table.Value {
		name, _ := r.from.known(index(&r.v))
		return table.Text(name)
	}}
}

// columnOf declares a column that a row's value alone tells; right says that it
// is aligned to the right.
func columnOf[T any](heading string, width int, right bool, cell func(b []byte, v *T) []byte) table.Column[Row[T]] {
	return table.Column[Row[T]]{Heading: heading, Width: width, Right: right,
		Append: func(b []byte, r *Row[T]) []byte { return cell(b, &r.v) }}
}

// interfaceColumn declares a column that names an interface by its index, with a
// dash for none.
func interfaceColumn[T any](heading string, width int, index func(*T) uint32) table.Column[Row[T]] {
	return table.Column[Row[T]]{Heading: heading, Width: width, Append: func(b []byte, r *Row[T]) []byte {
		n := index(&r.v)
		if n == 0 {
			return append(b, '-')
		}
		return table.AppendEscaped(b, r.from.name(n))
	}}
}

// Cells that many tables have.

// appendAddr appends an address, its zone by the interface's name.
func appendAddr(b []byte, src *Source, a netip.Addr) []byte {
	zone := a.Zone()
	if zone == "" {
		if a.Is4In6() {
			a = a.Unmap()
		}
		return a.AppendTo(b)
	}
	b = append(a.WithZone("").AppendTo(b), '%')
	return table.AppendEscaped(b, zoneName(src, zone))
}

func zoneName(src *Source, zone string) string {
	index, err := strconv.ParseUint(zone, 10, 32)
	if err != nil {
		return zone
	}
	return src.name(uint32(index))
}

// addrValue is the value of an address, its zone by the interface's name.
func addrValue(src *Source, a netip.Addr) table.Value {
	if a.Zone() != "" {
		a = a.WithZone(zoneName(src, a.Zone()))
	}
	return table.Addr(a)
}

func appendUint[N ~uint8 | ~uint16 | ~uint32 | ~uint64](b []byte, n N) []byte {
	return strconv.AppendUint(b, uint64(n), 10)
}

// appendKnown appends an optional number, or a dash.
func appendKnown[N ~uint8 | ~uint16 | ~uint32 | ~uint64](b []byte, o netstat.Optional[N]) []byte {
	n, known := o.Get()
	if !known {
		return append(b, '-')
	}
	return appendUint(b, n)
}

// uintValue is the value of an optional number.
func uintValue[N ~uint8 | ~uint16 | ~uint32 | ~uint64](o netstat.Optional[N]) table.Value {
	n, known := o.Get()
	if !known {
		return table.Value{}
	}
	return table.Uint(n)
}

// knownText is the value of something optional, by its text.
func knownText[T fmt.Stringer](o netstat.Optional[T]) table.Value {
	v, known := o.Get()
	if !known {
		return table.Value{}
	}
	return table.Text(v.String())
}

// boolValue is the value of an optional truth value.
func boolValue(o netstat.Optional[bool]) table.Value {
	v, known := o.Get()
	if !known {
		return table.Value{}
	}
	return table.Bool(v)
}

// appendCount appends a number, for people with -h: 12.3k.
func (s *Session) appendCount(b []byte, n uint64) []byte {
	if s.Human {
		return table.AppendScaled(b, n, 1000)
	}
	return strconv.AppendUint(b, n, 10)
}

// appendBytes appends a number of bytes, for people with -h: 12.3K.
func (s *Session) appendBytes(b []byte, n uint64) []byte {
	if s.Human {
		return table.AppendScaled(b, n, 1024)
	}
	return strconv.AppendUint(b, n, 10)
}

func (s *Session) appendKnownBytes(b []byte, o netstat.Optional[uint32]) []byte {
	n, known := o.Get()
	if !known {
		return append(b, '-')
	}
	return s.appendBytes(b, uint64(n))
}

// window holds rows back until the names in them are found, a few at a time.
type window[T any] struct {
	s       *Session
	printer *table.Printer[Row[T]]
	prepare func(*Row[T]) // begins to look up
	// whole holds all rows back, and looks nothing up before: looking names up takes
	// sockets, which are not to be among those that are shown.
	whole bool
	rows  []Row[T]
}

const windowRows = 256

func (w *window[T]) row(r *Row[T]) error {
	if w.s.resolver == nil {
		return w.printer.Row(r)
	}
	if w.printer.Keep != nil && !w.printer.Keep(r) {
		return nil
	}
	w.rows = append(w.rows, *r)
	if w.whole {
		return nil
	}
	if w.prepare(r); len(w.rows) < windowRows {
		return nil
	}
	return w.flush()
}

func (w *window[T]) flush() error {
	if w.whole {
		for i := range w.rows {
			w.prepare(&w.rows[i])
		}
	}
	if len(w.rows) > 0 {
		w.s.resolver.Wait()
	}
	for i := range w.rows {
		if err := w.printer.Row(&w.rows[i]); err != nil {
			return err
		}
	}
	w.rows = w.rows[:0]
	return nil
}

// close prints what is left.
func (w *window[T]) close() error {
	if err := w.flush(); err != nil {
		return err
	}
	return w.printer.Close()
}
