package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/fresh"
	"github.com/netsnmp-agent/netsnmp-agent/internal/badpath"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/ifmib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/snmpv2mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

var fleetPage = []benchmark{{"probe", (*bench).probeCase}}

// Hosts of the fleet that are not as the others. They are spread over it.
const (
	fleetClosed, fleetSilent, fleetSlow, fleetHuge = 20, 20, 10, 5

	fleetExporter = "127.0.0.1:9116"
	hugeLinks     = 5_000
	slowRoundTrip = 300 * time.Millisecond
	// fleetDeadline is what Prometheus would give a scrape, and fleetMinute how long all hosts together are given.
	fleetDeadline = 30 * time.Second
	fleetMinute   = time.Minute
)

// fleetHost is what a host of the fleet is like.
type fleetHost string

const (
	healthy fleetHost = "healthy"
	closed  fleetHost = "closed" // answers with ICMP
	silent  fleetHost = "silent"
	slow    fleetHost = "slow"
	huge    fleetHost = "huge"
)

// fleetHosts says what each of n hosts is like, the same in every run.
func fleetHosts(n int) []fleetHost {
	hosts := make([]fleetHost, n)
	for i := range hosts {
		hosts[i] = healthy
	}
	at := rand.New(rand.NewPCG(1, 1)).Perm(n)
	for _, kind := range []struct {
		is fleetHost
		n  int
	}{{closed, fleetClosed}, {silent, fleetSilent}, {slow, fleetSlow}, {huge, fleetHuge}} {
		for range min(kind.n, len(at)) {
			hosts[at[0]], at = kind.is, at[1:]
		}
	}
	return hosts
}

// probeCase is the probe beside snmp_exporter, both asked as Prometheus asks.
func (b *bench) probeCase(s *section) error {
	s.Title, s.Peer = fmt.Sprintf("Asking %s hosts for Prometheus", thousands(b.fleet)), "snmp_exporter"
	ns, err := newNamespace(b.ctx)
	if err != nil {
		return err
	}
	defer ns.remove()
	defer b.stopAll()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if err := hold(b.ctx, ns, "-role", "fleet", "-count", strconv.Itoa(b.fleet)); err != nil {
		return err
	}
	version, err := exec.Command(b.snmpExporter, "--version").CombinedOutput()
	if err != nil {
		return err
	}
	// "snmp_exporter, version 0.30.1 (branch: ...", and of a build without its Makefile nothing after "version".
	_, said, _ := strings.Cut(string(version), "version ")
	said, _, _ = strings.Cut(strings.TrimSpace(said), " ")
	if said == "" || said[0] == '(' {
		said = "of no version, built from source"
	}
	// An exporter goes on for months: what it learns in the first minute is known in the second, which counts.
	measure := func(name, path string, hosts int, args ...string) (first, second fleetRun, err error) {
		p, err := b.start(name, ns.inside(args...))
		if err != nil {
			return first, second, err
		}
		defer p.stop()
		line := ns.inside(self, "-role", "fleet-scrapes", "-address", fleetExporter+path, "-count", strconv.Itoa(hosts), "-first", strconv.Itoa(b.fleet))
		if _, err := command(b.ctx, nil, line[0], append(line[1:], "-warm")...); err != nil {
			return first, second, fmt.Errorf("%w: %s", err, p.said())
		}
		for _, f := range []*fleetRun{&first, &second} {
			before, err := p.processorTime()
			if err != nil {
				return first, second, err
			}
			out, err := command(b.ctx, nil, line[0], line[1:]...)
			if err != nil {
				return first, second, fmt.Errorf("%w: %s", err, p.said())
			}
			after, err := p.processorTime()
			if err != nil {
				return first, second, err
			}
			m, err := p.memory()
			if err != nil {
				return first, second, err
			}
			if err := json.Unmarshal([]byte(out), f); err != nil {
				return first, second, err
			}
			f.processor, f.peak = after-before, m.peak
			progress("%s, %d hosts: %+v", name, hosts, *f)
		}
		return first, second, nil
	}
	ours := []string{b.agentProgram, "probe", "--metrics", fleetExporter}
	sample := min(b.fleetSample, b.fleet)
	_, our, err := measure("netsnmp-agent probe", "/probe", sample, ours...)
	if err != nil {
		return err
	}
	_, peer, err := measure("snmp_exporter", "/snmp", sample, b.snmpExporter, "--config.file="+b.snmpExporterConfig, "--web.listen-address="+fleetExporter)
	if err != nil {
		return err
	}
	f := figure{Case: thousands(sample) + " of them, each once in a minute: hosts a second and core", Ours: our.perCore()}.against(peer.perCore())
	s.add(f.reach("at least 5 times", f.Ratio >= 5))
	s.add(figure{Case: "resident memory, at most", Ours: &quantity{Value: our.peak, Unit: octets}}.against(&quantity{Value: peer.peak, Unit: octets}))
	s.add(our.slowest("the slowest healthy host").against(peer.slowest("").Ours))
	s.add(figure{Case: "healthy hosts that were not told of completely", Ours: &quantity{Value: float64(our.Healthy - our.Complete)}}.against(&quantity{Value: float64(peer.Healthy - peer.Complete)}).reach("none", our.Healthy == our.Complete))
	s.add(figure{Case: fmt.Sprintf("slow hosts, a round trip of %v, told of completely", slowRoundTrip), Ours: our.share(slow), Peer: peer.share(slow)})
	s.add(figure{Case: fmt.Sprintf("hosts of %s interfaces told of completely", thousands(hugeLinks)), Ours: our.share(huge), Peer: peer.share(huge)})
	first, all, err := measure("netsnmp-agent probe", "/probe", b.fleet, ours...)
	if err != nil {
		return err
	}
	s.add(figure{Case: fmt.Sprintf("all %s, each once in a minute: hosts a second and core", thousands(b.fleet)), Ours: all.perCore()})
	s.add(figure{Case: "the same: share of a core", Ours: &quantity{Value: 100 * all.processor.Seconds() / fleetMinute.Seconds(), Unit: share}})
	s.add(figure{Case: "the same: resident memory, at most", Ours: &quantity{Value: all.peak, Unit: octets}})
	s.add(all.slowest("the same: the slowest healthy host"))
	s.add(figure{Case: "the same: healthy hosts that were not told of completely", Ours: &quantity{Value: float64(all.Healthy - all.Complete)}}.reach("none", all.Healthy == all.Complete))
	s.add(figure{Case: "the first minute after a start, in which nothing is known of any: share of a core", Ours: &quantity{Value: 100 * first.processor.Seconds() / fleetMinute.Seconds(), Unit: share}})
	s.add(first.slowest("the same: the slowest healthy host"))
	s.add(figure{Case: "the same: healthy hosts that were not told of completely", Ours: &quantity{Value: float64(first.Healthy - first.Complete)}}.reach("none", first.Healthy == first.Complete))
	s.note("The hosts are one process with an address of 127.0.0.0/8 for each, of %d interfaces; of the fleet %d have a closed port, %d say nothing, %d are %v away and %d have %s interfaces. "+
		"A scrape has %v, as its header says, and the minute is the second in which the hosts are asked but where the first is named. The peer is snmp_exporter %s with its module if_mib. Hosts a second and core are those that were asked, divided by the processor time of the exporter; "+
		"hosts, exporter and driver share the processors, so that the slowest waits for these, too.",
		deviceLinks, fleetClosed, fleetSilent, fleetSlow, slowRoundTrip, fleetHuge, thousands(hugeLinks), fleetDeadline, said)
	return nil
}

// fleetRun is what came of asking each host once.
type fleetRun struct {
	Asked, Healthy int
	// Complete are healthy hosts that were told of completely, and Slowest how many seconds the slowest took.
	Complete int
	Slowest  float64
	// Others are those of another kind, by kind and by whether they were told of completely.
	Others map[fleetHost][2]int

	processor time.Duration
	peak      float64
}

func (f *fleetRun) perCore() *quantity {
	return &quantity{Value: float64(f.Asked) / f.processor.Seconds(), Unit: perSecond}
}

func (f *fleetRun) slowest(what string) figure {
	return figure{Case: what, Ours: &quantity{Value: f.Slowest, Unit: seconds}}
}

// share is how many of a kind were told of completely.
func (f *fleetRun) share(kind fleetHost) *quantity {
	n := f.Others[kind]
	return &quantity{Value: float64(n[1]), Note: fmt.Sprintf("of %d", n[0]+n[1])}
}

// processorTime is what the process has used, as /proc/PID/stat tells (proc(5)).
func (p *process) processorTime() (time.Duration, error) {
	const hertz = 100 // USER_HZ
	text, err := os.ReadFile(p.proc("stat"))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, fmt.Errorf("%d fields in %s", len(fields), p.proc("stat"))
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / hertz, errors.Join(err1, err2)
}

// fleetRole is the hosts, until its standard input ends.
func fleetRole(n int) error {
	small, err := deviceServer(deviceLinks)
	if err != nil {
		return err
	}
	large, err := deviceServer(hugeLinks)
	if err != nil {
		return err
	}
	listen := func(s *snmp.Server, at netip.AddrPort) error {
		_, err := s.Listen(snmp.Address{Transport: snmp.UDP, AddrPort: at})
		return err
	}
	// The agents behind slow paths are at port 162.
	for i, kind := range fleetHosts(n) {
		at := netip.AddrPortFrom(deviceAddress(i), snmp.Port)
		var err error
		switch kind {
		case closed:
		case silent:
			var c net.PacketConn
			if c, err = net.ListenPacket("udp", at.String()); err == nil {
				defer c.Close()
			}
		case slow:
			behind := netip.AddrPortFrom(at.Addr(), snmp.Port+1)
			if err = listen(small, behind); err == nil {
				p := badpath.Path{Delay: slowRoundTrip / 2}
				var closing func()
				if _, closing, err = p.Open(at.String(), behind.String()); err == nil {
					defer closing()
				}
			}
		case huge:
			err = listen(large, at)
		default:
			err = listen(small, at)
		}
		if err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	failed := make(chan error, 2)
	go func() { failed <- small.Serve(ctx) }()
	go func() { failed <- large.Serve(ctx) }()
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		failed <- err
	}()
	fmt.Println("ready")
	return <-failed
}

// deviceServer answers for a host with that many interfaces.
func deviceServer(n int) (*snmp.Server, error) {
	links := make([]netstat.Interface, n)
	for i := range links {
		links[i] = netstat.Interface{
			Index: uint32(i + 1), Name: fmt.Sprintf("GigabitEthernet0/%d", i), MTU: netstat.Known[uint32](1500), HardwareType: netstat.Known[uint16](1),
			Flags: netstat.InterfaceUp | netstat.InterfaceRunning, OperState: netstat.Known(netstat.OperUp), Address: "\x02\x00\x00\x00\x00\x01",
			Alias: fmt.Sprintf("customer %d", i), Speed: netstat.Known[uint64](1e9),
			Counters: netstat.InterfaceCounters{
				InPackets: netstat.Known[uint64](1 << 33), OutPackets: netstat.Known[uint64](1<<33 + 1), InOctets: netstat.Known[uint64](1 << 43), OutOctets: netstat.Known[uint64](1 << 42), InMulticast: netstat.Known[uint64](1 << 20),
				InBroadcast: netstat.Known[uint64](1 << 19), OutMulticast: netstat.Known[uint64](1 << 18), OutBroadcast: netstat.Known[uint64](1 << 17),
			},
		}
	}
	source := fresh.New(func(context.Context) ([]netstat.Interface, error) { return links, nil })
	epoch := time.Now()
	tree, err := mib.NewTree(mib.TreeOptions{Epoch: func() time.Time { return epoch }}, mib.Module{Name: "IF-MIB", Nodes: []mib.Node{
		snmpv2mib.SystemObjects().BindNow(func() snmpv2mib.System {
			return snmpv2mib.System{Descr: "device", ObjectID: mib.MakeOID(1, 3, 6), Started: epoch, Now: time.Now()}
		}),
		ifmib.Number().BindNow(func() ifmib.Summary { return ifmib.Summary{Number: netstat.Known(int32(n))} }),
		ifmib.Interfaces().Bind(source), ifmib.Extensions().Bind(source),
	}})
	if err != nil {
		return nil, err
	}
	return snmp.NewServer(snmp.Options{
		Handler: tree, Communities: []snmp.Community{{Name: community, Source: netip.MustParsePrefix("127.0.0.0/8")}},
	})
}

// fleetScrapesRole asks an exporter for every host of a sample, each at its time of a minute, as Prometheus does.
func fleetScrapesRole(exporter string, sample, n int, warm bool) error {
	kinds := fleetHosts(n)
	// All that are not as the others are in every sample.
	var chosen []int
	left := sample
	for i, kind := range kinds {
		if kind != healthy {
			chosen = append(chosen, i)
			left--
		}
	}
	for i, kind := range kinds {
		if kind == healthy && left > 0 {
			chosen = append(chosen, i)
			left--
		}
	}
	rand.New(rand.NewPCG(2, 2)).Shuffle(len(chosen), func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
	client := &http.Client{Transport: &http.Transport{MaxIdleConns: 1024, MaxIdleConnsPerHost: 1024, DisableCompression: true}}
	if warm {
		return warmUp(client, exporter, kinds)
	}
	t := fleetRun{Others: make(map[fleetHost][2]int)}
	var mu sync.Mutex
	var asking sync.WaitGroup
	began := time.Now()
	for k, i := range chosen {
		time.Sleep(time.Until(began.Add(time.Duration(k) * fleetMinute / time.Duration(len(chosen)))))
		asking.Go(func() {
			at := time.Now()
			links := scrapedLinks(client, exporter, i)
			took := time.Since(at)
			mu.Lock()
			defer mu.Unlock()
			t.Asked++
			switch kind := kinds[i]; kind {
			case healthy:
				t.Healthy++
				t.Slowest = max(t.Slowest, took.Seconds())
				if links == deviceLinks {
					t.Complete++
				}
			default:
				of := t.Others[kind]
				if links == deviceLinks && kind == slow || links == hugeLinks && kind == huge {
					of[1]++
				} else {
					of[0]++
				}
				t.Others[kind] = of
			}
		})
	}
	asking.Wait()
	return json.NewEncoder(os.Stdout).Encode(t)
}

// warmUp asks for a healthy host until there is an answer.
func warmUp(client *http.Client, exporter string, kinds []fleetHost) error {
	for i, kind := range kinds {
		if kind != healthy {
			continue
		}
		for range 100 {
			if scrapedLinks(client, exporter, i) == deviceLinks {
				return nil
			}
			time.Sleep(100 * time.Millisecond)
		}
		break
	}
	return errors.New("no healthy host is told of")
}

// scrapedLinks is of how many interfaces of a host an exporter tells the octets received within the deadline.
func scrapedLinks(client *http.Client, exporter string, host int) (n int) {
	ctx, cancel := context.WithTimeout(context.Background(), fleetDeadline)
	defer cancel()
	parameters := url.Values{"target": {deviceAddress(host).String()}, "module": {"if_mib"}}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+exporter+"?"+parameters.Encode(), nil)
	if err != nil {
		return 0
	}
	request.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", strconv.FormatFloat(fleetDeadline.Seconds(), 'f', -1, 64))
	answer, err := client.Do(request)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "ifHCInOctets{") {
			n++
		}
	}
	if lines.Err() != nil || answer.StatusCode != http.StatusOK {
		return 0
	}
	return n
}
