package agentx

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// step is an agentx-GetNext-PDU that was answered, with its Response.
type step struct {
	query    query
	response encoder
}

// found answers a PDU without a forecast.
func found(t *testing.T, tree *mib.Tree, pdu []byte) *step {
	t.Helper()
	h, err := DecodeHeader(pdu)
	if err != nil {
		t.Fatal(err)
	}
	s := &step{}
	if err := s.query.decode(h, pdu[headerLength:]); err != nil {
		t.Fatal(err)
	}
	request := tree.NewRequest()
	request.Reset(t.Context())
	if err := s.query.answer(&s.response, request); err != nil {
		t.Fatal(err)
	}
	return s
}

// readOnce has the sample's table at hand.
func readOnce(t *testing.T, tree *mib.Tree) {
	t.Helper()
	p := &peer{t: t, order: NetworkByteOrder}
	found(t, tree, p.pdu(&Get{Ranges: oids(table + ".1.1.1")}))
}

// after returns what a master asks after a Response to p.
func (s *step) after(t *testing.T, p *GetNext) *GetNext {
	t.Helper()
	r := decodeResponse(t, s.response.b[s.query.response:])
	next := &GetNext{Context: p.Context}
	for i, b := range r.Bindings {
		next.Ranges = append(next.Ranges, SearchRange{Start: b.Name(), End: p.Ranges[i].End})
	}
	return next
}

// TestForecast walks with forecasts alone, and compares with what is found.
func TestForecast(t *testing.T) {
	tree := sample(t, nil)
	readOnce(t, tree)
	for _, order := range []Flags{NetworkByteOrder, 0} {
		for _, walk := range []*GetNext{
			{Ranges: []SearchRange{span(base, "", false)}},
			{Ranges: []SearchRange{span(table, table+".2", false)}},
			{Context: "a context", Ranges: []SearchRange{span(table+".1.1", table+".1.2", false), span(table+".1.3", table+".1.4", true)}},
		} {
			p := &peer{t: t, order: order, session: 77}
			p.packet = 1 << 30 // not the same in both byte orders
			pdu, steps := p.pdu(walk), 0
			last := found(t, tree, pdu)
			var f forecast
			for {
				f.prepare(&last.query, &last.response, tree.NewRequest())
				if len(f.payload) == 0 {
					break
				}
				steps++
				walk = last.after(t, walk)
				pdu = p.pdu(walk)
				want := found(t, tree, pdu)
				got := encoder{b: []byte("before")}
				f.made = time.Now().Add(time.Hour) // however slow the test is
				if !f.answer(&got, want.query.header, pdu[headerLength:]) {
					t.Fatalf("%v was not expected", walk)
				}
				if !bytes.Equal(got.b, append([]byte("before"), want.response.b...)) {
					t.Fatalf("%v: answered with % x, not % x", walk, got.b, want.response.b)
				}
				if f.answer(&got, want.query.header, pdu[headerLength:]) {
					t.Fatal("a forecast that was used is used again")
				}
				last = &step{query: f.query, response: got}
				f.query = query{}
				if steps > 100 {
					t.Fatal("the walk does not end")
				}
			}
			ended := slices.Contains(text(decodeResponse(t, last.response.b[len("before"):])), walk.Ranges[0].Start.String()+" endOfMibView")
			if steps < 3 || !ended {
				t.Errorf("%v: the walk ends after %d steps with % x", walk, steps, last.response.b)
			}
		}
	}
}

func decodeResponse(t *testing.T, pdu []byte) *Response {
	t.Helper()
	h, err := DecodeHeader(pdu)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Decode(h, pdu[headerLength:])
	if err != nil {
		t.Fatal(err)
	}
	return r.(*Response)
}

// TestNoForecast has forecasts of what was not asked, or too long ago.
func TestNoForecast(t *testing.T) {
	tree := sample(t, nil)
	readOnce(t, tree)
	p := &peer{t: t, order: NetworkByteOrder, session: 77}
	first := &GetNext{Ranges: []SearchRange{span(table+".1.1.1", table+".2", false)}}
	for name, c := range map[string]struct {
		asked Payload
		order Flags
		made  time.Duration
		used  bool
	}{
		"expected":         {asked: &GetNext{Ranges: []SearchRange{span(table+".1.1.2", table+".2", false)}}, used: true},
		"old":              {asked: &GetNext{Ranges: []SearchRange{span(table+".1.1.2", table+".2", false)}}, made: -2 * lasting},
		"Get":              {asked: &Get{Ranges: []SearchRange{span(table+".1.1.2", table+".2", false)}}},
		"another start":    {asked: &GetNext{Ranges: []SearchRange{span(table+".1.1.3", table+".2", false)}}},
		"another end":      {asked: &GetNext{Ranges: []SearchRange{span(table+".1.1.2", table+".3", false)}}},
		"included":         {asked: &GetNext{Ranges: []SearchRange{span(table+".1.1.2", table+".2", true)}}},
		"another context":  {asked: &GetNext{Context: "c", Ranges: []SearchRange{span(table+".1.1.2", table+".2", false)}}},
		"more":             {asked: &GetNext{Ranges: []SearchRange{span(table+".1.1.2", table+".2", false), span(table, "", false)}}},
		"other byte order": {asked: &GetNext{Ranges: []SearchRange{span(table+".1.1.2", table+".2", false)}}, order: NetworkByteOrder},
	} {
		s := found(t, tree, p.pdu(first))
		var f forecast
		f.prepare(&s.query, &s.response, tree.NewRequest())
		if f.made = time.Now().Add(time.Hour); c.made != 0 {
			f.made = time.Now().Add(c.made)
		}
		asked := &peer{t: t, order: NetworkByteOrder ^ c.order, session: 77}
		pdu := asked.pdu(c.asked)
		h, err := DecodeHeader(pdu)
		if err != nil {
			t.Fatal(err)
		}
		var e encoder
		if used := f.answer(&e, h, pdu[headerLength:]); used != c.used || used != (len(e.b) > 0) {
			t.Errorf("%s: used %v, %d octets", name, used, len(e.b))
		}
	}

	// Nothing follows what was not a step of a walk, failed, or must wait.
	g := newGate()
	waits := sample(t, g)
	readOnce(t, waits)
	for name, pdu := range map[string]Payload{
		"Get":     &Get{Ranges: oids(table + ".1.1.1")},
		"GetBulk": &GetBulk{NonRepeaters: 1, Ranges: []SearchRange{span(table+".1.1.1", table+".2", false)}},
		"ended":   &GetNext{Ranges: []SearchRange{span(table+".1.1.1", table+".1.1.2", false)}},
		"empty":   &GetNext{},
		"waits":   &GetNext{Ranges: oids(table + ".1.3.2")},
	} {
		s := found(t, waits, p.pdu(pdu))
		f := forecast{payload: []byte("of before")}
		f.prepare(&s.query, &s.response, waits.NewRequest())
		if len(f.payload) != 0 {
			t.Errorf("%s: % x is expected", name, f.payload)
		}
	}
}

// TestForecastOfSession walks through a session, which answers from forecasts.
func TestForecastOfSession(t *testing.T) {
	tree := newTree(t, testTable("long", table, 1, 3).Bind(sourceOf(rowsOf(500))))
	for _, order := range []Flags{NetworkByteOrder, 0} {
		_, p, agent := meet(t, "unix", order, Config{Handler: tree})
		walk := &GetNext{Ranges: []SearchRange{span(table+".1.1", table+".1.2", false), span(table+".1.3", table+".1.4", false)}}
		for row := range 500 {
			r := p.ask(walk)
			if r.Error != 0 || len(r.Bindings) != 2 {
				t.Fatalf("row %d: %v %v", row, r.Error, text(r))
			}
			for i, column := range []uint32{1, 3} {
				if got, want := r.Bindings[i].Name(), mib.MustParseOID(table).Sub(1, column, uint32(row+1)); got != want {
					t.Fatalf("%v follows, not %v", got, want)
				}
				walk.Ranges[i].Start = r.Bindings[i].Name()
			}
		}
		wantText(t, p.ask(walk), table+".1.1.500 endOfMibView", table+".1.3.500 endOfMibView")
		agent.stop()
	}
}

// watched is a connection on which one PDU arrives, and then sees what the
// session expects.
type watched struct {
	session  *session
	pdu      []byte
	expected []byte
	written  []byte
}

func (w *watched) Read(b []byte) (int, error) {
	if len(w.pdu) == 0 {
		w.expected = slices.Clone(w.session.next.payload)
		return 0, io.EOF
	}
	n := copy(b, w.pdu)
	w.pdu = w.pdu[n:]
	return n, nil
}

func (w *watched) Write(b []byte) (int, error) {
	w.written = append(w.written, b...)
	return len(b), nil
}

func (w *watched) Close() error { return nil }

func TestSessionForesees(t *testing.T) {
	tree := sample(t, nil)
	readOnce(t, tree)
	sub, err := New(Config{Handler: tree})
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{t: t, order: NetworkByteOrder, session: 77}
	w := &watched{pdu: p.pdu(&GetNext{Ranges: []SearchRange{span(table+".1.1", table+".2", false)}})}
	w.session = newSession(sub, w)
	w.session.id.Store(77)
	w.session.opened.Store(true)
	w.session.read()
	wantText(t, decodeResponse(t, w.written), fmt.Sprint(table, ".1.1.1 INTEGER: ", ours))
	if want := p.pdu(&GetNext{Ranges: []SearchRange{span(table+".1.1.1", table+".2", false)}})[headerLength:]; !bytes.Equal(w.expected, want) {
		t.Errorf("% x is expected, not % x", w.expected, want)
	}
}
