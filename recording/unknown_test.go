package recording

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Of an error that is about values alone it is known afterwards, too, and the rows of
// other families are there.
func TestUnknownValues(t *testing.T) {
	values := fmt.Errorf("2 of them: %w", netstat.ErrUnknownValues)
	for name, c := range map[string]struct {
		err      error
		complete bool
	}{
		"nothing":                    {nil, true},
		"values":                     {values, true},
		"values of a host":           {&netstat.ReadError{Op: "read", Source: "h", Err: values}, true},
		"values of two tables":       {errors.Join(values, values), true},
		"values and a missing table": {errors.Join(values, netstat.ErrInterrupted), false},
		"a table that is cut short":  {&netstat.ReadError{Op: "read", Err: errors.Join(errors.New("cut short"), values)}, false},
		"something else":             {errors.New("something else"), false},
	} {
		if got := netstat.IsComplete(c.err); got != c.complete {
			t.Errorf("%s: complete %v before", name, got)
		}
		stack := fake{routes: func(yield func(netstat.Route, error) bool) {
			for r := range routes(10) {
				if !yield(r, nil) {
					return
				}
			}
			if c.err != nil {
				yield(netstat.Route{}, c.err)
			}
		}}
		var b bytes.Buffer
		if err := Write(context.Background(), &b, stack, Options{Kinds: []Kind{KindRoute}}); err != nil && c.complete {
			t.Fatal(err)
		}
		f, err := openBytes(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		s, err := f.Stack(Choice{})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		var said error
		for _, err := range s.Routes(context.Background(), netstat.RouteQuery{}) {
			if said = err; err == nil {
				n++
			}
		}
		if n != 10 || netstat.IsComplete(said) != c.complete || (said == nil) != (c.err == nil) {
			t.Errorf("%s: %d routes, complete %v: %v", name, n, netstat.IsComplete(said), said)
		}
		if c.err != nil && c.complete && strings.Count(said.Error(), "2 of them") < 2 {
			t.Errorf("%s: not said of each family: %v", name, said)
		}
	}
}

// What an older file says of an error is not that everything is there.
func TestErrorsOfOlderFiles(t *testing.T) {
	for _, is := range [][]string{nil, {"not-supported"}, {"a class of a later version"}, {"unknown-values", "permission"}} {
		if netstat.IsComplete((&recordedError{Text: "x", Classes: is}).error()) {
			t.Errorf("%q is complete", is)
		}
	}
	for _, is := range [][]string{{"unknown-values"}, {"permission", "unknown-values", "unknown-options"}} {
		if !netstat.IsComplete((&recordedError{Text: "x", Classes: is}).error()) {
			t.Errorf("%q is not complete", is)
		}
	}
}

// Options that were not told of are missed by who asks for them alone, and no row is.
func TestUnknownOptions(t *testing.T) {
	k, err := collectors.Open(collectors.Options{SocketOptions: []netstat.SocketOptionSource{noOptions{}}})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
	var b bytes.Buffer
	if err := Write(context.Background(), &b, k, Options{Kinds: []Kind{KindSocket}}); err != nil {
		t.Fatal(err)
	}
	f, err := openBytes(b.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Stack(Choice{})
	if err != nil {
		t.Fatal(err)
	}
	for _, details := range []netstat.SocketDetails{0, netstat.DetailTCPInfo, netstat.DetailSocketOptions} {
		families := make(map[netstat.Family]int)
		var said error
		for row, err := range s.Sockets(context.Background(), netstat.SocketQuery{Protocols: []netstat.Protocol{netstat.TCP}, Details: details}) {
			if said = err; err == nil {
				families[row.Family]++
			}
		}
		asked := details == netstat.DetailSocketOptions
		if len(families) != 2 || !netstat.IsComplete(said) || (said != nil) != asked || asked != errors.Is(said, netstat.ErrUnknownOptions) || asked != errors.Is(said, fs.ErrPermission) {
			t.Errorf("details %#x: %v, and %v", details, families, said)
		}
	}
}

// noOptions is a source that may not be asked.
type noOptions struct{}

func (noOptions) ReadSocketOptions(context.Context, netstat.SocketOptionQuery) (netstat.SocketOptionTable, error) {
	return nil, fs.ErrPermission
}
