package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/netsnmp-agent/netsnmp-agent/agent"
	"github.com/netsnmp-agent/netsnmp-agent/agentx"
	"github.com/netsnmp-agent/netsnmp-agent/internal/commandline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/contexts"
	"github.com/netsnmp-agent/netsnmp-agent/internal/hangup"
	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
	"github.com/netsnmp-agent/netsnmp-agent/metrics"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/snmpv2mib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
)

// version is set by the linker for releases.
var version string

// flags are what the command line says.
type flags struct {
	agentx   string
	listen   []string
	config   string
	state    string
	takeOver string
	netns    string
	contexts []string
	modules  []string
	zones    bool
	fips     bool
	strict   bool
	list     bool
	version  bool
	logLevel string

	metrics       []string
	metricsConfig string
	metricsTop    int
	compatible    string

	recording string
}

const long = `netsnmp-agent answers SNMP with this kernel's connections, sockets, interfaces,
addresses, neighbours and routes (TCP-MIB, UDP-MIB, IF-MIB, IP-MIB, IP-FORWARD-MIB).

Without arguments it is an SNMP agent of its own on the loopback addresses, port
1161, for the community "public". With --agentx it is a subagent of net-snmp's
snmpd or of any other AgentX master, whose own tables it overrides.

Once its sockets are open it gives up all capabilities but those that its
configuration needs, and says in its log which these are.`

// process is what the command does with the process that it is. Tests run it in theirs, of which it has nothing.
type process struct {
	reload <-chan os.Signal
	// confine gives up capabilities; nil keeps all.
	confine func(needed []privilege, files []laterFile) (*confinement, error)
	// supervisor is who supervises the process; nil is nobody.
	supervisor *supervisor
}

func newCommand(of process) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "netsnmp-agent",
		Short: "SNMP agent for the network stack of a Linux host",
		Long:  long,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return fmt.Errorf("unexpected argument %q: an option's value follows it after \"=\", as in --agentx=ADDRESS", args[0])
			}
			return nil
		},
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.version {
				return commandline.PrintVersion(cmd, commandline.Version(version))
			}
			if err := f.refuseEmpty(cmd.Flags()); err != nil {
				return err
			}
			if f.list {
				hangup.Default()
				return list(cmd, f)
			}
			return run(cmd, f, of)
		},
	}
	cmd.SetFlagErrorFunc(commandline.FlagError)
	fs := cmd.Flags()
	fs.SortFlags = false
	f.declareOpening(fs)
	fs.StringVar(&f.config, "config", "", "read `FILE`, in the syntax of snmpd.conf")
	fs.StringVar(&f.takeOver, "take-over", "", "take users and engine of SNMPv3 from net-snmp's persistent `FILE`, where DIR has none")
	fs.StringVar(&f.netns, "netns", "", "show the network namespace `NAME`: one of \"ip netns\", or a path")
	fs.StringVar(&f.recording, "recording", "", "show the stack recorded in `FILE`; --netns names one of the recorded namespaces then")
	fs.StringSliceVar(&f.modules, "modules", nil, "serve only the MIB modules `NAME,...`")
	fs.BoolVar(&f.zones, "zones", false, "show the zone of every link-local address, as RFC 4001 has it")
	fs.BoolVar(&f.list, "list", false, "print every object that would be served, and exit")
	fs.StringVar(&f.logLevel, "log-level", "", "log what is at least `LEVEL`: debug, info (the default), warn or error")
	fs.BoolVarP(&f.version, "version", "v", false, "version for netsnmp-agent")
	cmd.AddCommand(newCheckCommand(), newMonitorCommand(), newProbeCommand(of))
	return cmd
}

// declareOpening declares the flags that say what is opened, and to whom.
func (f *flags) declareOpening(fs *pflag.FlagSet) {
	fs.StringVar(&f.agentx, "agentx", "", "be a subagent of the AgentX master at `ADDRESS`")
	fs.Lookup("agentx").NoOptDefVal = defaultMaster
	fs.StringArrayVar(&f.listen, "listen", nil, "listen at `TRANSPORT:ADDRESS:PORT`; TRANSPORT is udp, udp6, tcp or tcp6 (may be repeated)")
	fs.StringVar(&f.state, "state", "", "keep in `DIR` what SNMPv3 must remember, and what managers write")
	fs.StringSliceVar(&f.contexts, "contexts", nil, "make SNMP contexts of the network namespaces that match `PATTERN,...`")
	fs.StringArrayVar(&f.metrics, "metrics", nil, "serve metrics for Prometheus at `ADDRESS:PORT` (may be repeated)")
	fs.StringVar(&f.metricsConfig, "metrics-config", "", "read `FILE` for TLS and passwords of --metrics")
	fs.IntVar(&f.metricsTop, "metrics-top", 0, fmt.Sprintf("show the `N` largest values of a label that others choose, and the rest together (default %d)", metrics.DefaultTop))
	fs.StringVar(&f.compatible, "metrics-compatible", "", "show metrics by the names of `EXPORTER` as well, which is node_exporter")
	fs.BoolVar(&f.fips, "fips", false, "have no users of SNMPv3 with protocols that FIPS 140 does not allow")
	fs.BoolVar(&f.strict, "strict", false, "take what would be a warning of the configuration file for an error")
}

// refuseEmpty says which flag was given nothing.
func (f *flags) refuseEmpty(fs *pflag.FlagSet) error {
	for _, name := range []string{"agentx", "config", "state", "take-over", "netns", "recording", "metrics-config", "log-level"} {
		if flag := fs.Lookup(name); flag != nil && flag.Changed && flag.Value.String() == "" {
			return fmt.Errorf("--%s: the value is empty", name)
		}
	}
	if fs.Changed("metrics-top") && (f.metricsTop < 1 || f.metricsTop > snmpdconf.MaxMetricsTop) {
		return fmt.Errorf("--metrics-top: %d is not from 1 to %d", f.metricsTop, snmpdconf.MaxMetricsTop)
	}
	if fs.Changed("metrics-compatible") && f.compatible != snmpdconf.NodeExporter {
		return fmt.Errorf("--metrics-compatible: %q is not node_exporter", f.compatible)
	}
	if fs.Changed("contexts") && len(f.contexts) == 0 {
		return errors.New("--contexts: the value is empty")
	}
	return nil
}

// defaultMaster is what --agentx without an address means: what the
// configuration file says, or agentx.DefaultAddress.
const defaultMaster = "default"

// settings are what the command line and the configuration file say together.
type settings struct {
	flags
	file *snmpdconf.Config
	log  *slog.Logger

	level    *slog.LevelVar // of log
	tookOver *usm.NetSNMP   // of --take-over
	process  process
	passed   []passedSocket

	passedForMetrics []net.Listener
	confined         *confinement // nil while all capabilities are kept
	status           string       // what the supervisor is told

	lastReading *lastReading
}

func newSettings(ctx context.Context, f flags, stderr io.Writer) (settings, error) {
	s := settings{flags: f, file: &snmpdconf.Config{}, lastReading: &lastReading{good: time.Now()}}
	level, err := s.levelOf(s.file)
	if err != nil {
		return s, err
	}
	s.level = new(slog.LevelVar)
	s.level.Set(level)
	s.log = newLog(stderr, s.level)
	if f.agentx != "" && len(f.listen) > 0 {
		return s, errors.New("--agentx and --listen exclude each other: a subagent is asked through its master")
	}
	if f.config != "" {
		file, err := s.readFile(ctx)
		if file != nil {
			s.file = file
		}
		if err != nil {
			return s, err
		}
	}
	if level, err = s.levelOf(s.file); err != nil {
		return s, err
	}
	s.level.Set(level)
	return s, s.check(s.file)
}

// check says what is wrong with a file under these flags.
func (s *settings) check(file *snmpdconf.Config) error {
	_, err := s.patternsOf(file)
	return errors.Join(err, s.checkFIPS(file))
}

// allZones reports whether every address of a link is to have its zone.
func (s *settings) allZones() bool { return s.zones || isYes(s.file.InetAddressZones) }

func isYes(choice *bool) bool { return choice != nil && *choice }

// list prints the objects that the settings would serve.
func list(cmd *cobra.Command, f flags) error {
	s, err := newSettings(cmd.Context(), f, cmd.ErrOrStderr())
	if err != nil {
		return err
	}
	stack, err := openAsIs(s)
	if err != nil {
		return err
	}
	defer stack.Close()
	config := agent.Config{Stack: stack, Modules: f.modules, Log: s.log}
	if f.agentx == "" {
		config.System = func() snmpv2mib.System { return snmpv2mib.System{} }
		config.Engine = func() enginemib.Engine { return enginemib.Engine{} }
	}
	a, err := agent.New(config)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 8, 2, ' ', 0)
	for _, o := range a.Tree().Objects() {
		oid := "." + o.OID.String()
		if o.Scalar {
			oid += ".0"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", o.Name, oid, o.Type)
	}
	return w.Flush()
}

// readFile reads the configuration file, which it returns beside an error as far as it could be read. Its addresses are checked whether or not
// flags stand in for them.
func (s *settings) readFile(ctx context.Context) (*snmpdconf.Config, error) {
	as := snmpdconf.Agent
	if s.agentx != "" {
		as = snmpdconf.Subagent
	}
	file, err := snmpdconf.ReadFile(ctx, s.config, as)
	if err != nil {
		return file, err
	}
	var problems []error
	check := func(set snmpdconf.Setting, err error) {
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", set.Where, err))
		}
	}
	for _, set := range file.AgentAddresses {
		_, err := snmp.ParseAddress(set.Value)
		check(set, err)
	}
	for _, set := range slices.Concat(file.NetNSContexts, file.NetNSNotifications) {
		_, err := contexts.ParsePattern(set.Value)
		check(set, err)
	}
	if set := file.AgentXSocket; set != nil {
		_, _, err := agentx.ParseAddress(set.Value)
		check(*set, err)
	}
	return file, snmpdconf.Join(problems)
}

// master returns the address of the AgentX master with a file.
func (s *settings) master(file *snmpdconf.Config) (string, error) {
	address, where := s.agentx, "--agentx"
	if address == defaultMaster {
		address = agentx.DefaultAddress
		if set := file.AgentXSocket; set != nil {
			address, where = set.Value, set.Where
		}
	}
	if _, _, err := agentx.ParseAddress(address); err != nil {
		return "", fmt.Errorf("%s: %w", where, err)
	}
	return address, nil
}
