package snmpwalk_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

const usmUser = "1.3.6.1.6.3.15.1.2"

// v3User is a user with its secrets as net-snmp's programs take them.
type v3User struct{ name, hash, auth, cipher, priv string }

func (u v3User) args() []string {
	return append([]string{"-v3", "-u", u.name, "-l", "authPriv", "-a", u.hash, "-A", u.auth, "-x", u.cipher, "-X", u.priv}, slow...)
}

// usmIndex is the index of a user in usmUserTable.
func usmIndex(engineID, name string) string {
	index := fmt.Sprintf(".%d", len(engineID)/2)
	for i := 0; i < len(engineID); i += 2 {
		var b byte
		fmt.Sscanf(engineID[i:i+2], "%02x", &b)
		index += fmt.Sprintf(".%d", b)
	}
	index += fmt.Sprintf(".%d", len(name))
	for _, b := range []byte(name) {
		index += fmt.Sprintf(".%d", b)
	}
	return index
}

// TestUsers holds that managers make users, change their keys and delete them as with snmpd, by net-snmp's own snmpusm: at once, over a
// restart, and whatever the file had of them; that a user changes its own keys alone; and that no secret is told.
func TestUsers(t *testing.T) {
	needsTools(t)
	nstest.NeedsProgram(t, "snmpusm")
	for _, protocols := range [][2]string{{"MD5", "DES"}, {"SHA", "AES"}, {"SHA-256", "AES-256"}, {"SHA-512", "AES"}} {
		t.Run(strings.Join(protocols[:], " "), func(t *testing.T) {
			s := newPair(t)
			hash, cipher := protocols[0], protocols[1]
			const engineID = "80001f88047573657273"
			admin := v3User{"admin", hash, "admins_auth", cipher, "admins_priv"} // snmpusm makes keys by the protocols of who asks
			template := v3User{"template", hash, "templates_auth", cipher, "templates_priv"}
			create := func(u v3User) string {
				return strings.Join([]string{"createUser", u.name, u.hash, u.auth, u.cipher, u.priv}, " ")
			}
			file := writeConfig(t, "exactEngineID 0x"+engineID, create(admin), create(template), create(v3User{"other", hash, "others_auth", cipher, "others_priv"}),
				"rwuser admin priv", "rouser template priv", "rwuser new priv", "rouser other priv", "rocommunity public", "rocommunity6 public", "rwcommunity private")
			args := []string{"--config", file, "--state", stateDir(t)}
			p := startEmbedded(t, s.NS, args...)
			var said strings.Builder
			restart := func() {
				t.Helper()
				p.signal(t, syscall.SIGTERM)
				p.exit(t)
				said.WriteString(p.output.String())
				p = startEmbedded(t, s.NS, args...)
			}
			usm := func(as v3User, want string, command ...string) {
				t.Helper()
				options, verb := as.args(), command
				for strings.HasPrefix(verb[0], "-") {
					options, verb = append(options, verb[0]), verb[1:]
				}
				r := s.run(t, "snmpusm", append(append(options, targets["udp"]), verb...)...)
				if !strings.Contains(r.out+r.complaints, want) {
					t.Errorf("snmpusm %q as %s: %s%s, want %s", command, as.name, r.out, r.complaints, want)
				}
			}
			works := func(u v3User, want string) {
				t.Helper()
				r := s.run(t, "snmpget", append(append([]string{"-Oqv"}, u.args()...), targets["udp"], snmpEngineID)...)
				if !strings.Contains(r.out+r.complaints, want) {
					t.Errorf("%s: %s%s, want %s", u.name, r.out, r.complaints, want)
				}
			}
			set := func(as v3User, want string, variables ...string) {
				t.Helper()
				r := s.run(t, "snmpset", append(append(as.args(), targets["udp"]), variables...)...)
				if got := r.out + r.complaints; want == "" && r.status != 0 || !strings.Contains(got, want) {
					t.Errorf("snmpset %q as %s: %s, want %q", variables, as.name, got, want)
				}
			}
			const ok, unknown, wrong, changed = "80 00 1F 88", "Unknown user name", "Authentication failure", "successfully changed"
			user := func(column int, name string) string {
				return fmt.Sprint(usmUser, ".2.1.", column, usmIndex(engineID, name))
			}
			status := func(name, want string) {
				t.Helper()
				if v := s.client(t).get(t, parseOID(t, user(13, name))); v.value != want {
					t.Errorf("usmUserStatus of %s is %v, want %s", name, v, want)
				}
			}

			fresh := v3User{"new", hash, template.auth, cipher, template.priv}
			usm(admin, "successfully created", "create", "new")
			status("new", "2") // notInService: it is without keys
			works(fresh, unknown)
			usm(admin, "successfully cloned", "cloneFrom", "new", "template")
			works(fresh, ok)
			usm(admin, "successfully deleted", "delete", "new")
			works(fresh, unknown)
			usm(admin, "successfully created", "create", "new", "template")
			works(fresh, ok)
			status("new", "1")

			usm(admin, changed, "-Ca", "passwd", template.auth, "news_auth", "new")
			works(fresh, wrong)
			fresh.auth = "news_auth"
			works(fresh, ok)
			usm(admin, changed, "-Cx", "passwd", template.priv, "news_priv", "new")
			fresh.priv = "news_priv"
			works(fresh, ok)
			works(template, ok)

			// A user's own keys, and those of others.
			usm(fresh, changed, "-Cx", "passwd", "news_priv", "news_own_")
			fresh.priv = "news_own_"
			works(fresh, ok)
			usm(fresh, changed, "-Cx", "passwd", "news_own_", "news_auth")
			fresh.priv = "news_auth"
			usm(fresh, changed, "passwd", "news_auth", "news_both")
			fresh.auth, fresh.priv = "news_both", "news_both"
			works(fresh, ok)
			set(admin, "noAccess", user(7, "new"), "x", strings.Repeat("00", 2*hashSize[hash]))
			set(admin, "wrongLength", user(6, "new"), "x", "00")
			set(admin, "inconsistentValue", user(5, "new"), "o", ".1.3.6.1.6.3.10.1.1.1") // it has privacy
			set(admin, "inconsistentValue", user(5, "new"), "o", ".1.3.6.1.6.3.10.1.1.4")
			set(admin, "wrongValue", user(8, "new"), "o", ".1.3.6.1.6.3.10.1.2.99")
			set(admin, "wrongValue", user(12, "new"), "i", "2")
			set(admin, "inconsistentName", user(13, "newer"), "i", "4", user(4, "newer"), "o", "."+usmUser+".2.1.3"+usmIndex(engineID, "nobody"))
			set(admin, "notWritable", user(3, "new"), "s", "newer")

			// The lock that managers of keys have, and by which they see whether their change was made.
			lock := s.client(t).get(t, parseOID(t, usmUser+".1.0"))
			set(admin, "", usmUser+".1.0", "i", lock.value, user(11, "new"), "s", "changed")
			set(admin, "inconsistentValue", usmUser+".1.0", "i", lock.value, user(11, "new"), "s", "again")
			if v := s.client(t).get(t, parseOID(t, user(11, "new"))); v.value != "changed" {
				t.Errorf("usmUserPublic is %v", v)
			}

			// A key of the file, a user of the file, and one that is out of service.
			usm(admin, changed, "-Ca", "passwd", "others_auth", "others_next", "other")
			other := v3User{"other", hash, "others_next", cipher, "others_priv"}
			works(other, ok)
			usm(admin, "successfully deleted", "delete", "template")
			works(template, unknown)
			usm(admin, "successfully deactivated", "deactivate", "other")
			works(other, unknown)
			status("other", "2")
			usm(admin, "successfully activated", "activate", "other")
			works(other, ok)

			restart()
			works(fresh, ok)
			usm(admin, changed, "passwd", "news_both", "news_last", "new")
			fresh.auth, fresh.priv = "news_last", "news_last"
			works(fresh, ok)
			works(other, ok)
			works(template, unknown)
			said.WriteString(p.output.String())
			if !strings.Contains(said.String(), "stays deleted") {
				t.Error("it does not say that a user of the file stays deleted")
			}
			for _, secret := range []string{"_auth", "_priv", "_own", "_next", "_both", "_last"} {
				if strings.Contains(said.String(), secret) {
					t.Errorf("the log tells a secret:\n%s", said.String())
				}
			}
		})
	}
}

// hashSize is the length of the keys of a hash, in octets.
var hashSize = map[string]int{"MD5": 16, "SHA": 20, "SHA-256": 32, "SHA-512": 64}
