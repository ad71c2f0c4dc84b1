package snmpwalk_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gosnmp/gosnmp"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
)

// managedUser is a user of SNMPv3 as the scripts in testdata/managers take it, and what they ask as it.
type managedUser struct {
	Name   string `json:"name"`
	Hash   string `json:"hash"`
	Auth   string `json:"auth"`
	Cipher string `json:"cipher"`
	Priv   string `json:"priv"`
	Get    string `json:"get"`
	Walk   string `json:"walk"`
	Set    string `json:"set"`
	Value  string `json:"value"` // of Set
}

// everyUser is a user of each level, hash and cipher, named after them.
func everyUser() (all []managedUser) {
	for h := usm.NoAuth; h <= usm.SHA512; h++ {
		for c := usm.NoPriv; c <= usm.AES256C && (h != usm.NoAuth || c == usm.NoPriv); c++ {
			u := managedUser{Name: fmt.Sprintf("%s.%s", h, c), Hash: h.String(), Cipher: c.String()}
			if h != usm.NoAuth {
				u.Auth = "authentic." + u.Name
			}
			if c != usm.NoPriv {
				u.Priv = "private." + u.Name
			}
			all = append(all, u)
		}
	}
	return all
}

func (u *managedUser) level() string {
	switch {
	case u.Priv != "":
		return "authPriv"
	case u.Auth != "":
		return "authNoPriv"
	}
	return "noAuthNoPriv"
}

// create is the line of a file that makes the user, for an engine where options say so.
func (u *managedUser) create(options ...string) string {
	words := append(append([]string{"createUser"}, options...), u.Name)
	if u.Auth != "" {
		words = append(words, u.Hash, u.Auth)
	}
	if u.Priv != "" {
		words = append(words, u.Cipher, u.Priv)
	}
	return strings.Join(words, " ")
}

// options are the user's for net-snmp's programs, and for a trapsess.
func (u *managedUser) options() []string {
	options := []string{"-v", "3", "-u", u.Name, "-l", u.level()}
	if u.Auth != "" {
		options = append(options, "-a", u.Hash, "-A", u.Auth)
	}
	if u.Priv != "" {
		options = append(options, "-x", u.Cipher, "-X", u.Priv)
	}
	return options
}

// managed is what a manager was answered as a user: variables, or why there are none.
type managed struct {
	Name  string `json:"name"`
	Lacks string `json:"lacks"` // the protocol that the manager does not have
	Get   any    `json:"get"`
	Walk  any    `json:"walk"`
	Set   any    `json:"set"`
	// Of these, absent where the user has no such key, only why.
	Unknown   any `json:"unknown"`
	WrongAuth any `json:"wrongAuth"`
	WrongPriv any `json:"wrongPriv"`
}

// v3Manager is an implementation of SNMPv3 that is not this project's.
type v3Manager struct {
	name string
	// lacks are the ciphers that it does not have.
	lacks []string
	// What it calls the Reports of a user that is not known and of wrong keys; one of several.
	unknown, wrongAuth, wrongPriv string
	ask                           func(t *testing.T, s *scene, users []managedUser) []managed
}

// v3Managers are the managers that are run. What they call the Reports is in their documentation or source.
func v3Managers() []v3Manager {
	return []v3Manager{
		{"net-snmp", nil, "Unknown user name", "Authentication failure", "Decryption error", askByNetSNMP},
		// It believes no Report that has no authentication, and says at once that it got one.
		{"gosnmp", nil, "unknown username|not authentic", "not authentic", "not authentic", askByGoSNMP},
		{"pysnmp", nil, "Unknown USM user", "Wrong SNMP PDU digest", "Ciphering services not available or ciphertext is broken", func(t *testing.T, s *scene, users []managedUser) []managed {
			return askByScript(t, s, pysnmp(t, "ask", "127.0.0.1", port), users)
		}},
		{"npm's net-snmp", []string{"AES-192", "AES-192-C"}, "Unknown User Name", "Wrong Digest", "Decryption Error", func(t *testing.T, s *scene, users []managedUser) []managed {
			return askByScript(t, s, netSNMPOfNode(t, "ask", "127.0.0.1", port), users)
		}},
	}
}

const (
	ifName      = "1.3.6.1.2.1.31.1.1.1.1"
	sysName     = "1.3.6.1.2.1.1.5.0"
	sysLocation = "1.3.6.1.2.1.1.6.0"
)

// TestManagersV3 holds that every manager reads, walks and writes as a user of every level, hash and cipher that it has; and
// that it learns at once, by name, of a user that is not known and of wrong keys.
func TestManagersV3(t *testing.T) {
	needsTools(t)
	s := newPair(t)
	users := everyUser()
	lines := []string{"sysName the-agent", "rocommunity public", "rocommunity6 public"}
	for i := range users {
		u := &users[i]
		u.Get, u.Walk, u.Set = sysName, ifName, sysLocation
		lines = append(lines, u.create(), "rwuser "+u.Name+" "+map[string]string{"noAuthNoPriv": "noauth", "authNoPriv": "auth", "authPriv": "priv"}[u.level()])
	}
	startEmbedded(t, s.NS, "--config", writeConfig(t, lines...), "--state", stateDir(t))
	var names []any
	for _, l := range s.links(t) {
		names = append(names, []any{fmt.Sprint(ifName, ".", l.Index), l.Name})
	}
	slices.SortFunc(names, func(a, b any) int {
		return slices.Compare(parseOID(t, a.([]any)[0].(string)), parseOID(t, b.([]any)[0].(string)))
	})
	for _, m := range v3Managers() {
		t.Run(m.name, func(t *testing.T) {
			for i := range users {
				users[i].Value = users[i].Name + " by " + m.name
			}
			answers := m.ask(t, s, users)
			if len(answers) != len(users) {
				t.Fatalf("answers to %d of %d users", len(answers), len(users))
			}
			for i, a := range answers {
				u := &users[i]
				if lacks := slices.Contains(m.lacks, u.Cipher); lacks || a.Lacks != "" {
					if !lacks || a.Lacks != u.Cipher {
						t.Errorf("%s: it says that it lacks %q; the test says that it lacks %q", u.Name, a.Lacks, m.lacks)
					}
					continue
				}
				location := []any{[]any{sysLocation, u.Value}}
				for _, of := range []struct {
					what      string
					got, want any
				}{{"GET", a.Get, []any{[]any{sysName, "the-agent"}}}, {"walk", a.Walk, names}, {"SET", a.Set, location}} {
					if fmt.Sprint(of.got) != fmt.Sprint(of.want) {
						t.Errorf("%s: %s: %v, want %v", u.Name, of.what, of.got, of.want)
					}
				}
				for _, of := range []struct {
					what string
					got  any
					want string
					is   bool
				}{{"an unknown user", a.Unknown, m.unknown, true}, {"a wrong key of the hash", a.WrongAuth, m.wrongAuth, u.Auth != ""}, {"a wrong key of the cipher", a.WrongPriv, m.wrongPriv, u.Priv != ""}} {
					if got, _ := of.got.(string); of.is && !slices.ContainsFunc(strings.Split(of.want, "|"), func(want string) bool { return strings.Contains(got, want) }) {
						t.Errorf("%s: %s: %v, want %s", u.Name, of.what, of.got, of.want)
					}
				}
			}
		})
	}
}

func askByNetSNMP(t *testing.T, s *scene, users []managedUser) (all []managed) {
	run := func(u managedUser, program string, more ...string) any {
		r := s.run(t, program, append(append(append(u.options(), slow...), "-OnQ", targets["udp"]), more...)...)
		if r.status != 0 || r.complaints != "" {
			return r.complaints + r.out
		}
		var variables []any
		for line := range strings.Lines(r.out) {
			name, value, _ := strings.Cut(strings.TrimSpace(line), " = ")
			variables = append(variables, []any{strings.TrimPrefix(name, "."), strings.Trim(value, `"`)})
		}
		return variables
	}
	for _, u := range users {
		a := managed{
			Name: u.Name, Get: run(u, "snmpget", u.Get), Walk: run(u, "snmpbulkwalk", u.Walk), Set: run(u, "snmpset", u.Set, "s", u.Value),
		}
		nobody := u
		nobody.Name = "nobody"
		a.Unknown = run(nobody, "snmpget", u.Get)
		if u.Auth != "" {
			wrong := u
			wrong.Auth = "of somebody else"
			a.WrongAuth = run(wrong, "snmpget", u.Get)
		}
		if u.Priv != "" {
			wrong := u
			wrong.Priv = "of somebody else"
			a.WrongPriv = run(wrong, "snmpget", u.Get)
		}
		all = append(all, a)
	}
	return all
}

func askByGoSNMP(t *testing.T, s *scene, users []managedUser) (all []managed) {
	hashes := map[string]gosnmp.SnmpV3AuthProtocol{"none": gosnmp.NoAuth, "MD5": gosnmp.MD5, "SHA": gosnmp.SHA,
		"SHA-224": gosnmp.SHA224, "SHA-256": gosnmp.SHA256, "SHA-384": gosnmp.SHA384, "SHA-512": gosnmp.SHA512}
	ciphers := map[string]gosnmp.SnmpV3PrivProtocol{"none": gosnmp.NoPriv, "DES": gosnmp.DES, "AES": gosnmp.AES,
		"AES-192": gosnmp.AES192, "AES-256": gosnmp.AES256, "AES-192-C": gosnmp.AES192C, "AES-256-C": gosnmp.AES256C}
	flags := map[string]gosnmp.SnmpV3MsgFlags{"noAuthNoPriv": gosnmp.NoAuthNoPriv, "authNoPriv": gosnmp.AuthNoPriv, "authPriv": gosnmp.AuthPriv}
	ask := func(u managedUser, how func(c *client) ([]gosnmp.SnmpPDU, error)) any {
		c := &client{&gosnmp.GoSNMP{
			Target: "127.0.0.1", Port: 1161, Transport: "udp", Version: gosnmp.Version3, Timeout: patience, Retries: 0,
			SecurityModel: gosnmp.UserSecurityModel, MsgFlags: flags[u.level()],
			SecurityParameters: &gosnmp.UsmSecurityParameters{UserName: u.Name,
				AuthenticationProtocol: hashes[u.Hash], AuthenticationPassphrase: u.Auth,
				PrivacyProtocol: ciphers[u.Cipher], PrivacyPassphrase: u.Priv},
		}}
		s.Do(t, c.Connect)
		defer c.Conn.Close()
		answered, err := how(c)
		if err != nil {
			return err.Error()
		}
		var variables []any
		for _, v := range answered {
			variables = append(variables, []any{strings.TrimPrefix(v.Name, "."), text(v)})
		}
		return variables
	}
	of := func(p *gosnmp.SnmpPacket, err error) ([]gosnmp.SnmpPDU, error) {
		if err == nil && p.Error != gosnmp.NoError {
			err = fmt.Errorf("%v", p.Error)
		}
		if err != nil {
			return nil, err
		}
		return p.Variables, nil
	}
	for _, u := range users {
		get := func(c *client) ([]gosnmp.SnmpPDU, error) { return of(c.Get([]string{u.Get})) }
		a := managed{
			Name: u.Name, Get: ask(u, get),
			Walk: ask(u, func(c *client) ([]gosnmp.SnmpPDU, error) { return c.BulkWalkAll(u.Walk) }),
			Set: ask(u, func(c *client) ([]gosnmp.SnmpPDU, error) {
				return of(c.Set([]gosnmp.SnmpPDU{{Name: u.Set, Type: gosnmp.OctetString, Value: u.Value}}))
			}),
		}
		nobody := u
		nobody.Name = "nobody"
		a.Unknown = ask(nobody, get)
		if u.Auth != "" {
			wrong := u
			wrong.Auth = "of somebody else"
			a.WrongAuth = ask(wrong, get)
		}
		if u.Priv != "" {
			wrong := u
			wrong.Priv = "of somebody else"
			a.WrongPriv = ask(wrong, get)
		}
		all = append(all, a)
	}
	return all
}

// pysnmp is a run of the script that uses Debian's pysnmp.
func pysnmp(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	const python = "/usr/bin/python3" // Debian's, whose packages these are
	nstest.NeedsProgram(t, python)
	if out, err := exec.Command(python, "-c", "import pysnmp.hlapi").CombinedOutput(); err != nil {
		nstest.Needs(t, "needs pysnmp: "+string(out))
	}
	return exec.Command(python, append([]string{filepath.Join("testdata", "managers", "pysnmp_manager.py")}, args...)...)
}

// netSNMPOfNode is a run of the script that uses npm's package net-snmp, which npm installs for the test, or has in its cache.
func netSNMPOfNode(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	nstest.NeedsProgram(t, "node")
	nstest.NeedsProgram(t, "npm")
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", "managers"))); err != nil {
		t.Fatal(err)
	}
	install := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		nstest.Needs(t, fmt.Sprintf("needs npm's net-snmp: %v: %s", err, out))
	}
	// OpenSSL has DES and MD5 among what is outdated.
	return exec.Command("node", append([]string{"--openssl-legacy-provider", filepath.Join(dir, "net_snmp_manager.js")}, args...)...)
}

// receivedV3 is a notification as a receiver of SNMPv3 tells it.
type receivedV3 struct {
	Listening bool              `json:"listening"`
	Lacks     map[string]string `json:"lacks"` // by the name of the user
	Failure   string            `json:"failure"`
	Name      string            `json:"name"`
	PDU       string            `json:"pdu"`
	Variables [][]string        `json:"variables"`
}

// TestReceiversV3 holds that every receiver gets notifications and informs of users of every level, hash and cipher that it has,
// and that none of them is sent once more: it was acknowledged.
func TestReceiversV3(t *testing.T) {
	needsTools(t)
	const engineID = "80001f8804726563656976"
	const coldStart = "1.3.6.1.6.3.1.1.5.1"
	users := everyUser()
	for _, receiver := range []struct {
		name  string
		lacks []string
		// start starts it, and returns what it has received: by users, the forms.
		start func(t *testing.T, s *scene) (lacks map[string]string, received func() map[string][]string)
	}{
		{"net-snmp", nil, func(t *testing.T, s *scene) (map[string]string, func() map[string][]string) {
			var lines []string
			for _, u := range users {
				lines = append(lines, u.create(), u.create("-e", "0x"+engineID))
			}
			d := startTrapd(t, s.NS, lines...)
			return nil, func() map[string][]string {
				all := make(map[string][]string)
				for _, u := range users {
					for _, n := range d.received(t, "user "+u.Name+", context ") {
						if slices.Contains(n.variables, ".1.3.6.1.6.3.1.1.4.1.0 = OID: ."+coldStart) {
							all[u.Name] = append(all[u.Name], map[string]string{"TRAP2": "trap", "INFORM": "inform"}[n.form])
						}
					}
				}
				return all
			}
		}},
		{"pysnmp", nil, func(t *testing.T, s *scene) (map[string]string, func() map[string][]string) {
			return receiveByScript(t, s, pysnmp(t, "receive", "127.0.0.1", trapPort, engineID), users, coldStart)
		}},
		{"npm's net-snmp", []string{"AES-192", "AES-192-C"}, func(t *testing.T, s *scene) (map[string]string, func() map[string][]string) {
			return receiveByScript(t, s, netSNMPOfNode(t, "receive", "127.0.0.1", trapPort), users, coldStart)
		}},
	} {
		t.Run(receiver.name, func(t *testing.T) {
			s := newPair(t)
			lacks, received := receiver.start(t, s)
			lines := []string{"rocommunity public", "exactEngineID 0x" + engineID}
			want := make(map[string][]string)
			for _, u := range users {
				if l := slices.Contains(receiver.lacks, u.Cipher); l || lacks[u.Name] != "" {
					if !l || lacks[u.Name] != u.Cipher {
						t.Errorf("%s: it says that it lacks %q; the test says that it lacks %q", u.Name, lacks[u.Name], receiver.lacks)
					}
					continue
				}
				want[u.Name] = []string{"inform", "trap"}
				for _, form := range []string{"", "-Ci "} {
					lines = append(lines, "trapsess "+form+strings.Join(u.options(), " ")+" 127.0.0.1:"+trapPort)
				}
			}
			startEmbedded(t, s.NS, "--config", writeConfig(t, lines...), "--state", stateDir(t))
			eventually(t, func() string {
				got := received()
				for _, u := range users {
					if slices.Sort(got[u.Name]); !slices.Equal(got[u.Name], want[u.Name]) {
						return fmt.Sprintf("by %s was received %v, want %v", u.Name, got[u.Name], want[u.Name])
					}
				}
				return ""
			})
		})
	}
}

// receiveByScript starts a script that receives by the users, and returns which of them it cannot have, and what it has received.
func receiveByScript(t *testing.T, s *scene, cmd *exec.Cmd, users []managedUser, of string) (lacks map[string]string, received func() map[string][]string) {
	t.Helper()
	input, err := json.Marshal(users)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin = bytes.NewReader(input)
	p := startCommand(t, s.NS, cmd)
	p.await(t, "listening", 1)
	lines := func() (all []receivedV3) {
		for line := range strings.Lines(p.output.String()) {
			var r receivedV3
			if !strings.HasSuffix(line, "\n") {
				break
			}
			if err := json.Unmarshal([]byte(line), &r); err != nil || r.Failure != "" {
				t.Fatalf("%q: %v", line, err)
			}
			all = append(all, r)
		}
		return all
	}
	eventually(t, func() string {
		for _, r := range lines() {
			if lacks = r.Lacks; r.Listening {
				return ""
			}
		}
		return "it does not listen"
	})
	return lacks, func() map[string][]string {
		all := make(map[string][]string)
		for _, r := range lines() {
			if len(r.Variables) > 1 && r.Variables[1][1] == of {
				all[r.Name] = append(all[r.Name], map[bool]string{true: "inform", false: "trap"}[strings.HasPrefix(r.PDU, "Inform")])
			}
		}
		return all
	}
}

// askByScript has a script ask as the users.
func askByScript(t *testing.T, s *scene, cmd *exec.Cmd, users []managedUser) (all []managed) {
	t.Helper()
	input, err := json.Marshal(users)
	if err != nil {
		t.Fatal(err)
	}
	var out, complaints bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &out, &complaints
	s.Do(t, cmd.Start)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %v: %s", cmd.Args, err, complaints.String())
	}
	for line := range strings.Lines(out.String()) {
		var a managed
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, a)
	}
	return all
}
