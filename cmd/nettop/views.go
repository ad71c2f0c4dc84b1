package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/internal/namespaces"
	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/internal/sources"
)

// view is a table as nettop shows it.
type view struct {
	// name is what the command line calls it, title what the screen does, and usage what
	// the help says of it.
	name, title, usage string
	table              func(*changes) show.Table
	// order is what rows are sorted by unless something else is chosen.
	order string
	// graph is the field whose history is drawn.
	graph string
	// first are the headings of the columns that matter most, where there is no room for all,
	// and the first of them what tells rows apart; those that are not named matter less, in
	// their order.
	first []string
	// rates says that a first reading tells nothing yet.
	rates bool
	// expand is the field of the rows of another view that rows are totals by, and into that
	// view; empty for rows that are no totals.
	expand, into string
	// told says that rows are told once: they are events.
	told bool
	// lacks says why there is no such view of some stacks; nil for a view of all.
	lacks func(*sources.Where) error
	// kill is what becomes of a row that is to go; nil where nothing can.
	kill *killer
	// further is what else is read of a row that is opened in full; nil for nothing.
	further *furtherReader
}

// busiest is the order of what goes through connections.
const busiest = "-sentRate,-receivedRate,-sentBytes"

// views are all that there are, in the order of their tabs.
var views = []view{
	{name: "connections", title: "Connections", usage: "what goes through each socket, those that ended for a while", order: busiest, graph: "sentRate", rates: true,
		first: []string{"Foreign Address", "Tx/s", "Rx/s", "PID/Program name", "State", "Local Address", "Sent", "Received", "RTT"},
		table: func(*changes) show.Table { return show.Connections() }, kill: socketKiller, further: socketOptions},
	totals("processes", "Processes", "process", "the same by process"),
	totals("units", "Units", "unit", "the same by systemd unit, or control group"),
	totals("users", "Users", "uid", "the same by user"),
	totals("remotes", "Remotes", "remoteAddress", "the same by the host at the other end"),
	totals("networks", "Networks", "remoteAddress/24/48", "the same by the network at the other end: /24 of IPv4 and /48 of IPv6"),
	{name: "interfaces", title: "Interfaces", usage: "rates, drops and utilisation of interfaces", order: "-receivedRate", graph: "receivedRate", rates: true,
		first: []string{"Interface", "Rx/s", "Tx/s", "Rx%", "Tx%", "Err/s", "RxDrp/s", "TxDrp/s"},
		table: func(*changes) show.Table { return show.InterfaceRates() }},
	{name: "listeners", title: "Listeners", usage: "listeners with their queues, drops, and how evenly they share an address", order: "-unaccepted", graph: "unaccepted", rates: true,
		first: []string{"Local Address", "Queue", "Max", "Drop/s", "Drops", "Fill%", "Skew", "PID/Program name"},
		table: func(*changes) show.Table { return show.Listeners() }, lacks: noHosts("listeners' queues")},
	{name: "tracked", title: "Tracked", usage: "flows that connection tracking follows, and what goes through them; those that ended for a while", order: busiest, graph: "sentRate", rates: true,
		first: []string{"Destination", "Tx/s", "Rx/s", "Source", "State", "Sent", "Received", "Proto"},
		table: func(*changes) show.Table { return show.FlowTraffic() }, lacks: noHosts("tracked flows"), kill: flowKiller},
	trackedTotals("hosts", "Hosts", "addr", "the same by host, at either end"),
	trackedTotals("zones", "Zones", "zone", "the same by zone of connection tracking"),
	{name: "counters", title: "Counters", usage: "counters of protocols that grow, the fastest first", order: "-rate", graph: "rate", rates: true,
		first: []string{"Counter", "A second", "Meaning"},
		table: func(*changes) show.Table { return show.CounterRates() }},
	{name: "changes", title: "Changes", usage: "changes of routes, neighbours, addresses, links and rules as they happen", order: "-number", told: true,
		first: []string{"Time", "What"},
		table: func(c *changes) show.Table { return show.Changes(c.recent) }, lacks: func(w *sources.Where) error {
			switch {
			case w.IsRemote() || w.Recording != "":
				return errors.New("changes are told by this kernel only")
			case w.NetNS == namespaces.All:
				return errors.New("changes are told of one namespace: --netns NAME")
			}
			return nil
		}},
}

// totals is a view of what connections have together by a key.
func totals(name, title, key, usage string) view {
	field, _, _ := strings.Cut(key, "/")
	return view{name: name, title: title, usage: usage, order: busiest, graph: "sentRate", rates: true, expand: field, into: "connections",
		table: func(*changes) show.Table { return show.TrafficTotals(key) }}
}

// trackedTotals is a view of what tracked flows have together by a key.
func trackedTotals(name, title, key, usage string) view {
	return view{name: name, title: title, usage: usage, order: busiest, graph: "sentRate", rates: true, expand: key, into: "tracked",
		table: func(*changes) show.Table { return show.FlowTrafficTotals(key) }, lacks: noHosts("tracked flows")}
}

// noHosts says that no MIB has what a view shows.
func noHosts(what string) func(*sources.Where) error {
	return func(w *sources.Where) error {
		if w.IsRemote() {
			return fmt.Errorf("no MIB has %s", what)
		}
		return nil
	}
}

// findView returns the view of a name, or of the only one that begins so.
func findView(name string) (*view, error) {
	var found []*view
	for i := range views {
		if views[i].name == name {
			return &views[i], nil
		}
		if strings.HasPrefix(views[i].name, name) {
			found = append(found, &views[i])
		}
	}
	if len(found) == 1 && name != "" {
		return found[0], nil
	}
	return nil, fmt.Errorf("there is no view %q: there are %s", name, strings.Join(viewNames(), ", "))
}

func viewNames() (names []string) {
	for i := range views {
		names = append(names, views[i].name)
	}
	return names
}

// possible returns the views that the stacks have.
func possible(w *sources.Where) (found []*view) {
	for i := range views {
		if views[i].lacks == nil || views[i].lacks(w) == nil {
			found = append(found, &views[i])
		}
	}
	return found
}

// place is where a view stands among others.
func place(v *view, among []*view) int { return max(slices.Index(among, v), 0) }

// checkOrder says what is wrong with an order of a view's rows.
func checkOrder(v *view, order string) error { return show.CheckOrder(v.table(new(changes)), order) }
