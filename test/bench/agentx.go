package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/posteo/go-agentx"
	"github.com/posteo/go-agentx/pdu"
	"github.com/posteo/go-agentx/value"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
)

// builtIns are snmpd's own tables, which the master leaves to its subagents.
const builtIns = "-smux,mteTrigger,mteTriggerConf,tcp,tcpTable,tcpConnectionTable,tcpListenerTable,udp,udpTable,udpEndpointTable," +
	"ifTable,ifXTable,ip,ip_scalars,icmp,ipv6,at,var_route,ipCidrRouteTable,inetCidrRouteTable,ipAddressTable," +
	"ipAddressPrefixTable,ipDefaultRouterTable,inetNetToMediaTable,ipSystemStatsTable,ipIfStatsTable," +
	"ipv6ScopeZoneIndexTable,dot3StatsTable"

// The table that the subagent on go-agentx serves, which has as many variables
// as ifTable.
const (
	enterpriseTable = "1.3.6.1.4.1.32473.2.1"
	ifColumns       = 22
)

// commonColumns are columns of ifTable that every agent has. A master answers
// with at most a hundred variables: rowRepetitions of them.
var commonColumns = []int{2, 3, 4, 5, 7, 8, 10, 13, 14, 16, 19, 20}

const rowRepetitions = 8

// agentXCase is tables of subagents, read through snmpd.
func (b *bench) agentXCase(s *section) error {
	s.Title = "Through snmpd by AgentX"
	s.Peer = "peer"
	defer b.stopAll()
	links, err := interfacesScene(b.ctx, b.interfaces)
	if err != nil {
		return err
	}
	defer links.remove()
	interfaces := fmt.Sprintf("ifTable, %s interfaces", thousands(b.interfaces))
	columns, err := b.againstSubagents(s, links, ifTable, interfaces, subagentWalks{runs: b.runs + 1, byRows: true})
	if err != nil {
		return err
	}
	sockets, err := socketsScene(b.ctx, b.connections)
	if err != nil {
		return err
	}
	defer sockets.remove()
	_, err = b.againstSubagents(s, sockets, tcpConnectionTable, fmt.Sprintf("tcpConnectionTable, %s sockets", thousands(b.connections)), subagentWalks{runs: b.runs + 1})
	if err != nil {
		return err
	}
	sockets.remove()
	// libnetsnmp goes through all of tcpConnTable for every variable of it: a
	// few rows take it long.
	conns := min(b.conns, 4000)
	old, err := socketsScene(b.ctx, conns)
	if err != nil {
		return err
	}
	defer old.remove()
	_, err = b.againstSubagents(s, old, tcpConnTable, fmt.Sprintf("tcpConnTable, %s sockets", thousands(conns)), subagentWalks{runs: 1})
	if err != nil {
		return err
	}

	rows := columns / ifColumns
	theirs, err := b.subagent(links, "go-agentx", enterpriseTable, nil, b.runs+1, func(self, socket string) []string {
		return []string{self, "-role", "go-agentx", "-address", socket, "-count", strconv.Itoa(rows)}
	})
	if err != nil {
		// It is a peer to look at, not one that has to work.
		s.note("The subagent on go-agentx failed: %v.", err)
		return nil
	}
	our := s.Figures[0].Ours
	s.add(figure{Case: interfaces + "; a subagent on go-agentx with a table of that size", Ours: our}.against(theirs))
	s.note("snmpd is the same for all subagents, and has none of these tables itself. It asks a subagent for one repetition of a GETBULK " +
		"after the other, by GetNext: for one variable at a time, but where columns are walked side by side. What it needs for that is in every figure.")
	s.note("A session of go-agentx has one registration, and its ListHandler looks for a name from the list's start. " +
		"It therefore serves an enterprise table, all of it in memory, with a binary search.")
	return nil
}

// subagentWalks says how a table is walked through a master.
type subagentWalks struct {
	runs   int  // of which the first, where there are several, does not count
	byRows bool // columns side by side, too
}

// againstSubagents compares our subagent with one on libnetsnmp and returns the
// number of variables of ours.
func (b *bench) againstSubagents(s *section, ns *namespace, root, name string, walks subagentWalks) (int, error) {
	conf, err := b.file("subagent.conf", "")
	if err != nil {
		return 0, err
	}
	run := func(columns []int) (our, theirs *quantity, err error) {
		our, err = b.subagent(ns, "netsnmp-agent", root, columns, walks.runs, func(_, socket string) []string {
			return []string{b.agentProgram, "--agentx=unix:" + socket}
		})
		if err != nil {
			return nil, nil, err
		}
		theirs, err = b.subagent(ns, "libnetsnmp", root, columns, walks.runs, func(_, socket string) []string {
			return []string{snmpdProgram, "-X", "-LOw", "-f", "-C", "-c", conf, "-x", "unix:" + socket}
		})
		return our, theirs, err
	}
	our, theirs, err := run(nil)
	if err != nil {
		return 0, err
	}
	f := figure{Case: name + "; a subagent on libnetsnmp (snmpd -X)", Ours: our}.against(theirs)
	s.add(f.reach("at least 4 times the varbinds", f.Ratio >= 4))
	took := func(each float64) *quantity { return &quantity{Value: each, Unit: seconds} }
	s.add(figure{Case: "processor time of the subagent for a varbind of it", Ours: took(our.processor)}.against(took(theirs.processor)))
	s.add(figure{Case: "processor time of snmpd for it", Ours: took(our.master)}.against(took(theirs.master)))
	s.note("%s: snmpd alone takes so long for a varbind that a subagent which took no time at all would have %.1f times the varbinds of the one on libnetsnmp.",
		name, 1/(theirs.Value*our.master))
	size := our.size
	if walks.byRows {
		if our, theirs, err = run(commonColumns); err != nil {
			return 0, err
		}
		s.add(figure{Case: fmt.Sprintf("the same, %d columns side by side", len(commonColumns)), Ours: our}.against(theirs))
	}
	return size, nil
}

// subagent walks a table of a subagent through a master of its own; by columns
// side by side, where some are given.
func (b *bench) subagent(ns *namespace, name, root string, columns []int, runs int, args func(self, socket string) []string) (*quantity, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	socket := filepath.Join(b.dir, "agentx")
	master, err := b.startMaster(ns, socket)
	if err != nil {
		return nil, err
	}
	defer master.stop()
	sub, err := b.start(name, ns.inside(args(self, socket)...))
	if err != nil {
		return nil, err
	}
	defer sub.stop()
	failed := func(err error) error { return fmt.Errorf("%s: %w\n%s", name, err, sub.said()) }
	if err := b.served(master, root); err != nil {
		return nil, failed(err)
	}
	c, err := master.dial(peerTimeout)
	if err != nil {
		return nil, err
	}
	defer c.close()
	var rates, processor, masters []float64
	var w walked
	for range runs {
		before, err := sub.cpuTime()
		if err != nil {
			return nil, failed(err)
		}
		masterBefore, err := master.cpuTime()
		if err != nil {
			return nil, failed(err)
		}
		ctx, cancel := context.WithTimeoutCause(b.ctx, b.peerTimeout, errTooLong)
		err = onThread(nil, func() (err error) {
			if columns != nil {
				w, err = c.walkRows(ctx, root+".1", columns, rowRepetitions)
			} else {
				w, err = c.walk(ctx, root, b.repetitions)
			}
			return err
		})
		cancel()
		if err != nil {
			return nil, failed(err)
		}
		progress("%s: %s varbinds/s of %s", name, significant(w.rate()), thousands(w.varbinds))
		after, err := sub.cpuTime()
		if err != nil {
			return nil, failed(err)
		}
		masterAfter, err := master.cpuTime()
		if err != nil {
			return nil, failed(err)
		}
		rates = append(rates, w.rate())
		processor = append(processor, after.since(before).Seconds()/float64(w.varbinds))
		masters = append(masters, masterAfter.since(masterBefore).Seconds()/float64(w.varbinds))
	}
	if runs > 1 { // the first may have filled caches
		rates, processor, masters = rates[1:], processor[1:], masters[1:]
	}
	return &quantity{
		Value: median(rates), Unit: perSecond, Note: thousands(w.varbinds) + " varbinds",
		size: w.varbinds, processor: median(processor), master: median(masters),
	}, nil
}

// startMaster starts snmpd as the master of subagents that connect to a socket.
func (b *bench) startMaster(ns *namespace, socket string) (*agent, error) {
	conf, err := b.file("master.conf", fmt.Sprintf("master agentx\nagentXSocket unix:%s\n"+
		"agentaddress udp:127.0.0.1:%d\nrocommunity %s 127.0.0.1\n", socket, snmpdPort, community))
	if err != nil {
		return nil, err
	}
	return b.startAgent("snmpd", snmpdPort, ns, nil,
		snmpdProgram, "-LOw", "-I", builtIns, "-f", "-C", "-c", conf)
}

// served waits until a subagent serves a table.
func (b *bench) served(master *agent, root string) error {
	c, err := master.dial(time.Second)
	if err != nil {
		return err
	}
	defer c.close()
	subtree := mustEncodeOID(root)
	ctx, cancel := context.WithTimeoutCause(b.ctx, 30*time.Second, errors.New("the table does not appear"))
	defer cancel()
	for {
		a, err := c.ask(ctx, ber.GetNextRequest, 0, subtree)
		if err != nil {
			return err
		}
		if n, _ := a.within(subtree); a.status == 0 && n > 0 {
			return nil
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

// goAgentXRole is a subagent on github.com/posteo/go-agentx that serves a table
// with that many rows.
func goAgentXRole(socket string, rows int) error {
	handler := &sortedRows{}
	entry := append(value.MustParseOID(enterpriseTable), 1)
	for column := range ifColumns {
		for row := range rows {
			handler.names = append(handler.names, append(slices.Clone(entry), uint32(column+1), uint32(row+1)))
		}
	}
	client, err := agentx.Dial("unix", socket, agentx.WithTimeout(time.Minute), agentx.WithReconnectInterval(time.Second))
	if err != nil {
		return err
	}
	defer client.Close()
	root := value.MustParseOID(enterpriseTable)
	session, err := client.Session(root, "go-agentx", handler)
	if err != nil {
		return err
	}
	if err := session.Register(127, root); err != nil {
		return err
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
	<-ended
	return nil
}

// sortedRows serves names in order; the value of each is its place.
type sortedRows struct{ names []value.OID }

func (s *sortedRows) at(i int) (value.OID, pdu.VariableType, any, error) {
	if i == len(s.names) {
		return nil, pdu.VariableTypeNoSuchObject, nil, nil
	}
	return s.names[i], pdu.VariableTypeCounter32, uint32(i), nil
}

func (s *sortedRows) Get(_ context.Context, name value.OID) (value.OID, pdu.VariableType, any, error) {
	if i, found := slices.BinarySearchFunc(s.names, name, value.CompareOIDs); found {
		return s.at(i)
	}
	return s.at(len(s.names))
}

func (s *sortedRows) GetNext(_ context.Context, from value.OID, include bool, to value.OID) (value.OID, pdu.VariableType, any, error) {
	i, found := slices.BinarySearchFunc(s.names, from, value.CompareOIDs)
	if found && !include {
		i++
	}
	if i < len(s.names) && len(to) > 0 && value.CompareOIDs(s.names[i], to) >= 0 {
		i = len(s.names)
	}
	return s.at(i)
}
