package remote_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/agentx"
	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"github.com/netsnmp-agent/netsnmp-agent/internal/snmptest"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ifmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
)

// inBlue has a tree in the context blue.
type inBlue struct{ tree *mib.Tree }

func (h inBlue) Modules(name string) ([]mib.Module, bool) {
	if name != "blue" {
		return nil, false
	}
	return h.tree.Modules("")
}

func (h inBlue) Tree(_ context.Context, name string) (*mib.Tree, error) {
	if name != "blue" {
		return nil, mib.ErrNoContext
	}
	return h.tree, nil
}

// A context of snmpd's, which a subagent of this project's has, is another
// stack: by its name in SNMPv3, and by its community in the versions before.
func TestContexts(t *testing.T) {
	if !inside(t) {
		return
	}
	ip(t, "link set lo up")
	dir := t.TempDir()
	socket := filepath.Join(dir, "master")
	startSnmpdIn(t, dir, "master agentx", "agentXSocket unix:"+socket,
		"com2sec -Cn blue bluesec 127.0.0.1 bluecommunity", "group blues v1 bluesec", "group blues v2c bluesec", "view all included .1",
		"access blues blue any noauth exact all none none",
		"group users usm shaaes", `access users "" usm priv prefix all none none`)
	source := fresh.New(func(context.Context) ([]netstat.Interface, error) {
		return []netstat.Interface{{Index: 7, Name: "only-in-blue", HardwareType: netstat.Known[uint16](1)}}, nil
	})
	tree, err := mib.NewTree(mib.TreeOptions{}, mib.Module{Name: "TEST", Nodes: []mib.Node{ifmib.Interfaces().Bind(source), ifmib.Extensions().Bind(source)}})
	if err != nil {
		t.Fatal(err)
	}
	subagent, err := agentx.New(agentx.Config{Address: "unix:" + socket, Handler: inBlue{tree}, Contexts: []string{"blue"}, ID: mib.MakeOID(1, 3), Description: "test"})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- subagent.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})

	names := func(s *remote.Stack) func() []string {
		return func() []string {
			rows, err := gather(s.Interfaces(t.Context()))
			if err != nil {
				return []string{err.Error()}
			}
			return lines(rows, func(i netstat.Interface) string { return i.Name })
		}
	}
	is := func(name string) func() []string { return func() []string { return []string{name} } }
	links, err := net.Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	var own []string
	for _, l := range links {
		own = append(own, l.Name)
	}
	slices.Sort(own)
	eventually(t, "the default context of a user", func() []string { return own }, names(open(t, userConfig(1, "127.0.0.1"))))
	for _, version := range []remote.Version{remote.V1, remote.V2c, remote.V3} {
		c := config("127.0.0.1")
		c.Version, c.Community = version, "bluecommunity"
		if version == remote.V3 {
			c = userConfig(1, "127.0.0.1")
			c.Context = "blue"
		}
		c.Timeout, c.Retries = time.Second, netstat.Known(1)
		// snmpd has no system group in the context, and knows none before the
		// subagent has registered in it.
		eventually(t, fmt.Sprint("context blue in version ", version), is("only-in-blue"), func() []string {
			s, err := remote.Open(t.Context(), c)
			if err != nil {
				return []string{err.Error()}
			}
			defer s.Close()
			return names(s)()
		})
	}
	// A context that there is not is an error, and no empty stack.
	c := userConfig(1, "127.0.0.1")
	c.Context, c.Timeout, c.Retries = "red", time.Second, netstat.Known(1)
	s, err := remote.Open(t.Context(), c)
	var rows []netstat.Interface
	if err == nil {
		rows, err = gather(s.Interfaces(t.Context()))
		s.Close()
	}
	if err == nil || len(rows) > 0 || !strings.Contains(err.Error(), "have the context") {
		t.Errorf("a context that there is not: %v, %v", rows, err)
	}
}

// everybody may do everything.
type everybody struct{}

func (everybody) View(*snmp.Principal, snmp.Operation) (mib.Subset, bool) { return nil, true }

// What an agent reports of a context is said: that it is not there, and that it cannot be
// had now.
func TestReportsOfContexts(t *testing.T) {
	if !inside(t) {
		return
	}
	ip(t, "link set lo up")
	const engineID = "\x80\x00\x1f\x88\x04test"
	user, err := usm.Credentials{Name: "reader", Auth: usm.SHA256, AuthSecret: usm.NewSecret([]byte(authPassphrase))}.Localize(engineID)
	if err != nil {
		t.Fatal(err)
	}
	model := usm.New(usm.NewEngine(engineID, 1, time.Now()), usm.Options{})
	if err := model.SetUsers([]usm.User{user}); err != nil {
		t.Fatal(err)
	}
	at := snmptest.Serve(t, snmp.Options{Handler: notNow{}, USM: model, Access: everybody{}}, snmptest.Local(snmp.UDP))
	for name, want := range map[string]string{"blue": `cannot show the context "blue" now`, "red": `does not have the context "red"`} {
		c := config(at[0].String())
		c.Version, c.Community, c.Context = remote.V3, "", name
		c.SecurityName, c.AuthType, c.AuthPassphrase = "reader", remote.AuthSHA256, authPassphrase
		c.Retries = netstat.Known(1)
		if s, err := remote.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error that says %s", name, err, want)
			if err == nil {
				s.Close()
			}
		}
	}
}

// notNow has the context blue, and never now.
type notNow struct{}

func (notNow) Modules(name string) ([]mib.Module, bool) { return nil, name == "blue" }

func (notNow) Tree(context.Context, string) (*mib.Tree, error) { return nil, errors.New("not now") }

// An agent that starts again has other times and perhaps another engine; who was
// reading goes on.
func TestRestart(t *testing.T) {
	if !inside(t) {
		return
	}
	ip(t, "link set lo up")
	engine := func(id, boots int) (stop func()) {
		return startSnmpdIn(t, t.TempDir(), fmt.Sprintf("exactEngineID 0x80001f88040102%02x", id), fmt.Sprintf("engineBoots %d", boots))
	}
	stop := engine(1, 5)
	var stacks []*remote.Stack
	v1, stream := config("127.0.0.1"), config("tcp:127.0.0.1")
	v1.Version = remote.V1
	for _, c := range []remote.Config{config("127.0.0.1"), v1, stream, userConfig(1, "127.0.0.1"), userConfig(4, "127.0.0.1"), userConfig(3, "tcp:127.0.0.1")} {
		c.Timeout, c.Retries = time.Second, netstat.Known(100) // so often that only a hang reaches it
		stacks = append(stacks, open(t, c))
	}
	read := func(when string) {
		t.Helper()
		for i, s := range stacks {
			rows, err := gather(s.Interfaces(t.Context()))
			if err != nil || len(rows) == 0 {
				t.Errorf("%s: stack %d: %d interfaces, %v", when, i, len(rows), err)
			}
		}
	}
	read("at first")
	// Its engineBoots count on: what was told of times is outside of the window.
	stop()
	stop = engine(1, 9)
	read("after a restart")
	// Nothing of it is left: it has another engine ID, and so other keys.
	stop()
	engine(2, 1)
	read("after it began anew")
}
