package snmp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
)

// writable is what the tests write: a text, a number and a count of commits.
type writable struct {
	mu    sync.Mutex
	value writableRow
	// began is told of each commit, which waits for goOn then; nil for neither.
	began, goOn chan struct{}
}

type writableRow struct {
	text    string
	number  int32
	commits int32
}

const (
	writableText   = "1.3.6.1.4.1.32473.1.7.1.0"
	writableNumber = "1.3.6.1.4.1.32473.1.7.2.0"
	writableCount  = "1.3.6.1.4.1.32473.1.7.3.0"
)

var errNoCommit = errors.New("it cannot be committed")

func (w *writable) now() writableRow {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.value
}

func (w *writable) write(_ context.Context, c *mib.Change[writableRow]) (mib.Assignment, error) {
	was, row := w.now(), c.Row
	put := func(row writableRow) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.value = row
	}
	return mib.Assignment{
		Commit: func(context.Context) error {
			if w.began != nil {
				w.began <- struct{}{}
				<-w.goOn
			}
			if row.number == math.MaxInt32 {
				return errNoCommit
			}
			row.commits = was.commits + 1
			put(row)
			return nil
		},
		Undo: func(context.Context) error { put(was); return nil },
	}, nil
}

func (w *writable) tree(t testing.TB) *mib.Tree {
	group := &mib.Group[writableRow]{
		Name: "writable", OID: testRoot.Sub(7),
		Objects: mib.Columns(
			mib.Column(1, "writableText", mib.AsText(mib.At(func(r *writableRow) *string { return &r.text }), 255)).Writable(),
			mib.Column(2, "writableNumber", mib.AsInteger(mib.At(func(r *writableRow) *int32 { return &r.number })).Within(0, math.MaxInt32)).Writable(),
			mib.Column(3, "writableCount", mib.AsInteger(mib.At(func(r *writableRow) *int32 { return &r.commits }))),
		),
	}
	return newTreeOf(t, group.WrittenBy(w.write).BindNow(w.now), scalarGroup().BindNow(func() scalars { return scalars{} }))
}

// lockedBuffer is a log that tests read.
type lockedBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// TestNetSNMPSet holds that net-snmp's snmpset writes by each version, is told why not in
// that version's words (RFC 3584, section 4.4), and that each is counted and logged with
// who did what, without a secret.
func TestNetSNMPSet(t *testing.T) {
	user := userOf(t, usm.SHA1, usm.AES128)
	user.Name = "writer"
	for _, version := range []struct {
		name, who    string
		options, may []string // who may read only, and who may write
		v1           bool
	}{
		{"v1", "securityModel=v1", []string{"-v1", "-c", "public"}, []string{"-v1", "-c", "private"}, true},
		{"v2c", "securityModel=v2c", []string{"-v2c", "-c", "public"}, []string{"-v2c", "-c", "private"}, false},
		{"v3", "securityModel=usm securityName=writer securityLevel=authPriv", nil,
			[]string{"-v3", "-u", "writer", "-l", "authPriv", "-a", "SHA", "-A", authPassphrase, "-x", "AES", "-X", privPassphrase}, false},
	} {
		t.Run(version.name, func(t *testing.T) {
			w, log := new(writable), new(lockedBuffer)
			var access AccessControl
			if !version.v1 && version.options == nil {
				access = everybody{}
			}
			server, addresses := startServer(t, Options{
				Handler: w.tree(t), USM: usmOf(t, 1, time.Now(), user), Access: access, Log: slog.New(slog.NewTextHandler(log, nil)),
			}, "udp:127.0.0.1:0")
			run := netSNMP(t, addresses[0].String())
			set := func(options []string, variables ...string) string {
				out, _ := run("snmpset", append(append(options[:len(options):len(options)], "AGENT"), variables...)...)
				return out
			}
			// refused holds that nothing is written, for that reason.
			refused := func(reason, reasonV1 string, options []string, variables ...string) {
				t.Helper()
				before, sets := w.now(), server.Statistics()[enginemib.InTotalSetVars]
				if version.v1 {
					reason = reasonV1
				}
				if out := set(options, variables...); !strings.Contains(out, reason) {
					t.Errorf("%v: %q, want %s", variables, out, reason)
				}
				if now := w.now(); now != before || server.Statistics()[enginemib.InTotalSetVars] != sets {
					t.Errorf("%v: %v became %v", variables, before, now)
				}
			}
			if out := set(version.may, writableText, "s", "some text", writableNumber, "i", "5"); !strings.Contains(out, `"some text"`) {
				t.Errorf("%q", out)
			}
			if now := w.now(); now != (writableRow{"some text", 5, 1}) {
				t.Errorf("it is %v", now)
			}
			if s := server.Statistics(); s[enginemib.InTotalSetVars] != 2 || s[enginemib.InSetRequests] != 1 {
				t.Errorf("%d variables of %d requests are counted", s[enginemib.InTotalSetVars], s[enginemib.InSetRequests])
			}
			written := log.String()
			for _, want := range []string{"level=INFO msg=\"variables written\"", "source=127.0.0.1", version.who,
				`variables="writableText.0 = OCTET STRING: \"some text\", writableNumber.0 = INTEGER: 5"`} {
				if !strings.Contains(written, want) {
					t.Errorf("log %q lacks %s", written, want)
				}
			}
			if version.options != nil {
				refused("noAccess", "noSuchName", version.options, writableText, "s", "x")
			}
			refused("notWritable", "noSuchName", version.may, writableNumber, "i", "6", writableCount, "i", "7")
			refused("wrongType", "badValue", version.may, writableNumber, "i", "6", writableText, "i", "7")
			refused("wrongLength", "badValue", version.may, writableNumber, "i", "6", writableText, "s", strings.Repeat("x", 256))
			refused("wrongValue", "badValue", version.may, writableText, "s", "y", writableNumber, "i", "-1")
			refused("noCreation", "noSuchName", version.may, writableText, "s", "y", strings.TrimSuffix(writableText, "0")+"1", "s", "x")
			refused("commitFailed", "genError", version.may, writableText, "s", "y", writableNumber, "i", fmt.Sprint(math.MaxInt32))
			if text := log.String(); strings.Contains(text, "private") || strings.Contains(text, authPassphrase) || strings.Contains(text, privPassphrase) {
				t.Errorf("a secret is in the log: %s", text)
			} else if !strings.Contains(text, "level=WARN msg=\"variables cannot be written\"") || !strings.Contains(text, errNoCommit.Error()) {
				t.Errorf("the log does not tell of what failed: %s", text)
			}
		})
	}
}

// TestRepeatedSet holds that a request which arrives again, from the same socket, is
// answered again and performed once, whether the first one is finished by then or not.
func TestRepeatedSet(t *testing.T) {
	w := &writable{began: make(chan struct{}), goOn: make(chan struct{})}
	_, addresses := startServer(t, Options{Handler: w.tree(t)}, "udp:127.0.0.1:0", "tcp:127.0.0.1:0")
	message := func(id int32, text string) []byte {
		return messageOf(1, "private", pduOf(0xa3, id, 0, 0, tlv(0x30, varBind(oid(writableText), tlv(0x04, []byte(text))))))
	}
	dial := func(network string, a Address) net.Conn {
		c, err := net.Dial(network, a.AddrPort.String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	send := func(c net.Conn, message []byte) {
		t.Helper()
		if _, err := c.Write(message); err != nil {
			t.Fatal(err)
		}
	}
	answer := func(c net.Conn, id int32) {
		t.Helper()
		buf := make([]byte, 1<<16)
		c.SetReadDeadline(time.Now().Add(patience))
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		if a := readAnswer(t, buf[:n]); a.status != 0 || a.id != id {
			t.Errorf("answer %+v", a)
		}
	}
	commit := func() {
		<-w.began
		w.goOn <- struct{}{}
	}
	holds := func(commits int32) {
		t.Helper()
		if now := w.now(); now.commits != commits {
			t.Errorf("there were %d commits, want %d", now.commits, commits)
		}
	}
	c, other := dial("udp", addresses[0]), dial("udp", addresses[0])

	send(c, message(1, "a"))
	<-w.began
	send(c, message(1, "a")) // while the first goes on
	send(c, message(1, "a"))
	w.goOn <- struct{}{}
	for range 3 {
		answer(c, 1)
	}
	send(c, message(1, "a")) // and after it
	answer(c, 1)
	holds(1)

	// Any of these is another request.
	for _, m := range [][]byte{message(2, "a"), message(2, "b"), message(2, "a")} {
		send(c, m)
		commit()
		answer(c, 2)
	}
	send(c, message(1, "a")) // and this is still the first
	answer(c, 1)
	send(other, message(1, "a"))
	commit()
	answer(other, 1)
	holds(5)

	tcp := dial("tcp", addresses[1]) // nothing is sent twice there
	for range 2 {
		send(tcp, message(1, "a"))
		commit()
		answer(tcp, 1)
	}
	holds(7)
}

// portOf is a source at a port.
func portOf(port uint16) origin { return origin{AddrPort: netip.AddrPortFrom(loopback, port)} }

// TestRepeatsForget holds that what changed nothing is tried again, that a request is
// known for a while, and of so many sources.
func TestRepeatsForget(t *testing.T) {
	r := newRepeats()
	in := &incoming{from: portOf(1)}
	p := &pdu{requestID: 1, bindings: []byte("x")}
	now := time.Now()
	begin := func(again bool) attempt {
		t.Helper()
		a := r.begin(in, p, true)
		if a.repeats() != again {
			t.Errorf("it repeats: %v", a.repeats())
		}
		return a
	}
	begin(false).end(&mib.SetError{Status: mib.CommitFailed}, now)
	begin(false).end(errors.New("otherwise"), now)
	begin(false).end(&mib.SetError{Status: mib.UndoFailed}, now)
	if err := begin(true).wait(); err == nil {
		t.Error("it is answered in another way")
	}
	r.last[in.from.AddrPort][0].at = now.Add(-repeatTime)
	begin(false).end(nil, now)
	for port := range uint16(2 * maxRepeats) {
		in.from = portOf(port + 2)
		begin(false).end(nil, now.Add(time.Duration(port)))
	}
	if len(r.last) > maxRepeats {
		t.Errorf("%d are known", len(r.last))
	}
	begin(true)
	// Who does not wait for answers repeats any of its last requests, whatever became of those between.
	from := in.from.AddrPort
	for id := range int32(2 * maxOfSource) {
		p.requestID = 10 + id
		var err error
		if id%3 == 0 {
			err = errors.New("it changed nothing")
		}
		begin(false).end(err, now)
	}
	if len(r.last[from]) > maxOfSource {
		t.Errorf("%d of one source are known", len(r.last[from]))
	}
	for id := int32(maxOfSource + maxOfSource/2); id < 2*maxOfSource; id++ {
		p.requestID = 10 + id
		if again := begin(id%3 != 0); !again.repeats() {
			again.end(errors.New("once more"), now)
		}
	}
	p.requestID = 10
	begin(false) // too long ago
	p.requestID = 11
	begin(false)
}

// TestSetTooBig holds that nothing is written where the answer would not fit: nobody
// would learn of it (RFC 3416, section 4.2.5).
func TestSetTooBig(t *testing.T) {
	w := new(writable)
	d := testEngine(t, w.tree(t), nil)
	message := messageOf(1, "private", pduOf(0xa3, 1, 0, 0, tlv(0x30, varBind(oid(writableText), tlv(0x04, []byte("x"))))))
	for limit := len(message) + 10; limit > 20; limit-- {
		before := w.now()
		a := ask(t, d, message, limit)
		fits := limit >= len(message)
		switch {
		case fits && (a == nil || a.status != 0 || w.now().commits != before.commits+1):
			t.Errorf("limit %d: %+v", limit, a)
		case !fits && w.now() != before:
			t.Errorf("limit %d: it was written", limit)
		case !fits && a != nil && a.status != int32(mib.TooBig):
			t.Errorf("limit %d: %+v", limit, a)
		}
	}
	if d.engine.counters.statistics()[enginemib.SilentDrops] == 0 {
		t.Error("no request was dropped")
	}
}

// TestSetKeepsNobodyWaiting holds that others are answered while variables are being
// written.
func TestSetKeepsNobodyWaiting(t *testing.T) {
	w := &writable{began: make(chan struct{}), goOn: make(chan struct{})}
	_, addresses := startServer(t, Options{Handler: w.tree(t)}, "udp:127.0.0.1:0")
	writer, err := net.Dial("udp", addresses[0].AddrPort.String())
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	if _, err := writer.Write(messageOf(1, "private", pduOf(0xa3, 1, 0, 0, tlv(0x30, varBind(oid(writableNumber), num(1)))))); err != nil {
		t.Fatal(err)
	}
	<-w.began
	run := netSNMP(t, addresses[0].String())
	if out, err := run("snmpget", "-v2c", "-c", "public", "AGENT", writableNumber); err != nil || !strings.Contains(out, "INTEGER: 0") {
		t.Errorf("%q, %v", out, err)
	}
	w.goOn <- struct{}{}
}
