package agentx

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// A registration is a subtree, or a range of them, as an agentx-Register-PDU
// names it.
type registration struct {
	context    string
	subtree    mib.OID
	rangeSubid uint8
	upperBound uint32
	instance   bool
}

// caps is a row of the master's sysORTable.
type caps struct {
	context     string
	id          mib.OID
	description string
}

// A wanted registration, with the name of the node that it is for.
type wanted struct {
	registration
	object string
}

// A refusal is what the master refuses, and why.
type refusal struct {
	wanted
	code ErrorCode
}

// An outcome is what became of wanted registrations.
type outcome struct {
	accepted []registration
	refused  []refusal
}

// registrations returns what is to be registered for a module.
//
// A master gives a request to the longest subtree that is registered, whatever
// its priority. What it has of its own can be registered as a whole table or
// column by column, as a scalar object or as its instance (net-snmp does all
// four), so that each node is registered in full and in its parts: nothing
// longer is left then that could win. That is of the default context: in others masters
// have nothing of their own, and what is registered there is what nodes answer for.
func registrations(contextName string, module mib.Module, ranges bool) (list []wanted) {
	seen := map[registration]bool{}
	add := func(node mib.Node, subtrees []mib.OID, instance bool) {
		for _, r := range combine(subtrees, ranges) {
			r.context, r.instance = contextName, instance
			if instance {
				r.subtree = r.subtree.Sub(0)
			}
			if !seen[r] {
				seen[r] = true
				list = append(list, wanted{r, node.Name()})
			}
		}
	}
	for _, n := range module.Nodes {
		var columns, scalars []mib.OID
		for _, o := range n.Objects() {
			if o.Scalar {
				scalars = append(scalars, o.OID)
			} else {
				columns = append(columns, o.OID)
			}
		}
		add(n, n.Regions(), false)
		if contextName != "" {
			continue
		}
		add(n, columns, false)
		add(n, scalars, true)
	}
	return list
}

// combine returns the subtrees as registrations; with ranges, those whose last
// sub-identifiers are consecutive as one.
func combine(subtrees []mib.OID, ranges bool) []registration {
	subtrees = slices.SortedFunc(slices.Values(subtrees), mib.OID.Compare)
	var list []registration
	for i := 0; i < len(subtrees); {
		parent, first := subtrees[i].Parent()
		last := first
		for i++; ranges && i < len(subtrees); i++ {
			p, sub := subtrees[i].Parent()
			if p != parent || sub > last+1 {
				break
			}
			last = sub
		}
		r := registration{subtree: parent.Sub(first)}
		if last > first {
			r.rangeSubid, r.upperBound = uint8(r.subtree.Len()), last
		}
		list = append(list, r)
	}
	return list
}

// parts returns the single subtrees of a range, nil for a single subtree.
func (r registration) parts() []registration {
	if r.rangeSubid == 0 {
		return nil
	}
	subs := r.subtree.Subidentifiers()
	var list []registration
	for sub := uint64(subs[r.rangeSubid-1]); sub <= uint64(r.upperBound); sub++ {
		subs[r.rangeSubid-1] = uint32(sub)
		list = append(list, registration{context: r.context, subtree: mib.MakeOID(subs...), instance: r.instance})
	}
	return list
}

// A catalog is what a session has registered with its master, and what of it
// the master refuses.
type catalog struct {
	session       *session
	registrations map[registration]bool
	caps          map[caps]bool
	refused       []refusal

	retry   *time.Timer // runs while something is refused
	backoff time.Duration
	probes  int // how often something was tried again
}

const (
	minRetry = time.Second
	maxRetry = time.Minute
	// maxProbes is how many refused registrations are tried again at a time.
	// net-snmp's master writes a line to its log for each that it refuses once
	// more.
	maxProbes = 3
)

func newCatalog(s *session) *catalog {
	c := &catalog{session: s, registrations: map[registration]bool{}, caps: map[caps]bool{}, retry: time.NewTimer(maxRetry)}
	c.retry.Stop()
	return c
}

// update makes the master's knowledge what the trees of the contexts hold now.
// What the master refuses is logged, left out and tried again later; an error
// means that the session ended or ctx is done.
func (c *catalog) update(ctx context.Context, contexts []string) error {
	keep := map[registration]bool{}
	keepCaps := map[caps]bool{}
	sub := c.session.sub
	var refused []refusal
	for _, name := range contexts {
		modules, exists := sub.config.Handler.Modules(name)
		if !exists {
			sub.complain("context "+name, "context has no tree", "context", name)
			continue
		}
		sub.recovered("context " + name)
		told := tellsResources(modules)
		var all outcome
		for _, m := range modules {
			var o outcome
			for _, w := range registrations(name, m, sub.config.Ranges) {
				if err := c.register(ctx, w, &o); err != nil {
					return err
				}
			}
			all.accepted = append(all.accepted, o.accepted...)
			all.refused = append(all.refused, o.refused...)
			if told || m.Identity.IsEmpty() || len(o.accepted) == 0 && len(o.refused) > 0 {
				continue
			}
			row := caps{name, m.Identity, m.Description}
			keepCaps[row] = true
			if err := c.addCaps(ctx, row, m.Name); err != nil {
				return err
			}
		}
		for _, r := range all.accepted {
			keep[r] = true
		}
		refused = append(refused, all.refused...)
		sub.sayRefused(name, all)
	}
	maps.DeleteFunc(sub.refusals, func(name string, _ []refusal) bool { return !slices.Contains(contexts, name) })
	for r := range c.registrations {
		if !keep[r] {
			if err := c.unregister(ctx, r); err != nil {
				return err
			}
		}
	}
	for row := range c.caps {
		if !keepCaps[row] {
			err := c.send(ctx, 0, &RemoveAgentCaps{Context: row.context, ID: row.id})
			if refused := (*ResponseError)(nil); err != nil && !errors.As(err, &refused) {
				return err
			}
			delete(c.caps, row)
		}
	}
	c.refused, c.backoff = refused, minRetry
	c.schedule()
	return nil
}

// tellsResources reports whether modules have a sysORTable of their own. A context's rows
// would be told of twice; net-snmp's master would add them to those of the default context.
func tellsResources(modules []mib.Module) bool {
	for _, m := range modules {
		for _, n := range m.Nodes {
			if slices.Contains(n.Regions(), sysORTable) {
				return true
			}
		}
	}
	return false
}

var sysORTable = mib.MustParseOID("1.3.6.1.2.1.1.9") // RFC 3418

// schedule sets when what is refused is to be tried again.
func (c *catalog) schedule() {
	if len(c.refused) == 0 {
		c.retry.Stop()
		return
	}
	c.retry.Reset(c.backoff)
	c.backoff = min(2*c.backoff, maxRetry)
}

// probe tries some of what was refused again, and reports whether the master
// accepts any of that: then it is time for an update. Refusals that have one
// reason mostly stand together, so that it takes some from all over and others
// each time.
func (c *catalog) probe(ctx context.Context) (accepted bool, err error) {
	stride := (len(c.refused) + maxProbes - 1) / maxProbes
	for i := c.probes % max(stride, 1); i < len(c.refused); i += stride {
		var o outcome
		if err := c.register(ctx, c.refused[i].wanted, &o); err != nil {
			return false, err
		}
		if len(o.accepted) > 0 {
			return true, nil
		}
	}
	c.probes++
	c.schedule()
	return false, nil
}

// addCaps adds a module's row to the master's sysORTable.
func (c *catalog) addCaps(ctx context.Context, row caps, module string) error {
	if c.caps[row] {
		return nil
	}
	err := c.send(ctx, 0, &AddAgentCaps{Context: row.context, ID: row.id, Description: row.description})
	of := "sysORTable " + row.context + " " + module
	if refused := (*ResponseError)(nil); errors.As(err, &refused) {
		c.session.sub.complain(of, "the master agent refuses a row of sysORTable",
			"module", module, "context", row.context, "error", refused.Code.String())
	} else if err != nil {
		return err
	} else {
		c.session.sub.recovered(of)
	}
	c.caps[row] = true
	return nil
}

// register registers w, or the parts of it that the master accepts, and adds
// what became of it to o.
func (c *catalog) register(ctx context.Context, w wanted, o *outcome) error {
	if c.registrations[w.registration] {
		o.accepted = append(o.accepted, w.registration)
		return nil
	}
	sub := c.session.sub
	var flags Flags
	if w.instance {
		flags = InstanceRegistration
	}
	err := c.send(ctx, flags, &Register{
		Context:    w.context,
		Timeout:    wholeSeconds(sub.config.Timeout),
		Priority:   sub.config.Priority,
		RangeSubid: w.rangeSubid,
		Subtree:    w.subtree,
		UpperBound: w.upperBound,
	})
	refused := (*ResponseError)(nil)
	switch {
	case err == nil:
		c.registrations[w.registration] = true
		o.accepted = append(o.accepted, w.registration)
		return nil
	case !errors.As(err, &refused):
		return err
	}
	parts := w.parts()
	if parts == nil {
		o.refused = append(o.refused, refusal{w, refused.Code})
	}
	for _, part := range parts {
		if err := c.register(ctx, wanted{part, w.object}, o); err != nil {
			return err
		}
	}
	return nil
}

func (c *catalog) unregister(ctx context.Context, r registration) error {
	err := c.send(ctx, 0, &Unregister{
		Context:    r.context,
		Priority:   c.session.sub.config.Priority,
		RangeSubid: r.rangeSubid,
		Subtree:    r.subtree,
		UpperBound: r.upperBound,
	})
	if refused := (*ResponseError)(nil); err != nil && !errors.As(err, &refused) {
		return err
	}
	delete(c.registrations, r)
	return nil
}

// send sends an administrative PDU. An error that is not a *ResponseError, and
// NotOpen, end what is being done.
func (c *catalog) send(ctx context.Context, flags Flags, p Payload) error {
	_, err := c.session.request(ctx, flags, p)
	if refused := (*ResponseError)(nil); errors.As(err, &refused) && refused.Code == NotOpen {
		return errNotOpen
	}
	return err
}

var errNotOpen = errors.New("the master agent does not know the session")
