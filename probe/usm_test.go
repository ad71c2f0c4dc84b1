package probe_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/snmptest"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/probe"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
)

const engineID = "\x80\x00\x1f\x88\x04test"

// everybody may read everything.
type everybody struct{}

func (everybody) View(*snmp.Principal, snmp.Operation) (mib.Subset, bool) { return nil, true }

// inContexts has a tree for each context.
type inContexts map[string]*mib.Tree

func (c inContexts) Modules(name string) ([]mib.Module, bool) { return nil, c[name] != nil }

func (c inContexts) Tree(_ context.Context, name string) (*mib.Tree, error) {
	if c[name] == nil {
		return nil, errors.New("there is none")
	}
	return c[name], nil
}

// Over UDP and TCP SNMPv3 reads the context that is asked for, and what is wrong with credentials is said.
func TestUSM(t *testing.T) {
	contexts := inContexts{}
	for name, device := range map[string]string{"": "eth0", "blue": "eth7"} {
		tree, err := mib.NewTree(mib.TreeOptions{}, mib.Module{Name: "TEST", Nodes: interfaces(netstat.Interface{Index: 1, Name: device})})
		if err != nil {
			t.Fatal(err)
		}
		contexts[name] = tree
	}
	user, err := usm.Credentials{Name: "reader", Auth: usm.SHA256, AuthSecret: usm.NewSecret([]byte("first-passphrase")), Priv: usm.AES128, PrivSecret: usm.NewSecret([]byte("second-passphrase"))}.Localize(engineID)
	if err != nil {
		t.Fatal(err)
	}
	model := usm.New(usm.NewEngine(engineID, 1, time.Now()), usm.Options{})
	if err := model.SetUsers([]usm.User{user}); err != nil {
		t.Fatal(err)
	}
	var targets []string
	for _, at := range snmptest.Serve(t, snmp.Options{Handler: contexts, USM: model, Access: everybody{}}, snmptest.Local(snmp.UDP), snmptest.Local(snmp.TCP)) {
		targets = append(targets, string(at.Transport)+"://"+at.AddrPort.String())
	}
	file := filepath.Join(t.TempDir(), "targets.yml")
	entry := func(name, user, password, private string) string {
		return fmt.Sprintf("  %s: {version: 3, username: %s, security_level: authPriv, auth_protocol: SHA256, password: %s, priv_protocol: AES, priv_password: %s}\n", name, user, password, private)
	}
	text := "auths:\n" + entry("right", "reader", "first-passphrase", "second-passphrase") + entry("wrong", "reader", "hidden-passphrase", "second-passphrase") + entry("stranger", "nobody", "first-passphrase", "second-passphrase")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := newProber(t, probe.Options{Targets: file})
	for _, target := range targets {
		for _, c := range []struct {
			parameters string
			status     int
			want       string
		}{
			{"auth=right", http.StatusOK, `ifName="eth0"`},
			{"auth=right&snmp_context=blue", http.StatusOK, `ifName="eth7"`},
			{"auth=right&snmp_context=red", http.StatusInternalServerError, `does not have the context "red"`},
			{fmt.Sprintf("auth=right&snmp_context=blue&snmp_engineid=%x", engineID), http.StatusOK, `ifName="eth7"`},
			{"auth=wrong", http.StatusInternalServerError, "authentication passphrase or protocol wrong"},
			{"auth=stranger", http.StatusInternalServerError, "no such security name"},
		} {
			// A minute is much longer than all attempts together: these are answers, and no timeouts.
			status, body := scrape(t, p, c.parameters+"&target="+url.QueryEscape(target), time.Minute)
			if status != c.status || !strings.Contains(body, c.want) {
				t.Errorf("%s %s: %d, without %s: %.600s", target, c.parameters, status, c.want, body)
			}
			if strings.Contains(body, "hidden-passphrase") {
				t.Errorf("%s %s: the answer shows the passphrase", target, c.parameters)
			}
		}
		if status, body := scrape(t, p, "auth=right&snmp_engineid=80001f8804ffffff&target="+url.QueryEscape(target), 3*time.Second); status != http.StatusInternalServerError {
			t.Errorf("%s: the context of another engine: %d %.600s", target, status, body)
		}
	}
	for parameters, want := range map[string]string{
		"snmp_engineid=xyz&auth=right": "hexadecimal", "snmp_engineid=8000&auth=right": "between 5 and 32", "snmp_engineid=80001f8804ffffff&auth=public_v2": "no engine IDs",
	} {
		if status, body := scrape(t, p, parameters+"&target=127.0.0.1", time.Second); status != http.StatusBadRequest || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", parameters, status, body)
		}
	}
}
