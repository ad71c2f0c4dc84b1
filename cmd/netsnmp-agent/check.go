package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/netsnmp-agent/netsnmp-agent/internal/hangup"
	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/state"
)

const checkLong = `netsnmp-agent check reads a configuration file as the agent does at its start, says what is
wrong with it by file and line, and tells what an agent with it would open, and to
whom. It opens no socket, sends nothing and keeps nothing; hosts' names are looked up. Sockets that systemd passes are not known to it.`

func newCheckCommand() *cobra.Command {
	var f flags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Say what is wrong with a configuration file, and what it opens to whom",
		Long:  checkLong,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) == 0 || args[0] == "":
				return errors.New("check: the configuration file is missing: FILE")
			case len(args) > 1:
				return fmt.Errorf("unexpected argument %q", args[1])
			}
			return nil
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault // files
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			hangup.Default()
			f.config = args[0]
			if err := f.refuseEmpty(cmd.Flags()); err != nil {
				return err
			}
			return check(cmd, f, asJSON)
		},
	}
	fs := cmd.Flags()
	fs.SortFlags = false
	f.declareOpening(fs)
	fs.BoolVar(&asJSON, "json", false, "print one object of JSON")
	return cmd
}

// report is what check says of a file. Its names are the members of the JSON object.
type report struct {
	File     string   `json:"file"`
	Files    []string `json:"files"` // all that is read
	Errors   []string `json:"errors"`
	Warnings []string `json:"warnings"`
	Strict   bool     `json:"strict"` // warnings are errors
	*Opened
}

// Opened is what a file that can be used opens.
type Opened struct {
	Master        string         `json:"master,omitempty"`
	Listens       []listens      `json:"listens"`
	Access        []letIn        `json:"access"`
	Contexts      []string       `json:"contexts"` // patterns
	Metrics       []listens      `json:"metrics"`
	MetricsConfig string         `json:"metricsConfig,omitempty"`
	Notifications []notification `json:"notifications"`
	Notes         []string       `json:"notes"`
}

type listens struct {
	Address  string `json:"address"`
	Loopback bool   `json:"loopback"` // nobody beyond this host reaches it
}

// notification is where notifications go.
type notification struct {
	Where   string `json:"where"`
	To      string `json:"to"`
	Version string `json:"version"`
	Inform  bool   `json:"inform"`
	User    string `json:"user,omitempty"`
	Level   string `json:"level,omitempty"`
	Source  string `json:"source,omitempty"`
	Filter  string `json:"filter,omitempty"` // the profile
}

// checkError is of a file that cannot be used, of which everything was said.
type checkError struct {
	file   string
	errors int
}

func (e *checkError) Error() string {
	if e.errors == 1 {
		return fmt.Sprintf("%s: the agent does not start with it, for the error above", e.file)
	}
	return fmt.Sprintf("%s: the agent does not start with it, for the %d errors above", e.file, e.errors)
}

func check(cmd *cobra.Command, f flags, asJSON bool) error {
	r := report{File: f.config, Files: []string{}, Errors: []string{}, Warnings: []string{}}
	f.logLevel = "error" // what is logged at a start is a part of the report
	s, err := newSettings(cmd.Context(), f, io.Discard)
	warnings := s.file.Warnings
	if r.Strict = s.isStrict(s.file); err == nil {
		warnings, err = r.look(&s)
	}
	if err := cmd.Context().Err(); err != nil {
		return err
	}
	r.Files = append(r.Files, s.file.Files...)
	if !r.Strict {
		for _, w := range warnings {
			r.Warnings = append(r.Warnings, w.String())
		}
	}
	if err != nil {
		r.Opened = nil
		r.Errors = strings.Split(err.Error(), "\n")
	}
	if asJSON {
		encoder := json.NewEncoder(cmd.OutOrStdout())
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(r)
	} else {
		_, err = io.WriteString(cmd.OutOrStdout(), r.text())
	}
	if err == nil && len(r.Errors) > 0 {
		return &checkError{f.config, len(r.Errors)}
	}
	return err
}

// look finds what a file that was read opens, and what it says in vain. Its error is why the agent does not start.
func (r *report) look(s *settings) ([]snmpdconf.Warning, error) {
	opens, err := s.opens(s.file, nil)
	if err == nil && r.Strict {
		err = s.heed(s.file, opens.warnings)
	}
	if err != nil {
		return s.file.Warnings, err
	}
	return opens.warnings, r.describe(s, opens)
}

// describe tells what is opened.
func (r *report) describe(s *settings, opens opening) error {
	r.Opened = &Opened{Master: opens.master, Listens: []listens{}, Access: []letIn{}, Contexts: []string{}, Metrics: []listens{}, MetricsConfig: opens.metrics.config, Notifications: []notification{}, Notes: []string{}}
	patterns := s.file.NetNSContexts
	if len(s.contexts) > 0 {
		patterns = nil
		r.Contexts = append(r.Contexts, s.contexts...)
	}
	for _, p := range patterns {
		r.Contexts = append(r.Contexts, p.Value)
	}
	for _, a := range opens.metrics.addresses {
		r.Metrics = append(r.Metrics, listens{a, onlyThisHost(a)})
	}
	if opens.metrics.config != "" && len(opens.metrics.addresses) == 0 {
		r.Notes = append(r.Notes, forPassed)
	}
	if opens.who == nil {
		return nil
	}
	for _, a := range opens.addresses {
		r.Listens = append(r.Listens, listens{a.String(), a.Addr().IsLoopback()})
	}
	kept, err := state.Read(s.stateDirectory())
	if err != nil {
		r.Notes = append(r.Notes, fmt.Sprintf("what managers made of users and access is not known: %v", err))
		kept = new(state.File)
	}
	v3, err := s.imagined(s.file, kept)
	if err != nil {
		return err
	}
	sinks, err := targets(s.file, v3)
	if err != nil {
		return err
	}
	for i := range sinks {
		t, sink := &sinks[i], &s.file.Sinks[i]
		n := notification{Where: sink.Where, To: t.Address.String(), Version: "SNMPv" + t.Version.String(), Inform: t.Inform, Filter: sink.Profile}
		if t.Version == snmp.SNMPv3 {
			n.User, n.Level = t.V3.User.Name, t.V3.Level.String()
		}
		if t.Source.IsValid() {
			n.Source = t.Source.String()
		}
		r.Notifications = append(r.Notifications, n)
	}
	r.Access = opens.who.letsIn(s.file.Without, v3)
	if opens.who.file != s.file {
		r.Notes = append(r.Notes, "the file names nobody: the community public reads from this host, as without a file")
	}
	r.Notes = append(r.Notes, madeByManagers(kept)...)
	return nil
}

// madeByManagers tells of rows in a state that let somebody in besides.
func madeByManagers(kept *state.File) (notes []string) {
	for _, table := range []string{
		"snmpCommunityTable", "vacmSecurityToGroupTable", "vacmAccessTable", "vacmViewTreeFamilyTable", "snmpTargetAddrTable", "snmpNotifyTable",
	} {
		var rows []mib.SavedRow
		if _, err := kept.Get(table, &rows); err != nil {
			notes = append(notes, err.Error())
		} else if len(rows) > 0 {
			notes = append(notes, fmt.Sprintf("managers made rows of %s (%d), which count besides: %s", table, len(rows), kept.Path()))
		}
	}
	return notes
}

// text is the report as people read it.
func (r *report) text() string {
	var b strings.Builder
	say := func(depth int, format string, args ...any) {
		b.WriteString(strings.Repeat("  ", depth))
		fmt.Fprintf(&b, format, args...)
		b.WriteByte('\n')
	}
	for _, e := range r.Errors {
		say(0, "error: %s", e)
	}
	for _, w := range r.Warnings {
		say(0, "warning: %s", w)
	}
	if r.Opened == nil {
		return b.String()
	}
	say(0, "%s can be used; warnings: %d, files that are read: %d", r.File, len(r.Warnings), len(r.Files))
	if r.Master != "" {
		say(0, "Subagent of the AgentX master at %s, whose own file says who is let in", r.Master)
	} else {
		say(0, "Listens at:")
		for _, l := range r.Listens {
			if l.Loopback {
				say(1, "%s, which only this host reaches", l.Address)
			} else {
				say(1, "%s", l.Address)
			}
		}
		say(0, "Lets in (of communities with one name the first that is for a source counts):")
		if len(r.Access) == 0 {
			say(1, "nobody")
		}
		for i := range r.Access {
			r.Access[i].say(say)
		}
	}
	if len(r.Contexts) > 0 {
		say(0, "Contexts of the network namespaces that match: %s", strings.Join(r.Contexts, " "))
	}
	if len(r.Metrics) > 0 {
		say(0, "Serves metrics at:")
	}
	for _, l := range r.Metrics {
		switch {
		case l.Loopback:
			say(1, "%s, which only this host reaches", l.Address)
		case r.MetricsConfig == "":
			say(1, "%s, to whoever reaches it", l.Address)
		default:
			say(1, "%s, as %s says", l.Address, r.MetricsConfig)
		}
	}
	if len(r.Notifications) > 0 {
		say(0, "Sends notifications to:")
	}
	for _, n := range r.Notifications {
		how := "traps"
		if n.Inform {
			how = "informs"
		}
		line := fmt.Sprintf("%s: %s of %s", n.To, how, n.Version)
		if n.User != "" {
			line += fmt.Sprintf(" as user %s with %s", n.User, n.Level)
		}
		if n.Source != "" {
			line += " from " + n.Source
		}
		if n.Filter != "" {
			line += ", filtered by " + n.Filter
		}
		say(1, "%s (%s)", line, n.Where)
	}
	for _, note := range r.Notes {
		say(0, "Note: %s", note)
	}
	return b.String()
}
