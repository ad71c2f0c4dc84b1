package snmp

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
)

const (
	testEngineID   = usm.EngineID("\x80\x00\x1f\x88\x04test")
	authPassphrase = "of-authenticity"
	privPassphrase = "confidential"
)

// userOf returns the user of the protocols, whose name says which these are.
func userOf(t testing.TB, h usm.Hash, c usm.Cipher) usm.User {
	t.Helper()
	u, err := usm.Credentials{
		Name: fmt.Sprintf("%s,%s", h, c), Auth: h, AuthSecret: usm.NewSecret([]byte(authPassphrase)),
		Priv: c, PrivSecret: usm.NewSecret([]byte(privPassphrase)),
	}.Localize(testEngineID)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func usmOf(t testing.TB, boots int32, started time.Time, users ...usm.User) *usm.Model {
	t.Helper()
	m := usm.New(usm.NewEngine(testEngineID, boots, started), usm.Options{})
	if err := m.SetUsers(users); err != nil {
		t.Fatal(err)
	}
	return m
}

// everybody may do everything.
type everybody struct{}

func (everybody) View(*Principal, Operation) (mib.Subset, bool) { return nil, true }

var (
	allHashes  = []usm.Hash{usm.MD5, usm.SHA1, usm.SHA224, usm.SHA256, usm.SHA384, usm.SHA512}
	allCiphers = []usm.Cipher{usm.DES, usm.AES128, usm.AES192, usm.AES256, usm.AES192C, usm.AES256C}
)

func allUsers(t testing.TB) []usm.User {
	t.Helper()
	users := []usm.User{userOf(t, usm.NoAuth, usm.NoPriv)}
	for _, h := range allHashes {
		users = append(users, userOf(t, h, usm.NoPriv))
		for _, c := range allCiphers {
			users = append(users, userOf(t, h, c))
		}
	}
	return users
}

// TestV3NetSNMP asks with net-snmp's snmpget for every level, hash and cipher.
func TestV3NetSNMP(t *testing.T) {
	users := allUsers(t)
	_, addresses := startServer(t, Options{Handler: newTestTree(t, 3), USM: usmOf(t, 7, time.Now(), users...), Access: everybody{}}, "udp:127.0.0.1:0", "tcp:127.0.0.1:0")
	for i, u := range users {
		args := []string{"-v3", "-u", u.Name, "-l", u.Level().String()}
		if u.Level() >= usm.AuthNoPriv {
			args = append(args, "-a", u.Auth.String(), "-A", authPassphrase)
		}
		if u.Level() == usm.AuthPriv {
			args = append(args, "-x", u.Priv.String(), "-X", privPassphrase)
		}
		out, err := netSNMP(t, addresses[i%2].String())("snmpget", append(args, "AGENT", descrName)...)
		if want := "." + descrName + ` = STRING: "a test"`; err != nil || !strings.Contains(out, want) {
			t.Errorf("%s: %v, %s", u.Name, err, out)
		}
	}
}

// goSNMP returns a client for a user at a level, which may have another secret than the user.
func goSNMP(t testing.TB, a Address, u usm.User, level usm.Level, auth, priv string) *gosnmp.GoSNMP {
	t.Helper()
	hashes := map[usm.Hash]gosnmp.SnmpV3AuthProtocol{usm.NoAuth: gosnmp.NoAuth, usm.MD5: gosnmp.MD5, usm.SHA1: gosnmp.SHA,
		usm.SHA224: gosnmp.SHA224, usm.SHA256: gosnmp.SHA256, usm.SHA384: gosnmp.SHA384, usm.SHA512: gosnmp.SHA512}
	ciphers := map[usm.Cipher]gosnmp.SnmpV3PrivProtocol{usm.NoPriv: gosnmp.NoPriv, usm.DES: gosnmp.DES, usm.AES128: gosnmp.AES,
		usm.AES192: gosnmp.AES192, usm.AES256: gosnmp.AES256, usm.AES192C: gosnmp.AES192C, usm.AES256C: gosnmp.AES256C}
	flags := map[usm.Level]gosnmp.SnmpV3MsgFlags{usm.NoAuthNoPriv: gosnmp.NoAuthNoPriv, usm.AuthNoPriv: gosnmp.AuthNoPriv, usm.AuthPriv: gosnmp.AuthPriv}
	security := &gosnmp.UsmSecurityParameters{UserName: u.Name, AuthenticationProtocol: gosnmp.NoAuth, PrivacyProtocol: gosnmp.NoPriv}
	if level >= usm.AuthNoPriv {
		security.AuthenticationProtocol, security.AuthenticationPassphrase = hashes[u.Auth], auth
	}
	if level == usm.AuthPriv {
		security.PrivacyProtocol, security.PrivacyPassphrase = ciphers[u.Priv], priv
	}
	c := &gosnmp.GoSNMP{
		Target: a.Addr().String(), Port: a.Port(), Transport: "udp", Version: gosnmp.Version3, Timeout: 5 * time.Second,
		SecurityModel: gosnmp.UserSecurityModel, MsgFlags: flags[level], SecurityParameters: security, MaxOids: 100,
	}
	if err := c.Connect(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Conn.Close() })
	return c
}

// TestV3GoSNMP reads the tree with an implementation of another origin.
func TestV3GoSNMP(t *testing.T) {
	users := allUsers(t)
	tree := newTestTree(t, 50)
	_, addresses := startServer(t, Options{Handler: tree, USM: usmOf(t, 7, time.Now(), users...), Access: everybody{}}, "udp:127.0.0.1:0")
	want := walkOf(t, tree, false)
	for _, u := range users {
		c := goSNMP(t, addresses[0], u, u.Level(), authPassphrase, privPassphrase)
		n := 0
		err := c.BulkWalk("."+testRoot.String(), func(v gosnmp.SnmpPDU) error {
			if n >= len(want) || v.Name != "."+want[n].Name().String() || byte(v.Type) != byte(want[n].Value.Type()) {
				t.Fatalf("%s: variable %d is %s", u.Name, n, v.Name)
			}
			n++
			return nil
		})
		if err != nil || n != len(want) {
			t.Errorf("%s: %d of %d variables, %v", u.Name, n, len(want), err)
		}
	}
}

// v3Message makes a message as a manager does, by another model that knows the user.
type v3Message struct {
	msgID, maxSize  int32
	flags           byte // besides the level
	securityModel   int32
	level           usm.Level
	user            string
	contextEngineID string
	contextName     string
	pdu             []byte
}

func (m v3Message) by(t testing.TB, manager *usm.Model, engine usm.EngineID) []byte {
	t.Helper()
	var out usm.Outgoing
	if engine == "" {
		manager.Discover(&out)
	} else if err := manager.Originate(&out, engine, m.user, m.level, time.Now()); err != nil {
		t.Fatal(err)
	}
	scoped := tlv(0x30, tlv(0x04, []byte(m.contextEngineID)), tlv(0x04, []byte(m.contextName)), m.pdu)
	buf := append(make([]byte, 300), scoped...)
	end := len(buf)
	buf = append(buf, make([]byte, usm.Padding)...)
	at, end := out.Wrap(buf, 300, end)
	global := tlv(0x30, num(m.msgID), num(m.maxSize), tlv(0x04, []byte{m.flags | m.level.Flags()}), num(m.securityModel))
	message := tlv(0x30, num(3), global, buf[at:end])
	out.Sign(message)
	return message
}

// v3Answer is what came back, taken apart by the tests' own decoder where it is not
// encrypted.
type v3Answer struct {
	msgID       int32
	flags       byte
	engineID    string
	boots, time int32
	kind        byte
	id          int32
	name, value string
}

func readV3(t testing.TB, message []byte) (a v3Answer) {
	t.Helper()
	content, rest := cut(t, message, 0x30)
	if len(rest) > 0 {
		t.Fatalf("%x follows the message", rest)
	}
	version, content := cutNum(t, content)
	if version != 3 {
		t.Fatalf("version %d", version)
	}
	global, content := cut(t, content, 0x30)
	a.msgID, global = cutNum(t, global)
	size, global := cutNum(t, global)
	flags, global := cut(t, global, 0x04)
	model, _ := cutNum(t, global)
	if size < 484 || model != 3 || len(flags) != 1 {
		t.Fatalf("msgMaxSize %d, msgSecurityModel %d, msgFlags %x", size, model, flags)
	}
	a.flags = flags[0]
	parameters, content := cut(t, content, 0x04)
	security, _ := cut(t, parameters, 0x30)
	engineID, security := cut(t, security, 0x04)
	a.engineID = string(engineID)
	a.boots, security = cutNum(t, security)
	a.time, _ = cutNum(t, security)
	if a.flags&2 != 0 {
		return a
	}
	scoped, _ := cut(t, content, 0x30)
	_, scoped = cut(t, scoped, 0x04)
	_, scoped = cut(t, scoped, 0x04)
	a.kind = scoped[0]
	pdu, _ := cut(t, scoped, 0)
	a.id, pdu = cutNum(t, pdu)
	_, pdu = cutNum(t, pdu)
	_, pdu = cutNum(t, pdu)
	list, _ := cut(t, pdu, 0x30)
	if len(list) > 0 {
		binding, _ := cut(t, list, 0x30)
		name, value := cut(t, binding, 0x06)
		a.name, a.value = oidText(name), fmt.Sprintf("%x", value)
	}
	return a
}

// TestReports holds what a manager is told of a message that is refused: the counter,
// at which level, and about which request (RFC 3412, section 7.1; RFC 3414, section 3.2).
func TestReports(t *testing.T) {
	user := userOf(t, usm.SHA256, usm.AES128)
	plain := userOf(t, usm.NoAuth, usm.NoPriv)
	wrong := user
	wrong.AuthKey = usm.NewSecret(bytes.Repeat([]byte{7}, usm.SHA256.KeySize()))
	otherPriv := user
	otherPriv.PrivKey = usm.NewSecret(bytes.Repeat([]byte{7}, usm.AES128.KeySize()))
	unknown := user
	unknown.Name = "nobody"
	here := usmOf(t, 7, time.Now().Add(-1000*time.Second), user, plain)
	s, err := NewServer(Options{Handler: newTestTree(t, 3), Log: quiet, USM: here, Access: everybody{}})
	if err != nil {
		t.Fatal(err)
	}
	get := pduOf(0xa0, 99, 0, 0, asked(descrName))
	usual := v3Message{msgID: 55, maxSize: 2000, flags: 4, securityModel: 3, level: usm.AuthPriv, user: user.Name,
		contextEngineID: string(testEngineID), pdu: get}
	with := func(change func(*v3Message)) v3Message {
		m := usual
		change(&m)
		return m
	}
	manager := func(boots int32, age time.Duration, u usm.User) *usm.Model {
		return usmOf(t, boots, time.Now().Add(-age), u)
	}
	const now = 1000 * time.Second
	authNoPriv := func(m *v3Message) { m.level = usm.AuthNoPriv }
	for _, c := range []struct {
		what    string
		message []byte
		counter enginemib.Counter
		level   byte // of the Report; 8: there is none
		id      int32
	}{
		{"discovery", with(func(m *v3Message) { m.level, m.pdu = usm.NoAuthNoPriv, pduOf(0xa0, 99, 0, 0, tlv(0x30)) }).by(t, here, ""), enginemib.UnknownEngineIDs, 0, 99},
		{"unknown user", with(func(m *v3Message) { m.user = "nobody"; m.level = usm.AuthNoPriv }).by(t, manager(7, now, unknown), testEngineID), enginemib.UnknownUserNames, 0, 99},
		{"unknown user, encrypted", with(func(m *v3Message) { m.user = "nobody" }).by(t, manager(7, now, unknown), testEngineID), enginemib.UnknownUserNames, 0, 0},
		{"level that the user does not have", with(func(m *v3Message) { m.user, m.level = plain.Name, usm.AuthNoPriv }).by(t, manager(7, now, func() usm.User { u := wrong; u.Name = plain.Name; return u }()), testEngineID), enginemib.UnsupportedSecLevels, 0, 99},
		{"wrong digest", with(authNoPriv).by(t, manager(7, now, wrong), testEngineID), enginemib.WrongDigests, 0, 99},
		{"wrong digest, encrypted", usual.by(t, manager(7, now, wrong), testEngineID), enginemib.WrongDigests, 0, 0},
		{"wrong digest, nobody waits", with(func(m *v3Message) { m.flags = 0 }).by(t, manager(7, now, wrong), testEngineID), enginemib.WrongDigests, 8, 0},
		{"wrong digest of a trap", with(func(m *v3Message) { m.level = usm.AuthNoPriv; m.pdu = pduOf(0xa7, 99, 0, 0, tlv(0x30)) }).by(t, manager(7, now, wrong), testEngineID), enginemib.WrongDigests, 8, 0},
		{"wrong digest, not reportable but confirmed", with(func(m *v3Message) { m.flags = 0; m.level = usm.AuthNoPriv }).by(t, manager(7, now, wrong), testEngineID), enginemib.WrongDigests, 0, 99},
		{"late", with(authNoPriv).by(t, manager(7, now+160*time.Second, user), testEngineID), enginemib.NotInTimeWindows, 1, 99},
		{"other boots", usual.by(t, manager(8, now, user), testEngineID), enginemib.NotInTimeWindows, 1, 0},
		{"decryption", usual.by(t, manager(7, now, otherPriv), testEngineID), enginemib.DecryptionErrors, 0, 0},
		{"unknown context", with(func(m *v3Message) { m.contextName = "red"; m.level = usm.AuthNoPriv }).by(t, manager(7, now, user), testEngineID), enginemib.UnknownContexts, 1, 99},
		{"context of another engine", with(func(m *v3Message) { m.contextEngineID = "another one"; m.level = usm.AuthNoPriv }).by(t, manager(7, now, user), testEngineID), enginemib.UnknownPDUHandlers, 1, 99},
		{"inform", with(func(m *v3Message) { m.level, m.pdu = usm.AuthNoPriv, pduOf(0xa6, 99, 0, 0, asked(descrName)) }).by(t, manager(7, now, user), testEngineID), enginemib.UnknownPDUHandlers, 1, 99},
		{"trap", with(func(m *v3Message) { m.level, m.pdu = usm.AuthNoPriv, pduOf(0xa7, 99, 0, 0, asked(descrName)) }).by(t, manager(7, now, user), testEngineID), enginemib.UnknownPDUHandlers, 8, 0},
		{"another security model", with(func(m *v3Message) { m.securityModel = 4 }).by(t, manager(7, now, user), testEngineID), enginemib.UnknownSecurityModels, 8, 0},
		{"privacy without authentication", with(func(m *v3Message) { m.level, m.flags = usm.NoAuthNoPriv, 6 }).by(t, here, ""), enginemib.InvalidMsgs, 8, 0},
		{"msgMaxSize of 483", with(func(m *v3Message) { m.maxSize = 483 }).by(t, manager(7, now, user), testEngineID), enginemib.InASNParseErrs, 8, 0},
		{"msgID below 0", with(func(m *v3Message) { m.msgID = -1 }).by(t, manager(7, now, user), testEngineID), enginemib.InASNParseErrs, 8, 0},
	} {
		d := newDispatcher(&s.engine)
		before := s.Statistics()
		answer, err := d.process(t.Context(), c.message, fromLoopback, within(noLimit))
		if err != nil {
			t.Fatal(err)
		}
		after := s.Statistics()
		if after[c.counter] != before[c.counter]+1 {
			t.Errorf("%s: %v is %d, before %d", c.what, c.counter, after[c.counter], before[c.counter])
		}
		if (answer == nil) != (c.level == 8) {
			t.Errorf("%s: answered by %x", c.what, answer)
		}
		if answer == nil {
			continue
		}
		a := readV3(t, answer)
		if a.msgID != 55 || a.flags != c.level || a.engineID != string(testEngineID) || a.boots != 7 || a.time < 1000 || a.kind != 0xa8 || a.id != c.id ||
			a.name != c.counter.OID().String() {
			t.Errorf("%s: %+v", c.what, a)
		}
	}
}

// TestV3Access holds that access control is told who asks, how securely and where.
func TestV3Access(t *testing.T) {
	user := userOf(t, usm.SHA1, usm.AES128)
	var mu sync.Mutex
	var asked []Principal
	access := accessFunc(func(who *Principal, what Operation) (mib.Subset, bool) {
		mu.Lock()
		defer mu.Unlock()
		asked = append(asked, *who)
		return nil, who.Level == usm.AuthPriv
	})
	tree := newTestTree(t, 3)
	_, addresses := startServer(t, Options{Handler: contexts{"": tree, "blue": tree}, USM: usmOf(t, 1, time.Now(), user), Access: access}, "udp:127.0.0.1:0")
	for _, level := range []usm.Level{usm.NoAuthNoPriv, usm.AuthNoPriv, usm.AuthPriv} {
		for _, context := range []string{"", "blue"} {
			mu.Lock()
			asked = nil
			mu.Unlock()
			c := goSNMP(t, addresses[0], user, level, authPassphrase, privPassphrase)
			c.ContextName = context
			got, err := c.Get([]string{descrName})
			want := gosnmp.AuthorizationError
			if level == usm.AuthPriv {
				want = gosnmp.NoError
			}
			if err != nil || got.Error != want {
				t.Errorf("%v in %q: %+v, %v", level, context, got, err)
			}
			mu.Lock()
			if len(asked) != 1 || asked[0] != (Principal{Model: UserBased, Name: user.Name, Level: level, Context: context}) {
				t.Errorf("%v in %q: access control saw %+v", level, context, asked)
			}
			mu.Unlock()
		}
	}
	// Nobody is let in by default.
	_, addresses = startServer(t, Options{Handler: tree, USM: usmOf(t, 1, time.Now(), user)}, "udp:127.0.0.1:0")
	if got, err := goSNMP(t, addresses[0], user, usm.AuthPriv, authPassphrase, privPassphrase).Get([]string{descrName}); err != nil || got.Error != gosnmp.AuthorizationError {
		t.Errorf("without access control: %+v, %v", got, err)
	}
}

type accessFunc func(*Principal, Operation) (mib.Subset, bool)

func (f accessFunc) View(who *Principal, what Operation) (mib.Subset, bool) { return f(who, what) }

// TestV3MaxSize holds that an answer has no more octets than its sender takes, and that
// it is filled up to that.
func TestV3MaxSize(t *testing.T) {
	user := userOf(t, usm.SHA512, usm.DES)
	here := usmOf(t, 1, time.Now(), user)
	s, err := NewServer(Options{Handler: newTestTree(t, 1000), Log: quiet, USM: here, Access: everybody{}})
	if err != nil {
		t.Fatal(err)
	}
	d := newDispatcher(&s.engine)
	for size := int32(484); size < 1600; size += 13 {
		m := v3Message{msgID: 1, maxSize: size, flags: 4, securityModel: 3, level: usm.AuthPriv, user: user.Name,
			contextEngineID: string(testEngineID), pdu: pduOf(0xa5, 1, 0, 1000, asked(tableEntry+".4"))}
		answer, err := d.process(t.Context(), m.by(t, usmOf(t, 1, time.Now(), user), testEngineID), fromLoopback, within(noLimit))
		if err != nil || len(answer) > int(size) || len(answer) < int(size)-60 {
			t.Errorf("msgMaxSize %d: %d octets, %v", size, len(answer), err)
		}
		readV3(t, answer)
	}
}

// hostileV3 is hostile for a message of SNMPv3.
func hostileV3(t testing.TB, d *dispatcher, message []byte) {
	t.Helper()
	_, before := outcomes(d.engine.counters.statistics())
	answer, err := d.process(t.Context(), message, fromLoopback, within(noLimit))
	if err != nil {
		t.Fatal(err)
	}
	if answer != nil {
		readV3(t, answer)
	}
	if _, after := outcomes(d.engine.counters.statistics()); after != before+1 {
		t.Fatalf("%x: %d outcomes were counted", message, after-before)
	}
}

// TestV3Malformed holds that nothing which is received makes the engine fail, and that
// one counter says what became of it.
func TestV3Malformed(t *testing.T) {
	user := userOf(t, usm.SHA256, usm.AES128)
	here := usmOf(t, 1, time.Now(), user)
	s, err := NewServer(Options{Handler: newTestTree(t, 3), Log: quiet, USM: here, Access: everybody{}, Communities: anywhere})
	if err != nil {
		t.Fatal(err)
	}
	d := newDispatcher(&s.engine)
	random := rand.New(rand.NewPCG(3, 4))
	for range 10_000 {
		m := v3Message{msgID: random.Int32(), maxSize: 484 + random.Int32N(60000), flags: 4, securityModel: 3,
			level: usm.Level(1 + random.IntN(3)), user: user.Name, contextEngineID: string(testEngineID),
			pdu: pduOf(0xa0+byte(random.IntN(9)), 1, 0, random.Int32N(10), asked(descrName))}
		if random.IntN(2) == 0 { // authentic, and malformed within
			i := random.IntN(len(m.pdu))
			m.pdu[i] = byte(random.IntN(256))
			m.pdu = m.pdu[:len(m.pdu)-random.IntN(2)]
		}
		message := m.by(t, here, testEngineID)
		if random.IntN(2) == 0 {
			for range 1 + random.IntN(3) {
				message[random.IntN(len(message))] = byte(random.IntN(256))
			}
			message = message[:len(message)-random.IntN(3)*random.IntN(len(message)/2)]
		}
		hostileV3(t, d, message)
	}
}

func FuzzV3(f *testing.F) {
	user := userOf(f, usm.SHA256, usm.AES128)
	plain := userOf(f, usm.NoAuth, usm.NoPriv)
	here := usmOf(f, 1, time.Now(), user, plain)
	get := pduOf(0xa0, 99, 0, 0, asked(descrName))
	scoped := tlv(0x30, tlv(0x04, []byte(testEngineID)), tlv(0x04, nil), get)
	f.Add(v3Message{msgID: 1, maxSize: 1500, flags: 4, securityModel: 3, level: usm.AuthPriv, user: user.Name, pdu: get}.by(f, here, testEngineID), false)
	f.Add(v3Message{msgID: 1, maxSize: 1500, flags: 4, securityModel: 3, level: usm.NoAuthNoPriv, user: plain.Name, pdu: get}.by(f, here, testEngineID), false)
	f.Add(v3Message{msgID: 1, maxSize: 1500, flags: 4, securityModel: 3, level: usm.NoAuthNoPriv, pdu: get}.by(f, here, ""), false)
	f.Add(scoped, true)
	s, err := NewServer(Options{Handler: newTestTree(f, 3), Log: quiet, USM: here, Access: everybody{}, Communities: anywhere})
	if err != nil {
		f.Fatal(err)
	}
	// within says that the octets stand in the place of the ScopedPDU of a message that
	// is authentic and encrypted.
	f.Fuzz(func(t *testing.T, message []byte, inside bool) {
		d := newDispatcher(&s.engine)
		if inside {
			if len(message) > 1<<15 {
				return
			}
			var out usm.Outgoing
			if err := here.Originate(&out, testEngineID, user.Name, usm.AuthPriv, time.Now()); err != nil {
				t.Fatal(err)
			}
			buf := append(make([]byte, 300), message...)
			end := len(buf)
			buf = append(buf, make([]byte, usm.Padding)...)
			at, end := out.Wrap(buf, 300, end)
			message = tlv(0x30, num(3), tlv(0x30, num(1), num(1500), tlv(0x04, []byte{7}), num(3)), buf[at:end])
			out.Sign(message)
		}
		hostileV3(t, d, message)
	})
}

// v3Requests are a GetRequest by SNMPv3 at each level with the usual protocols, and the
// engine that answers it.
func v3Requests(t testing.TB, tree mib.Handler, kind byte, repetitions int32, names ...string) (*dispatcher, map[usm.Level][]byte) {
	t.Helper()
	user := userOf(t, usm.SHA256, usm.AES128)
	here := usmOf(t, 1, time.Now(), user)
	s, err := NewServer(Options{Handler: tree, Log: quiet, USM: here, Access: everybody{}})
	if err != nil {
		t.Fatal(err)
	}
	requests := map[usm.Level][]byte{}
	for level := usm.NoAuthNoPriv; level <= usm.AuthPriv; level++ {
		requests[level] = v3Message{msgID: 1, maxSize: 65507, flags: 4, securityModel: 3, level: level, user: user.Name,
			contextEngineID: string(testEngineID), pdu: pduOf(kind, 77, 0, repetitions, asked(names...))}.by(t, here, testEngineID)
	}
	return newDispatcher(&s.engine), requests
}

func BenchmarkV3Get(b *testing.B) {
	d, requests := v3Requests(b, newTestTree(b, 10), 0xa0, 0, upTimeName.String())
	for level := usm.NoAuthNoPriv; level <= usm.AuthPriv; level++ {
		b.Run(level.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if answer, err := d.process(noWait, requests[level], fromLoopback, within(noLimit)); answer == nil || err != nil {
					b.Fatal("no answer", err)
				}
			}
		})
	}
}

func BenchmarkV3GetBulk50(b *testing.B) {
	d, requests := v3Requests(b, newTestTree(b, 1000), 0xa5, 50, tableEntry+".3")
	if _, err := d.process(b.Context(), requests[usm.AuthPriv], fromLoopback, within(noLimit)); err != nil {
		b.Fatal(err)
	}
	for level := usm.NoAuthNoPriv; level <= usm.AuthPriv; level++ {
		b.Run(level.String(), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if answer, err := d.process(noWait, requests[level], fromLoopback, within(noLimit)); answer == nil || err != nil {
					b.Fatal("no answer", err)
				}
			}
		})
	}
}
