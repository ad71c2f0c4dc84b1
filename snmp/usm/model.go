package usm

import (
	"crypto/cipher"
	"crypto/fips140"
	"crypto/hmac"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"sync"
	"sync/atomic"
)

// Model is the User-based Security Model of one engine, with its users. It is safe
// for concurrent use.
type Model struct {
	engine *Engine
	fips   bool
	users  atomic.Pointer[users]
	// strangers stand in for users that there are not, so that these take as long
	// as others with a wrong MAC; by the length of a MAC.
	strangers map[int]*account

	changing sync.Mutex // while the users are changed
	// salts is of all models of the engine: no salt is there twice under one key.
	salts *atomic.Uint64
}

// Options are what a Model needs beside its engine.
type Options struct {
	// FIPS refuses users with what CheckFIPS does. They are refused, too, while Go's FIPS 140
	// mode is on (GODEBUG=fips140).
	FIPS bool
}

// users are those of every engine. They are immutable.
type users struct {
	engines map[string]*engineUsers
	list    []User
}

type engineUsers struct {
	accounts map[string]*account
	clock    *remoteClock // nil for the engine that is here
}

// account is a user as messages need it.
type account struct {
	User
	macs    sync.Pool // of hash.Hash, keyed
	block   cipher.Block
	sibling cipher.Block // of the key that is extended in the other way, or nil
	// bySibling says that it was the key of the last message that was decrypted.
	bySibling atomic.Bool
}

// New returns the model of an engine, without users.
func New(engine *Engine, options Options) *Model {
	m := &Model{
		engine: engine, fips: options.FIPS || fips140.Enabled(),
		strangers: map[int]*account{}, salts: new(atomic.Uint64),
	}
	m.clear()
	chance := make([]byte, 8+maxMAC)
	_, _ = rand.Read(chance) // which never fails
	m.salts.Store(binary.BigEndian.Uint64(chance))
	for h := SHA512; h > NoAuth; h-- {
		if m.fips && CheckFIPS(h, NoPriv) != nil {
			continue
		}
		key := NewSecret(chance[8 : 8+h.KeySize()])
		m.strangers[h.MACSize()] = newAccount(User{Auth: h, AuthKey: key}, nil, nil)
	}
	return m
}

// Apart returns a model of the same engine that has users of its own, none yet: for who
// writes to one other engine, as a user that nobody else should be.
func (m *Model) Apart() *Model {
	apart := &Model{engine: m.engine, fips: m.fips, strangers: m.strangers, salts: m.salts}
	apart.clear()
	return apart
}

func (m *Model) clear() {
	m.users.Store(&users{engines: map[string]*engineUsers{string(m.engine.id): {}}})
}

// Engine returns the engine that the model is of.
func (m *Model) Engine() *Engine { return m.engine }

// Users returns the users in the order in which they were set.
func (m *Model) Users() []User {
	return append([]User(nil), m.users.Load().list...)
}

// User returns one user of an engine.
func (m *Model) User(engine EngineID, name string) (User, bool) {
	if e := m.users.Load().engines[string(engine)]; e != nil {
		if a := e.accounts[name]; a != nil {
			return a.User, true
		}
	}
	return User{}, false
}

// Heard reports whether an authentic message told what time it is at another
// engine, of which there is a user.
func (m *Model) Heard(engine EngineID) bool {
	e := m.users.Load().engines[string(engine)]
	return e != nil && e.clock != nil && e.clock.heard()
}

// Allows says why protocols cannot be had, if they cannot.
func (m *Model) Allows(h Hash, c Cipher) error {
	if !m.fips {
		return nil
	}
	return CheckFIPS(h, c)
}

// SetUsers replaces all users. Messages that are being processed have the old ones.
// Of two with one name and engine, or one that is not whole, nobody is changed
// and the error names the user.
func (m *Model) SetUsers(list []User) error {
	m.changing.Lock()
	defer m.changing.Unlock()
	before := m.users.Load()
	next := &users{engines: map[string]*engineUsers{string(m.engine.id): {}}, list: append([]User(nil), list...)}
	var problems []error
	for _, u := range next.list {
		if err := errors.Join(u.Check(), m.Allows(u.Auth, u.Priv)); err != nil {
			problems = append(problems, fmt.Errorf("user %q: %w", shorten(u.Name), err))
			continue
		}
		old := before.engines[string(u.EngineID)]
		e := next.engines[string(u.EngineID)]
		if e == nil {
			e = &engineUsers{clock: &remoteClock{}}
			if old != nil && old.clock != nil {
				e.clock = old.clock
			}
			next.engines[string(u.EngineID)] = e
		}
		if e.accounts == nil {
			e.accounts = map[string]*account{}
		}
		if e.accounts[u.Name] != nil {
			problems = append(problems, fmt.Errorf("user %q is there twice", u.Name))
			continue
		}
		a, err := keep(old, u)
		if err != nil {
			problems = append(problems, fmt.Errorf("user %q: %w", u.Name, err))
			continue
		}
		e.accounts[u.Name] = a
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	m.users.Store(next)
	return nil
}

// keep returns the account of a user: the one that there is already if it has the
// same keys, since it knows how its peer extends them.
func keep(old *engineUsers, u User) (*account, error) {
	var was *account
	if old != nil {
		was = old.accounts[u.Name]
	}
	same := was != nil && was.Auth == u.Auth && was.Priv == u.Priv &&
		was.AuthKey.Equal(u.AuthKey) && was.PrivKey.Equal(u.PrivKey)
	if same {
		a := newAccount(u, was.block, was.sibling)
		a.bySibling.Store(was.bySibling.Load())
		return a, nil
	}
	if u.Priv == NoPriv {
		return newAccount(u, nil, nil), nil
	}
	block, err := u.Priv.block(u.PrivKey.Bytes())
	if err != nil {
		return nil, err
	}
	var sibling cipher.Block
	if key := u.Auth.siblingKey(u.PrivKey.Bytes(), u.EngineID, u.Priv); key != nil {
		if sibling, err = u.Priv.sibling().block(key); err != nil {
			return nil, err
		}
	}
	return newAccount(u, block, sibling), nil
}

func newAccount(u User, block, sibling cipher.Block) *account {
	a := &account{User: u, block: block, sibling: sibling}
	a.macs.New = func() any {
		// It keeps what the key made of its state.
		return hmac.New(u.Auth.properties().new, u.AuthKey.Bytes())
	}
	return a
}

// zeros stand where the MAC does while it is computed (RFC 3414, section 6.3.1).
var zeros [maxMAC]byte

// mac computes the MAC of a message that has n octets of room for it at at. It appends
// the hash's whole result to sum.
func (a *account) mac(sum, message []byte, at, n int) []byte {
	h := a.macs.Get().(hash.Hash)
	h.Reset()
	h.Write(message[:at])
	h.Write(zeros[:n])
	h.Write(message[at+n:])
	sum = h.Sum(sum)
	a.macs.Put(h)
	return sum
}
