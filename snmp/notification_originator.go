package snmp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/protocol"
)

// originator is the notification originator application (RFC 3413, section 3.3).
// It hands each notification to its destinations, none of which waits for
// another.
type originator struct {
	engine  *engine
	options *Options

	ctx     context.Context // ends with the server
	cancel  context.CancelFunc
	running sync.WaitGroup

	mu           sync.Mutex
	destinations []*destination
}

func newOriginator(e *engine, options *Options) *originator {
	o := &originator{engine: e, options: options}
	o.ctx, o.cancel = context.WithCancel(context.Background())
	return o
}

// stop ends the destinations and waits for that.
func (o *originator) stop() {
	o.cancel()
	o.mu.Lock()
	o.destinations = nil
	o.mu.Unlock()
	o.running.Wait()
}

// setTargets replaces the targets. One that stays as it is keeps what waits for
// it.
func (o *originator) setTargets(targets []Target) error {
	users := o.engine.models.Load().users()
	targets = slices.Clone(targets)
	for i := range targets {
		setDefault(&targets[i].Timeout, time.Second)
		if targets[i].Version == protocol.VersionDefault {
			targets[i].Version = SNMPv1
		}
		if err := targets[i].Check(users); err != nil {
			return err
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.ctx.Err() != nil {
		return nil
	}
	before := slices.Clone(o.destinations)
	var now []*destination
	for _, t := range targets {
		if i := slices.IndexFunc(before, func(d *destination) bool {
			return d.target.same(&t) && (t.Version != SNMPv3 || d.users == users)
		}); i >= 0 {
			before[i].filter.Store(t.Filter)
			before[i].contexts.Store(t.Contexts)
			before[i].stale.Store(true)
			now, before = append(now, before[i]), slices.Delete(before, i, i+1)
			continue
		}
		d := newDestination(o.engine, o.options, users, t)
		d.filter.Store(t.Filter)
		d.contexts.Store(t.Contexts)
		ctx, cancel := context.WithCancel(o.ctx)
		d.cancel = cancel
		o.running.Go(func() { d.run(ctx) })
		now = append(now, d)
	}
	for _, gone := range before {
		gone.cancel()
	}
	o.destinations = now
	return nil
}

// notify sends a notification of a context to every target whose filter lets it pass, without waiting.
func (o *originator) notify(contextName string, epoch time.Time, n mib.Notification) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.destinations) == 0 {
		return
	}
	variables := n.Variables(epoch)
	for _, d := range o.destinations {
		if told, ok := d.wants(contextName, variables); ok {
			d.put(told)
		}
	}
}

// notificationMessage returns the message that tells a target the variables of a
// notification, the first two of which are sysUpTime.0 and snmpTrapOID.0, and the id that its model
// gives it. agent is the address that it is sent from.
func notificationMessage(model outgoingModel, to *Target, requestID int32, n told, agent netip.Addr, limit int) ([]byte, int32, error) {
	variables := n.variables
	for _, b := range variables {
		if !ber.HasEncoding(b.Object, b.Index) || !ber.ValueHasEncoding(b.Value) {
			return nil, 0, &encodingError{b.Name(), b.Value}
		}
	}
	start := model.headroom(n.scope)
	buf := make([]byte, start, start+512)
	var err error
	switch {
	case to.Version == SNMPv1:
		if to.AgentAddress.IsValid() {
			agent = to.AgentAddress
		}
		buf, err = appendTrapV1(buf, variables, agent)
	case to.Inform:
		buf = appendNotificationPDU(buf, ber.InformRequest, requestID, variables)
	default:
		buf = appendNotificationPDU(buf, ber.TrapV2, requestID, variables)
	}
	if err != nil {
		return nil, 0, err
	}
	message, id, err := model.prepareOutgoing(n.scope, buf, start)
	if err != nil {
		return nil, 0, err
	}
	if len(message) > limit {
		return nil, 0, fmt.Errorf("it takes %d octets, at most %d are sent", len(message), limit)
	}
	return message, id, nil
}

// appendNotificationPDU appends an SNMPv2-Trap-PDU or InformRequest-PDU (RFC
// 3416, sections 4.2.6 and 4.2.7).
func appendNotificationPDU(dst []byte, kind byte, requestID int32, variables []mib.Binding) []byte {
	dst, pdu := ber.Open(dst, kind)
	dst = ber.AppendInteger(dst, ber.Integer, int64(requestID))
	dst = ber.AppendInteger(dst, ber.Integer, 0) // error-status
	dst = ber.AppendInteger(dst, ber.Integer, 0) // error-index
	return ber.Close(appendBindings(dst, variables), pdu)
}

func appendBindings(dst []byte, bindings []mib.Binding) []byte {
	dst, list := ber.Open(dst, ber.Sequence)
	for _, b := range bindings {
		dst = ber.AppendBinding(dst, b.Object, b.Index, b.Value)
	}
	return ber.Close(dst, list)
}

// What the translation into SNMPv1 looks at (RFC 3418, section 2). The generic
// traps of RFC 1157 are snmpTraps.1 to 6.
var (
	snmpTraps          = mib.MustParseOID("1.3.6.1.6.3.1.1.5")
	snmpTrapEnterprise = mib.MustParseOID("1.3.6.1.6.3.1.1.4.3.0")
)

const (
	genericTraps       = 6
	enterpriseSpecific = 6
)

var errCounter64 = errors.New("SNMPv1 has no Counter64, and no Trap-PDU is made of what has one")

// appendTrapV1 appends the Trap-PDU (RFC 1157, section 4.1.6) that stands for a
// notification of SNMPv2, as RFC 3584, section 3.2, translates it.
func appendTrapV1(dst []byte, variables []mib.Binding, agent netip.Addr) ([]byte, error) {
	up, trap, objects := variables[0].Value, variables[1].Value.OID(), variables[2:]
	enterprise, generic, specific := translateTrap(trap)
	for _, b := range objects {
		if b.Value.Type() == mib.Counter64 {
			return nil, errCounter64
		}
		if generic != enterpriseSpecific && b.Name() == snmpTrapEnterprise && b.Value.Type() == mib.ObjectIdentifier {
			enterprise = b.Value.OID()
		}
	}
	if v := mib.OIDValue(enterprise); !ber.ValueHasEncoding(v) {
		return nil, &encodingError{trap, v} // of a trap with two sub-identifiers, it has one
	}
	dst, pdu := ber.Open(dst, ber.TrapV1)
	dst = ber.AppendValue(dst, mib.OIDValue(enterprise))
	dst = ber.AppendValue(dst, mib.AddrValue(agent))
	dst = ber.AppendInteger(dst, ber.Integer, int64(generic))
	dst = ber.AppendInteger(dst, ber.Integer, int64(int32(specific)))
	dst = ber.AppendValue(dst, up)
	return ber.Close(appendBindings(dst, objects), pdu), nil
}

// translateTrap returns what the value of snmpTrapOID.0 is as parts of a
// Trap-PDU.
func translateTrap(trap mib.OID) (enterprise mib.OID, generic int, specific uint32) {
	parent, last := trap.Parent()
	if parent == snmpTraps && last >= 1 && last <= genericTraps {
		return snmpTraps, int(last - 1), 0
	}
	if above, zero := parent.Parent(); zero == 0 && above.Len() >= 2 {
		parent = above
	}
	return parent, enterpriseSpecific, last
}
