package nettop_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// Columns and sorting are kept in a file that people edit: a wrong line is said with its number,
// the rest holds, and nothing that they wrote is lost.
func TestSettings(t *testing.T) {
	ns := pair(t)
	dir := t.TempDir()
	config := filepath.Join(dir, "nettop", "config")
	if err := os.Mkdir(filepath.Dir(config), 0o700); err != nil {
		t.Fatal(err)
	}
	const written = "# mine\nview = interfaces\ninterfaces.sort = colour\ninterfaces.columns = Tx/s, Interface, Speed\nlisteners.sort = -drops\n"
	if err := os.WriteFile(config, []byte(written), 0o600); err != nil {
		t.Fatal(err)
	}
	s := openIn(t, dir, 160, 12, "", "--netns "+ns.Name+" -n --interval 0.2")
	s.wants(config + `:3: interfaceRate rows have no field "colour"`)
	s.eventually(func(screen string) string {
		if got := strings.Join(strings.Fields(strings.Split(screen, "\n")[1]), " "); got != "Tx/s Interface Speed" {
			return "columns " + got
		}
		return ""
	})
	s.keys(">")
	s.wants("by -sentRate")
	s.keys("8")
	s.eventually(func(screen string) string {
		if !strings.Contains(screen, "by -drops") {
			s.keys("C-l") // what could not be read is shown until a key is pressed
			return "another order"
		}
		return ""
	})
	s.keys("q")
	s.wants("restored")
	kept, err := os.ReadFile(config)
	want := strings.Replace(written, "view = interfaces", "view = listeners", 1) + "interfaces.sort = -sentRate\n"
	if err != nil || string(kept) != want {
		t.Errorf("%v, kept\n%s\nnot\n%s", err, kept, want)
	}
}

// At rest nothing is written to the terminal.
func TestNothingIsWrittenAtRest(t *testing.T) {
	ns := pair(t)
	ns.Listen(t, "tcp", "127.0.0.1:4735")
	s := open(t, 100, 24, "", "listeners --netns "+ns.Name+" -n --interval 0.05")
	s.wants("127.0.0.1:4735")
	written := filepath.Join(t.TempDir(), "written")
	s.tmux("pipe-pane", "-O", "cat > "+written)
	s.keys("?")
	s.wants("half a screen down or up")
	s.keys("q")
	s.wants("127.0.0.1:4735")
	size := func() int64 {
		info, err := os.Stat(written)
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	if size() == 0 {
		t.Fatal("what is drawn is not seen")
	}
	// What a slow machine still draws comes to an end.
	nstest.Eventually(t, func() string {
		before := size()
		time.Sleep(time.Second)
		if after := size(); after != before {
			return "it writes on and on"
		}
		return ""
	})
}
