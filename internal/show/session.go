package show

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/baseline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/filter"
	"github.com/netsnmp-agent/netsnmp-agent/internal/names"
	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/traffic"
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
	Options
	out      *table.Output
	say      func(text string) // says what is the matter
	program  string            // what complaints begin with
	sources  []*Source
	open     func(complain func(error)) ([]*Source, error)
	services names.Services
	rawNames names.Protocols // of the protocols of raw sockets
	networks names.Networks
	resolver *names.Resolver // nil where no name of a host or user is looked up

	owners  *netstat.SocketOwners // of every stack: inodes of sockets are the host's
	earlier []*baseline.Snapshot  // the baseline that --since names

	asked       bool // the tables were asked for by name
	alone       bool // there is one table
	firstTable  bool // that is shown in this turn
	incomplete  bool
	said        map[string]bool
	saidOfHosts map[string]bool // in this turn

	wants       Wants // of the sheet that is read
	turns       Turns
	growth      growth
	sockets     meters[*metered, *traffic.Reading]
	flows       meters[*meteredFlows, *traffic.FlowReading]
	listening   meters[*rising[uint64], []listener]
	queueing    meters[*rising[rootQdisc], map[uint32]queueingRate]
	chosenNames map[string][]string // of the interfaces that are chosen, by the key of each stack
}

// New prepares a run that prints. open opens the stacks to show, and tells complain
// which of them it cannot.
func New(o Options, stdout, stderr io.Writer, open func(complain func(error)) ([]*Source, error)) (*Session, error) {
	s := newSession(o, table.NewOutput(stdout), open)
	s.program, s.say = "netstat: ", func(text string) { fmt.Fprintln(stderr, text) }
	s.out.JSON = o.JSON
	if file, ok := stdout.(*os.File); ok {
		if size, err := unix.IoctlGetWinsize(int(file.Fd()), unix.TIOCGWINSZ); err == nil {
			if !o.Wide {
				s.out.Width = int(size.Col)
			}
			s.out.Colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
		}
	}
	return s, s.start()
}

func newSession(o Options, out *table.Output, open func(complain func(error)) ([]*Source, error)) *Session {
	return &Session{
		Options: o, out: out, open: open, turns: NewTurns(o.Interval),
		said: make(map[string]bool), saidOfHosts: make(map[string]bool),
		chosenNames: make(map[string][]string), growth: newGrowth(), asked: !o.Unasked,
	}
}

// start opens the stacks, and prepares for names of what is numbers.
func (s *Session) start() error {
	if err := s.openStacks(); err != nil {
		return err
	}
	if !s.numericPorts() || s.Filter != "" {
		s.services = names.ReadServices()
	}
	if !s.numericPorts() {
		s.rawNames = names.ReadProtocols()
	}
	if !s.numericHosts() {
		s.networks = names.ReadNetworks()
	}
	if !s.JSON && (!s.numericHosts() || !s.numericUsers()) {
		s.resolver = names.New(names.Options{Limit: nameLimit, Parallel: nameParallel})
	}
	return nil
}

// openStacks opens the stacks to show, and says which of several it cannot.
func (s *Session) openStacks() (err error) {
	s.sources, err = s.open(func(err error) { s.complain("", nil, err) })
	return err
}

func (s *Session) closeStacks() {
	for _, src := range s.sources {
		src.Close()
	}
	s.sources = nil
}

// Close gives the stacks up.
func (s *Session) Close() {
	s.sockets.close()
	s.flows.close()
	s.listening.close()
	s.queueing.close()
	s.closeStacks()
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
	s.incomplete = s.incomplete || !netstat.IsComplete(err)
	text := fmt.Sprintf("%s: %v", what, err)
	// Of a host that cannot be reached there is nothing else to say, and that
	// in each turn.
	if gone := silent(err); gone != nil {
		s.tell(s.saidOfHosts, s.program+gone.Error())
		return
	}
	if what == "" {
		text = err.Error()
	}
	var read *netstat.ReadError
	named := errors.As(err, &read) && read.Source != ""
	if src != nil && src.label() != "" && !named {
		text = fmt.Sprintf("%s of %s: %v", what, src.label(), err)
	}
	s.note(s.program + text)
}

// lacks is complain for what is shown where there is such a thing: that a source
// has none is nothing to complain of unless it was asked for by name, and is said
// with -v.
func (s *Session) lacks(what string, src *Source, err error, asked bool) {
	switch {
	case asked || !errors.Is(err, netstat.ErrNotSupported):
		s.complain(what, src, err)
	case s.Verbose > 0:
		s.note(fmt.Sprintf("%s%s: %v", s.program, what, err))
	}
}

// note says something on standard error, once.
func (s *Session) note(text string) { s.tell(s.said, text) }

// noteOf says something of a subject, once, however it would be worded the next time.
func (s *Session) noteOf(subject, text string) {
	if !s.said[subject] {
		s.said[subject] = true
		s.note(text)
	}
}

func (s *Session) tell(said map[string]bool, text string) {
	if !said[text] {
		said[text] = true
		_ = s.out.Flush() // so that it stands below what is shown so far
		s.say(text)
	}
}

// filterNames are the names that a filter may have in place of numbers. Users and
// routing tables are those of the host whose stack is shown, which this one knows of its
// own only.
func (s *Session) filterNames() filter.Names {
	known := filter.Names{Port: s.services.Port, RouteTable: s.tableNamed}
	if !s.Elsewhere {
		known.User = names.UserID
	}
	return known
}

// namesNamespaces reports whether rows say which namespace they are of.
func (s *Session) namesNamespaces() bool {
	return slices.ContainsFunc(s.sources, func(src *Source) bool { return src.NetNS != "" })
}
