package main

import (
	"context"
	"errors"
	"net/http"
	"regexp"

	"github.com/netsnmp-agent/netsnmp-agent/internal/commandline"
	"github.com/netsnmp-agent/netsnmp-agent/internal/contexts"
	"github.com/netsnmp-agent/netsnmp-agent/internal/page"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// newPage returns the page of the contexts of a set.
func (e *exporter) newPage(set *contexts.Set, host string, itself itself) (*page.Page, error) {
	return page.New(page.Options{
		Names: set.Names, Log: e.log,
		Open: func(ctx context.Context, name string) (page.Stack, error) {
			if _, err := set.Tree(ctx, name); errors.Is(err, mib.ErrNoContext) {
				return page.Stack{}, page.ErrNoNamespace
			} else if err != nil {
				return page.Stack{}, err
			}
			e.mu.Lock()
			defer e.mu.Unlock()
			if of, is := e.of[name]; is {
				return page.Stack{Readings: of.readings, History: of.history}, nil
			}
			return page.Stack{}, page.ErrNoNamespace
		},
		Program: func() page.Program {
			p := itself.forPage()
			p.Host = host
			return p
		},
	})
}

// forPage is what the program tells of itself on its page. Communities and names of users are not among it.
func (i itself) forPage() page.Program {
	p := page.Program{Name: "netsnmp-agent", Version: commandline.Version(version), Started: i.started, Engine: i.server != nil}
	good, err := i.file.get()
	if err != nil {
		p.ConfigError = unquoted(err.Error())
	}
	p.ConfigRead = good
	if i.server != nil {
		for _, at := range i.listening {
			p.Listening = append(p.Listening, at.String())
		}
		for _, c := range clientsOf(i.server) {
			p.Clients = append(p.Clients, page.Client{Address: clientName(c), Version: versionName(c.Version), Answered: c.Answered, Refused: c.Refused, Reason: c.Reason, Last: c.Last})
		}
	}
	if i.subagent != nil {
		session := i.subagent.Session()
		p.AgentX = &page.AgentX{Opened: session.Opened, Sessions: session.Sessions, Registered: session.Registered, Refused: session.Refused}
	}
	return p
}

var inQuotes = regexp.MustCompile(`"(?:[^"\\]|\\.)*"`)

// unquoted takes what is quoted out of an error of the configuration: it may be what only the file and the log should
// have.
func unquoted(text string) string { return inQuotes.ReplaceAllLiteralString(text, `"…"`) }

// nothingElse answers what is at no address of the program's.
func nothingElse(w http.ResponseWriter, _ *http.Request) {
	http.Error(w, "there are a page at / and metrics at /metrics", http.StatusNotFound)
}
