package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
)

const (
	sparseColumn  = "1.3.6.1.2.1.6.19.1.8" // tcpConnectionProcess
	tcpRTOMin     = "1.3.6.1.2.1.6.2.0"
	udpNoPorts    = "1.3.6.1.2.1.7.2.0"
	sysDescr      = "1.3.6.1.2.1.1.1.0"
	longDatagram  = 65_000
	longStream    = 250_000
	slowInterval  = 10 * time.Millisecond
	strayInterval = 500 * time.Microsecond
	mostMore      = 5 * time.Millisecond
)

// othersCase is how long one manager waits while something else holds the agent up:
// the longest request of another, over each transport; a slow link; a log that
// nobody reads.
func (b *bench) othersCase(s *section) error {
	s.Title = fmt.Sprintf("A GET, while others ask for the sparsest column of %s rows", thousands(b.sparse))
	s.Peer = "an echo"
	ns, err := socketsScene(b.ctx, b.sparse)
	if err != nil {
		return err
	}
	defer ns.remove()
	defer b.stopAll()
	far, err := slowLink(b.ctx, ns)
	if err != nil {
		return err
	}
	defer far.remove()

	listening, err := b.file("everywhere.conf", fmt.Sprintf(
		"agentaddress udp:0.0.0.0:%d,tcp:127.0.0.1:%d\nrocommunity %s\n", agentPort, agentPort, community))
	if err != nil {
		return err
	}
	program := []string{b.agentProgram, "--config", listening}
	for _, c := range []struct {
		name  string
		start func() (*agent, error)
		asked string // of the agent
		load  func(context.Context) error
	}{
		{"nothing else", func() (*agent, error) { return b.startHidden(ns, program) }, sysUpTime, waitFor},
		{"the longest request over UDP", func() (*agent, error) { return b.startHidden(ns, program) }, sysUpTime,
			func(ctx context.Context) error { return askLongest(ctx, ns, "udp4", agentPort, longDatagram) }},
		{"the longest request over TCP", func() (*agent, error) { return b.startHidden(ns, program) }, sysUpTime,
			func(ctx context.Context) error { return askLongest(ctx, ns, "tcp4", agentPort, longStream) }},
		{"a manager behind a link of 16 kbit/s", func() (*agent, error) { return b.startHidden(ns, program) }, sysUpTime,
			func(ctx context.Context) error { return askFromAfar(ctx, far) }},
		{"nobody reads the log, at debug", func() (*agent, error) { return b.startUnread(ns, program) }, sysUpTime,
			func(ctx context.Context) error { return askAsStranger(ctx, ns) }},
		{"the longest request through snmpd by AgentX", func() (*agent, error) { return b.startBehindMaster(ns) }, tcpRTOMin,
			func(ctx context.Context) error { return askLongest(ctx, ns, "udp4", snmpdPort, longDatagram) }},
	} {
		if err := b.whileLoaded(s, ns, c.name, c.start, c.asked, c.load); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	s.note("The echo does nothing but to answer; it is asked all along as the agent is, every %v, and tells what the machine adds. Through snmpd tcpRtoMin is asked for, and in place of the echo udpNoPorts, which is another process's, of the same program with nothing else to do. snmpd is one thread, which takes a tenth of a second for such a request: what is asked of either subagent meanwhile waits for that.", b.probeInterval)
	s.note("The longest request is a GetNextRequest or a GetBulkRequest of %s octets over UDP and %s over TCP, all of it tcpConnectionProcess, whose values the agent may not see but for its own; it is asked for again as soon as it is answered. "+
		"The manager behind the slow link sends 100 GETs a second, for answers of more than the link carries; the log tells of 2,000 requests a second that nobody may send.",
		thousands(longDatagram), thousands(longStream))
	return nil
}

// whileLoaded asks an agent and an echo, while load goes on.
func (b *bench) whileLoaded(s *section, ns *namespace, name string, start func() (*agent, error), asked string, load func(context.Context) error) error {
	a, err := start()
	if err != nil {
		return err
	}
	defer b.stopAll()
	beside := target{port: snmpdPort, name: mustEncodeOID(udpNoPorts)}
	if a.port != snmpdPort {
		if _, beside, err = b.echo(ns); err != nil {
			return err
		}
	}
	p, err := probe(ns, b.probeInterval, target{port: a.port, name: mustEncodeOID(asked)}, beside)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(b.ctx, b.loadTime, errLoaded)
	defer cancel()
	loaded := make(chan error, 1)
	go func() { loaded <- onThread(nil, func() error { return load(ctx) }) }()
	<-ctx.Done()
	took, err := p.stop()
	if l := <-loaded; !errors.Is(l, errLoaded) {
		err = errors.Join(err, l)
	}
	if err != nil {
		return fmt.Errorf("%w: %s", err, a.said())
	}
	our, peer := latency(&took[0], 99), latency(&took[1], 99)
	s.add(figure{Case: name + ": median", Ours: latency(&took[0], 50), Peer: latency(&took[1], 50)})
	f := figure{Case: name + ": 99th percentile", Ours: our, Peer: peer}
	if a.port != snmpdPort { // what waits for snmpd says little of a subagent
		f = f.reach("under 5 ms more", our.Value-peer.Value < mostMore.Seconds())
	}
	s.add(f)
	progress("%s: %s, beside %s", name, our, peer)
	return nil
}

// errLoaded ends what goes on while others ask.
var errLoaded = errors.New("long enough")

func waitFor(ctx context.Context) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

// hidden runs a program that may not see what others' processes have open.
func hidden(args []string) []string {
	return append([]string{"setpriv", "--bounding-set=-sys_ptrace"}, args...)
}

func (b *bench) startHidden(ns *namespace, args []string) (*agent, error) {
	return b.startAgent("netsnmp-agent", agentPort, ns, nil, hidden(args)...)
}

// startUnread starts an agent whose log nobody reads.
func (b *bench) startUnread(ns *namespace, args []string) (*agent, error) {
	unread, log, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	ns.close = append(ns.close, func() { unread.Close() })
	p, err := b.startWith(log, ns.inside(hidden(append(args, "--log-level=debug"))...))
	if err != nil {
		return nil, err
	}
	return b.answering(p, "netsnmp-agent", agentPort, ns)
}

// startBehindMaster starts snmpd, an agent as its subagent for TCP-MIB, and another
// for UDP-MIB, which nobody keeps busy.
func (b *bench) startBehindMaster(ns *namespace) (*agent, error) {
	socket := filepath.Join(b.dir, "agentx")
	master, err := b.startMaster(ns, socket)
	if err != nil {
		return nil, err
	}
	for module, group := range map[string]string{"TCP-MIB": "1.3.6.1.2.1.6", "UDP-MIB": "1.3.6.1.2.1.7"} {
		sub, err := b.start("netsnmp-agent", ns.inside(hidden([]string{b.agentProgram, "--modules=" + module, "--agentx=unix:" + socket})...))
		if err != nil {
			return nil, err
		}
		if err := b.served(master, group); err != nil {
			return nil, fmt.Errorf("%w\n%s", err, sub.said())
		}
	}
	return master, nil
}

// slowLink gives a scene a neighbour behind a link of 16 kbit/s.
func slowLink(ctx context.Context, ns *namespace) (*namespace, error) {
	far, err := newNamespace(ctx)
	if err != nil {
		return nil, err
	}
	err = ns.ip(ctx, "link add slow type veth peer name slow netns "+far.name+"\naddr add 192.0.2.1/24 dev slow\nlink set slow up\n")
	if err == nil {
		err = far.ip(ctx, "addr add 192.0.2.2/24 dev slow\nlink set slow up\n")
	}
	if err == nil {
		args := ns.inside("tc", "qdisc", "add", "dev", "slow", "root", "tbf", "rate", "16kbit", "burst", "1600", "limit", "100000")
		_, err = command(ctx, nil, args[0], args[1:]...)
	}
	if err != nil {
		far.remove()
		return nil, err
	}
	return far, nil
}

// longest returns a request of about so many octets for the sparsest column.
func longest(pdu byte, octets int, id uint32) []byte {
	name := mustEncodeOID(sparseColumn)
	const around = 4 // of each variable: the headers of the pair and of NULL
	r := request{buf: make([]byte, octets+64)}
	repetitions := uint32(0)
	if pdu == ber.GetBulkRequest {
		repetitions = 10
	}
	names := slices.Repeat([][]byte{name}, octets/(len(name)+around+2))
	return r.message(community, pdu, id, repetitions, names...)
}

// askLongest asks for the sparsest column, again as soon as there is an answer.
func askLongest(ctx context.Context, ns *namespace, network string, port, octets int) error {
	var conn net.Conn
	err := ns.do(func() (err error) {
		conn, err = net.Dial(network, "127.0.0.1:"+strconv.Itoa(port))
		return err
	})
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) })()
	buf, n := make([]byte, 1<<20), 0
	kinds := [...]byte{ber.GetNextRequest, ber.GetBulkRequest}
	for i := 0; ctx.Err() == nil; i++ {
		if _, err := conn.Write(longest(kinds[i%2], octets, firstID)); err != nil {
			break
		}
		patience := time.Now().Add(ourTimeout)
		for ctx.Err() == nil { // what is not answered is asked for again
			if network == "udp4" {
				_ = conn.SetReadDeadline(patience)
			}
			got, err := conn.Read(buf[n:])
			if n += got; err != nil {
				n = 0
				if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, unix.ECONNREFUSED) {
					break
				}
				return err
			}
			if _, _, end := element(buf[:n]); end > 0 {
				n = 0
				break
			}
			if n == len(buf) {
				return io.ErrShortBuffer
			}
		}
	}
	return context.Cause(ctx)
}

// askFromAfar asks for more than comes through a slow link.
func askFromAfar(ctx context.Context, far *namespace) error {
	var conn net.Conn
	err := far.do(func() (err error) {
		conn, err = net.Dial("udp4", "192.0.2.1:"+strconv.Itoa(agentPort))
		return err
	})
	if err != nil {
		return err
	}
	defer conn.Close()
	name := mustEncodeOID(sysDescr)
	var r request
	return every(ctx, slowInterval, func() error {
		_, err := conn.Write(r.message(community, ber.GetRequest, firstID, 0, slices.Repeat([][]byte{name}, 4)...))
		return err
	})
}

// askAsStranger asks with a community that nobody knows.
func askAsStranger(ctx context.Context, ns *namespace) error {
	c, err := dial(ns, agentPort, ourTimeout)
	if err != nil {
		return err
	}
	defer c.close()
	name := mustEncodeOID(sysUpTime)
	return every(ctx, strayInterval, func() error {
		return c.send(c.request.message("stranger", ber.GetRequest, firstID, 0, name))
	})
}

func every(ctx context.Context, interval time.Duration, do func() error) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
			if err := do(); err != nil {
				return err
			}
		}
	}
}
