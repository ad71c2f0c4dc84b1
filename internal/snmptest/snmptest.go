// Package snmptest has agents answer for tests.
package snmptest

import (
	"context"
	"net/netip"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

// Public is the community "public" for whoever is on this host.
func Public() snmp.Community {
	return snmp.Community{Name: "public", Source: netip.MustParsePrefix("127.0.0.0/8")}
}

// Local is a port of its own on 127.0.0.1.
func Local(transport snmp.Transport) snmp.Address {
	return snmp.Address{Transport: transport, AddrPort: netip.MustParseAddrPort("127.0.0.1:0")}
}

// Tree returns the tree of one module.
func Tree(t testing.TB, o mib.TreeOptions, nodes ...mib.Node) *mib.Tree {
	t.Helper()
	tree, err := mib.NewTree(o, mib.Module{Name: "TEST", Nodes: nodes})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// Serve answers at addresses until the test ends, and returns where it does.
func Serve(t testing.TB, o snmp.Options, at ...snmp.Address) []snmp.Address {
	t.Helper()
	listening, stop, err := Open(o, at...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return listening
}

// Open answers at addresses until stop is called, and returns where it does. Its sockets are in the network namespace of the
// caller's thread.
func Open(o snmp.Options, at ...snmp.Address) (listening []snmp.Address, stop func() error, err error) {
	server, err := snmp.NewServer(o)
	if err != nil {
		return nil, nil, err
	}
	for _, address := range at {
		a, err := server.Listen(address)
		if err != nil {
			server.Close()
			return nil, nil, err
		}
		listening = append(listening, a)
	}
	ctx, end := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	return listening, func() error {
		end()
		return <-served
	}, nil
}
