package snmp

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
)

// TestCommunitiesDoNotShow holds that whatever has a community can be printed.
func TestCommunitiesDoNotShow(t *testing.T) {
	const secret = "xyzzy-plugh"
	var out strings.Builder
	log := slog.New(slog.NewTextHandler(&out, nil))
	contexts := NewContextCommunities(map[string]Secret{"blue": secret})
	for _, v := range []any{Community{Name: secret}, Target{Community: secret}, Options{Communities: []Community{{Name: secret}}}, contexts, *contexts} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		log.Info("told", "value", v)
	}
	text, err := json.Marshal(Community{Name: secret})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	for _, shown := range []string{secret, fmt.Sprintf("%x", secret)} {
		if strings.Contains(out.String(), shown) {
			t.Errorf("%q shows in\n%s", shown, out.String())
		}
	}
}

// TestCloseAgain holds that a server can be closed again.
func TestCloseAgain(t *testing.T) {
	s, err := NewServer(Options{Handler: newTestTree(t, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Listen(Address{UDP, netip.AddrPortFrom(loopback, 0)}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
