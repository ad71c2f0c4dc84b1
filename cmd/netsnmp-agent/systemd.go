package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

// supervisor is who supervises the process, as systemd does: it is told how the process fares (sd_notify(3)), and passes
// sockets (sd_listen_fds(3)). One that is nil is nobody.
type supervisor struct {
	tell     func(state string)
	sockets  []*os.File
	watchdog time.Duration // by when it wants to be told that all is well; 0 where it does not
}

// supervised returns who supervises this process. It is called once: what tells of it is taken out of the environment.
func supervised() *supervisor {
	s := &supervisor{sockets: activation.Files(true)}
	if d, err := daemon.SdWatchdogEnabled(true); err == nil {
		s.watchdog = d
	}
	socket := os.Getenv("NOTIFY_SOCKET")
	if socket == "" {
		return s
	}
	s.tell = func(state string) {
		// What cannot be told shows there: it waits for READY=1 in vain, or for the watchdog.
		_, _ = daemon.SdNotify(false, state)
	}
	return s
}

func (s *supervisor) say(lines ...string) {
	if s != nil && s.tell != nil {
		s.tell(strings.Join(lines, "\n"))
	}
}

// ready says that everything is open.
func (s *supervisor) ready(status string) { s.say(daemon.SdNotifyReady, "STATUS="+oneLine(status)) }

// reloading says that the configuration is read again, until ready is called.
func (s *supervisor) reloading() {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return
	}
	s.say(daemon.SdNotifyReloading, "MONOTONIC_USEC="+strconv.FormatInt(now.Nano()/int64(time.Microsecond), 10))
}

// stopping says that the process ends.
func (s *supervisor) stopping() { s.say(daemon.SdNotifyStopping) }

// oneLine has what would begin another assignment stand in the line.
func oneLine(text string) string { return strings.ReplaceAll(text, "\n", "; ") }

// watch tells the supervisor that all is well as long as check finds that, until ctx is done. One that takes
// too long is none: it is logged, and the supervisor ends the process.
func (s *supervisor) watch(ctx context.Context, log *slog.Logger, check func(context.Context) error) {
	if s == nil || s.watchdog == 0 || s.tell == nil {
		return
	}
	every := time.NewTicker(s.watchdog / 2)
	defer every.Stop()
	for {
		if err := within(ctx, s.watchdog/2, check); err == nil {
			s.say(daemon.SdNotifyWatchdog)
		} else if ctx.Err() == nil {
			log.Error("the agent does not answer, and the watchdog is not told that it does", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

// within calls check, and does not wait longer for it than that.
func within(ctx context.Context, limit time.Duration, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- check(ctx) }()
	select {
	case err := <-done:
		return errors.Join(err, ctx.Err())
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sysUpTime is sysUpTime.0.
var sysUpTime = mib.MustParseOID("1.3.6.1.2.1.1.3.0")

// answers asks a handler as a request would, which goes through all that requests have in common.
func answers(ctx context.Context, handler mib.Handler) error {
	r, err := mib.Begin(ctx, handler, "")
	if err != nil {
		return err
	}
	defer r.End()
	_, err = r.Get(sysUpTime)
	return err
}

// metricsSocket is FileDescriptorName= of sockets that metrics are served at (systemd.socket(5)).
const metricsSocket = "metrics"

// passedSocket is one that the supervisor passed, to be asked by SNMP.
type passedSocket struct {
	file    *os.File
	address snmp.Address
}

// takeSockets finds where the sockets are that the supervisor passed.
func (s *settings) takeSockets() error {
	if s.process.supervisor == nil {
		return nil
	}
	for _, f := range s.process.supervisor.sockets {
		if f.Name() == metricsSocket {
			l, err := net.FileListener(f)
			if err != nil {
				return fmt.Errorf("the socket %q that was passed: %w", metricsSocket, err)
			}
			_ = f.Close() // the listener has one of its own
			s.passedForMetrics = append(s.passedForMetrics, l)
			continue
		}
		a, err := snmp.AddressOfSocket(f)
		if err != nil {
			return err
		}
		if s.agentx != "" {
			return fmt.Errorf("--agentx: a socket at %v was passed, and a subagent is asked through its master", a)
		}
		s.passed = append(s.passed, passedSocket{f, a})
	}
	return nil
}

// passedAt returns the socket that was passed at an address, nil where none was.
func (s *settings) passedAt(a snmp.Address) *os.File {
	i := slices.IndexFunc(s.passed, func(p passedSocket) bool { return p.address == a })
	if i < 0 {
		return nil
	}
	return s.passed[i].file
}

// besidePassed returns where to listen: at the sockets that were passed, and at those addresses of the configuration that are none of
// them. One that is narrower than a socket which has its port cannot be had.
func (s *settings) besidePassed(addresses []snmp.Address) (all []snmp.Address, err error) {
	for _, p := range s.passed {
		all = append(all, p.address)
	}
	for _, a := range addresses {
		if slices.Contains(all, a) {
			continue
		}
		for _, p := range s.passed {
			if p.address.Transport == a.Transport && p.address.Port() == a.Port() && (p.address.Addr().IsUnspecified() || a.Addr().IsUnspecified()) {
				return nil, fmt.Errorf("%v is to be listened at, and the socket that was passed is %v: change one of agentaddress and the socket's unit", a, p.address)
			}
		}
		all = append(all, a)
	}
	return all, nil
}
