package usm

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestKeys holds the examples of RFC 3414, appendices A.3 and A.5.
func TestKeys(t *testing.T) {
	engine := EngineID(unhex(t, "00 00 00 00 00 00 00 00 00 00 00 02"))
	for _, c := range []struct {
		hash                                        Hash
		master, local, newMaster, newLocal, changed string
	}{
		{
			MD5,
			"9f af 32 83 88 4e 92 83 4e bc 98 47 d8 ed d9 63", "52 6f 5e ed 9f cc e2 6f 89 64 c2 93 07 87 d8 2b",
			"01 ad d2 73 10 7c 4e 59 6b 4b 00 f8 2b 1d 42 a7", "87 02 1d 7b d9 d1 01 ba 05 ea 6e 3b f9 d9 bd 4a",
			"00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 88 05 61 51 41 67 6c c9 19 61 74 e7 42 a3 25 51",
		},
		{
			SHA1,
			"9f b5 cc 03 81 49 7b 37 93 52 89 39 ff 78 8d 5d 79 14 52 11", "66 95 fe bc 92 88 e3 62 82 23 5f c7 15 1f 12 84 97 b3 8f 3f",
			"3a 51 a6 d7 36 aa 34 7b 83 dc 4a 87 e3 e5 5e e4 d6 98 ac 71", "78 e2 dc ce 79 d5 94 03 b5 8c 1b ba a5 bf f4 63 91 f1 cd 25",
			"00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 9c 10 17 f4 fd 48 3d 2d e8 d5 fa db f8 43 92 cb 06 45 70 51",
		},
	} {
		key := func(passphrase string) (master, local Secret) {
			master, err := c.hash.MasterKey(NewSecret([]byte(passphrase)))
			if err != nil {
				t.Fatal(err)
			}
			if local, err = c.hash.Localize(master, engine); err != nil {
				t.Fatal(err)
			}
			return master, local
		}
		same := func(what string, got Secret, want string) {
			if g, w := hex.EncodeToString(got.Bytes()), strings.ReplaceAll(want, " ", ""); g != w {
				t.Errorf("%s: %s is %s, want %s", c.hash, what, g, w)
			}
		}
		master, local := key("maplesyrup")
		same("Ku", master, c.master)
		same("Kul", local, c.local)
		newMaster, newLocal := key("newsyrup")
		same("the new Ku", newMaster, c.newMaster)
		same("the new Kul", newLocal, c.newLocal)
		changed, err := c.hash.ChangeKey(local, unhex(t, c.changed))
		if err != nil {
			t.Fatal(err)
		}
		same("the changed key", changed, c.newLocal)
	}
}

func TestKeysRefused(t *testing.T) {
	engine := EngineID("12345678")
	long := NewSecret([]byte("a long passphrase"))
	good := Credentials{Name: "u", Auth: SHA256, AuthSecret: long, Priv: AES128}
	for want, change := range map[string]func(c *Credentials, id *EngineID){
		"has 7 octets: at least 8":       func(c *Credentials, _ *EngineID) { c.AuthSecret = NewSecret([]byte("1234567")) },
		"has 0 octets: at least 8":       func(c *Credentials, _ *EngineID) { c.AuthSecret = Secret{} },
		"privacy: the passphrase has 3":  func(c *Credentials, _ *EngineID) { c.PrivSecret = NewSecret([]byte("abc")) },
		"a master key of SHA-256 has 32": func(c *Credentials, _ *EngineID) { c.AuthForm = MasterKey },
		"a localised key of SHA-256 has 32 octets, not 9": func(c *Credentials, _ *EngineID) {
			c.PrivForm, c.PrivSecret = LocalizedKey, NewSecret([]byte("too short"))
		},
		"no privacy without":     func(c *Credentials, _ *EngineID) { c.Auth = NoAuth },
		"needs a name":           func(c *Credentials, _ *EngineID) { c.Name = "" },
		"has at most 32 octets":  func(c *Credentials, _ *EngineID) { c.Name = strings.Repeat("x", 33) },
		"has no NUL":             func(c *Credentials, _ *EngineID) { c.Name = "a\x00" },
		"has 5 to 32 octets":     func(_ *Credentials, id *EngineID) { *id = "1234" },
		"neither all zeros":      func(_ *Credentials, id *EngineID) { *id = "\x00\x00\x00\x00\x00" },
		"Hash(9) is not known":   func(c *Credentials, _ *EngineID) { c.Auth = 9 },
		"Cipher(9) is not known": func(c *Credentials, _ *EngineID) { c.Priv = 9 },
	} {
		c, id := good, engine
		change(&c, &id)
		if _, err := c.Localize(id); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	if _, err := good.Localize(engine); err != nil {
		t.Error(err)
	}
	u, _ := good.Localize(engine)
	if _, err := SHA256.ChangeKey(u.AuthKey, make([]byte, 63)); err == nil {
		t.Error("a change that is too short was taken")
	}
	if _, err := NoAuth.ChangeKey(Secret{}, nil); err == nil {
		t.Error("no key was changed")
	}
}

// TestFormsAgree holds that a user is the same whichever form of its secrets is given.
func TestFormsAgree(t *testing.T) {
	engine := EngineID("\x80\x00\x1f\x88\x04agent")
	for h := MD5; h <= SHA512; h++ {
		for c := DES; c <= AES256C; c++ {
			auth, priv := NewSecret([]byte("authentication")), NewSecret([]byte("confidential"))
			byPassphrase, err := Credentials{Name: "u", Auth: h, AuthSecret: auth, Priv: c, PrivSecret: priv}.Localize(engine)
			if err != nil {
				t.Fatal(err)
			}
			authKey, _ := h.MasterKey(auth)
			privKey, _ := h.MasterKey(priv)
			byMaster, err := Credentials{
				Name: "u", Auth: h, AuthForm: MasterKey, AuthSecret: authKey, Priv: c, PrivForm: MasterKey, PrivSecret: privKey,
			}.Localize(engine)
			if err != nil {
				t.Fatal(err)
			}
			byLocal, err := Credentials{
				Name: "u", Auth: h, AuthForm: LocalizedKey, AuthSecret: byPassphrase.AuthKey,
				Priv: c, PrivForm: LocalizedKey, PrivSecret: byPassphrase.PrivKey,
			}.Localize(engine)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range []User{byMaster, byLocal} {
				if !u.AuthKey.Equal(byPassphrase.AuthKey) || !u.PrivKey.Equal(byPassphrase.PrivKey) {
					t.Errorf("%s, %s: keys differ", h, c)
				}
			}
			one, err := Credentials{Name: "u", Auth: h, AuthSecret: auth, Priv: c}.Localize(engine)
			if err != nil {
				t.Fatal(err)
			}
			two, err := Credentials{Name: "u", Auth: h, AuthSecret: auth, Priv: c, PrivSecret: auth}.Localize(engine)
			if err != nil || !one.PrivKey.Equal(two.PrivKey) {
				t.Errorf("%s, %s: the passphrase for both is not: %v", h, c, err)
			}
			if sibling := h.siblingKey(byPassphrase.PrivKey.Bytes(), engine, c); sibling != nil {
				other, err := Credentials{Name: "u", Auth: h, AuthSecret: auth, Priv: c.sibling(), PrivSecret: priv}.Localize(engine)
				if err != nil || !other.PrivKey.Equal(NewSecret(sibling)) || other.PrivKey.Equal(byPassphrase.PrivKey) {
					t.Errorf("%s: the key of %s does not follow from that of %s (%v)", h, c.sibling(), c, err)
				}
			} else if c.sibling() != c && h.KeySize() < c.KeySize() {
				t.Errorf("%s, %s: no other key", h, c)
			}
		}
	}
}

// TestSecretsAreNotSeen prints a secret in every way that a program prints things.
func TestSecretsAreNotSeen(t *testing.T) {
	const text = "topsecret"
	secret := NewSecret([]byte(text))
	type inner struct{ secret Secret }
	values := []any{secret, &secret, []Secret{secret}, inner{secret}, &inner{secret}, map[string]Secret{"a": secret},
		User{Name: "u", AuthKey: secret}, Credentials{PrivSecret: secret}, struct{ p *Secret }{&secret}}
	var seen strings.Builder
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%08b", "%T %[1]v"} {
			fmt.Fprintf(&seen, verb+"\n", v)
		}
		encoded, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		seen.Write(encoded)
		slog.New(slog.NewTextHandler(&seen, nil)).Info("x", "secret", v)
		slog.New(slog.NewJSONHandler(&seen, nil)).Info("x", "secret", v)
	}
	fmt.Fprintln(&seen, secret, secret.String(), secret.LogValue())
	for _, form := range []string{text, hex.EncodeToString([]byte(text)), strings.ToUpper(hex.EncodeToString([]byte(text))),
		"116 111 112 115 101 99 114 101 116", "dG9wc2VjcmV0"} {
		if strings.Contains(seen.String(), form) {
			t.Errorf("%q is seen", form)
		}
	}
	if !strings.Contains(fmt.Sprint(secret), "***") {
		t.Error(fmt.Sprint(secret))
	}
}

func TestProtocolNames(t *testing.T) {
	for h := MD5; h <= SHA512; h++ {
		for _, name := range []string{h.String(), strings.ToLower(h.String())} {
			if got, err := ParseHash(name); got != h || err != nil {
				t.Errorf("%s is %s, %v", name, got, err)
			}
		}
		if got, ok := HashOf(h.OID()); got != h || !ok {
			t.Errorf("%s is %s", h.OID(), got)
		}
	}
	for c := DES; c <= AES256C; c++ {
		if got, err := ParseCipher(c.String()); got != c || err != nil {
			t.Errorf("%s is %s, %v", c, got, err)
		}
		if got, ok := CipherOf(c.OID()); got != c || !ok {
			t.Errorf("%s is %s", c.OID(), got)
		}
	}
	for _, name := range []string{"", "none", "SHA-3", "3DES"} {
		if _, err := ParseHash(name); err == nil {
			t.Errorf("%q is a hash", name)
		}
		if _, err := ParseCipher(name); err == nil {
			t.Errorf("%q is a cipher", name)
		}
	}
}
