package usm

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/snmp/state"
)

// TestUserList holds what becomes of users that a configuration has when managers change and delete them: over
// restarts and until the configuration says something else of them.
func TestUserList(t *testing.T) {
	dir := t.TempDir()
	secret := func(name, passphrase string) User {
		t.Helper()
		u, err := Credentials{Name: name, Auth: SHA256, AuthSecret: NewSecret([]byte(passphrase)), Priv: AES128}.Localize(here)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	var log bytes.Buffer
	var file *state.File
	var list *UserList
	restart := func(configured ...User) {
		t.Helper()
		if file != nil {
			file.Close()
		}
		file = opened(t, dir)
		kept, err := LoadUsers(file)
		if err != nil {
			t.Fatal(err)
		}
		log.Reset()
		if list, err = NewUserList(model(t, here, 1), file, kept, slog.New(slog.NewTextHandler(&log, nil))); err != nil {
			t.Fatal(err)
		}
		if err := list.Configure(configured); err != nil {
			t.Fatal(err)
		}
	}
	// is tells each user by the passphrase that its key is of.
	is := func(want ...string) {
		t.Helper()
		var got []string
		for _, u := range list.model.Users() {
			for _, passphrase := range []string{"first one", "second one", "third one"} {
				if of := secret(u.Name, passphrase); of.AuthKey.Equal(u.AuthKey) {
					got = append(got, u.Name+" "+passphrase)
				}
			}
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("the users are %q, want %q", got, want)
		}
	}
	write := func(to User) func() error {
		t.Helper()
		undo, err := list.Write(to.EngineID, to.Name, &to)
		if err != nil {
			t.Fatal(err)
		}
		return undo
	}
	a, b := secret("a", "first one"), secret("b", "first one")
	restart(a, b)
	is("a first one", "b first one")

	write(secret("a", "second one"))
	write(secret("c", "second one"))
	is("a second one", "b first one", "c second one")
	if _, err := list.Write(here, "b", nil); err != nil {
		t.Fatal(err)
	}
	is("a second one", "c second one")
	restart(a, b)
	is("a second one", "c second one")
	if !strings.Contains(log.String(), "stays deleted") || !strings.Contains(log.String(), "user=b") {
		t.Errorf("it says %q", log.String())
	}
	// Another secret in the configuration is the later word.
	restart(secret("a", "third one"), secret("b", "third one"))
	is("a third one", "b third one", "c second one")
	restart(a, b)
	is("a first one", "b first one", "c second one")
	// What was taken out of the configuration begins anew there.
	if _, err := list.Write(here, "b", nil); err != nil {
		t.Fatal(err)
	}
	write(secret("a", "second one"))
	restart()
	is("c second one")
	restart(a, b)
	is("a first one", "b first one", "c second one")

	// What is undone is as before, on disk as well.
	undo := write(secret("a", "second one"))
	undoAgain := write(secret("d", "second one"))
	if err := errors.Join(undoAgain(), undo()); err != nil {
		t.Fatal(err)
	}
	is("a first one", "b first one", "c second one")
	restart(a, b)
	is("a first one", "b first one", "c second one")

	// A user of the configuration stands before one of the state with its name, which is there again without it.
	restart(a, secret("c", "first one"))
	is("a first one", "c first one")
	restart(a)
	is("a first one", "c second one")

	// Neither what is not whole nor what cannot be stored changes anything.
	bad := a
	bad.AuthKey = NewSecret([]byte("short"))
	if _, err := list.Write(here, "a", &bad); err == nil {
		t.Error("a short key is taken")
	}
	if err := list.Configure([]User{a, a}); err == nil {
		t.Error("a user that is there twice is taken")
	}
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := list.Write(here, "c", nil); err == nil {
		t.Error("a user is deleted where nothing can be stored")
	}
	is("a first one", "c second one")
}

// TestUserListIsBounded holds that managers cannot make users without end.
func TestUserListIsBounded(t *testing.T) {
	kept := make([]User, maxKept)
	for i := range kept {
		kept[i] = User{EngineID: here, Name: fmt.Sprint("user", i), Kept: true}
	}
	list, err := NewUserList(model(t, here, 1), opened(t, t.TempDir()), kept, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := list.Configure(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := list.Write(here, "another", &User{}); !errors.Is(err, ErrTooManyUsers) {
		t.Errorf("one more: %v", err)
	}
	if _, err := list.Write(here, "user7", &User{Public: "seen"}); err != nil {
		t.Error(err)
	}
}
