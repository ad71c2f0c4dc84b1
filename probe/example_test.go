package probe_test

import (
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"

	"context"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ifmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/probe"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

// serve has an agent answer from nodes at a port of its own on 127.0.0.1, until stop is called.
func serve(nodes ...mib.Node) (address string, stop func()) {
	tree, err := mib.NewTree(mib.TreeOptions{}, mib.Module{Name: "TEST", Nodes: nodes})
	if err != nil {
		log.Fatal(err)
	}
	server, err := snmp.NewServer(snmp.Options{
		Handler:     tree,
		Communities: []snmp.Community{{Name: "public", Source: netip.MustParsePrefix("127.0.0.0/8")}, {Name: "other", Source: netip.MustParsePrefix("127.0.0.0/8")}},
	})
	if err != nil {
		log.Fatal(err)
	}
	at, err := server.Listen(snmp.Address{Transport: snmp.UDP, AddrPort: netip.MustParseAddrPort("127.0.0.1:0")})
	if err != nil {
		log.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- server.Serve(ctx) }()
	return at.AddrPort.String(), func() {
		end()
		if err := <-done; err != nil {
			log.Fatal(err)
		}
	}
}

// interfaces are nodes that show rows as the IF-MIB.
func interfaces(rows ...netstat.Interface) []mib.Node {
	source := fresh.New(func(context.Context) ([]netstat.Interface, error) { return rows, nil })
	number := ifmib.Summary{Number: netstat.Known(int32(len(rows)))}
	return []mib.Node{ifmib.Number().BindNow(func() ifmib.Summary { return number }), ifmib.Interfaces().Bind(source), ifmib.Extensions().Bind(source)}
}

// Prometheus scrapes the octets of a router.
func Example() {
	eth0 := netstat.Interface{Index: 2, Name: "eth0", Alias: "uplink"}
	eth0.Counters.InOctets.Set(98310444193)
	address, stop := serve(interfaces(eth0)...)
	defer stop()
	prober, err := probe.New(probe.Options{})
	if err != nil {
		log.Fatal(err)
	}
	server := httptest.NewServer(prober.Handler())
	defer server.Close()
	response, err := server.Client().Get(server.URL + "/probe?module=if_mib&target=" + url.QueryEscape(address))
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		log.Fatal(err)
	}
	for line := range strings.Lines(string(body)) {
		if strings.HasPrefix(line, "ifHCInOctets") || strings.HasPrefix(line, "snmp_scrape_table_success") {
			fmt.Print(line)
		}
	}
	// Output:
	// ifHCInOctets{ifAlias="uplink",ifDescr="eth0",ifIndex="2",ifName="eth0"} 9.8310444193e+10
	// snmp_scrape_table_success{module="if_mib",table="ifTable"} 1
}
