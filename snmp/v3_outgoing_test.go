package snmp

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
)

// trapd is net-snmp's snmptrapd, which writes what it receives to a file.
type trapd struct {
	t       testing.TB
	dir     string
	address TargetAddress
	cmd     *exec.Cmd
}

// newTrapd starts a snmptrapd, to which everybody may send whom its configuration names.
func newTrapd(t testing.TB, lines ...string) *trapd {
	t.Helper()
	nstest.NeedsProgram(t, "snmptrapd")
	free, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	port := uint16(free.LocalAddr().(*net.UDPAddr).Port)
	free.Close()
	d := &trapd{t: t, dir: t.TempDir(), address: TargetAddress{UDP, "127.0.0.1", port}}
	d.configure(lines...)
	d.start()
	t.Cleanup(d.stop)
	return d
}

func (d *trapd) configure(lines ...string) {
	d.t.Helper()
	all := append([]string{"disableAuthorization yes", "doNotRetainNotificationLogs yes", `format2 %P|%v\n`}, lines...)
	if err := os.WriteFile(filepath.Join(d.dir, "snmptrapd.conf"), []byte(strings.Join(all, "\n")+"\n"), 0o600); err != nil {
		d.t.Fatal(err)
	}
}

func (d *trapd) start() {
	d.t.Helper()
	before := strings.Count(d.log(), "NET-SNMP version")
	d.cmd = exec.Command("snmptrapd", "-f", "-C", "-c", filepath.Join(d.dir, "snmptrapd.conf"), "-On", "-n",
		"-x", filepath.Join(d.dir, "nobody"), "-A", "-Lf", d.logFile(), fmt.Sprintf("udp:127.0.0.1:%d", d.address.Port))
	d.cmd.Env = append(os.Environ(), "SNMP_PERSISTENT_DIR="+filepath.Join(d.dir, "persistent"), "MIBS=")
	if err := d.cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	eventually(d.t, "snmptrapd to start", func() bool { return strings.Count(d.log(), "NET-SNMP version") > before })
}

func (d *trapd) stop() {
	_ = d.cmd.Process.Signal(syscall.SIGTERM)
	_ = d.cmd.Wait()
	if d.t.Failed() {
		d.t.Log(d.log())
	}
}

func (d *trapd) logFile() string { return filepath.Join(d.dir, "log") }

func (d *trapd) log() string {
	text, _ := os.ReadFile(d.logFile())
	return string(text)
}

// received returns how often a notification came of a form from a user, told in a context,
// with that number.
func (d *trapd) received(form string, u usm.User, context string, number int) (n int) {
	for line := range strings.Lines(d.log()) {
		if strings.HasPrefix(line, fmt.Sprintf("%s, SNMP v3, user %s, context %s|", form, u.Name, context)) &&
			strings.Contains(line, fmt.Sprintf(".1.3.6.1.2.1.2.2.1.1.%d = INTEGER: %d", number, number)) {
			n++
		}
	}
	return n
}

// awaits waits for that.
func (d *trapd) awaits(form string, u usm.User, context string, number int) {
	d.t.Helper()
	eventually(d.t, fmt.Sprintf("%s %d of %s", form, number, u.Name), func() bool { return d.received(form, u, context, number) == 1 })
}

// createUser is the line that makes a user of the tests, at an engine or at snmptrapd's own.
func createUser(u usm.User, at usm.EngineID) string {
	line := "createUser "
	if at != "" {
		line += "-e " + at.String() + " "
	}
	line += u.Name
	if u.Auth != usm.NoAuth {
		line += " " + u.Auth.String() + " " + authPassphrase
	}
	if u.Priv != usm.NoPriv {
		line += " " + u.Priv.String() + " " + privPassphrase
	}
	return line
}

// credentialsOf are what a user of the tests is known by.
func credentialsOf(u usm.User) usm.Credentials {
	return usm.Credentials{Name: u.Name, Auth: u.Auth, AuthSecret: usm.NewSecret([]byte(authPassphrase)),
		Priv: u.Priv, PrivSecret: usm.NewSecret([]byte(privPassphrase))}
}

// target is a target with the secrets of a user.
func (d *trapd) target(u usm.User, inform bool) Target {
	return Target{Address: d.address, Version: SNMPv3, Inform: inform, Retries: 20, V3: TargetV3{User: credentialsOf(u), Level: u.Level()}}
}

// TestV3Snmptrapd holds that net-snmp's snmptrapd understands traps and informs of every
// level, hash and cipher.
func TestV3Snmptrapd(t *testing.T) {
	users := allUsers(t)
	var lines []string
	for _, u := range users {
		lines = append(lines, createUser(u, ""), createUser(u, testEngineID))
	}
	d := newTrapd(t, lines...)
	var targets []Target
	for _, u := range users {
		targets = append(targets, d.target(u, false), d.target(u, true))
	}
	s := newNotifier(t, Options{USM: usmOf(t, 3, time.Now())}, targets...)
	s.Notify(happened(time.Now(), 7))
	for _, u := range users {
		d.awaits("TRAP2", u, "", 7)
		d.awaits("INFORM", u, "", 7)
	}
	eventually(t, "the acknowledgements", func() bool { return s.Statistics()[enginemib.InGetResponses] == uint64(len(users)) })
	for number := 8; number < 60; number++ { // more than wait at a time
		s.Notify(happened(time.Now(), int32(number)))
	}
	last := users[len(users)-1]
	for number := 8; number < 60; number++ {
		d.awaits("INFORM", last, "", number)
	}
	if got := s.Statistics(); got[enginemib.InformsUnacknowledged] != 0 || got[enginemib.NotificationsDropped] != 0 {
		t.Errorf("%d unacknowledged, %d dropped", got[enginemib.InformsUnacknowledged], got[enginemib.NotificationsDropped])
	}
}

// TestV3UsersOfTheAgent holds that a target without secrets is sent to as the agent's user of
// that name, with the key that it has by now; and that a context is named.
func TestV3UsersOfTheAgent(t *testing.T) {
	u := userOf(t, usm.SHA256, usm.AES128)
	d := newTrapd(t, "exactEngineID 0x8000000001020304", createUser(u, ""), createUser(u, testEngineID))
	const there = usm.EngineID("\x80\x00\x00\x00\x01\x02\x03\x04")
	remote, err := credentialsOf(u).Localize(there)
	if err != nil {
		t.Fatal(err)
	}
	wrong := remote
	wrong.AuthKey = usm.NewSecret([]byte(strings.Repeat("x", usm.SHA256.KeySize())))
	users := usmOf(t, 1, time.Now(), u, wrong)
	to := Target{Address: d.address, Version: SNMPv3, Retries: 20, V3: TargetV3{User: usm.Credentials{Name: u.Name}, Level: usm.AuthPriv, Context: "blue"}}
	inform := to
	inform.Inform = true
	s := newNotifier(t, Options{USM: users}, to, inform)
	s.Notify(happened(time.Now(), 1))
	d.awaits("TRAP2", u, "blue", 1)
	eventually(t, "the inform to be refused", func() bool { return s.Statistics()[enginemib.InformsUnacknowledged] == 1 })
	if err := users.SetUsers([]usm.User{u, remote}); err != nil {
		t.Fatal(err)
	}
	s.Notify(happened(time.Now(), 2))
	d.awaits("INFORM", u, "blue", 2)
	if err := users.SetUsers(nil); err != nil {
		t.Fatal(err)
	}
	s.Notify(happened(time.Now(), 3))
	eventually(t, "two to be dropped", func() bool { return s.Statistics()[enginemib.NotificationsDropped] == 2 })
}

// TestNotificationsOfContexts holds that SNMPv3 names the context of what happened, whatever context the target is for otherwise; that a
// community stands for it, and that nobody gets what no community stands for; and that acknowledgements are known again.
func TestNotificationsOfContexts(t *testing.T) {
	u := userOf(t, usm.SHA256, usm.AES128)
	d := newTrapd(t, createUser(u, ""), createUser(u, testEngineID))
	v3, v3inform := d.target(u, false), d.target(u, true)
	v3.V3.Context = "white"
	v2c := Target{Address: d.address, Version: SNMPv2c, Community: "plain", Contexts: NewContextCommunities(map[string]Secret{"blue": "bluesecret"})}
	v2cinform := v2c
	v2cinform.Inform, v2cinform.Retries = true, 20
	v1 := Target{Address: d.address, Version: SNMPv1, Community: "old"}
	s := newNotifier(t, Options{USM: usmOf(t, 1, time.Now())}, v3, v3inform, v2c, v2cinform, v1)
	now := time.Now()
	s.NotifyOf("blue", now.Add(-time.Minute), happened(now, 1))
	s.NotifyOf("red", now.Add(-time.Hour), happened(now, 2))
	s.Notify(happened(now, 3))
	d.awaits("TRAP2", u, "blue", 1)
	d.awaits("TRAP2", u, "red", 2)
	d.awaits("TRAP2", u, "white", 3)
	d.awaits("INFORM", u, "blue", 1)
	d.awaits("INFORM", u, "red", 2)
	d.awaits("INFORM", u, "", 3)
	eventually(t, "all to be acknowledged", func() bool { return s.Statistics()[enginemib.InGetResponses] == 5 })
	eventually(t, "SNMPv1's", func() bool { return strings.Contains(d.log(), "community old") })
	for community, want := range map[string]int{"bluesecret": 2, "plain": 2} {
		if got := strings.Count(d.log(), "community "+community+"|"); got != want {
			t.Errorf("%d of %s, want %d:\n%s", got, community, want, d.log())
		}
	}
	if got := strings.Count(d.log(), "community old"); got != 1 {
		t.Errorf("%d by SNMPv1", got)
	}
	if !strings.Contains(d.log(), "Timeticks: (6000) ") || !strings.Contains(d.log(), "Timeticks: (360000) ") {
		t.Errorf("sysUpTime is not the context's:\n%s", d.log())
	}
}

// TestV3ReceiverComesBack holds that informs reach a receiver that starts anew, whose boots
// went up, and one that is another engine by then; and that they wait for one that is away.
func TestV3ReceiverComesBack(t *testing.T) {
	u := userOf(t, usm.SHA1, usm.AES256)
	d := newTrapd(t, createUser(u, ""))
	s := newNotifier(t, Options{USM: usmOf(t, 1, time.Now())}, d.target(u, true))
	s.Notify(happened(time.Now(), 1))
	d.awaits("INFORM", u, "", 1)
	boots := func() int {
		text, _ := os.ReadFile(filepath.Join(d.dir, "persistent", "snmptrapd.conf"))
		_, rest, _ := strings.Cut(string(text), "\nengineBoots ")
		first, _, _ := strings.Cut(rest, "\n")
		n, _ := strconv.Atoi(first)
		return n
	}
	before := boots()
	d.stop()
	d.start()
	if now := boots(); now <= before {
		t.Fatalf("snmptrapd started for the %d. time after the %d.", now, before)
	}
	s.Notify(happened(time.Now(), 2))
	d.awaits("INFORM", u, "", 2)

	d.stop()
	d.configure("exactEngineID 0x8000000001020304", createUser(u, ""))
	d.start()
	s.Notify(happened(time.Now(), 3))
	d.awaits("INFORM", u, "", 3)

	d.stop()
	late := newNotifier(t, Options{USM: usmOf(t, 1, time.Now())}, func() Target {
		to := d.target(u, true)
		to.Timeout, to.Retries = 10*time.Millisecond, 0
		return to
	}())
	for number := 4; number < 40; number++ {
		late.Notify(happened(time.Now(), int32(number)))
	}
	eventually(t, "it to be asked for again", func() bool { return late.Statistics()[enginemib.OutPkts] > 2 })
	if n := late.Statistics()[enginemib.InformsUnacknowledged]; n != 0 {
		t.Errorf("%d informs were given up", n)
	}
}

// TestV3Refused holds that an inform whose receiver says why it does not take it is sent
// once more at most, and that the log says why, without the secrets.
func TestV3Refused(t *testing.T) {
	u := userOf(t, usm.SHA256, usm.AES128)
	d := newTrapd(t, createUser(u, ""), createUser(userOf(t, usm.NoAuth, usm.NoPriv), ""))
	with := func(change func(*TargetV3)) Target {
		to := d.target(u, true)
		to.Retries = 1
		change(&to.V3)
		return to
	}
	for name, c := range map[string]struct {
		to      Target
		counter string
	}{
		"user":  {with(func(v *TargetV3) { v.User.Name = "nobody" }), "usmStatsUnknownUserNames"},
		"key":   {with(func(v *TargetV3) { v.User.AuthSecret = usm.NewSecret([]byte("not the one")) }), "usmStatsWrongDigests"},
		"hash":  {with(func(v *TargetV3) { v.User.Auth = usm.SHA1 }), "usmStatsWrongDigests"},
		"level": {with(func(v *TargetV3) { v.User.Name, v.Level = "none,none", usm.AuthNoPriv }), "usmStatsUnsupportedSecLevels"},
		// snmptrapd says nothing of what does not decrypt.
		"privacy": {with(func(v *TargetV3) { v.User.PrivSecret = usm.NewSecret([]byte("not the one")) }), "informs are not acknowledged"},
		"engine":  {with(func(v *TargetV3) { v.EngineID = testEngineID }), "it is engine 0x"},
	} {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			if name == "privacy" {
				c.to.Timeout = 50 * time.Millisecond
			}
			s := newNotifier(t, Options{USM: usmOf(t, 1, time.Now()), Log: slog.New(slog.NewTextHandler(&log, nil))}, c.to)
			for number := range 3 {
				s.Notify(happened(time.Now(), int32(number)))
				if name == "privacy" {
					continue // they wait
				}
				eventually(t, "it to be refused", func() bool { return s.Statistics()[enginemib.InformsUnacknowledged] == uint64(number+1) })
			}
			warnings := 1
			if name == "privacy" {
				warnings++                      // of what still waits in the end
				const asked, repetitions = 2, 2 // messages that discover who it is; then all three, and the first alone
				eventually(t, "the first to be sent again", func() bool { return s.Statistics()[enginemib.OutPkts] > asked+3*repetitions })
			}
			s.Close() // and with it who logs
			said := log.String()
			if strings.Count(said, "level=WARN") != warnings || !strings.Contains(said, c.counter) {
				t.Errorf("logged %s", said)
			}
			for _, secret := range []string{authPassphrase, privPassphrase, "not the one"} {
				if strings.Contains(said, secret) {
					t.Errorf("a secret is in %s", said)
				}
			}
		})
	}
}

// TestV3Forged holds that what anybody can send as an answer neither acknowledges an inform nor
// keeps it from being sent.
func TestV3Forged(t *testing.T) {
	const there = usm.EngineID("\x80\x00\x00\x00\x01there")
	u := userOf(t, usm.SHA256, usm.AES128)
	remote, err := credentialsOf(u).Localize(there)
	if err != nil {
		t.Fatal(err)
	}
	receiver := usm.New(usm.NewEngine(there, 9, time.Now()), usm.Options{})
	if err := receiver.SetUsers([]usm.User{remote, {EngineID: there, Name: "other"}}); err != nil {
		t.Fatal(err)
	}
	to := Target{Version: SNMPv3, Inform: true, V3: TargetV3{User: credentialsOf(u), Level: usm.AuthPriv}}
	newModel := func() *v3Outgoing { return newV3Outgoing(&to, usmOf(t, 1, time.Now())) }
	answer := func(level usm.Level, id int32, user string, pdu []byte) []byte {
		return v3Message{msgID: id, maxSize: 2000, securityModel: 3, level: level, user: user,
			contextEngineID: string(testEngineID), pdu: pdu}.by(t, receiver, there)
	}
	report := func(r usm.Report) []byte {
		return pduOf(0xa8, 0, 0, 0, tlv(0x30, varBind(oid(r.OID().String()), tlv(0x41, []byte{1}))))
	}
	receive := func(m *v3Outgoing, message []byte, waits ...int32) reply {
		outer := ber.Decoder{Rest: message}
		d := outer.Enter("Message", ber.Sequence)
		d.Integer("version")
		return m.receive(&d, message, func(id int32) (scope, bool) { return scope{}, slices.Contains(waits, id) })
	}
	m := newModel()
	if m.room() != 0 {
		t.Error("the engine is known")
	}
	m.discover()
	if r := receive(m, answer(usm.NoAuthNoPriv, m.discovery+1, "other", report(usm.UnknownEngineIDs))); r.verdict != drop || m.authoritative != "" {
		t.Errorf("a Report to no message: %+v", r)
	}
	for _, which := range []usm.Report{usm.UnknownUserNames, usm.WrongDigests, usm.NotInTimeWindows} {
		if r := receive(m, answer(usm.NoAuthNoPriv, m.discovery, "other", report(which))); r.verdict != drop || r.refusal != "" {
			t.Errorf("%v to who asks for the engine: %+v", which, r)
		}
	}
	if r := receive(m, answer(usm.NoAuthNoPriv, m.discovery, "other", report(usm.UnknownEngineIDs))); !r.discovered || m.authoritative != there || m.room() != 1 {
		t.Errorf("the engine: %+v, %q", r, m.authoritative)
	}
	buf := append(make([]byte, m.headroom(scope{})), pduOf(0xa6, 99, 0, 0, asked())...)
	_, id, err := m.prepareOutgoing(scope{}, buf, m.headroom(scope{}))
	if err != nil {
		t.Fatal(err)
	}
	response := pduOf(0xa2, 99, 0, 0, asked())
	for what, c := range map[string]struct {
		message []byte
	}{
		"a Response at a lower level":      {answer(usm.AuthNoPriv, id, u.Name, response)},
		"a Response without a MAC":         {answer(usm.NoAuthNoPriv, id, u.Name, response)},
		"a Response of another user":       {answer(usm.NoAuthNoPriv, id, "other", response)},
		"a Response to another message":    {answer(usm.AuthPriv, id^1, u.Name, response)},
		"a Report of the time, not signed": {answer(usm.NoAuthNoPriv, id, u.Name, report(usm.NotInTimeWindows))},
		"a Report of nothing":              {answer(usm.NoAuthNoPriv, id, u.Name, tlv(0xa8, num(1)))},
	} {
		if r := receive(m, c.message, id); r.verdict != drop {
			t.Errorf("%s: %+v", what, r)
		}
	}
	if r := receive(m, answer(usm.AuthNoPriv, id, u.Name, report(usm.NotInTimeWindows)), id); r.verdict != accept || !r.again || r.id != id {
		t.Errorf("the time: %+v", r)
	}
	if m.room() != maxOutstanding {
		t.Error("the time is not known")
	}
	if r := receive(m, answer(usm.AuthPriv, id, u.Name, response), id); r.verdict != accept || r.pduType != ber.Response || r.id != id {
		t.Errorf("the acknowledgement: %+v", r)
	}
}

// FuzzV3Receive gives a target's model any message as an answer.
func FuzzV3Receive(f *testing.F) {
	u := userOf(f, usm.SHA256, usm.AES128)
	to := Target{Version: SNMPv3, Inform: true, V3: TargetV3{User: credentialsOf(u), Level: usm.AuthPriv, EngineID: testEngineID}}
	users := usmOf(f, 1, time.Now(), u)
	for level := usm.NoAuthNoPriv; level <= usm.AuthPriv; level++ {
		for _, pdu := range [][]byte{pduOf(0xa2, 99, 0, 0, asked()), pduOf(0xa8, 0, 0, 0, asked(usm.UnknownEngineIDs.OID().String()))} {
			f.Add(v3Message{msgID: 1, maxSize: 2000, securityModel: 3, level: level, user: u.Name, pdu: pdu}.by(f, users, testEngineID))
		}
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		m := newV3Outgoing(&to, users)
		_ = m.identify()
		outer := ber.Decoder{Rest: message}
		d := outer.Enter("Message", ber.Sequence)
		if d.Integer("version"); d.Err != nil {
			return
		}
		r := m.receive(&d, message, func(int32) (scope, bool) { return scope{}, true })
		if r.verdict == accept && r.pduType == ber.Response && m.in.Level != usm.AuthPriv {
			t.Errorf("an acknowledgement at %v", m.in.Level)
		}
	})
}
