package sources

import (
	"context"
	"fmt"

	"github.com/netsnmp-agent/netsnmp-agent/internal/namespaces"
)

// Flag is a flag of command lines that says which stacks are shown.
type Flag struct {
	// Usage is the text of the help, in which the value's name stands in backquotes.
	Name, Usage string
	// To returns what it sets.
	To func(*Where) any
	// Needs are flags of which one must be given as well.
	Needs []string
	// Values completes its value in a shell; nil where nothing does.
	Values func(*Where) []string
}

// Flags are all of them.
var Flags = []Flag{
	{Name: "netns", Usage: "show the network namespace `NAME`, or that of the process PID, or all of them", To: func(w *Where) any { return &w.NetNS }, Values: (*Where).namespaceNames},
	{Name: "recording", Usage: "show what is recorded in `FILE`; --netns chooses one of its namespaces then", To: func(w *Where) any { return &w.Recording }},
	{Name: "at", Usage: "with --recording: show the last moment until `TIME`: 15:04, or 2006-01-02T15:04:05Z", To: func(w *Where) any { return &w.At }, Needs: []string{"recording"}},
	{Name: "host", Usage: "show the stacks of the hosts `HOST,...` by SNMP, each [udp:|tcp:]HOST[:PORT]", To: func(w *Where) any { return &w.Hosts }},
	{Name: "hosts", Usage: "show those of the hosts that are listed in `FILE`", To: func(w *Where) any { return &w.HostsFile }},
	{Name: "snmp-config", Usage: "read the credentials for hosts from `FILE`; snmp.conf(5) unless given", To: func(w *Where) any { return &w.SNMPConfigFile }, Needs: []string{"host", "hosts"}},
	{Name: "context", Usage: "read the SNMP context `NAME` of hosts", To: func(w *Where) any { return &w.Context }, Needs: []string{"host", "hosts"}},
	{Name: "timeout", Usage: "give a host up after `SECONDS`; one of several after 60 unless given", To: func(w *Where) any { return &w.Timeout }, Needs: []string{"host", "hosts"}},
	{Name: "max-answer", Usage: "ask hosts for answers of `OCTETS` at most; 60000 unless given", To: func(w *Where) any { return &w.MaxAnswer }, Needs: []string{"host", "hosts"}},
	{Name: "max-requests", Usage: "have a host `N` requests to answer at a time, at most; 64 unless given, or 1 beside other hosts", To: func(w *Where) any { return &w.MaxRequests }, Needs: []string{"host", "hosts"}},
	{Name: "any-source", Usage: "take answers of hosts from any address and port", To: func(w *Where) any { return &w.AnySource }, Needs: []string{"host", "hosts"}},
}

// Find returns the flag of a name.
func Find(name string) *Flag {
	for i := range Flags {
		if Flags[i].Name == name {
			return &Flags[i]
		}
	}
	return nil
}

// CheckBounds says which of the bounds on what is asked of hosts is none, of those that
// were given.
func (w *Where) CheckBounds(given func(name string) bool) error {
	bounds := []struct {
		name string
		n    uint
	}{{"max-answer", w.MaxAnswer}, {"max-requests", w.MaxRequests}}
	for _, b := range bounds {
		if given(b.name) && b.n == 0 {
			return fmt.Errorf("--%s: 0 is no bound", b.name)
		}
	}
	return nil
}

// Apart are pairs of flags that do not go with each other.
var Apart = [][2]string{{"host", "recording"}, {"host", "netns"}, {"hosts", "recording"}, {"hosts", "netns"}}

// namespaceNames are what --netns takes.
func (w *Where) namespaceNames() []string {
	names := []string{namespaces.All}
	of := Where{NetNS: namespaces.All, Recording: w.Recording, At: w.At}
	found, err := of.Open(context.Background(), func(error) {})
	if err != nil {
		return names
	}
	for _, src := range found {
		names = append(names, src.NetNS)
		src.Close()
	}
	return names
}
