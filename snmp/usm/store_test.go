package usm

import (
	"bufio"
	"bytes"
	"fmt"
	"log/slog"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/snmp/state"
)

func opened(t testing.TB, dir string) *state.File {
	t.Helper()
	f, err := state.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// started starts an engine once; said is what it logged.
func started(t *testing.T, dir string, o StartOptions) (e *Engine, list []User, said string) {
	t.Helper()
	var log bytes.Buffer
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	f := opened(t, dir)
	defer f.Close()
	e, list, err := Start(f, o)
	if err != nil {
		t.Fatal(err)
	}
	return e, list, log.String()
}

func TestStart(t *testing.T) {
	dir, one, two := t.TempDir(), []byte("one machine\n"), []byte("another machine\n")
	first, list, said := started(t, dir, StartOptions{Machine: one})
	if first.ID().Check() != nil || first.Boots() != 1 || len(list) != 0 || said != "" {
		t.Fatal(first.ID(), first.Boots(), list, said)
	}
	if strings.Contains(string(first.ID()), "one machine") {
		t.Error("the machine's identity is in its engine ID")
	}
	again, _, said := started(t, dir, StartOptions{Machine: one})
	if again.ID() != first.ID() || again.Boots() != 2 || said != "" {
		t.Error(again.ID(), again.Boots(), said)
	}
	// Where the directory was copied, both have the name.
	copied, _, said := started(t, dir, StartOptions{Machine: two})
	if copied.ID() != first.ID() || copied.Boots() != 3 || !strings.Contains(said, "another machine") {
		t.Error(copied.ID(), copied.Boots(), said)
	}
	// With a name by configuration nothing is wrong.
	exact, _, said := started(t, dir, StartOptions{Machine: two, EngineID: here})
	if exact.ID() != here || exact.Boots() != 1 || said != "" {
		t.Error(exact.ID(), exact.Boots(), said)
	}
	if exact, _, _ = started(t, dir, StartOptions{Machine: two, EngineID: first.ID()}); exact.Boots() != 4 {
		t.Errorf("an engine ID that was used before goes on with %d boots", exact.Boots())
	}
	if exact, _, _ = started(t, dir, StartOptions{EngineID: here}); exact.Boots() != 2 {
		t.Errorf("and so does the other, with %d", exact.Boots())
	}
	if other, _, _ := started(t, t.TempDir(), StartOptions{Machine: one}); other.ID() == first.ID() {
		t.Error("two agents of a machine have one name")
	}
}

func TestUsersAreStored(t *testing.T) {
	dir := t.TempDir()
	f := opened(t, dir)
	var list []User
	for h := NoAuth; h <= SHA512; h++ {
		for c := NoPriv; c <= AES256C; c++ {
			if h == NoAuth && c != NoPriv {
				continue
			}
			u := user(t, here, fmt.Sprintf("\xff user %d %d", h, c), h, c)
			u.Kept, u.Public, u.CloneFrom = true, "\x00public", "1.3"
			list = append(list, u)
		}
	}
	passing := user(t, here, "of a file", SHA1, AES128)
	if err := SaveUsers(f, append(list, passing)); err != nil {
		t.Fatal(err)
	}
	f.Close()
	_, got, _ := started(t, dir, StartOptions{})
	if len(got) != len(list) {
		t.Fatalf("%d users, want %d", len(got), len(list))
	}
	for i, u := range got {
		want := list[i]
		if !u.AuthKey.Equal(want.AuthKey) || !u.PrivKey.Equal(want.PrivKey) {
			t.Errorf("%q: keys differ", u.Name)
		}
		u.AuthKey, u.PrivKey, want.AuthKey, want.PrivKey = Secret{}, Secret{}, Secret{}, Secret{}
		if u != want {
			t.Errorf("%+v, want %+v", u, want)
		}
	}
}

func TestStartRefused(t *testing.T) {
	for want, engine := range map[string]storedEngine{
		"engine ID has 5 to 32": {ID: "00"},
		"hexadecimal":           {ID: "secret"},
		"is used up":            {ID: "8000000001", Boots: math.MaxInt32},
		"-1 boots":              {ID: "8000000001", Boots: -1},
	} {
		f := opened(t, t.TempDir())
		if err := f.Put(map[string]any{engineSection: engine}); err != nil {
			t.Fatal(err)
		}
		if _, _, err := Start(f, StartOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
	for want, u := range map[string]storedUser{
		"not hexadecimal":         {EngineID: "8000000001", Name: "75", Auth: "SHA", AuthKey: "secret", Priv: "none"},
		"has 20 octets, not 1":    {EngineID: "8000000001", Name: "75", Auth: "SHA", AuthKey: "00", Priv: "none"},
		"\"SHA-3\" is not known":  {EngineID: "8000000001", Name: "75", Auth: "SHA-3", Priv: "none"},
		"no privacy without auth": {EngineID: "8000000001", Name: "75", Auth: "none", Priv: "AES"},
	} {
		f := opened(t, t.TempDir())
		if err := f.Put(map[string]any{usersSection: []storedUser{u}}); err != nil {
			t.Fatal(err)
		}
		_, _, err := Start(f, StartOptions{})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "user 1 of 1") {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// TestRewoundState puts an old state back: the engine's boots are none that were used.
func TestRewoundState(t *testing.T) {
	dir := t.TempDir()
	o := StartOptions{Machine: []byte("m")}
	_, _, _ = started(t, dir, o)
	old, err := os.ReadFile(dir + "/" + state.Name)
	if err != nil {
		t.Fatal(err)
	}
	most := int32(0)
	for range 5 {
		e, _, _ := started(t, dir, o)
		most = max(most, e.Boots())
	}
	// An hour has passed meanwhile.
	var then time.Time
	for line := range strings.Lines(string(old)) {
		if _, quoted, ok := strings.Cut(line, `"written": "`); ok {
			if then, err = time.Parse(time.RFC3339, strings.TrimRight(quoted, "\",\n")); err != nil {
				t.Fatal(err)
			}
		}
	}
	earlier := then.Add(-time.Hour)
	rewound := strings.Replace(string(old), then.Format(time.RFC3339), earlier.Format(time.RFC3339), 1)
	if err := os.WriteFile(dir+"/"+state.Name, []byte(rewound), 0o600); err != nil {
		t.Fatal(err)
	}
	e, _, said := started(t, dir, o)
	if e.Boots() <= most || e.Boots() < 3600 || !strings.Contains(said, "skipped=36") {
		t.Errorf("%d boots after %d; %s", e.Boots(), most, said)
	}
	next, _, said := started(t, dir, o)
	if next.Boots() != e.Boots()+1 || said != "" {
		t.Errorf("%d boots after %d; %s", next.Boots(), e.Boots(), said)
	}
}

// TestMain is the process that TestKilled kills.
func TestMain(m *testing.M) {
	dir := os.Getenv("USM_TEST_STATE")
	if dir == "" {
		os.Exit(m.Run())
	}
	f, err := state.Open(dir)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	e, list, err := Start(f, StartOptions{Machine: []byte("m")})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("boots", e.Boots(), len(list))
	for i := 0; ; i++ { // write until the end
		u, err := Credentials{Name: fmt.Sprint(i), Auth: SHA256, AuthForm: LocalizedKey, AuthSecret: NewSecret(make([]byte, 32))}.Localize(e.ID())
		if err != nil {
			panic(err)
		}
		u.Kept = true
		if err := SaveUsers(f, append(list, u)); err != nil {
			panic(err)
		}
	}
}

// TestKilled kills processes with SIGKILL while they write: the state is whole, and no number
// of boots that one of them had is another's.
func TestKilled(t *testing.T) {
	dir, last := t.TempDir(), 0
	for i := range 12 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "USM_TEST_STATE="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		line, err := bufio.NewReader(out).ReadString('\n')
		var boots, users int
		if _, scan := fmt.Sscanf(line, "boots %d %d", &boots, &users); err != nil || scan != nil {
			t.Fatalf("the process says %q, %v", line, err)
		}
		time.Sleep(time.Duration(i) * 3 * time.Millisecond) // at another moment each time
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if boots != last+1 || users > i {
			t.Errorf("start %d: %d boots after %d, %d users", i, boots, last, users)
		}
		last = boots
	}
}
