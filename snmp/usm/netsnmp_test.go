package usm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// TestKeysOfNetSNMP has net-snmp's agent make users with every hash and cipher, in every form of
// their secrets, and wants the same keys; and takes the agent's engine over.
func TestKeysOfNetSNMP(t *testing.T) {
	nstest.NeedsProgram(t, "snmpd")
	dir := t.TempDir()
	var file strings.Builder
	want := map[string]Credentials{}
	for h := MD5; h <= SHA512; h++ {
		master, err := h.MasterKey(NewSecret([]byte("master of this")))
		if err != nil {
			t.Fatal(err)
		}
		local := NewSecret([]byte(strings.Repeat("k", h.KeySize())))
		for c := NoPriv; c <= AES256C; c++ {
			passphrase, second := NewSecret([]byte("authentication")), NewSecret([]byte("confidential"))
			add := func(kind string, auth, priv string, made Credentials) {
				made.Name, made.Auth, made.Priv = fmt.Sprintf("%s-%s-%s", h, c, kind), h, c
				line := fmt.Sprintf("createUser %s %s %s", made.Name, h, auth)
				if c != NoPriv {
					line += fmt.Sprintf(" %s %s", c, priv)
				}
				file.WriteString(line + "\n")
				want[made.Name] = made
			}
			add("passphrases", "authentication", "confidential", Credentials{AuthSecret: passphrase, PrivSecret: second})
			add("master", fmt.Sprintf("-m 0x%x", master.Bytes()), fmt.Sprintf("-m 0x%x", master.Bytes()), Credentials{
				AuthForm: MasterKey, AuthSecret: master, PrivForm: MasterKey, PrivSecret: master,
			})
			key := NewSecret([]byte(strings.Repeat("p", c.KeySize())))
			add("local", fmt.Sprintf("-l 0x%x", local.Bytes()), fmt.Sprintf("-l 0x%x", key.Bytes()), Credentials{
				AuthForm: LocalizedKey, AuthSecret: local, PrivForm: LocalizedKey, PrivSecret: key,
			})
			add("long", fmt.Sprintf("-l 0x%x", local.Bytes()), fmt.Sprintf("-l 0x%x", key.Bytes())+strings.Repeat("77", h.KeySize()-min(h.KeySize(), c.KeySize())),
				Credentials{AuthForm: LocalizedKey, AuthSecret: local, PrivForm: LocalizedKey, PrivSecret: key})
			add("short", fmt.Sprintf("-l 0x%x", local.Bytes()), fmt.Sprintf("-l 0x%x", local.Bytes()), Credentials{
				AuthForm: LocalizedKey, AuthSecret: local, PrivForm: LocalizedKey, PrivSecret: local,
			})
			if c.KeySize() <= h.KeySize() { // net-snmp does not extend such a key
				add("one", "authentication", "", Credentials{AuthSecret: passphrase})
			}
		}
	}
	path := filepath.Join(dir, "users.conf")
	if err := os.WriteFile(path, []byte(file.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	log, persistentFile := filepath.Join(dir, "log"), filepath.Join(dir, "snmpd.conf")
	cmd := exec.Command("snmpd", "-f", "-Lf", log, "-C", "-c", path, "-I", "-smux", "udp:127.0.0.1:0")
	cmd.Env = append(os.Environ(), "SNMP_PERSISTENT_DIR="+dir, "MIBS=")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said := func() string {
		text, err := os.ReadFile(log)
		return fmt.Sprint(string(text), err)
	}
	nstest.Eventually(t, func() string {
		if text := said(); !strings.Contains(text, "NET-SNMP version") {
			return text
		}
		return ""
	})
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	text, err := os.Open(persistentFile)
	if err != nil {
		t.Fatalf("%v\n%s", err, said())
	}
	defer text.Close()
	found, err := ReadNetSNMP(persistentFile, text)
	if err != nil {
		t.Fatal(err)
	}
	if len(found.Users) != len(want) || found.Boots != 1 {
		t.Errorf("%d users, want %d; %d boots\n%s", len(found.Users), len(want), found.Boots, said())
	}
	for _, u := range found.Users {
		made, ok := want[u.Name]
		if !ok {
			t.Errorf("user %s was not asked for", u.Name)
			continue
		}
		ours, err := made.Localize(found.EngineID)
		if err != nil {
			t.Errorf("%s: %v", u.Name, err)
			continue
		}
		if u.Auth != ours.Auth || u.Priv != ours.Priv || !u.AuthKey.Equal(ours.AuthKey) || !u.PrivKey.Equal(ours.PrivKey) {
			t.Errorf("%s: %s %x, %s %x, net-snmp has %s %x, %s %x", u.Name, ours.Auth, ours.AuthKey.Bytes(), ours.Priv, ours.PrivKey.Bytes(),
				u.Auth, u.AuthKey.Bytes(), u.Priv, u.PrivKey.Bytes())
		}
	}
	e, list, _ := started(t, t.TempDir(), StartOptions{Machine: []byte("m"), NetSNMP: found})
	if e.ID() != found.EngineID || e.Boots() != found.Boots+1 || len(list) != len(found.Users) {
		t.Errorf("taken over: %s, %d boots, %d users", e.ID(), e.Boots(), len(list))
	}
}

func TestReadNetSNMP(t *testing.T) {
	const engine = "0x80001f8880b2027f4fbec50c6b00000000"
	line := func(fields string) string { return "usmUser " + fields + "\n" }
	sha := " NULL .1.3.6.1.6.3.10.1.1.3 0x9fb5cc0381497b3793528939ff788d5d79145211 .1.3.6.1.6.3.10.1.2.1 \"\" \"\""
	found, err := ReadNetSNMP("p", strings.NewReader("# comment\n\nsetserialno 1\npsyscontact me\nifXTable .1 14:0 18:0x $\n"+
		line(`1 3 `+engine+` "a \"b\" \\c" "a \"b\" \\c"`+sha)+
		line(`1 3 `+engine+` 0x6100ff 0x6100ff .1.3.6 .1.3.6.1.6.3.10.1.1.1 "" .1.3.6.1.6.3.10.1.2.1 "" 0x00`)+
		line(`2 3 `+engine+` "not active" "not active"`+sha)+
		"engineBoots 17\noldEngineID "+engine+"\n"))
	if err == nil || !strings.Contains(err.Error(), "p:7: ") || strings.Contains(err.Error(), "p:8") { // a NUL
		t.Errorf("error %v", err)
	}
	if found.Boots != 17 || found.EngineID.String() != engine || len(found.Users) != 1 || found.Users[0].Name != `a "b" \c` {
		t.Errorf("%+v", found)
	}
	for text, want := range map[string]string{
		line("1 3 " + engine):                                   "ends early",
		line("1 3 " + engine + ` "a" "b"` + sha):                "security name",
		line("1 3 0x8000 a a" + sha):                            "5 to 32",
		line("1 3 0xsecret a a" + sha):                          "not hexadecimal",
		line("1 3 " + engine + ` "secret`):                      "not closed",
		line("1 3 " + engine + " a a NULL 1.2 0x00 1.2 0x00 x"): "1.2 is not known",
		line("1 3 " + engine + " a a NULL x 0x00 1.2 0x00 x"):   "object identifier",
		"engineBoots -1\n":                                      "not a number",
		"engineBoots secret\n":                                  "not a number",
		"oldEngineID 0x00\n":                                    "5 to 32",
		strings.Repeat("x", maxLine+1):                          "too long",
	} {
		_, err := ReadNetSNMP("p", strings.NewReader(text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%.60q: error %v, want one with %q", text, err, want)
		}
	}
}

func FuzzReadNetSNMP(f *testing.F) {
	f.Add("usmUser 1 3 0x8000000001020304 \"u\" \"u\" NULL .1.3.6.1.6.3.10.1.1.3 0xd57f088886b13e3653bfa39b81c1df0b2d324761 .1.3.6.1.6.3.10.1.2.1 \"\" \"\"\nengineBoots 1\noldEngineID 0x80001f8880b2027f4f\n")
	f.Fuzz(func(t *testing.T, text string) {
		found, _ := ReadNetSNMP("f", strings.NewReader(text))
		for _, u := range found.Users {
			if err := u.Check(); err != nil {
				t.Errorf("user %+v: %v", u, err)
			}
		}
		if found.Boots < 0 || found.EngineID != "" && found.EngineID.Check() != nil {
			t.Errorf("%+v", found)
		}
	})
}
