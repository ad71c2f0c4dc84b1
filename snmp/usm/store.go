package usm

import (
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/snmp/state"
)

// Sections of the state.
const (
	engineSection = "engine"
	usersSection  = "users"
)

// storedEngine is the engine's section.
type storedEngine struct {
	ID    string `json:"id"`
	Boots int32  `json:"boots"`
	// Machine tells whether the machine is still the one that the ID was made on.
	Machine string `json:"machine,omitempty"`
	// Earlier are engines that this one was: should one come back, it goes on counting.
	Earlier []storedEngine `json:"earlier,omitempty"`
}

// maxEarlier is how many earlier engine IDs are remembered.
const maxEarlier = 8

// storedUser is a user of the section of users.
type storedUser struct {
	EngineID  string `json:"engineID"`
	Name      string `json:"name"` // hexadecimal, since it may be no UTF-8
	Auth      string `json:"authProtocol"`
	AuthKey   string `json:"authKey,omitempty"`
	Priv      string `json:"privProtocol"`
	PrivKey   string `json:"privKey,omitempty"`
	Public    string `json:"public,omitempty"` // hexadecimal
	CloneFrom string `json:"cloneFrom,omitempty"`
	// Configured is the fingerprint of the user of a configuration that this one stands for.
	Configured string `json:"configured,omitempty"`
}

// StartOptions are what Start goes by.
type StartOptions struct {
	// EngineID is the one that the configuration wants; "" for the one that is
	// stored, or a new one.
	EngineID EngineID
	// Machine is the machine's identity, which /etc/machine-id has; empty where it
	// is not known.
	Machine []byte
	// NetSNMP is what an agent of net-snmp left here, to be taken over where nothing is
	// stored; nil for nothing.
	NetSNMP *NetSNMP
	// Log is told of what is unusual; nil means slog.Default.
	Log *slog.Logger
}

// Start starts an engine once more: it counts snmpEngineBoots up and stores it. Only then may
// the engine say anything, since messages of an earlier start could be repeated otherwise.
// It returns the users that are stored, too. An error says that SNMPv3 cannot be had.
//
// A file that was put back from a backup has too few boots. When there was one is known, and
// no engine starts more than once a second: so many are added.
func Start(f *state.File, o StartOptions) (*Engine, []User, error) {
	log := o.Log
	if log == nil {
		log = slog.Default()
	}
	var stored storedEngine
	known, err := f.Get(engineSection, &stored)
	if err != nil {
		return nil, nil, err
	}
	list, err := LoadUsers(f)
	if err != nil {
		return nil, nil, err
	}
	id, err := storedID(&stored, known)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", f.Path(), err)
	}
	machine := hex.EncodeToString(fingerprint(o.Machine, "machine")[:16])
	if !known && o.NetSNMP != nil {
		id, stored.Boots = o.NetSNMP.EngineID, o.NetSNMP.Boots
		stored.Machine = machine
		list = append(list, o.NetSNMP.Users...)
	}
	if age, replaced := f.Replaced(); replaced {
		skipped := int32(min(max(age/time.Second, 0), maxBoots-time.Duration(stored.Boots)))
		stored.Boots += skipped
		log.Warn("the state was put there or changed by somebody else: snmpEngineBoots skips what may have been used",
			"file", f.Path(), "skipped", skipped)
	}
	switch {
	case o.EngineID != "" && o.EngineID != id:
		stored.become(id, o.EngineID)
		id, stored.Machine = o.EngineID, ""
	case id == "":
		id, stored.Boots, stored.Machine = NewEngineID(o.Machine), 0, machine
	}
	if stored.Machine != "" && stored.Machine != machine && len(o.Machine) > 0 && o.EngineID == "" {
		log.Warn("the engine ID was made on another machine: if that still has it, managers take the two for one",
			"engineID", id.String(), "file", f.Path())
	}
	if stored.Boots == maxBoots {
		return nil, nil, fmt.Errorf("snmpEngineBoots of engine %s is used up: it needs another engine ID", id)
	}
	stored.ID = hex.EncodeToString([]byte(id))
	stored.Boots++
	// Time counts from before the boots are stored: no second is there twice.
	started := time.Now()
	if err := f.Put(map[string]any{engineSection: stored, usersSection: storeUsers(list)}); err != nil {
		return nil, nil, err
	}
	return NewEngine(id, stored.Boots, started), list, nil
}

// become makes the boots those of another engine ID: 0, unless it was there before.
func (s *storedEngine) become(old, next EngineID) {
	boots := int32(0)
	earlier := []storedEngine{}
	for _, e := range s.Earlier {
		if e.ID == hex.EncodeToString([]byte(next)) {
			boots = e.Boots
			continue
		}
		earlier = append(earlier, e)
	}
	if old != "" {
		earlier = append(earlier, storedEngine{ID: hex.EncodeToString([]byte(old)), Boots: s.Boots})
	}
	s.Earlier, s.Boots = earlier[max(len(earlier)-maxEarlier, 0):], boots
}

// StoredID returns the engine ID that is stored, which Start would go on with; "" where there is none.
// The error says what of the state is not understood.
func StoredID(f *state.File) (EngineID, error) {
	var stored storedEngine
	known, err := f.Get(engineSection, &stored)
	if err != nil {
		return "", err
	}
	return storedID(&stored, known)
}

func storedID(s *storedEngine, known bool) (EngineID, error) {
	if !known {
		return "", nil
	}
	if s.Boots < 0 {
		return "", fmt.Errorf("%d boots", s.Boots)
	}
	return ParseEngineID(s.ID)
}

// SaveUsers stores those of the users that are Kept, and returns when they are on disk. Errors are
// those of state.File.Put.
func SaveUsers(f *state.File, list []User) error {
	return f.Put(map[string]any{usersSection: storeUsers(list)})
}

func storeUsers(list []User) []storedUser {
	stored := []storedUser{}
	for _, u := range list {
		if !u.Kept {
			continue
		}
		stored = append(stored, storedUser{
			EngineID: hex.EncodeToString([]byte(u.EngineID)), Name: hex.EncodeToString([]byte(u.Name)),
			Auth: u.Auth.String(), AuthKey: hex.EncodeToString(u.AuthKey.Bytes()),
			Priv: u.Priv.String(), PrivKey: hex.EncodeToString(u.PrivKey.Bytes()),
			Public: hex.EncodeToString([]byte(u.Public)), CloneFrom: u.CloneFrom, Configured: u.Configured,
		})
	}
	return stored
}

// LoadUsers returns the users that are stored. Its error has no secret in it.
func LoadUsers(f *state.File) ([]User, error) {
	var stored []storedUser
	if _, err := f.Get(usersSection, &stored); err != nil {
		return nil, err
	}
	var list []User
	var problems []error
	for i, s := range stored {
		u, err := s.user()
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: user %d of %d: %w", f.Path(), i+1, len(stored), err))
			continue
		}
		list = append(list, u)
	}
	return list, errors.Join(problems...)
}

var errNotHexadecimal = errors.New("a member is not hexadecimal")

func (s *storedUser) user() (u User, err error) {
	octets := func(s string) []byte {
		b, wrong := hex.DecodeString(s)
		if wrong != nil {
			err = errNotHexadecimal
		}
		return b
	}
	u = User{
		EngineID: EngineID(octets(s.EngineID)), Name: string(octets(s.Name)),
		AuthKey: NewSecret(octets(s.AuthKey)), PrivKey: NewSecret(octets(s.PrivKey)),
		Public: string(octets(s.Public)), CloneFrom: s.CloneFrom, Configured: s.Configured, Kept: true,
	}
	if err != nil {
		return User{}, err
	}
	if s.Auth != NoAuth.String() {
		if u.Auth, err = ParseHash(s.Auth); err != nil {
			return User{}, err
		}
	}
	if s.Priv != NoPriv.String() {
		if u.Priv, err = ParseCipher(s.Priv); err != nil {
			return User{}, err
		}
	}
	return u, u.Check()
}
