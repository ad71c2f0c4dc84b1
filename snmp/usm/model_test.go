package usm

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
)

const (
	here  = EngineID("\x80\x00\x1f\x88\x04here")
	there = EngineID("\x80\x00\x1f\x88\x04there")
)

var start = time.Now()

func user(t testing.TB, engine EngineID, name string, h Hash, c Cipher) User {
	t.Helper()
	u, err := Credentials{Name: name, Auth: h, AuthSecret: NewSecret([]byte("authentication")), Priv: c,
		PrivSecret: NewSecret([]byte("confidential"))}.Localize(engine)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func model(t testing.TB, id EngineID, boots int32, list ...User) *Model {
	t.Helper()
	m := New(NewEngine(id, boots, start), Options{})
	if err := m.SetUsers(list); err != nil {
		t.Fatal(err)
	}
	return m
}

// scopedPDU is an element with some content.
func scopedPDU(text string) []byte {
	b, at := ber.Open(nil, ber.Sequence)
	for _, content := range []string{string(here), "", text} {
		var start int
		b, start = ber.Open(b, ber.OctetString)
		b = ber.Close(append(b, content...), start)
	}
	return ber.Close(b, at)
}

// message makes a message as a message processing model does.
func message(out *Outgoing, scoped []byte) []byte {
	buf := make([]byte, 512+len(scoped)+Padding)
	end := len(buf) - Padding
	at := end - len(scoped)
	copy(buf[at:], scoped)
	at, end = out.Wrap(buf, at, end)
	if size := out.Size(len(scoped)); end-at != size {
		panic(fmt.Sprintf("%d octets, and Size says %d", end-at, size))
	}
	last := at
	at = ber.PrependInteger(buf, at, 3) // msgSecurityModel
	at--
	buf[at] = out.Level().Flags() | 4
	at = ber.PrependHeader(buf, at, ber.OctetString, 1)
	at = ber.PrependInteger(buf, at, math.MaxUint16)
	at = ber.PrependInteger(buf, at, 12345)
	at = ber.PrependHeader(buf, at, ber.Sequence, last-at)
	at = ber.PrependInteger(buf, at, 3)
	at = ber.PrependHeader(buf, at, ber.Sequence, end-at)
	out.Sign(buf[at:end])
	return buf[at:end]
}

// receive takes a message apart as a message processing model does.
func receive(in *Incoming, message []byte) error {
	outer := ber.Decoder{Rest: message}
	d := outer.Enter("Message", ber.Sequence)
	d.Integer("version")
	header := d.Enter("msgGlobalData", ber.Sequence)
	header.Integer("msgID")
	header.Integer("msgMaxSize")
	flags := header.Content("msgFlags", ber.OctetString)
	in.Message = message
	in.Parameters = d.Content("msgSecurityParameters", ber.OctetString)
	in.DataTag, in.Data = d.Element("msgData")
	if d.Err != nil || len(flags) != 1 {
		return fmt.Errorf("flags %x: %w", flags, d.Err)
	}
	in.Level, _ = LevelOf(flags[0])
	return nil
}

func ask(t *testing.T, m *Model, in *Incoming, message []byte, now time.Time) Report {
	t.Helper()
	if err := receive(in, message); err != nil {
		t.Fatal(err)
	}
	before := bytes.Clone(message)
	r, err := m.ProcessIncoming(in, now)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(message, before) {
		t.Error("the message was changed")
	}
	return r
}

// request makes a manager's message to an engine, as that is known to the manager.
func request(t testing.TB, manager *Model, engine *Engine, u User, level Level, now time.Time, text string) []byte {
	t.Helper()
	var out Outgoing
	manager.users.Load().engines[string(engine.id)].clock.inTime(engine.boots, engine.Time(now), now)
	if err := manager.Originate(&out, engine.id, u.Name, level, now); err != nil {
		t.Fatal(err)
	}
	return message(&out, scopedPDU(text))
}

// TestEveryProtocol asks and answers with every hash, cipher, level and some lengths.
func TestEveryProtocol(t *testing.T) {
	var in Incoming
	var out Outgoing
	for h := MD5; h <= SHA512; h++ {
		for c := DES; c <= AES256C; c++ {
			u := user(t, here, "u", h, c)
			agent, manager := model(t, here, 7, u), model(t, there, 1, u)
			now := start.Add(time.Hour)
			for level := NoAuthNoPriv; level <= AuthPriv; level++ {
				for _, n := range []int{0, 1, 7, 8, 9, 15, 16, 17, 100, 127, 128, 300, 70000} {
					text := strings.Repeat("x", n)
					sent := request(t, manager, agent.engine, u, level, now, text)
					if level == AuthPriv && n > 15 && bytes.Contains(sent, []byte(text)) {
						t.Errorf("%s, %s: %s in clear", h, c, text)
					}
					if r := ask(t, agent, &in, sent, now); r != NoReport || in.SecurityName != "u" {
						t.Fatalf("%s, %s, %s, %d octets: %s for %q", h, c, level, n, r, in.SecurityName)
					}
					want := scopedPDU(text)
					if !bytes.HasSuffix(want, in.ScopedPDU) || len(in.ScopedPDU) < n+10 {
						t.Fatalf("%s, %s, %s: ScopedPDU %x", h, c, level, in.ScopedPDU)
					}
					agent.Answer(&out, &in, now)
					answer := message(&out, scopedPDU("answer"))
					if r := ask(t, manager, &in, answer, now); r != NoReport || !bytes.HasSuffix(scopedPDU("answer"), in.ScopedPDU) {
						t.Fatalf("%s, %s, %s: answer %s", h, c, level, r)
					}
					// An octet that was changed is found.
					if level == NoAuthNoPriv {
						continue
					}
					spoilt := bytes.Clone(sent)
					spoilt[len(spoilt)-1] ^= 1
					if r := ask(t, agent, &in, spoilt, now); r != WrongDigests {
						t.Fatalf("%s, %s, %s: a changed message: %s", h, c, level, r)
					}
				}
			}
		}
	}
}

// TestBothKeyExtensions asks with the other way to extend a key than the user was made
// with, back and forth, and wants to be answered in the same way.
func TestBothKeyExtensions(t *testing.T) {
	var in Incoming
	var out Outgoing
	for _, h := range []Hash{MD5, SHA1, SHA224, SHA256} {
		for _, c := range []Cipher{AES192, AES256, AES192C, AES256C} {
			agent := model(t, here, 7, user(t, here, "u", h, c))
			for _, asked := range []Cipher{c, c.sibling(), c.sibling(), c, c.sibling()} {
				u := user(t, here, "u", h, asked)
				manager := model(t, there, 1, u)
				manager.users.Load().engines[string(here)].accounts["u"].sibling = nil // it knows one way
				if r := ask(t, agent, &in, request(t, manager, agent.engine, u, AuthPriv, start, "?"), start); r != NoReport {
					t.Fatalf("%s: user with %s, asked with %s: %s", h, c, asked, r)
				}
				agent.Answer(&out, &in, start)
				if r := ask(t, manager, &in, message(&out, scopedPDU("!")), start); r != NoReport {
					t.Fatalf("%s: user with %s, asked with %s: answered with %s", h, c, asked, r)
				}
				// What it sends unasked is in the way that was heard last, and stays
				// so when users are set again.
				if err := agent.SetUsers(agent.Users()); err != nil {
					t.Fatal(err)
				}
				if err := agent.Originate(&out, here, "u", AuthPriv, start); err != nil {
					t.Fatal(err)
				}
				if r := ask(t, manager, &in, message(&out, scopedPDU("trap")), start); r != NoReport {
					t.Fatalf("%s: user with %s, heard %s: trap %s", h, c, asked, r)
				}
			}
		}
	}
}

// TestReports holds each report, in the order of RFC 3414, section 3.2, and its level.
func TestReports(t *testing.T) {
	var in Incoming
	u := user(t, here, "u", SHA256, AES128)
	agent := model(t, here, 7, u, user(t, here, "auth", SHA1, NoPriv), user(t, here, "none", NoAuth, NoPriv))
	now := start.Add(1000 * time.Second)
	manager := func(change func(u *User)) []byte {
		v := u
		change(&v)
		engine := NewEngine(v.EngineID, 7, start)
		return request(t, model(t, there, 1, v), engine, v, v.Level(), now, "?")
	}
	strange := func(k Secret) Secret {
		b := bytes.Clone(k.Bytes())
		b[0] ^= 1
		return NewSecret(b)
	}
	late := func(boots int32, seconds int) []byte {
		m := model(t, there, 1, u)
		engine := NewEngine(here, boots, start.Add(time.Duration(-seconds)*time.Second))
		return request(t, m, engine, u, AuthPriv, now, "?")
	}
	var discovery Outgoing
	agent.Discover(&discovery)
	for _, c := range []struct {
		what    string
		step    string
		message []byte
		want    Report
		level   Level
	}{
		{"discovery", "3", message(&discovery, scopedPDU("?")), UnknownEngineIDs, NoAuthNoPriv},
		{"another engine", "3", manager(func(u *User) { u.EngineID = there + "x" }), UnknownEngineIDs, NoAuthNoPriv},
		{"unknown user", "4", manager(func(u *User) { u.Name = "nobody" }), UnknownUserNames, NoAuthNoPriv},
		{"unknown user with a wrong key", "4", manager(func(u *User) { u.Name, u.AuthKey = "nobody", strange(u.AuthKey) }), UnknownUserNames, NoAuthNoPriv},
		{"level of a user without privacy", "5", manager(func(u *User) { u.Name = "auth" }), UnsupportedSecLevels, NoAuthNoPriv},
		{"level of a user without keys", "5", manager(func(u *User) { u.Name, u.Priv, u.PrivKey = "none", NoPriv, Secret{} }), UnsupportedSecLevels, NoAuthNoPriv},
		{"wrong key", "6", manager(func(u *User) { u.AuthKey = strange(u.AuthKey) }), WrongDigests, NoAuthNoPriv},
		{"another hash", "6", manager(func(v *User) { *v = user(t, here, "u", SHA512, AES128) }), WrongDigests, NoAuthNoPriv},
		{"151 s ahead", "7a", late(7, 151), NotInTimeWindows, AuthNoPriv},
		{"150 s ahead", "7a", late(7, 150), NoReport, 0},
		{"149 s ahead", "7a", late(7, 149), NoReport, 0},
		{"149 s behind", "7a", late(7, -149), NoReport, 0},
		{"150 s behind", "7a", late(7, -150), NoReport, 0},
		{"151 s behind", "7a", late(7, -151), NotInTimeWindows, AuthNoPriv},
		{"the start before", "7a", late(6, 0), NotInTimeWindows, AuthNoPriv},
		{"the next start", "7a", late(8, 0), NotInTimeWindows, AuthNoPriv},
		{"another cipher's key", "8", manager(func(u *User) { u.PrivKey = strange(u.PrivKey) }), DecryptionErrors, NoAuthNoPriv},
		{"another cipher", "8", manager(func(v *User) { *v = user(t, here, "u", SHA256, DES) }), DecryptionErrors, NoAuthNoPriv},
	} {
		got := ask(t, agent, &in, c.message, now)
		if got != c.want {
			t.Errorf("%s (step %s): %s, want %s", c.what, c.step, got, c.want)
			continue
		}
		if got == NoReport {
			continue
		}
		if got.Level() != c.level {
			t.Errorf("%s: report at %s", c.what, got.Level())
		}
		var out Outgoing
		agent.Report(&out, &in, got, now)
		answer := message(&out, scopedPDU("report"))
		var back Incoming
		if err := receive(&back, answer); err != nil {
			t.Fatal(err)
		}
		if err := back.Parsed.Parse(back.Parameters); err != nil {
			t.Fatal(err)
		}
		if p := back.Parsed; string(p.EngineID) != string(here) || p.Boots != 7 || p.Time != 1000 || !bytes.Equal(p.UserName, in.Parsed.UserName) {
			t.Errorf("%s: report from %x, %d, %d, %q", c.what, p.EngineID, p.Boots, p.Time, p.UserName)
		}
		if got == NotInTimeWindows { // it can be believed
			m := model(t, there, 1, u)
			if r := ask(t, m, &back, answer, now); r != NoReport {
				t.Errorf("%s: the report is not authentic: %s", c.what, r)
			}
		}
	}
	if r := UnknownEngineIDs.OID().String(); r != "1.3.6.1.6.3.15.1.1.4.0" {
		t.Error(r)
	}
}

// TestReplay holds that a message of before the engine's start is refused after it.
func TestReplay(t *testing.T) {
	var in Incoming
	u := user(t, here, "u", SHA256, AES128)
	before, after := model(t, here, 7, u), model(t, here, 8, u)
	sent := request(t, model(t, there, 1, u), before.engine, u, AuthPriv, start, "?")
	if r := ask(t, before, &in, sent, start); r != NoReport {
		t.Fatal(r)
	}
	if r := ask(t, after, &in, sent, start); r != NotInTimeWindows {
		t.Errorf("of the start before: %s", r)
	}
	worn := model(t, here, math.MaxInt32, u)
	if r := ask(t, worn, &in, request(t, model(t, there, 1, u), worn.engine, u, AuthPriv, start, "?"), start); r != NotInTimeWindows {
		t.Errorf("an engine whose boots are used up: %s", r)
	}
}

// TestRemoteClock holds RFC 3414, section 3.2, step 7b, and section 2.3: what is known of
// another engine's clock goes forward only, by authentic messages.
func TestRemoteClock(t *testing.T) {
	u := user(t, here, "u", SHA256, AES128)
	manager := model(t, there, 1, u)
	answer := func(boots int32, seconds int, now time.Time) Report {
		agent := model(t, here, boots, u)
		agent.engine.started = now.Add(time.Duration(-seconds) * time.Second)
		var out Outgoing
		if err := agent.Originate(&out, here, "u", AuthPriv, now); err != nil {
			t.Fatal(err)
		}
		var in Incoming
		return ask(t, manager, &in, message(&out, scopedPDU("!")), now)
	}
	for _, c := range []struct {
		boots   int32
		seconds int // since it started
		later   int // when it arrives
		want    Report
	}{
		{5, 1000, 0, NoReport},           // the first one is believed
		{5, 1000, 150, NoReport},         // late, within the window
		{5, 1000, 151, NotInTimeWindows}, // later
		{5, 2000, 151, NoReport},         // its clock is ahead
		{5, 1700, 151, NotInTimeWindows}, // behind what was heard
		{4, 9000, 151, NotInTimeWindows}, // of the start before
		{6, 1, 151, NoReport},
		{5, 3000, 151, NotInTimeWindows},
		{math.MaxInt32, 1, 151, NotInTimeWindows},
	} {
		if r := answer(c.boots, c.seconds, start.Add(time.Duration(c.later)*time.Second)); r != c.want {
			t.Errorf("%+v: %s", c, r)
		}
	}
}

// TestMalformedParameters holds that what cannot be decoded is an error, whoever it is
// from.
func TestMalformedParameters(t *testing.T) {
	u := user(t, here, "u", SHA256, AES128)
	agent := model(t, here, 7, u)
	sent := request(t, model(t, there, 1, u), agent.engine, u, AuthPriv, start, "?")
	var in Incoming
	if err := receive(&in, sent); err != nil {
		t.Fatal(err)
	}
	whole := in.Parameters
	for n := range len(whole) {
		in.Parameters = whole[:n]
		if r, err := agent.ProcessIncoming(&in, start); err == nil {
			t.Errorf("the first %d octets: %s", n, r)
		}
	}
	in.Parameters, in.DataTag = whole, ber.Sequence
	if r, err := agent.ProcessIncoming(&in, start); err == nil {
		t.Errorf("data in clear at authPriv: %s", r)
	}
	for _, p := range []Parameters{{Boots: -1}, {Time: -1}, {UserName: make([]byte, 33)}} {
		b, at := ber.Open(nil, ber.Sequence)
		octets := func(o []byte) {
			var start int
			b, start = ber.Open(b, ber.OctetString)
			b = ber.Close(append(b, o...), start)
		}
		octets(nil)
		b = ber.AppendInteger(b, ber.Integer, int64(p.Boots))
		b = ber.AppendInteger(b, ber.Integer, int64(p.Time))
		octets(p.UserName)
		octets(nil)
		octets(nil)
		var parsed Parameters
		if err := parsed.Parse(ber.Close(b, at)); err == nil {
			t.Errorf("%+v was taken", p)
		}
	}
}

func TestUsersRefused(t *testing.T) {
	u := user(t, here, "u", SHA256, AES128)
	m := model(t, here, 1, u)
	short := u
	short.AuthKey = NewSecret([]byte("x"))
	for what, list := range map[string][]User{"twice": {u, u}, "a short key": {short}} {
		if err := m.SetUsers(list); err == nil || !strings.Contains(err.Error(), `"u"`) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got := m.Users(); len(got) != 1 || got[0].Name != "u" {
		t.Errorf("users %v", got)
	}
	fips := New(NewEngine(here, 1, start), Options{FIPS: true})
	for _, u := range []User{user(t, here, "md5", MD5, AES128), user(t, here, "des", SHA256, DES), user(t, there, "short", SHA1, AES192), user(t, here, "reeder", SHA224, AES256C)} {
		if err := fips.SetUsers([]User{u}); err == nil || !strings.Contains(err.Error(), "FIPS") {
			t.Errorf("%s: %v", u.Name, err)
		}
	}
	if err := fips.SetUsers([]User{u, user(t, there, "u", SHA1, AES128), user(t, here, "long", SHA256, AES256), user(t, here, "192", SHA224, AES192), {EngineID: here, Name: "none"}}); err != nil {
		t.Error(err)
	}
}

// exchanges returns a function that takes a request and makes the answer.
func exchanges(t testing.TB, h Hash, c Cipher, level Level) func() {
	u := user(t, here, "u", h, c)
	agent := model(t, here, 7, u)
	sent := request(t, model(t, there, 1, u), agent.engine, u, level, start, "some forty octets of a request, or so....")
	var in Incoming
	var out Outgoing
	scoped := scopedPDU("some forty octets of an answer, or so....")
	buf := make([]byte, 1500)
	return func() {
		if err := receive(&in, sent); err != nil {
			t.Fatal(err)
		}
		if r, err := agent.ProcessIncoming(&in, start); r != NoReport || err != nil {
			t.Fatal(r, err)
		}
		agent.Answer(&out, &in, start)
		end := len(buf) - Padding
		copy(buf[end-len(scoped):], scoped)
		at, end := out.Wrap(buf, end-len(scoped), end)
		out.Sign(buf[at:end])
	}
}

func BenchmarkExchange(b *testing.B) {
	for _, c := range []struct {
		h Hash
		c Cipher
		l Level
	}{
		{NoAuth, NoPriv, NoAuthNoPriv}, {SHA256, NoPriv, AuthNoPriv}, {MD5, DES, AuthPriv}, {SHA1, AES128, AuthPriv}, {SHA256, AES128, AuthPriv},
		{SHA1, AES256C, AuthPriv}, {SHA512, AES256, AuthPriv},
	} {
		b.Run(fmt.Sprintf("%s,%s,%s", c.h, c.c, c.l), func(b *testing.B) {
			exchange := exchanges(b, c.h, c.c, c.l)
			b.ReportAllocs()
			for b.Loop() {
				exchange()
			}
		})
	}
}

// FuzzProcessIncoming gives the model any message: from outside, and, with a MAC put in,
// from somebody who has the key.
func FuzzProcessIncoming(f *testing.F) {
	u := user(f, here, "u", SHA256, AES256)
	agent := model(f, here, 7, u)
	manager := model(f, there, 1, u)
	for level := NoAuthNoPriv; level <= AuthPriv; level++ {
		f.Add(request(f, manager, agent.engine, u, level, start, "?"))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var in Incoming
		if receive(&in, b) != nil || in.Level == 0 {
			return
		}
		r, err := agent.ProcessIncoming(&in, start)
		if r == WrongDigests && err == nil && len(in.Parsed.Authentication) == SHA256.MACSize() {
			a := agent.users.Load().engines[string(here)].accounts["u"]
			mac := in.Parsed.Authentication
			at := in.offset(mac)
			copy(mac, a.mac(nil, b, at, len(mac)))
			r, err = agent.ProcessIncoming(&in, start)
		}
		if err != nil || r != NoReport {
			return
		}
		d := ber.Decoder{Rest: in.ScopedPDU}
		for len(d.Rest) > 0 && d.Err == nil {
			d.Element("any")
		}
	})
}
