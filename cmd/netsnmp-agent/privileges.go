package main

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/cap"

	"github.com/netsnmp-agent/netsnmp-agent/agent"
	"github.com/netsnmp-agent/netsnmp-agent/agentx"
	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

// privilege is a capability that is needed once the sockets are open, and what for.
type privilege struct {
	capability cap.Value
	purpose    string
}

// privileges are those that the settings need with a configuration file, as an agent that listens there. Root needs
// none for files of its own, and none for sockets that are open.
func (s *settings) privileges(file *snmpdconf.Config, listening []snmp.Address) (all []privilege) {
	need := func(purpose string, of ...cap.Value) {
		for _, c := range of {
			all = append(all, privilege{c, purpose})
		}
	}
	if unprivileged := firstUnprivilegedPort(); slices.ContainsFunc(listening, func(a snmp.Address) bool {
		return !a.Transport.IsStream() && a.Port() < unprivileged && s.passedAt(a) == nil
	}) {
		need(fmt.Sprintf("more sockets at a UDP port below %d, for answers over a slow way", unprivileged), cap.NET_BIND_SERVICE)
	}
	if s.recording != "" {
		return all
	}
	contexts, _ := s.patternsOf(file) // which were looked at before
	if s.netns != "" || len(contexts) > 0 {
		need("to enter network namespaces", cap.SYS_ADMIN)
		need("names of namespaces that lead into /proc", cap.SYS_PTRACE)
	}
	if len(contexts) > 0 {
		need("buffers for events of further namespaces", cap.NET_ADMIN)
	}
	if agent.ShowsProcesses(s.modules) {
		need("processes of other users' sockets", cap.SYS_PTRACE, cap.DAC_READ_SEARCH)
	}
	switch {
	case s.agentx != "":
		need("what the master lets managers write", cap.NET_ADMIN)
	case letsWrite(file):
		need("what managers write", cap.NET_ADMIN)
	}
	return all
}

// firstUnprivilegedPort is the lowest port that takes no capability (ip-sysctl.rst, ip_unprivileged_port_start).
func firstUnprivilegedPort() uint16 {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_unprivileged_port_start")
	if err == nil {
		if n, err := strconv.ParseUint(strings.TrimSpace(string(text)), 10, 16); err == nil {
			return uint16(n)
		}
	}
	return 1024
}

// laterFile is a file that is opened again later, and the capability that this takes where it is not the program's own.
type laterFile struct {
	path string
	mode uint32 // of faccessat(2)
	privilege
}

// laterFiles are those of an agent; state is its directory, master the address of its master, "" for none.
func (s *settings) laterFiles(state, master string) (all []laterFile) {
	for _, path := range s.file.Files {
		all = append(all, laterFile{path, unix.R_OK, privilege{cap.DAC_READ_SEARCH, "to read the configuration again"}})
	}
	if state != "" {
		all = append(all, laterFile{state, unix.W_OK | unix.X_OK, privilege{cap.DAC_OVERRIDE, "to write the state"}})
	}
	if network, socket, err := agentx.ParseAddress(master); err == nil && network == "unix" {
		all = append(all, laterFile{socket, unix.W_OK, privilege{cap.DAC_OVERRIDE, "to connect to the master"}})
	}
	return all
}

// confinement is what became of the process's capabilities.
type confinement struct {
	kept   []privilege
	gaveUp []cap.Value
}

// confine has all threads of the process keep the capabilities that are needed and that it has, for good. What it
// runs gets no others either (PR_SET_NO_NEW_PRIVS, capabilities(7)). Capabilities are a thread's, not a process's: package
// cap changes all of them, with cgo and without.
func confine(needed []privilege, files []laterFile) (*confinement, error) {
	if _, err := cap.Prctlw(unix.PR_SET_NO_NEW_PRIVS, 1); err != nil {
		return nil, fmt.Errorf("no_new_privs: %w", err)
	}
	had := cap.GetProc()
	if may, err := had.GetFlag(cap.Effective, cap.SETPCAP); err == nil && may { // who may not gains nothing by it
		for c := range cap.MaxBits() {
			if err := cap.DropBound(c); err != nil {
				return nil, fmt.Errorf("the bounding set: %w", err)
			}
		}
	}
	if err := cap.ResetAmbient(); err != nil {
		return nil, fmt.Errorf("the ambient set: %w", err)
	}
	foreign, err := withoutOverride(had, files)
	if err != nil {
		return nil, err
	}
	result, keep := new(confinement), cap.NewSet()
	for _, p := range append(needed[:len(needed):len(needed)], foreign...) {
		if has, err := had.GetFlag(cap.Permitted, p.capability); err == nil && has {
			result.kept = append(result.kept, p)
			if err := keep.SetFlag(cap.Permitted, true, p.capability); err != nil {
				return nil, err
			}
		}
	}
	for c := range cap.MaxBits() {
		has, _ := had.GetFlag(cap.Permitted, c)
		if kept, _ := keep.GetFlag(cap.Permitted, c); has && !kept {
			result.gaveUp = append(result.gaveUp, c)
		}
	}
	if err := keep.FillFlag(cap.Effective, keep, cap.Permitted); err != nil {
		return nil, err
	}
	if err := keep.SetProc(); err != nil {
		return nil, fmt.Errorf("capset: %w", err)
	}
	return result, nil
}

// withoutOverride returns what files need that are not reached without a capability: those of other users, and what is
// not there yet.
func withoutOverride(had *cap.Set, files []laterFile) (needed []privilege, err error) {
	less, err := had.Dup()
	if err == nil {
		err = less.SetFlag(cap.Effective, false, cap.DAC_OVERRIDE, cap.DAC_READ_SEARCH)
	}
	if err == nil {
		err = less.SetProc()
	}
	if err != nil {
		return nil, fmt.Errorf("capset: %w", err)
	}
	for _, f := range files {
		if unix.Faccessat(unix.AT_FDCWD, f.path, f.mode, unix.AT_EACCESS) != nil {
			needed = append(needed, f.privilege)
		}
	}
	return needed, nil
}

// giveUp gives up what is not needed once the sockets are open, and says what is kept.
func (s *settings) giveUp(listening []snmp.Address, state, master string) error {
	if s.process.confine == nil {
		return nil
	}
	became, err := s.process.confine(s.privileges(s.file, listening), s.laterFiles(state, master))
	if err != nil {
		return fmt.Errorf("capabilities cannot be given up: %w", err)
	}
	s.confined = became
	s.log.Info("capabilities are given up but for those that are needed", "kept", became.String())
	return nil
}

// String returns what is kept, "CAP_NET_ADMIN (what managers write), ...".
func (c *confinement) String() string {
	var names []string
	purposes := map[string][]string{}
	for _, p := range c.kept {
		name := nameOf(p.capability)
		if purposes[name] == nil {
			names = append(names, name)
		}
		if !slices.Contains(purposes[name], p.purpose) {
			purposes[name] = append(purposes[name], p.purpose)
		}
	}
	if len(names) == 0 {
		return "none"
	}
	for i, name := range names {
		names[i] = fmt.Sprintf("%s (%s)", name, strings.Join(purposes[name], "; "))
	}
	return strings.Join(names, ", ")
}

// nameOf returns the name of a capability as capabilities(7) has it.
func nameOf(c cap.Value) string { return strings.ToUpper(c.String()) }

// warnOfGivenUp says what of a file that was read again takes a capability that the process had.
func (s *settings) warnOfGivenUp(next *snmpdconf.Config, listening []snmp.Address) {
	if s.confined == nil {
		return
	}
	for _, p := range s.privileges(next, listening) {
		if slices.Contains(s.confined.gaveUp, p.capability) {
			s.log.Warn("what takes a capability that was given up takes effect at the next start", "capability", nameOf(p.capability), "needed", p.purpose)
		}
	}
}
