package snmp

import (
	"context"
	"errors"
	"fmt"
	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
)

const tableEntry = "1.3.6.1.4.1.32473.1.2.1"

// model answers from a sorted list of variables as RFC 3416, section 4.2, says,
// without any of the package's code.
type model []mib.Binding

func (m model) successor(name mib.OID) (answeredBinding, mib.OID) {
	i := slices.IndexFunc(m, func(b mib.Binding) bool { return name.Less(b.Name()) })
	if i < 0 {
		return expect(name, mib.Exception(mib.EndOfMibView)), name
	}
	return expect(m[i].Name(), m[i].Value), m[i].Name()
}

func (m model) bulk(nonRepeaters, repetitions int, names []mib.OID) []answeredBinding {
	var answer []answeredBinding
	nonRepeaters = min(max(nonRepeaters, 0), len(names))
	for _, name := range names[:nonRepeaters] {
		b, _ := m.successor(name)
		answer = append(answer, b)
	}
	at := slices.Clone(names[nonRepeaters:])
	for range max(repetitions, 0) {
		ended := 0
		for i := range at {
			var b answeredBinding
			b, at[i] = m.successor(at[i])
			answer = append(answer, b)
			if b.tag == 0x82 {
				ended++
			}
		}
		if ended == len(at) {
			break
		}
	}
	return answer
}

func TestGetBulkAgainstModel(t *testing.T) {
	tree := newTestTree(t, 60)
	m := model(walkOf(t, tree, false))
	d := testEngine(t, tree, nil)
	lists := [][]string{
		{}, {"0.0"}, {"1.3"}, {tableEntry + ".2"}, {tableEntry + ".300"}, {tableEntry + ".300.1463.1.99"}, {"2.999"},
		{tableEntry + ".2", tableEntry + ".3", tableEntry + ".4"},
		{tableEntry + ".2", tableEntry + ".2", tableEntry + ".2"},
		{"2.999", tableEntry + ".300.1000", tableEntry + ".6"},
		{"1.3.6.1.4.1.32473.1.1.1", "1.3.6.1.4.1.32473.1.1.2", tableEntry + ".300.1300", tableEntry + ".3.77", "2.0"},
	}
	for i, b := range m {
		if i%7 == 0 {
			lists = append(lists, []string{b.Name().String()})
		}
	}
	for _, list := range lists {
		names := make([]mib.OID, len(list))
		for i, s := range list {
			names[i] = mib.MustParseOID(s)
		}
		for _, nonRepeaters := range []int{-5, 0, 1, 2, 7, math.MaxInt32} {
			for _, repetitions := range []int{-1, 0, 1, 2, 10, 50, 1000, math.MaxInt32} {
				a := ask(t, d, messageOf(1, "public", pduOf(0xa5, 42, int32(nonRepeaters), int32(repetitions), asked(list...))), 1<<20)
				want := m.bulk(nonRepeaters, min(repetitions, 1000), names)
				if a == nil || a.status != 0 || a.index != 0 || a.id != 42 || fmt.Sprint(a.bindings) != fmt.Sprint(want) {
					t.Fatalf("%v, non-repeaters %d, repetitions %d:\ngot  %v\nwant %v", list, nonRepeaters, repetitions, a, want)
				}
			}
		}
	}
}

func TestGetNextAgainstModel(t *testing.T) {
	tree := newTestTree(t, 30)
	for _, v1 := range []bool{false, true} {
		m := model(walkOf(t, tree, v1))
		d := testEngine(t, tree, nil)
		version := int32(1)
		if v1 {
			version = 0
		}
		names := []mib.OID{mib.MakeOID(0, 0), mib.MakeOID(2, 5)}
		for _, b := range walkOf(t, tree, false) {
			subs := b.Name().Subidentifiers()
			for n := 2; n <= len(subs); n++ {
				names = append(names, mib.MakeOID(subs[:n]...))
			}
			names = append(names, b.Name().Sub(0), b.Name().Sub(math.MaxUint32))
			before := slices.Clone(subs)
			before[len(before)-1]--
			names = append(names, mib.MakeOID(before...))
		}
		for _, name := range names {
			a := ask(t, d, messageOf(version, "public", pduOf(0xa1, 1, 0, 0, asked(name.String()))), noLimit)
			want, _ := m.successor(name)
			switch {
			case a == nil:
				t.Fatalf("SNMPv1 %v: %v is not answered", v1, name)
			case v1 && want.tag == 0x82:
				if a.status != int32(mib.NoSuchName) || a.index != 1 || a.bindings[0].name != name.String() {
					t.Errorf("SNMPv1: %v: got %v", name, a)
				}
			case a.status != 0 || fmt.Sprint(a.bindings) != fmt.Sprint([]answeredBinding{want}):
				t.Errorf("SNMPv1 %v: %v: got %v, want %v", v1, name, a, want)
			}
		}
	}
}

func TestOperations(t *testing.T) {
	const (
		descr, number, octets = descrName, "1.3.6.1.4.1.32473.1.1.3.0", "1.3.6.1.4.1.32473.1.1.4.0"
		noObject              = "1.3.6.1.4.1.32473.1.1.9.0"
		noInstance            = "1.3.6.1.4.1.32473.1.1.1.1"
		absent                = tableEntry + ".2.0.1.97" // a row without a name
	)
	d := testEngine(t, newTestTree(t, 9), nil)
	for _, c := range []struct {
		name      string
		version   int32
		community string
		kind      byte
		list      []byte
		status    mib.Status
		index     int32
		want      string
	}{
		{"get", 1, "public", 0xa0, asked(descr, number, octets), 0, 0,
			"[" + descr + "=04:612074657374 " + number + "=02:fb " + octets + "=46:010000000000]"},
		{"get in SNMPv1", 0, "public", 0xa0, asked(descr, number), 0, 0, "[" + descr + "=04:612074657374 " + number + "=02:fb]"},
		{"exceptions", 1, "public", 0xa0, asked(noObject, descr, noInstance, absent), 0, 0,
			"[" + noObject + "=80: " + descr + "=04:612074657374 " + noInstance + "=81: " + absent + "=81:]"},
		{"no object in SNMPv1", 0, "public", 0xa0, asked(descr, noObject), mib.NoSuchName, 2, "[" + descr + "=05: " + noObject + "=05:]"},
		{"no instance in SNMPv1", 0, "public", 0xa0, asked(noInstance, noObject), mib.NoSuchName, 1, "[" + noInstance + "=05: " + noObject + "=05:]"},
		{"Counter64 in SNMPv1", 0, "public", 0xa0, asked(descr, number, octets), mib.NoSuchName, 3, "[" + descr + "=05: " + number + "=05: " + octets + "=05:]"},
		{"getnext over Counter64", 1, "public", 0xa1, asked(number), 0, 0, "[" + octets + "=46:010000000000]"},
		{"getnext over Counter64 in SNMPv1", 0, "public", 0xa1, asked(number), 0, 0, "[" + tableEntry + ".2.0.1.99=04:6e6e6e6e6e6e6e6e6e6e]"},
		{"getnext at the end", 1, "public", 0xa1, asked("2.5", descr), 0, 0, "[2.5=82: " + upTimeName.String() + "=43:01e208]"},
		{"getnext at the end in SNMPv1", 0, "public", 0xa1, asked(descr, "2.5"), mib.NoSuchName, 2, "[" + descr + "=05: 2.5=05:]"},
		{"nothing", 1, "public", 0xa0, asked(), 0, 0, "[]"},
		{"nothing next", 1, "public", 0xa1, asked(), 0, 0, "[]"},
		{"nothing in SNMPv1", 0, "public", 0xa0, asked(), 0, 0, "[]"},
		{"set without access", 1, "public", 0xa3, tlv(0x30, varBind(oid(descr), num(7)), varBind(oid(number), num(9))), mib.NoAccess, 1,
			"[" + descr + "=02:07 " + number + "=02:09]"},
		{"set without access in SNMPv1", 0, "public", 0xa3, tlv(0x30, varBind(oid(descr), num(7))), mib.NoSuchName, 1, "[" + descr + "=02:07]"},
		{"set with access", 1, "private", 0xa3, tlv(0x30, varBind(oid(descr), num(7))), mib.NotWritable, 1, "[" + descr + "=02:07]"},
		{"set with access in SNMPv1", 0, "private", 0xa3, tlv(0x30, varBind(oid(descr), num(7))), mib.NoSuchName, 1, "[" + descr + "=02:07]"},
		{"set nothing", 1, "private", 0xa3, asked(), 0, 0, "[]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := ask(t, d, messageOf(c.version, c.community, pduOf(c.kind, -77, 0, 0, c.list)), noLimit)
			if a == nil {
				t.Fatal("no answer")
			}
			if a.version != c.version || a.community != c.community || a.kind != 0xa2 || a.id != -77 {
				t.Errorf("got %+v", a)
			}
			if a.status != int32(c.status) || a.index != c.index || fmt.Sprint(a.bindings) != c.want {
				t.Errorf("got %v at %d: %v\nwant %v at %d: %v", mib.Status(a.status), a.index, a.bindings, c.status, c.index, c.want)
			}
		})
	}
}

// broken is a tree whose table fails.
func broken(t testing.TB, err error) *mib.Tree {
	source := fresh.New(func(context.Context) ([]item, error) { return nil, err })
	return newTreeOf(t, itemTable().Bind(source), scalarGroup().BindNow(func() scalars { return scalars{descr: "a test"} }))
}

func TestGenErr(t *testing.T) {
	d := testEngine(t, broken(t, errors.New("broken")), nil)
	for version := range int32(2) {
		for kind, list := range map[byte][]string{
			0xa0: {descrName, tableEntry + ".3.0.1.97", descrName},
			0xa1: {"1.3.6.1.4.1.32473.1.1", tableEntry + ".2", "1.3.6"},
			0xa5: {"1.3.6.1.4.1.32473.1.1", tableEntry + ".2", "1.3.6"},
		} {
			if kind == 0xa5 && version == 0 {
				continue
			}
			a := ask(t, d, messageOf(version, "public", pduOf(kind, 1, 0, 10, asked(list...))), noLimit)
			if a == nil || a.status != int32(mib.GenErr) || a.index != 2 || len(a.bindings) != 3 || a.bindings[2].name != list[2] {
				t.Errorf("version %d, PDU %02x: got %v", version, kind, a)
			}
		}
	}
	// Nobody looks behind what does not fit.
	list := slices.Repeat([]string{descrName}, 60)
	a := ask(t, d, messageOf(1, "public", pduOf(0xa0, 1, 0, 0, asked(append(list, tableEntry+".3.0.1.97")...))), 484)
	if a == nil || a.status != int32(mib.TooBig) || a.index != 0 {
		t.Errorf("genErr behind what does not fit: got %v", a)
	}
	if got := d.engine.counters.statistics(); got[enginemib.OutGenErrs] != 5 || got[enginemib.OutTooBigs] != 1 {
		t.Errorf("counted %+v", got)
	}
}

// TestOIDsWithoutEncoding holds that an OID which cannot be encoded is genErr,
// and not sent as another one.
func TestOIDsWithoutEncoding(t *testing.T) {
	items := testItems(3)
	items[1].oid = mib.MakeOID(9, 9, 9)
	items[2].oid = mib.OID{}
	source := fresh.New(func(context.Context) ([]item, error) { return items, nil })
	name := func(i int) string { return tableEntry + ".300.0.1." + strconv.Itoa('a'+i) }
	items[1].key = "b"

	strange := itemTable()
	strange.Name, strange.Entry = "strangeTable", mib.MakeOID(1, 40, 1)
	log := newRecords()
	s, err := NewServer(Options{
		Handler:     newTreeOf(t, itemTable().Bind(source), strange.Bind(source), scalarGroup().BindNow(func() scalars { return scalars{descr: "a test"} })),
		Communities: anywhere, Log: slog.New(log),
	})
	if err != nil {
		t.Fatal(err)
	}
	d := newDispatcher(&s.engine)
	for _, version := range []int32{0, 1} {
		for _, c := range []struct {
			kind byte
			list []string
		}{
			{0xa0, []string{descrName, name(1), name(0)}},
			{0xa1, []string{descrName, name(0)}},
			{0xa1, []string{descrName, name(2)}}, // the successor is strangeTable's
			{0xa5, []string{descrName, name(0)}},
			{0xa5, []string{descrName, name(2)}},
		} {
			if c.kind == 0xa5 && version == 0 {
				continue
			}
			a := ask(t, d, messageOf(version, "public", pduOf(c.kind, 1, 0, 1, asked(c.list...))), noLimit)
			if a == nil || a.status != int32(mib.GenErr) || a.index != 2 || len(a.bindings) != len(c.list) {
				t.Errorf("version %d, PDU %02x, %v: got %v", version, c.kind, c.list, a)
			}
		}
		a := ask(t, d, messageOf(version, "public", pduOf(0xa0, 1, 0, 0, asked(name(0), name(2)))), noLimit)
		if a == nil || a.status != 0 || a.bindings[1].tag != 6 || a.bindings[1].hex != "00" {
			t.Errorf("version %d: zeroDotZero: got %v", version, a)
		}
	}
	if got := log.at(slog.LevelWarn); len(got) != 1 || !strings.Contains(got[0], "cannot be encoded") {
		t.Errorf("warned of %q", got)
	}
}

// TestBulkLimit holds that limits.bulk ends a GetBulkRequest's answer behind its
// first repetition, and no other one's.
func TestBulkLimit(t *testing.T) {
	tree := newTestTree(t, 300)
	d := testEngine(t, tree, nil)
	const bulk = 600
	sizeOf := func(message []byte) (int, answered) {
		t.Helper()
		answer, err := d.process(t.Context(), message, fromLoopback, limits{message: noLimit, bulk: bulk})
		if err != nil {
			t.Fatal(err)
		}
		return len(answer), readAnswer(t, answer)
	}
	n, a := sizeOf(messageOf(1, "public", pduOf(0xa5, 1, 0, math.MaxInt32, asked(tableEntry+".4"))))
	if n > bulk || n < bulk-40 || a.status != 0 {
		t.Errorf("the answer has %d octets, the limit is %d", n, bulk)
	}
	// One repetition of many variables is what a GetNextRequest gets.
	many := slices.Repeat([]string{tableEntry + ".2.1001.1.97"}, 20)
	n, a = sizeOf(messageOf(1, "public", pduOf(0xa5, 1, 5, math.MaxInt32, asked(many...))))
	next, b := sizeOf(messageOf(1, "public", pduOf(0xa1, 1, 0, 0, asked(many...))))
	if n != next || n < 2*bulk || fmt.Sprint(a.bindings) != fmt.Sprint(b.bindings) {
		t.Errorf("one repetition of 20 variables takes %d octets, GetNextRequest's answer %d:\n%v\n%v", n, next, a, b)
	}
	if n, a = sizeOf(messageOf(1, "public", pduOf(0xa0, 1, 0, 0, asked(slices.Repeat([]string{descrName}, 100)...)))); n < 2*bulk || len(a.bindings) != 100 {
		t.Errorf("GetRequest: %d octets, %d variables", n, len(a.bindings))
	}
}

func TestTooBig(t *testing.T) {
	tree := newTestTree(t, 300)
	m := model(walkOf(t, tree, false))
	long := tableEntry + ".2.1001.1.97"
	b, _ := m.successor(mib.MustParseOID(long))
	if len(b.hex) < 200 {
		t.Fatalf("the variable after %s is %v", long, b)
	}
	list := slices.Repeat([]string{long}, 12)
	for _, version := range []int32{0, 1} {
		d := testEngine(t, tree, nil)
		request := messageOf(version, "public", pduOf(0xa1, 1, 0, 0, asked(list...)))
		full := ask(t, d, request, noLimit)
		if full == nil || full.status != 0 || len(full.bindings) != 12 {
			t.Fatalf("got %v", full)
		}
		a := ask(t, d, request, 484)
		if a == nil || a.status != int32(mib.TooBig) || a.index != 0 {
			t.Fatalf("version %d: got %v", version, a)
		}
		if want := map[int32]int{0: 12, 1: 0}[version]; len(a.bindings) != want {
			t.Errorf("version %d: tooBig has %d variables, want %d", version, len(a.bindings), want)
		}
		if got := d.engine.counters.statistics(); got[enginemib.OutTooBigs] != 1 || got[enginemib.SilentDrops] != 0 || got[enginemib.OutGetResponses] != 2 || got[enginemib.InTotalReqVars] != 12 || got[enginemib.InGetNexts] != 2 {
			t.Errorf("version %d: counted %+v", version, got)
		}
		// Not even the tooBig is small enough: RFC 3418, snmpSilentDrops.
		// SNMPv1's is as long as the request.
		drop := messageOf(version, "public", pduOf(0xa1, 1, 0, 0, asked(slices.Repeat([]string{long}, 24)...)))
		if version == 1 {
			everybody := []Community{{Name: Secret(strings.Repeat("c", 480)), Source: anywhere[0].Source}}
			d = testEngine(t, tree, everybody)
			drop = messageOf(version, string(everybody[0].Name), pduOf(0xa0, 1, 0, 0, asked(descrName)))
		}
		silent := d.engine.counters.statistics()[enginemib.SilentDrops]
		if a := ask(t, d, drop, 484); a != nil {
			t.Errorf("version %d: got %v", version, a)
		}
		if got := d.engine.counters.statistics()[enginemib.SilentDrops] - silent; got != 1 {
			t.Errorf("version %d: snmpSilentDrops counts %d", version, got)
		}
	}
}

// TestPartialGetBulk asks for one answer with every limit: it has as many of the
// variables as fit, and the limit is used up to the octet.
func TestPartialGetBulk(t *testing.T) {
	tree := newTestTree(t, 20)
	d := testEngine(t, tree, nil)
	request := messageOf(1, "public", pduOf(0xa5, 1, 1, 20, asked(descrName, tableEntry+".2", tableEntry+".3")))
	whole, err := d.process(t.Context(), request, fromLoopback, within(noLimit))
	if err != nil {
		t.Fatal(err)
	}
	size := len(whole)
	full := readAnswer(t, whole)
	// sizes[n] is the size of the answer with n variables.
	var sizes []int
	for n := range len(full.bindings) + 1 {
		var bindings [][]byte
		for _, b := range full.bindings[:n] {
			bindings = append(bindings, varBind(oid(b.name), tlv(b.tag, unhex(t, b.hex))))
		}
		sizes = append(sizes, len(messageOf(1, "public", pduOf(0xa2, 1, 0, 0, tlv(0x30, bindings...)))))
	}
	if sizes[len(sizes)-1] != size {
		t.Fatalf("the model's answer has %d octets, not %d", sizes[len(sizes)-1], size)
	}
	for limit := range size + 2 {
		a := ask(t, d, request, limit)
		want := -1
		for n, s := range sizes {
			if s <= limit {
				want = n
			}
		}
		switch {
		case want < 0 && a != nil:
			t.Fatalf("limit %d: got %v, want silence", limit, a)
		case want >= 0 && (a == nil || a.status != 0 || fmt.Sprint(a.bindings) != fmt.Sprint(full.bindings[:want])):
			t.Fatalf("limit %d: got %v, want %d variables", limit, a, want)
		}
	}
	if got := d.engine.counters.statistics(); got[enginemib.SilentDrops] != uint64(sizes[0]) || got[enginemib.OutTooBigs] != 0 {
		t.Errorf("counted %+v, want %d silent drops", got, sizes[0])
	}
}

// TestGetSizes asks with every limit: the answer is whole, tooBig or silence.
func TestGetSizes(t *testing.T) {
	d := testEngine(t, newTestTree(t, 3), nil)
	request := messageOf(1, "public", pduOf(0xa0, 1, 0, 0, asked(slices.Repeat([]string{descrName}, 20)...)))
	whole, _ := d.process(t.Context(), request, fromLoopback, within(noLimit))
	size := len(whole)
	tooBig := len(messageOf(1, "public", pduOf(0xa2, 1, 1, 0, asked())))
	for limit := range size + 2 {
		a := ask(t, d, request, limit)
		switch {
		case limit < tooBig:
			if a != nil {
				t.Fatalf("limit %d: got %v", limit, a)
			}
		case limit < size:
			if a == nil || a.status != int32(mib.TooBig) || a.index != 0 || len(a.bindings) != 0 {
				t.Fatalf("limit %d: got %v", limit, a)
			}
		case a == nil || a.status != 0 || len(a.bindings) != 20:
			t.Fatalf("limit %d: got %v", limit, a)
		}
	}
}

func TestStatusV1(t *testing.T) {
	// RFC 3584, section 4.3.
	for v2, v1 := range map[mib.Status]mib.Status{
		mib.NoError: mib.NoError, mib.TooBig: mib.TooBig, mib.NoSuchName: mib.NoSuchName, mib.BadValue: mib.BadValue,
		mib.ReadOnly: mib.ReadOnly, mib.GenErr: mib.GenErr, mib.WrongValue: mib.BadValue, mib.WrongEncoding: mib.BadValue,
		mib.WrongType: mib.BadValue, mib.WrongLength: mib.BadValue, mib.InconsistentValue: mib.BadValue,
		mib.NoAccess: mib.NoSuchName, mib.NotWritable: mib.NoSuchName, mib.NoCreation: mib.NoSuchName,
		mib.InconsistentName: mib.NoSuchName, mib.AuthorizationError: mib.NoSuchName,
		mib.ResourceUnavailable: mib.GenErr, mib.CommitFailed: mib.GenErr, mib.UndoFailed: mib.GenErr,
	} {
		if got := statusV1(v2); got != v1 {
			t.Errorf("%v: got %v, want %v", v2, got, v1)
		}
	}
}

// TestWouldWait holds that a request which would wait leaves no trace, and can be
// processed again.
func TestWouldWait(t *testing.T) {
	release := make(chan struct{})
	source := fresh.New(func(context.Context) ([]item, error) {
		<-release
		return testItems(3), nil
	})
	d := testEngine(t, newTreeOf(t, itemTable().Bind(source), scalarGroup().BindNow(func() scalars { return scalars{descr: "a test"} })), nil)
	request := messageOf(1, "public", pduOf(0xa5, 1, 0, 3, asked(descrName, tableEntry+".2")))
	if answer, err := d.process(noWait, request, fromLoopback, within(noLimit)); !wouldWait(err) || answer != nil {
		t.Fatalf("got %x, %v", answer, err)
	}
	if got := d.engine.counters.statistics(); got != (enginemib.Statistics{}) {
		t.Errorf("counted %+v before there was an outcome", got)
	}
	checkAlive(t, d)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	answer, err := d.process(ctx, request, fromLoopback, within(noLimit))
	if err != nil {
		t.Fatal(err)
	}
	if a := readAnswer(t, answer); a.status != int32(mib.GenErr) || a.index != 2 {
		t.Errorf("after the deadline: got %v", a)
	}
	close(release)
	if a := ask(t, d, request, noLimit); a == nil || a.status != 0 || len(a.bindings) != 6 {
		t.Errorf("got %v", a)
	}
}
