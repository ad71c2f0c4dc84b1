package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// nameless has routes and neighbours by two interfaces, of which one has a name, and
// says so with an error.
type nameless struct {
	netstat.Stack
	err    error
	inside chan struct{} // closed once names are read, which takes until the end of the context
}

func (nameless) Routes(context.Context, netstat.RouteQuery) iter.Seq2[netstat.Route, error] {
	return func(yield func(netstat.Route, error) bool) {
		for i, to := range []string{"192.0.2.0/25", "192.0.2.128/25"} {
			if !yield(netstat.Route{Destination: netip.MustParsePrefix(to), Interface: uint32(i + 1), Table: netstat.TableMain, Type: netstat.RouteUnicast}, nil) {
				return
			}
		}
	}
}

func (nameless) Neighbours(context.Context, ...netstat.Family) iter.Seq2[netstat.Neighbour, error] {
	return func(yield func(netstat.Neighbour, error) bool) {
		yield(netstat.Neighbour{Family: netstat.IPv4, Address: netip.MustParseAddr("192.0.2.9"), Interface: 16778230}, nil)
	}
}

func (n nameless) InterfaceNames(ctx context.Context) (map[uint32]string, error) {
	if n.inside != nil {
		close(n.inside)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return map[uint32]string{1: "eth0", 3: ""}, n.err
}

// An index is never a name in JSON, and why there is none is said.
func TestInterfacesWithoutNames(t *testing.T) {
	cut := errors.New("cut short after ifName.1: no answer")
	for _, c := range []struct {
		args, want string
		err        error
	}{
		{"-rn4", "eth0 2", nil}, {"-rn4", "eth0 2", cut}, {"--neighbours -n", "16778230", cut},
	} {
		out, complaints, err := showFake(t, nameless{err: c.err}, strings.Fields(c.args)...)
		var found []string
		for line := range strings.Lines(out) {
			if fields := strings.Fields(line); len(fields) > 0 && strings.HasPrefix(fields[0], "192.0.2.") {
				for _, f := range fields {
					if f == "eth0" || f == "2" || f == "16778230" {
						found = append(found, f)
					}
				}
			}
		}
		if strings.Join(found, " ") != c.want {
			t.Errorf("%s: %q", c.args, out)
		}
		if c.err != nil && (!errors.Is(err, show.ErrIncomplete) || strings.Count(complaints, cut.Error()) != 1) || c.err == nil && strings.Contains(complaints, "names") {
			t.Errorf("%s: %v, %q", c.args, err, complaints)
		}
		out, _, _ = showFake(t, nameless{err: c.err}, append(strings.Fields(c.args), "--json")...)
		for line := range strings.Lines(out) {
			var o map[string]any
			if err := json.Unmarshal([]byte(line), &o); err != nil {
				t.Fatal(err)
			}
			index, name := o["interfaceIndex"], o["interface"]
			if known := index == 1.0; known != (name == "eth0") || !known && name != nil || index == nil {
				t.Errorf("%s: %s", c.args, line)
			}
		}
	}
}

// Values that are unknown are said and are no failure; rows and columns that are
// missing are.
func TestWhatWasSkippedIsSaid(t *testing.T) {
	values := &remote.SkippedError{Table: "ifTable", Values: 2, Example: errors.New("ifSpeed.7: no number")}
	rows := &remote.SkippedError{Table: "ifTable", Rows: 1, Example: errors.New("index 7.7")}
	columns := &remote.SkippedError{Table: "ifTable", Columns: 1, Example: errors.New("genErr")}
	for _, c := range []struct {
		err    error
		failed bool
	}{
		{values, false}, {fmt.Errorf("read: %w", values), false}, {errors.Join(values, values), false},
		{rows, true}, {columns, true}, {errors.Join(values, rows), true}, {errors.Join(values, netstat.ErrNotSupported), true}, {netstat.ErrNotSupported, true},
		{&netstat.ReadError{Op: "read ifTable", Err: errors.Join(errors.New("it is cut short"), values)}, true},
		{&netstat.ReadError{Op: "read ifTable", Err: errors.Join(values, fmt.Errorf("read: %w", values))}, false},
	} {
		_, complaints, err := showFake(t, nameless{err: c.err}, "-rn4")
		if errors.Is(err, show.ErrIncomplete) != c.failed || !strings.Contains(complaints, c.err.Error()) {
			t.Errorf("%v: %v, %q", c.err, err, complaints)
		}
	}
}

// An interrupt reaches the reading of names, too.
func TestInterruptWhileNamesAreRead(t *testing.T) {
	for _, args := range []string{"-rn4", "-rn4 --json", "--neighbours -n", "--neighbours -n --json"} {
		ctx, cancel := context.WithCancel(t.Context())
		inside := make(chan struct{})
		go func() {
			<-inside
			cancel()
		}()
		if _, complaints, _ := showFakeIn(ctx, t, nameless{inside: inside}, strings.Fields(args)...); strings.Contains(complaints, "names of interfaces") {
			t.Errorf("%s: %q", args, complaints)
		}
	}
}
