package metrics_test

import (
	"context"
	"fmt"
	"iter"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/netsnmp-agent/netsnmp-agent/metrics"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// one is a stack of one interface.
type one struct{ netstat.Stack }

func (one) Interfaces(context.Context) iter.Seq2[netstat.Interface, error] {
	return func(yield func(netstat.Interface, error) bool) {
		yield(netstat.Interface{Index: 1, Name: "lo", MTU: netstat.Known[uint32](65536)}, nil)
	}
}

func (one) Sockets(context.Context, netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	return func(func(netstat.Socket, error) bool) {}
}

func (one) Routes(context.Context, netstat.RouteQuery) iter.Seq2[netstat.Route, error] {
	return func(func(netstat.Route, error) bool) {}
}

// A stack's metrics in a registry of one's own. Exporter.Handler serves them by HTTP.
func ExampleExporter_Collector() {
	of := readings.New(one{}, readings.Options{Observe: metrics.Observe})
	exporter := metrics.New(metrics.Options{
		Stacks: func(context.Context) []metrics.Stack { return []metrics.Stack{{Readings: of}} },
	})
	registry := prometheus.NewRegistry()
	registry.MustRegister(exporter.Collector(context.Background()))
	families, err := registry.Gather()
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, family := range families {
		if family.GetName() == "netstat_interface_mtu_bytes" {
			fmt.Println(family.GetName(), family.GetMetric()[0].GetGauge().GetValue())
		}
	}
	// Output: netstat_interface_mtu_bytes 65536
}
