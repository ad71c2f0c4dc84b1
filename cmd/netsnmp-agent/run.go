package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/netsnmp-agent/netsnmp-agent/agent"
	"github.com/netsnmp-agent/netsnmp-agent/agentx"
	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/commandline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/contexts"
	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/snmpv2mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/usmmib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/recording"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

// run serves until the context ends, or the stack that is shown.
func run(cmd *cobra.Command, f flags, of process) error {
	// Whoever reads the log may end before the program does.
	signal.Ignore(syscall.SIGPIPE)
	out := newOutput(cmd.OutOrStdout())
	defer out.flush()
	s, err := newSettings(cmd.Context(), f, cmd.ErrOrStderr())
	if err != nil {
		return untilDone(err)
	}
	s.process = of
	if err := s.takeSockets(); err != nil {
		return err
	}
	ctx, end := context.WithCancelCause(cmd.Context())
	defer end(nil)
	// What ends sooner than that is told tells it itself.
	stopping := sync.OnceFunc(of.supervisor.stopping)
	defer stopping()
	defer context.AfterFunc(ctx, stopping)()
	stack, err := openStack(ctx, s, end)
	if err != nil {
		return err
	}
	defer stack.Close()
	serve := runEmbedded
	if f.agentx != "" {
		serve = runSubagent
	}
	if err := serve(ctx, out, s, stack); err != nil {
		return err
	}
	return untilDone(context.Cause(ctx))
}

// openStack opens the stack that the settings mean: a recorded one, or that of a
// namespace. What the modules show of the latter is kept current; it does not
// wait until that is loaded. When it ends before the context does, as when the
// namespace is removed, end is told why: what is gone is not shown, and whoever
// supervises the program starts it anew.
func openStack(ctx context.Context, s settings, end context.CancelCauseFunc) (openedStack, error) {
	kinds := agent.Kinds(s.modules)
	if kinds == 0 && s.netns != "" {
		kinds = netstat.KindRule // what costs least, to learn of the namespace's end
	}
	if kinds == 0 || s.recording != "" {
		return openAsIs(s)
	}
	current, err := live.Start(live.Options{NetNS: s.netns, Kinds: kinds, Log: s.log})
	if errors.Is(err, netstat.ErrNotSupported) { // a sandbox without rtnetlink has /proc all the same
		s.log.Warn("changes cannot be followed: tables have what is read when it is asked for, and linkDown and linkUp are not sent", "error", err)
		return openAsIs(s)
	}
	if err != nil {
		return nil, err
	}
	go func() {
		select {
		case <-current.Done():
			if err := current.Err(); !errors.Is(err, fs.ErrClosed) {
				end(err)
			}
		case <-ctx.Done():
		}
	}()
	return current, nil
}

// openAsIs opens the stack that the settings mean, with nothing kept current.
func openAsIs(s settings) (openedStack, error) {
	if s.recording != "" {
		return openRecording(s)
	}
	return collectors.Open(collectors.Options{NetNS: s.netns})
}

type openedStack interface {
	netstat.Stack
	io.Closer
}

// How long it is until hosts' names that were not found are looked up again: at first, and at most.
const (
	firstLookup = 10 * time.Second
	maxLookup   = 5 * time.Minute
)

// reloaded calls apply with the configuration file's new content at each
// signal, and keeps the old one where the new one is wrong. It calls it, too, when a host
// of the file is found that was not before.
func reloaded(ctx context.Context, s settings, apply func(*snmpdconf.Config) error) {
	file, pause := s.file, firstLookup
	again := time.NewTimer(pause)
	defer again.Stop()
	// Nobody wakes up for a file that lacks nothing.
	wait := func() {
		if again.Reset(pause); !file.LacksHosts() {
			again.Stop()
		}
	}
	wait()
	for {
		var next *snmpdconf.Config
		var err error
		select {
		case <-ctx.Done():
			return
		case <-again.C:
			pause = min(2*pause, maxLookup)
			wait()
			if next, err = file.LookUpAgain(ctx); next == nil && err == nil {
				continue
			}
		case <-s.process.reload:
			if s.config == "" {
				s.log.Info("nothing to read again: there is no configuration file")
				s.process.supervisor.reloading()
				s.process.supervisor.ready(s.status)
				continue
			}
			s.process.supervisor.reloading()
			next, err = s.readFile(ctx)
		}
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			err = s.check(next)
		}
		if err == nil {
			err = apply(next)
		}
		s.lastReading.set(err)
		if err == nil {
			level, _ := s.levelOf(next) // the file was read without an error
			s.level.Set(level)
		}
		if err != nil {
			s.log.Error("the old configuration stays", "error", err)
			s.process.supervisor.ready(fmt.Sprintf("%s; the old configuration stays: %v", s.status, err))
			continue
		}
		s.process.supervisor.ready(s.status)
		s.log.Info("configuration read again", "file", s.config)
		file, pause = next, firstLookup
		wait()
	}
}

func runSubagent(ctx context.Context, out io.Writer, s settings, stack netstat.Stack) error {
	opens, err := s.opens(s.file, nil)
	if err != nil {
		return err
	}
	address := opens.master
	// The agent's moments are told in the master's sysUpTime, and the
	// subagent that knows it needs the agent: handler closes the circle.
	handler := new(lateHandler)
	registrations := registeredLog{log: s.log, address: address}
	sub, err := agentx.New(agentx.Config{
		Address:     address,
		Handler:     handler,
		Description: "netsnmp-agent " + commandline.Version(version),
		Log:         s.log,
		Registered:  func(registered, refused int) { registrations.tell(registered, refused, time.Now()) },
	})
	if err != nil {
		return err
	}
	notify, err := newChoices(nil, s.file)
	if err != nil {
		return err
	}
	if err := s.heed(s.file, opens.warnings); err != nil {
		return err
	}
	measured, err := s.listenForMetrics(out, opens.metrics)
	if err != nil {
		return err
	}
	defer measured.Close()
	config := agent.Config{
		Stack: stack, Readings: measured.readingsOf("", stack, s.log), Modules: s.modules, Epoch: sub.Epoch, Log: s.log, LinkNotifications: notify.linksOf("").enabled, Zones: s.allZones(), Turns: mib.NewTurns(),
	}
	a, err := agent.New(config)
	if err != nil {
		return err
	}
	described, err := newSystemGroup(hostOf(stack), nil, s.file)
	if err != nil {
		return err
	}
	told := make(latest, 1)
	// sysUpTime is the master's in notifications of contexts as well.
	inContexts := notifier{notify, func(contextName string, _ time.Time, n mib.Notification) { sub.Notify(contextName, n) }}
	set, err := s.newContexts(opens, measured, a.Tree(), config, described.now, inContexts, told.set)
	if err != nil {
		return err
	}
	handler.Handler = set
	if err := sub.SetContexts(ctx, append([]string{""}, set.Names()...)...); err != nil {
		return err
	}
	registrations.objects = len(a.Tree().Objects())
	fmt.Fprintf(out, "subagent of the AgentX master at %s\n", address)
	if err := s.giveUp(nil, "", address); err != nil {
		return err
	}
	s.status = "subagent of the AgentX master at " + address
	s.process.supervisor.ready(s.status)
	go s.process.supervisor.watch(ctx, s.log, func(ctx context.Context) error { return answers(ctx, set) })
	go reloaded(ctx, s, func(file *snmpdconf.Config) error {
		if changed(s.file.AgentXSocket, file.AgentXSocket) {
			s.log.Warn("a changed agentXSocket takes effect at the next start")
		}
		next, err := s.opens(file, nil)
		if err != nil {
			return err
		}
		measuredAt, err := measured.web.change(next.metrics)
		if err != nil {
			return err
		}
		defer measuredAt.discard()
		if err := s.heed(file, next.warnings); err != nil {
			return err
		}
		measuredAt.commit()
		measured.set(s.topOf(file), s.isCompatible(file))
		set.SetPatterns(next.contexts)
		set.SetFollowed(next.followed)
		described.set(file)
		s.warnOfZones(file)
		s.warnOfGivenUp(file, nil)
		notify.set(file)
		return nil
	})
	go set.Run(ctx)
	go measured.serve(ctx, set, hostOf(stack).Name, itself{started: sub.Epoch(), subagent: sub, file: s.lastReading})
	go told.each(ctx, func(names []string) {
		// Where the session ends meanwhile, all is registered with the next one.
		_ = sub.SetContexts(ctx, append([]string{""}, names...)...)
	})
	go notify.linksOf("").notify(ctx, stack, s.log, func(n mib.Notification) { sub.Notify("", n) })
	return untilDone(sub.Run(ctx))
}

// lateHandler is a handler that is set after what serves it was made.
type lateHandler struct{ mib.Handler }

// untilDone returns the error of what ran until the context's end, which is none.
func untilDone(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func changed(a, b *snmpdconf.Setting) bool {
	return (a == nil) != (b == nil) || a != nil && a.Value != b.Value
}

// warnOfZones says that a file that was read again has another choice of indexes.
func (s *settings) warnOfZones(next *snmpdconf.Config) {
	if !s.zones && isYes(next.InetAddressZones) != isYes(s.file.InetAddressZones) {
		s.log.Warn("a changed inetAddressZones takes effect at the next start")
	}
}

func runEmbedded(ctx context.Context, out io.Writer, s settings, stack netstat.Stack) error {
	opens, err := s.opens(s.file, nil)
	if err != nil {
		return err
	}
	if err := s.heed(s.file, opens.warnings); err != nil {
		return err
	}
	who := opens.who
	if err := s.readTakeOver(); err != nil {
		return err
	}
	kept, err := s.openState(s.file)
	if err != nil {
		return err
	}
	if kept != nil {
		defer kept.Close()
	}
	engineNow, err := s.startEngine(s.file, kept)
	if err != nil {
		return err
	}
	var v3 atomic.Pointer[engine] // nil while SNMPv3 is not spoken
	v3.Store(engineNow)
	described, err := newSystemGroup(hostOf(stack), kept, s.file)
	if err != nil {
		return err
	}
	sinks, err := targets(s.file, engineNow)
	if err != nil {
		return err
	}
	notify, err := newChoices(kept, s.file)
	if err != nil {
		return err
	}
	administered, err := newAdministration(s.log, kept)
	if err != nil {
		return err
	}
	handler := new(lateHandler)
	started := time.Now()
	epoch := func() time.Time { return started }
	var server *snmp.Server
	server, err = snmp.NewServer(snmp.Options{
		Handler: handler, Communities: who.communities, USM: engineNow.usm(), Access: snmp.ViewBased(who.policy), Log: s.log, Epoch: epoch,
		AuthenticationFailure: func(netip.Addr) {
			if notify.authentication() {
				server.Notify(snmpv2mib.AuthenticationFailure().New(time.Now(), nil))
			}
		},
	})
	if err != nil {
		return err
	}
	defer server.Close()
	if err := administered.begin(server, opens.addresses, s.file, who, sinks, engineNow); err != nil {
		return err
	}
	server.Refuse(s.file.Without...)
	server.SetBulkLimits(s.file.MaxGetbulkRepeats, s.file.MaxGetbulkResponses)
	var set *contexts.Set
	administered.access.Contexts = func() []string { return append([]string{""}, set.Names()...) }
	measured, err := s.listenForMetrics(out, opens.metrics)
	if err != nil {
		return err
	}
	defer measured.Close()
	config := agent.Config{
		Stack: stack, Readings: measured.readingsOf("", stack, s.log), Modules: s.modules, Epoch: epoch, Log: s.log,
		System: described.now, WriteSystem: described.write, WriteEngine: notify.writeAuthentication,
		Engine: func() enginemib.Engine {
			return v3.Load().described(enginemib.Engine{Statistics: server.Statistics(), EnableAuthenTraps: notify.authentication(), MaxMessageSize: snmp.MaxMessageSize})
		},
		Users:     func() []usmmib.User { return v3.Load().users() },
		CheckUser: func(c *mib.Change[usmmib.User]) error { return v3.Load().checkUser(c) },
		WriteUser: func(ctx context.Context, c *mib.Change[usmmib.User]) (mib.Assignment, error) {
			made, err := v3.Load().writeUser(ctx, c)
			made.Cleanup = administered.usersChanged
			return made, err
		},
		Access: administered.access, Targets: administered.targets,
		LinkNotifications: notify.linksOf("").enabled, WriteLinkNotifications: notify.linksOf("").write, Zones: s.allZones(), Turns: mib.NewTurns(),
	}
	a, err := agent.New(config)
	if err != nil {
		return err
	}
	if set, err = s.newContexts(opens, measured, a.Tree(), config, described.now, notifier{notify, server.NotifyOf}, nil); err != nil {
		return err
	}
	handler.Handler = set

	var listening []snmp.Address
	for _, address := range opens.addresses {
		var at snmp.Address
		if f := s.passedAt(address); f != nil {
			at, err = server.ListenOn(f)
		} else {
			at, err = server.Listen(address)
		}
		if err != nil && !opens.chosen && lacksFamily(err) {
			s.log.Info("not listening", "address", address, "error", err)
			continue
		}
		if err != nil && len(s.listen) == 0 && len(s.file.AgentAddresses) == 0 {
			return fmt.Errorf("%w (the file has no agentaddress, which is %s then, as with snmpd)", err, usual)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "listening on %s\n", at)
		listening = append(listening, at)
		s.status += ", " + at.String()
	}
	if len(listening) == 0 {
		return errors.New("there is no loopback address to listen on")
	}
	if try := example(who.communities, listening); try != "" {
		fmt.Fprintf(out, "try: %s\n", try)
	}
	dir := ""
	if kept != nil {
		dir = s.stateDirectory()
	}
	if err := s.giveUp(listening, dir, ""); err != nil {
		return err
	}

	s.status = "listening on " + strings.TrimPrefix(s.status, ", ")
	s.process.supervisor.ready(s.status)
	go s.process.supervisor.watch(ctx, s.log, func(ctx context.Context) error {
		return errors.Join(answers(ctx, set), server.Progress(ctx))
	})
	go reloaded(ctx, s, func(next *snmpdconf.Config) error {
		then, _, err := s.addresses(next)
		if err != nil {
			return err
		}
		opened, err := s.opens(next, listening)
		if err != nil {
			return err
		}
		measuredAt, err := measured.web.change(opened.metrics)
		if err != nil {
			return err
		}
		defer measuredAt.discard()
		if err := s.heed(next, opened.warnings); err != nil {
			return err
		}
		if kept == nil {
			if kept, err = s.openState(next); err != nil {
				return err
			}
			if err := errors.Join(described.keepIn(kept), notify.keepIn(kept), administered.keepIn(kept)); err != nil {
				return err
			}
		}
		engineNow := v3.Load()
		goesOn := engineNow.goesOn(next, s.keepsFIPS(next))
		if !goesOn {
			if engineNow, err = s.startEngine(next, kept); err != nil {
				return err
			}
		}
		sinks, err := targets(next, engineNow)
		if err != nil {
			return err
		}
		if goesOn {
			if err := engineNow.setUsers(next); err != nil {
				return err
			}
		}
		if engineNow == nil && v3.Load() != nil {
			s.log.Info("SNMPv3 is spoken no more")
		}
		v3.Store(engineNow)
		if err := administered.set(next, opened.who, sinks, engineNow); err != nil {
			return err
		}
		measuredAt.commit()
		measured.set(s.topOf(next), s.isCompatible(next))
		set.SetPatterns(opened.contexts)
		server.Refuse(next.Without...)
		set.SetFollowed(opened.followed)
		s.warnOfGivenUp(next, listening)
		server.SetBulkLimits(next.MaxGetbulkRepeats, next.MaxGetbulkResponses)
		notify.set(next)
		if !slices.Equal(opens.addresses, then) {
			s.log.Warn("where to listen is said anew, which takes effect at the next start", "then", then)
		}
		s.warnOfZones(next)
		described.set(next)
		return nil
	})
	server.Notify(snmpv2mib.ColdStart().New(time.Now(), nil))
	go set.Run(ctx)
	go measured.serve(ctx, set, hostOf(stack).Name, itself{started: started, server: server, listening: listening, file: s.lastReading})
	go notify.linksOf("").notify(ctx, stack, s.log, server.Notify)
	return untilDone(server.Serve(ctx))
}

// lacksFamily reports whether listening failed because this host has no such
// address: a kernel without IPv6.
func lacksFamily(err error) bool {
	return errors.Is(err, syscall.EAFNOSUPPORT) || errors.Is(err, syscall.EADDRNOTAVAIL)
}

// example returns a command that this host can ask the agent with, or nothing
// where it is not let in. It does not tell a community that a file keeps.
func example(communities []snmp.Community, listening []snmp.Address) string {
	for _, a := range listening {
		local := a.Addr()
		if local.IsUnspecified() {
			local = netip.MustParseAddr("127.0.0.1")
			if a.Addr().Is6() {
				local = netip.IPv6Loopback()
			}
		}
		for _, c := range communities {
			if c.Deny || !c.Source.Contains(local) {
				continue
			}
			name := "COMMUNITY"
			if c.Name == "public" {
				name = string(c.Name)
			}
			target := netip.AddrPortFrom(local, a.AddrPort.Port()).String()
			if a.Transport != snmp.UDP {
				target = string(a.Transport) + ":" + target
			}
			return fmt.Sprintf("snmpwalk -v2c -c %s %s .1", name, target)
		}
	}
	return ""
}

// linuxObjectID is netSnmpAgentOIDs.linux, which is how managers know a Linux
// host.
var linuxObjectID = mib.MustParseOID("1.3.6.1.4.1.8072.3.2.10")

// hostServices is what RFC 3418 has for a host that offers application
// services: layers 4 and 7.
const hostServices = 72

// system is the system group: what the file says, or else what the host says
// whose stack is shown.
func system(file *snmpdconf.Config, host recording.Host) snmpv2mib.System {
	s := snmpv2mib.System{ObjectID: linuxObjectID, Services: hostServices, Name: host.Name}
	known := slices.DeleteFunc([]string{host.System, host.Name, host.Kernel, host.KernelVersion, host.Machine}, func(s string) bool { return s == "" })
	s.Descr = strings.Join(known, " ")
	for _, o := range []struct {
		to   *string
		from *string
	}{{&s.Descr, file.SysDescr}, {&s.Contact, file.SysContact}, {&s.Name, file.SysName}, {&s.Location, file.SysLocation}} {
		if o.from != nil {
			*o.to = *o.from
		}
	}
	if file.SysObjectID != nil {
		s.ObjectID = *file.SysObjectID
	}
	if file.SysServices != nil {
		s.Services = *file.SysServices
	}
	return s
}
