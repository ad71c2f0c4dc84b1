// Command bench compares netsnmp-agent with its peers: net-snmp's snmpd, and
// subagents on libnetsnmp and github.com/posteo/go-agentx; with -page live
// package live, and the agent on a million routes, with other libraries and
// ip(8), and lookups with github.com/gaissmai/bart; with -page netstat netstat with ss, ip and net-tools' netstat; and with -page
// nettop it measures what it takes to watch connections; with -page fleet the probe, which asks 10,000 hosts, with
// snmp_exporter. It
// builds its scenes in network namespaces of its own, runs the programs in them
// one after the other, and prints a Markdown page. It raises
// net.netfilter.nf_conntrack_max for a while, which all namespaces share.
//
// It needs root, and Debian's snmpd, snmp, conntrack, net-tools and iproute2, and for the page fleet snmp_exporter. It runs for
// several minutes, most of which are snmpd's.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// bench is one run of the command.
type bench struct {
	ctx context.Context
	options
	dir          string // for what is written
	agentProgram string
	// agentCPU and clientCPU are what the agent and the load client are kept
	// to where that is measured; nil on a machine with one processor.
	agentCPU, clientCPU *int

	running []*process
	routes  *namespace // made when it is needed first
	live    *namespace // the same
	// peerMemory is snmpd's after a walk of the routes, once it has walked.
	peerMemory *memory
}

type options struct {
	routeCount, conns, connections, interfaces int
	liveRoutes                                 int
	sparse, largeHost                          int
	hosts                                      int
	fleet, fleetSample                         int
	snmpExporter, snmpExporterConfig           string
	listedSockets, listedRoutes                int
	flows                                      int
	repetitions, runs                          int
	peerTimeout                                time.Duration
	probeInterval, idleTime, loadTime          time.Duration
}

type benchmark struct {
	name string
	run  func(*bench, *section) error
}

// pages are the cases of each page, in its order.
var pages = map[string][]benchmark{"agent": agentPage, "live": livePage, "netstat": netstatPage, "nettop": nettopPage, "fleet": fleetPage}

var livePage = []benchmark{
	{"load", (*bench).loadCase},
	{"lookup", (*bench).lookupCase},
	{"churn", (*bench).churnCase},
	{"agent", (*bench).liveAgentCase},
	{"many", (*bench).manyCase},
}

var agentPage = []benchmark{
	{"walk", (*bench).walkCase},
	{"routes", (*bench).routesCase},
	{"tcpconn", (*bench).tcpConnCase},
	{"connections", (*bench).connectionsCase},
	{"interfaces", (*bench).interfacesCase},
	{"agentx", (*bench).agentXCase},
	{"security", (*bench).securityCase},
	{"contexts", (*bench).contextsCase},
	{"others", (*bench).othersCase},
	{"large", (*bench).largeCase},
	{"remote", (*bench).remoteCase},
	{"paths", (*bench).pathsCase},
	{"conntrack", (*bench).conntrackCase},
	{"scrape", (*bench).scrapeCase},
	{"memory", (*bench).memoryCase},
	{"idle", (*bench).idleCase},
}

// The main goroutine stays on the main thread, so that the processes that it
// starts end with this one and not before.
func init() { runtime.LockOSThread() }

func main() {
	if err := run(); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func run() (err error) {
	b := &bench{}
	namesOf := func(page string) string {
		var names []string
		for _, c := range pages[page] {
			names = append(names, c.name)
		}
		return strings.Join(names, ", ")
	}
	flag.IntVar(&b.routeCount, "routes", 100_000, "IPv4 routes of the route tables' scene")
	flag.IntVar(&b.liveRoutes, "live-routes", 1_000_000, "IPv4 routes of the live stack's scene")
	flag.IntVar(&b.conns, "conns", 18_000, "sockets of the tcpConnTable scene")
	flag.IntVar(&b.connections, "connections", 32_000, "sockets of the tcpConnectionTable scene")
	flag.IntVar(&b.interfaces, "interfaces", 2_000, "interfaces of the ifTable scene")
	flag.IntVar(&b.sparse, "sparse", 40_000, "sockets of the scene in which one manager asks for the sparsest column")
	flag.IntVar(&b.largeHost, "large", 5_000, "interfaces with IPv6 of the large host")
	flag.IntVar(&b.hosts, "hosts", 500, "hosts of the scene with many")
	flag.IntVar(&b.fleet, "fleet", 10_000, "hosts of the fleet's page")
	flag.IntVar(&b.fleetSample, "fleet-sample", 2_000, "how many of these the probe and its peer are both asked for")
	flag.StringVar(&b.snmpExporter, "snmp-exporter", "snmp_exporter", "the snmp_exporter at `PATH`, of the fleet's page")
	flag.StringVar(&b.snmpExporterConfig, "snmp-exporter-config", "snmp.yml", "its `FILE`, with the module if_mib")
	flag.IntVar(&b.listedSockets, "listed-sockets", 50_000, "sockets of netstat's scenes")
	flag.IntVar(&b.listedRoutes, "listed-routes", 1_000_000, "IPv4 routes of netstat's scene")
	flag.IntVar(&b.flows, "flows", 100_000, "tracked connections of conntrack's scene")
	flag.IntVar(&b.repetitions, "repetitions", 50, "max-repetitions of the walks")
	flag.IntVar(&b.runs, "runs", 3, "how often quick things are measured")
	flag.DurationVar(&b.peerTimeout, "peer-timeout", 4*time.Minute, "how long a peer may take for one thing")
	flag.DurationVar(&b.probeInterval, "probe", 3*time.Millisecond, "between two GETs of sysUpTime while others ask")
	flag.DurationVar(&b.loadTime, "load", 10*time.Second, "how long one manager keeps the agent busy while another asks")
	flag.DurationVar(&b.idleTime, "idle", 10*time.Second, "how long wake-ups are counted")
	page := flag.String("page", "agent", "what to write: the page agent, live, netstat, nettop or fleet")
	only := flag.String("only", "", "run only the cases `NAME,...` of "+namesOf("agent")+"; on the page live of "+namesOf("live")+"; on the page netstat of "+namesOf("netstat")+"; on the page nettop of "+namesOf("nettop")+"; on the page fleet of "+namesOf("fleet"))
	program := flag.String("agent", "", "measure the netsnmp-agent at `PATH` instead of building it")
	out := flag.String("out", "", "write the report to `FILE` instead of standard output")
	renew := flag.Bool("renew", false, "leave the page at -out as it is, but for the cases of -only, whose sections take the place of the old ones")
	asJSON := flag.Bool("json", false, "write JSON instead of Markdown")
	role := flag.String("role", "", "used by the command itself: what its helper process does")
	number := flag.Int("count", 0, "used by the command itself")
	firstNumber := flag.Int("first", 0, "used by the command itself")
	address := flag.String("address", "", "used by the command itself")
	warm := flag.Bool("warm", false, "used by the command itself")
	flag.Parse()
	switch *role {
	case "":
	case "sockets":
		return socketsRole(*number)
	case "udp":
		return udpRole(*firstNumber, *number)
	case "traffic":
		return trafficRole(*number)
	case "churn":
		return churnRole(*firstNumber, *number)
	case "echo":
		return echoRole(*address)
	case "go-agentx":
		return goAgentXRole(*address, *number)
	case "load":
		how, names, _ := strings.Cut(*address, ":")
		return loadRole(how, names)
	case "remote-routes":
		return remoteRoutesRole(*address)
	case "gosnmp-routes":
		return gosnmpRoutesRole(*address)
	case "remote-hosts":
		return remoteHostsRole(*address, *number)
	case "devices":
		return devicesRole(*number)
	case "proxy":
		return proxyRole(*address)
	case "fleet":
		return fleetRole(*number)
	case "fleet-scrapes":
		return fleetScrapesRole(*address, *number, *firstNumber, *warm)
	case "remote-path":
		return remotePathRole(*address)
	default:
		return fmt.Errorf("unknown role %q", *role)
	}
	if flag.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", flag.Arg(0))
	}
	chosen, ok := pages[*page]
	if !ok {
		return fmt.Errorf("-page: there is no page %q", *page)
	}
	if *only != "" {
		if chosen, err = choose(chosen, *only); err != nil {
			return err
		}
	}
	if *renew && (*only == "" || *out == "" || *asJSON) {
		return errors.New("-renew goes with -only and -out, and not with -json")
	}
	if b.runs < 1 || b.repetitions < 1 || b.hosts < 1 || b.fleetSample < 100 || b.fleet < b.fleetSample {
		return errors.New("-runs, -repetitions and -hosts are at least 1, and -fleet at least -fleet-sample, which is at least 100")
	}
	if os.Geteuid() != 0 {
		return errors.New("only root can make network namespaces")
	}
	programs := []string{"ip", "taskset"}
	switch *page {
	case "agent":
		programs = append(programs, "snmpbulkwalk", snmpdProgram, "conntrack")
	case "netstat":
		programs = append(programs, "ss", netToolsProgram)
	case "fleet":
		programs = append(programs, b.snmpExporter)
	}
	for _, name := range programs {
		if _, err := exec.LookPath(name); err != nil {
			return fmt.Errorf("%w (apt-get install snmpd snmp conntrack iproute2 net-tools util-linux)", err)
		}
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	b.ctx = ctx
	if b.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	defer b.cleanUp()
	if err := b.chooseCPUs(); err != nil {
		return err
	}
	// Opened first, so that a run of minutes does not end with a wrong path.
	w := io.Writer(os.Stdout)
	var old []byte
	if *renew {
		if old, err = os.ReadFile(*out); err != nil {
			return err
		}
	} else if *out != "" {
		f, err := os.Create(*out)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		w = f
	}
	r := report{Page: *page, Machine: b.machine(), Runs: b.runs}
	if b.agentProgram = *program; b.agentProgram == "" {
		progress("building netsnmp-agent")
		b.agentProgram = filepath.Join(b.dir, "netsnmp-agent")
		if _, err := command(ctx, nil, "go", "build", "-o", b.agentProgram, "github.com/netsnmp-agent/netsnmp-agent/cmd/netsnmp-agent"); err != nil {
			return err
		}
	}

	// What fails is said, and takes nothing away from the others.
	var failed error
	for _, c := range chosen {
		progress("%s", c.name)
		s := section{Title: c.name, Peer: "snmpd"}
		if *page != "agent" {
			s.Peer = "peer"
		}
		err := c.run(b, &s)
		b.stopAll()
		if err != nil {
			err = fmt.Errorf("%s: %w", c.name, err)
			failed = errors.Join(failed, err)
			progress("%v", err)
			s.note("**failed**: %v", strings.ReplaceAll(err.Error(), "\n", " "))
		}
		r.Sections = append(r.Sections, s)
		if ctx.Err() != nil {
			break
		}
	}
	switch {
	case *renew && failed != nil: // the page stays
	case *renew:
		var page []byte
		if page, err = r.renewed(old); err == nil {
			err = os.WriteFile(*out, page, 0o644)
		}
	case *asJSON:
		err = r.json(w)
	default:
		err = r.markdown(w)
	}
	return errors.Join(failed, err)
}

func choose(from []benchmark, list string) (chosen []benchmark, err error) {
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(from, func(c benchmark) bool { return c.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-only: there is no case %q", name)
		}
		chosen = append(chosen, from[i])
	}
	return chosen, nil
}

// chooseCPUs takes the first two processors that the bench may use.
func (b *bench) chooseCPUs() error {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return fmt.Errorf("processors: %w", err)
	}
	var found []int
	for cpu := 0; cpu < 1024 && len(found) < 2; cpu++ {
		if set.IsSet(cpu) {
			found = append(found, cpu)
		}
	}
	if len(found) == 2 {
		b.agentCPU, b.clientCPU = &found[0], &found[1]
	}
	return nil
}

func (b *bench) stopAll() {
	for _, p := range b.running {
		p.stop()
	}
	b.running = nil
}

func (b *bench) cleanUp() {
	b.stopAll()
	for _, ns := range []*namespace{b.routes, b.live} {
		if ns != nil {
			ns.remove()
		}
	}
}

// routesNamespace returns the scene of the route tables, which several cases
// share.
func (b *bench) routesNamespace() (*namespace, error) {
	if b.routes == nil {
		progress("%d routes", b.routeCount)
		ns, err := routesScene(b.ctx, b.routeCount)
		if err != nil {
			return nil, err
		}
		b.routes = ns
	}
	return b.routes, nil
}

func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s %s\n", time.Now().Format(time.TimeOnly), fmt.Sprintf(format, args...))
}
