package usm

import (
	"errors"
	"fmt"
	"strings"
)

// Level is a security level (RFC 3411, section 3.4.3). Higher ones are greater.
type Level uint8

// The security levels.
const (
	NoAuthNoPriv Level = 1
	AuthNoPriv   Level = 2
	AuthPriv     Level = 3
)

// Flags are the bits of msgFlags that tell of a level (RFC 3412, section 6.4).
const (
	FlagAuth = 1
	FlagPriv = 2
)

// LevelOf returns the level of msgFlags. There is no privacy without authentication.
func LevelOf(flags byte) (Level, bool) {
	switch flags & (FlagAuth | FlagPriv) {
	case 0:
		return NoAuthNoPriv, true
	case FlagAuth:
		return AuthNoPriv, true
	case FlagAuth | FlagPriv:
		return AuthPriv, true
	}
	return 0, false
}

// Flags returns the bits of msgFlags.
func (l Level) Flags() byte {
	switch l {
	case AuthNoPriv:
		return FlagAuth
	case AuthPriv:
		return FlagAuth | FlagPriv
	}
	return 0
}

// String returns "noAuthNoPriv" and so on.
func (l Level) String() string {
	switch l {
	case NoAuthNoPriv:
		return "noAuthNoPriv"
	case AuthNoPriv:
		return "authNoPriv"
	case AuthPriv:
		return "authPriv"
	}
	return fmt.Sprintf("Level(%d)", uint8(l))
}

// maxName is the longest name of a user, in octets (SNMP-USER-BASED-SM-MIB).
const maxName = 32

// User is a user of an engine: a row of usmUserTable. Keys are the localised ones.
//
// The privacy key of a user with AES-192 or AES-256 whose hash is shorter is that
// of its cipher; the key of the other way to extend it follows from it.
type User struct {
	EngineID EngineID // the engine that is authoritative for the messages
	Name     string   // usmUserName, 1 to 32 octets
	Auth     Hash
	AuthKey  Secret
	Priv     Cipher
	PrivKey  Secret
	// Kept says that the user is in the state on disk, and so outlives
	// configuration files: storage type nonVolatile.
	Kept bool
	// Public is usmUserPublic, at most 32 octets.
	Public string
	// CloneFrom is usmUserCloneFrom: the row that this one was made of, in dotted
	// decimal, or empty.
	CloneFrom string
	// Configured tells which user of a configuration a UserList has this one in place of.
	Configured string
}

// Level returns the highest level that the user can have.
func (u User) Level() Level {
	switch {
	case u.Auth == NoAuth:
		return NoAuthNoPriv
	case u.Priv == NoPriv:
		return AuthNoPriv
	}
	return AuthPriv
}

// Check says what is wrong with a user. Its error has no secret in it.
func (u User) Check() error {
	if err := u.EngineID.Check(); err != nil {
		return err
	}
	if err := CheckName(u.Name); err != nil {
		return err
	}
	if err := checkProtocols(u.Auth, u.Priv); err != nil {
		return err
	}
	if n := u.AuthKey.Len(); n != u.Auth.KeySize() {
		return fmt.Errorf("a localised key of %s has %d octets, not %d", u.Auth, u.Auth.KeySize(), n)
	}
	if n := u.PrivKey.Len(); n != u.Priv.KeySize() {
		return fmt.Errorf("a localised key of %s has %d octets, not %d", u.Priv, u.Priv.KeySize(), n)
	}
	if len(u.Public) > maxName {
		return fmt.Errorf("usmUserPublic has at most %d octets", maxName)
	}
	return nil
}

// CheckName says what is wrong with the name of a user.
func CheckName(name string) error {
	switch {
	case name == "":
		return errors.New("a user needs a name")
	case len(name) > maxName:
		return fmt.Errorf("the name of a user has at most %d octets, not %d", maxName, len(name))
	case strings.ContainsRune(name, 0):
		return errors.New("the name of a user has no NUL")
	}
	return nil
}

func checkProtocols(h Hash, c Cipher) error {
	switch {
	case int(h) >= len(hashes):
		return fmt.Errorf("%s is not known", h)
	case int(c) >= len(ciphers):
		return fmt.Errorf("%s is not known", c)
	case h == NoAuth && c != NoPriv:
		return errors.New("there is no privacy without authentication")
	}
	return nil
}

// Form says what a secret of Credentials is.
type Form uint8

// The forms of secrets.
const (
	Passphrase   Form = iota // at least MinPassphrase octets
	MasterKey                // Ku, of the hash's length: createUser's -m
	LocalizedKey             // Kul, for the engine at hand: createUser's -l
)

// Credentials are what a user is known by, before there is an engine to make keys
// for.
type Credentials struct {
	Name string

	Auth       Hash
	AuthForm   Form
	AuthSecret Secret

	Priv     Cipher
	PrivForm Form
	// PrivSecret is empty where it is the AuthSecret, too. A localised key that is longer than
	// the cipher's counts as far as that goes; one of the hash's length is extended.
	PrivSecret Secret
}

// Level returns the highest level that the user can have.
func (c Credentials) Level() Level { return User{Auth: c.Auth, Priv: c.Priv}.Level() }

// Localize makes the user of an engine, which takes some milliseconds for a passphrase.
// Its error has no secret in it.
func (c Credentials) Localize(engine EngineID) (User, error) {
	u := User{EngineID: engine, Name: c.Name, Auth: c.Auth, Priv: c.Priv}
	if err := errors.Join(engine.Check(), CheckName(c.Name), checkProtocols(c.Auth, c.Priv)); err != nil {
		return User{}, err
	}
	if c.Auth == NoAuth {
		return u, nil
	}
	auth, err := c.Auth.key(c.AuthForm, c.AuthSecret)
	if err != nil {
		return User{}, fmt.Errorf("authentication: %w", err)
	}
	if u.AuthKey = auth; c.AuthForm != LocalizedKey {
		if u.AuthKey, err = c.Auth.Localize(auth, engine); err != nil {
			return User{}, fmt.Errorf("authentication: %w", err)
		}
	}
	if c.Priv == NoPriv {
		return u, nil
	}
	u.PrivKey, err = c.privacyKey(auth, engine)
	if err != nil {
		return User{}, fmt.Errorf("privacy: %w", err)
	}
	return u, nil
}

// key returns the key that a secret is or makes: a localised one for LocalizedKey, otherwise
// a master key.
func (h Hash) key(form Form, secret Secret) (Secret, error) {
	what := "localised"
	switch form {
	case Passphrase:
		return h.MasterKey(secret)
	case MasterKey:
		what = "master"
	}
	if n := secret.Len(); n != h.KeySize() {
		return Secret{}, fmt.Errorf("a %s key of %s has %d octets, not %d", what, h, h.KeySize(), n)
	}
	return secret, nil
}

// privacyKey makes the localised privacy key; auth is what key gave for
// authentication.
func (c Credentials) privacyKey(auth Secret, engine EngineID) (Secret, error) {
	form, key := c.AuthForm, auth
	if !c.PrivSecret.IsEmpty() {
		form, key = c.PrivForm, c.PrivSecret
		if form == LocalizedKey && key.Len() >= c.Priv.KeySize() {
			return NewSecret(key.Bytes()[:c.Priv.KeySize()]), nil // as net-snmp does
		}
		var err error
		if key, err = c.Auth.key(form, key); err != nil {
			return Secret{}, err
		}
	}
	if form != LocalizedKey {
		return c.Auth.LocalizePrivacy(key, engine, c.Priv)
	}
	return NewSecret(c.Auth.extend(key.Bytes(), engine, c.Priv)), nil
}
