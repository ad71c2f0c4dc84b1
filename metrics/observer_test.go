package metrics

import (
	"context"
	"iter"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/readings"
)

// odd is a stack whose processes, interfaces and counters have names that are no UTF-8, and whose routes cannot be read.
type odd struct{ netstat.Stack }

func (odd) Sockets(_ context.Context, q netstat.SocketQuery) iter.Seq2[netstat.Socket, error] {
	return func(yield func(netstat.Socket, error) bool) {
		for _, name := range []string{"a\xff", "a\xfe", "other"} {
			for _, state := range []netstat.State{netstat.Established, netstat.Listen} {
				s := netstat.Socket{Protocol: q.Protocols[0], Family: netstat.IPv4, State: state, Local: netip.MustParseAddrPort("192.0.2.1:7"), Remote: netip.MustParseAddrPort("192.0.2.2:7")}
				s.Detail = new(netstat.SocketDetail)
				s.Detail.CGroup.Set(netstat.CGroup{ID: uint64(name[1]), Path: "/" + name + ".service"})
				s.Processes.Set([]netstat.Process{{PID: 7, Name: name}})
				if !yield(s, nil) {
					return
				}
			}
		}
	}
}

func (odd) Interfaces(context.Context) iter.Seq2[netstat.Interface, error] {
	return func(yield func(netstat.Interface, error) bool) {
		yield(netstat.Interface{Index: 1, Name: "e\xff", Alias: "\xf0\x28"}, nil)
	}
}

func (odd) Routes(context.Context, netstat.RouteQuery) iter.Seq2[netstat.Route, error] {
	return func(yield func(netstat.Route, error) bool) { yield(netstat.Route{}, context.DeadlineExceeded) }
}

func (odd) Counters(context.Context, ...netstat.CounterGroup) iter.Seq2[netstat.Counter, error] {
	return func(yield func(netstat.Counter, error) bool) {
		yield(netstat.Counter{Name: "Of\xffA{recording}", Value: netstat.Unsigned(1)}, nil)
	}
}

// Names of any octets neither end the program nor a scrape, and what fails at each scrape is said once.
func TestOddNames(t *testing.T) {
	var said strings.Builder
	of := readings.New(odd{}, readings.Options{Observe: Observe})
	e := New(Options{Log: slog.New(slog.NewTextHandler(&said, nil)), Stacks: func(context.Context) []Stack { return []Stack{{Readings: of}} }})
	for range 3 {
		registry := prometheus.NewRegistry()
		registry.MustRegister(e.Collector(t.Context()))
		families, err := registry.Gather()
		if err != nil {
			t.Error(err)
		}
		connections := 0.0
		for _, f := range families {
			if f.GetName() == "netstat_process_connections" {
				for _, m := range f.GetMetric() {
					connections += m.GetGauge().GetValue()
				}
			}
		}
		if connections != 6 { // of TCP and UDP
			t.Errorf("%v connections by process", connections)
		}
	}
	if n := strings.Count(said.String(), "part=routes"); n != 1 {
		t.Errorf("routes are said %d times not to be there:\n%s", n, &said)
	}
}

func TestUnitOfPath(t *testing.T) {
	for path, want := range map[string]string{
		"/system.slice/nginx.service":                                     "nginx.service",
		"/system.slice/docker-0123.scope/worker":                          "docker-0123.scope",
		"/user.slice/user-0.slice/user@0.service/app.slice/foo.service/x": "foo.service",
		"/kubepods/burstable/pod7":                                        "pod7",
		"/":                                                               "/",
	} {
		if got := unitOfPath(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
}

func TestSnake(t *testing.T) {
	for name, want := range map[string]string{
		"TcpExtTCPTimeouts": "tcp_ext_tcp_timeouts", "Ip6InReceives": "ip6_in_receives", "MPTcpExtMPJoinAckHMacFailure": "mp_tcp_ext_mp_join_ack_hmac_failure",
		"TCP_inuse": "tcp_inuse", "IpExtInECT1Pkts": "ip_ext_in_ect1_pkts", "TcpExtTWRecycled": "tcp_ext_tw_recycled", "x-y": "x_y",
	} {
		if got := snake(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
