package usm

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"

	"github.com/netsnmp-agent/netsnmp-agent/snmp/state"
)

// UserList is who the users of a Model are: those that a configuration has, and what managers made of
// these and besides, which a state keeps. The later word counts: what a manager changed or deleted
// stays so until the configuration has another secret or protocol of that user, or has it no longer.
// It is safe for concurrent use.
type UserList struct {
	model *Model
	state *state.File
	log   *slog.Logger

	mu         sync.Mutex
	configured []User
	kept       []User
	deleted    map[userID]string // users of the configuration, with their fingerprint
}

type userID struct {
	engine EngineID
	name   string
}

func (u *User) id() userID { return userID{u.EngineID, u.Name} }

// fingerprint tells whether a user of a configuration is still the same.
func (u *User) fingerprint() string {
	h := sha256.New()
	for _, part := range []string{u.Auth.String(), string(u.AuthKey.Bytes()), u.Priv.String(), string(u.PrivKey.Bytes())} {
		fmt.Fprintf(h, "%d %s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// deletedSection is that of the users whom managers deleted although a configuration has them.
const deletedSection = "deletedUsers"

// storedDeletion is one of it.
type storedDeletion struct {
	EngineID   string `json:"engineID"`
	Name       string `json:"name"` // hexadecimal
	Configured string `json:"configured"`
}

// maxKept is how many users managers can make.
const maxKept = 4096

// ErrTooManyUsers is matched by the error of UserList.Write where there is no room for another user.
var ErrTooManyUsers = fmt.Errorf("there are %d users that managers made, and room for no more", maxKept)

// NewUserList returns the list of a model whose engine Start has started, with the users that it
// returned. Log is told of what is not as the configuration has it; nil means slog.Default. The error
// says what of the state is not understood.
func NewUserList(m *Model, f *state.File, kept []User, log *slog.Logger) (*UserList, error) {
	if log == nil {
		log = slog.Default()
	}
	l := &UserList{model: m, state: f, log: log, kept: slices.Clone(kept), deleted: map[userID]string{}}
	var stored []storedDeletion
	if _, err := f.Get(deletedSection, &stored); err != nil {
		return nil, err
	}
	for _, d := range stored {
		engine, err := hex.DecodeString(d.EngineID)
		name, wrong := hex.DecodeString(d.Name)
		if err := errors.Join(err, wrong); err != nil {
			return nil, fmt.Errorf("%s: section %q: %w", f.Path(), deletedSection, errNotHexadecimal)
		}
		l.deleted[userID{EngineID(engine), string(name)}] = d.Configured
	}
	return l, nil
}

// Kept returns the users that the state has.
func (l *UserList) Kept() []User {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.kept)
}

// Configure makes the users of a configuration those. Of two with one name and engine, or one that
// is not whole, nobody is changed. The error says which user is wrong, or is that of writing the
// state.
func (l *UserList) Configure(users []User) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	next := &UserList{model: l.model, configured: slices.Clone(users), deleted: map[userID]string{}}
	is := map[userID]string{}
	for i := range users {
		u := &users[i]
		is[u.id()] = u.fingerprint()
		if at, ok := l.deleted[u.id()]; ok && at == is[u.id()] {
			next.deleted[u.id()] = at
			l.log.Warn("a user of the configuration stays deleted, as a manager deleted it: its line counts again with another secret, or after it was taken out once",
				"user", u.Name, "engineID", u.EngineID.String())
		}
	}
	for _, u := range l.kept {
		if u.Configured == "" || u.Configured == is[u.id()] {
			next.kept = append(next.kept, u)
		}
	}
	list := next.users(l.log)
	if err := l.model.Apart().SetUsers(list); err != nil {
		return err
	}
	if len(next.kept) != len(l.kept) || len(next.deleted) != len(l.deleted) {
		next.state = l.state
		if err := next.store(); err != nil {
			return err
		}
	}
	l.configured, l.kept, l.deleted = next.configured, next.kept, next.deleted
	return l.model.SetUsers(list)
}

// users are those of the model. Of one that the configuration and the state have, that of the
// configuration counts unless a manager changed it.
func (l *UserList) users(log *slog.Logger) (list []User) {
	kept := map[userID]*User{}
	for i := range l.kept {
		kept[l.kept[i].id()] = &l.kept[i]
	}
	for _, u := range l.configured {
		id := u.id()
		if _, gone := l.deleted[id]; gone {
			continue
		}
		if k := kept[id]; k != nil && k.Configured != "" {
			continue
		}
		delete(kept, id)
		list = append(list, u)
	}
	for _, u := range l.kept {
		switch {
		case kept[u.id()] == nil:
		case l.model.Allows(u.Auth, u.Priv) != nil:
			if log != nil {
				log.Warn("a user of the state is left out", "user", u.Name, "engineID", u.EngineID.String(), "error", l.model.Allows(u.Auth, u.Priv))
			}
		default:
			list = append(list, u)
		}
	}
	return list
}

// Write makes a user as a manager wants it, or deletes it where to is nil, and returns when that
// is on disk. Undo takes it back. The error matches ErrTooManyUsers where there is room for none
// more; it says what is wrong with the user, or is that of writing the state.
func (l *UserList) Write(engine EngineID, name string, to *User) (undo func() error, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := userID{engine, name}
	next := &UserList{model: l.model, state: l.state, configured: l.configured, kept: slices.Clone(l.kept), deleted: map[userID]string{}}
	for k, v := range l.deleted {
		next.deleted[k] = v
	}
	at := slices.IndexFunc(next.kept, func(u User) bool { return u.id() == id })
	configured := slices.IndexFunc(next.configured, func(u User) bool { return u.id() == id })
	delete(next.deleted, id)
	if to != nil {
		u := *to
		u.EngineID, u.Name, u.Kept, u.Configured = engine, name, true, ""
		if configured >= 0 {
			u.Configured = next.configured[configured].fingerprint()
		}
		if err := errors.Join(u.Check(), l.model.Allows(u.Auth, u.Priv)); err != nil {
			return nil, err
		}
		switch {
		case at >= 0:
			next.kept[at] = u
		case len(next.kept) >= maxKept:
			return nil, ErrTooManyUsers
		default:
			next.kept = append(next.kept, u)
		}
	} else {
		if at >= 0 {
			next.kept = slices.Delete(next.kept, at, at+1)
		}
		if configured >= 0 {
			next.deleted[id] = next.configured[configured].fingerprint()
		}
	}
	before := &UserList{kept: l.kept, deleted: l.deleted}
	if err := l.become(next); err != nil {
		return nil, err
	}
	return func() error {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.become(before)
	}, nil
}

// become takes what the state is to have of another list.
func (l *UserList) become(next *UserList) error {
	kept, deleted := l.kept, l.deleted
	l.kept, l.deleted = next.kept, next.deleted
	users := l.users(nil)
	err := l.model.Apart().SetUsers(users)
	if err == nil {
		err = l.store()
	}
	if err != nil {
		l.kept, l.deleted = kept, deleted
		return err
	}
	return l.model.SetUsers(users)
}

// store keeps what the state is to have.
func (l *UserList) store() error {
	deleted := []storedDeletion{}
	for id, fingerprint := range l.deleted {
		deleted = append(deleted, storedDeletion{hex.EncodeToString([]byte(id.engine)), hex.EncodeToString([]byte(id.name)), fingerprint})
	}
	slices.SortFunc(deleted, func(a, b storedDeletion) int {
		return slices.Compare([]string{a.EngineID, a.Name}, []string{b.EngineID, b.Name})
	})
	return l.state.Put(map[string]any{usersSection: storeUsers(l.kept), deletedSection: deleted})
}

// IsFull reports whether there is no room for another user.
func (l *UserList) IsFull() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.kept) >= maxKept
}
