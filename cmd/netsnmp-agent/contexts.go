package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/agent"
	"github.com/netsnmp-agent/netsnmp-agent/collectors"
	"github.com/netsnmp-agent/netsnmp-agent/internal/contexts"
	"github.com/netsnmp-agent/netsnmp-agent/internal/snmpdconf"
	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/snmpv2mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// patternsOf returns which namespaces are contexts: what --contexts says, or else a file.
func (f *flags) patternsOf(file *snmpdconf.Config) (patterns contexts.Patterns, err error) {
	from := file.NetNSContexts
	if len(f.contexts) > 0 {
		from = nil
		for _, p := range f.contexts {
			from = append(from, snmpdconf.Setting{Value: p, Where: "--contexts"})
		}
	}
	if patterns, err = parsePatterns(from); err != nil {
		return nil, err
	}
	if len(patterns) > 0 && f.recording != "" {
		return nil, fmt.Errorf("%s: a recording has no namespaces that come and go: --netns names one of them", from[0].Where)
	}
	return patterns, nil
}

// parsePatterns returns patterns of names of namespaces.
func parsePatterns(from []snmpdconf.Setting) (patterns contexts.Patterns, err error) {
	for _, set := range from {
		p, err := contexts.ParsePattern(set.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", set.Where, err)
		}
		patterns = append(patterns, p...)
	}
	return patterns, nil
}

// notifier is what is notified of interfaces in contexts, and who sends it.
type notifier struct {
	choices *choices
	send    func(contextName string, epoch time.Time, n mib.Notification)
}

// follow sends notifications of the interfaces of a context until ctx is done or the stack ends.
func (n notifier) follow(ctx context.Context, name string, stack netstat.Stack, epoch time.Time, log *slog.Logger) {
	n.choices.linksOf(name).notify(ctx, stack, log, func(of mib.Notification) { n.send(name, epoch, of) })
}

var errNotFollowed = errors.New("netnsNotifications does not have the context: nothing is sent of its interfaces")

// newContexts puts a context for each namespace that the settings mean beside the default
// one, which shows like.Stack. System tells of the host; changed may be nil.
func (s *settings) newContexts(opens opening, measured *exporter, byDefault mib.Handler, like agent.Config, system func() snmpv2mib.System, notify notifier, changed func([]string)) (*contexts.Set, error) {
	var set *contexts.Set
	tree := func(name string, stack netstat.Stack, epoch time.Time) (*mib.Tree, error) {
		choices := notify.choices.linksOf(name)
		config := agent.Config{
			Stack: stack, Context: true, Modules: like.Modules, Zones: like.Zones, Turns: like.Turns,
			Epoch: func() time.Time { return epoch },
			System: func() snmpv2mib.System {
				of := system()
				of.Descr += ", network namespace " + set.NetNS(name)
				return of
			},
			LinkNotifications: func(link string, byDefault bool) bool {
				return set != nil && set.Follows(name) && choices.enabled(link, byDefault)
			},
			Log: s.log.With("context", name),
		}
		if stack != like.Stack {
			config.Readings = measured.readingsOf(name, stack, config.Log)
		}
		if like.WriteLinkNotifications != nil {
			config.WriteLinkNotifications = func(link string, send bool) (mib.Assignment, error) {
				if set == nil || !set.Follows(name) {
					return mib.Assignment{}, errNotFollowed
				}
				return choices.write(link, send)
			}
		}
		a, err := agent.New(config)
		if err != nil {
			return nil, err
		}
		return a.Tree(), nil
	}
	// The modules are the same whatever stack they show.
	template, err := tree("", like.Stack, time.Now())
	if err != nil {
		return nil, err
	}
	modules, _ := template.Modules("")
	set = contexts.New(contexts.Options{
		Default: byDefault, Patterns: opens.contexts, Followed: opens.followed, Open: s.openNamespace, Tree: tree, Modules: modules, Changed: changed, Log: s.log,
		Follow: func(ctx context.Context, name string, stack contexts.Stack, epoch time.Time) {
			notify.follow(ctx, name, stack, epoch, s.log.With("context", name))
		},
	})
	if len(opens.contexts) > 0 {
		s.log.Info("network namespaces are contexts", "contexts", len(set.Names()))
	}
	return set, nil
}

// openNamespace opens the stack of a context, and does not wait until it is loaded.
func (s *settings) openNamespace(path string) (contexts.Stack, error) {
	kinds := agent.Kinds(s.modules)
	if kinds == 0 {
		return collectors.Open(collectors.Options{NetNS: path})
	}
	return live.Start(live.Options{NetNS: path, Kinds: kinds, Log: s.log})
}

// latest keeps the last names of contexts that were told, for somebody who is slow.
type latest chan []string

func (l latest) set(names []string) {
	for {
		select {
		case l <- names:
			return
		default:
		}
		select {
		case <-l:
		default:
		}
	}
}

// each calls f with the last names until ctx is done.
func (l latest) each(ctx context.Context, f func(names []string)) {
	for {
		select {
		case <-ctx.Done():
			return
		case names := <-l:
			f(names)
		}
	}
}
