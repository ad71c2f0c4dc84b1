package netstat

import (
	"context"
	"errors"
	"slices"
)

// FlowOwners says which processes of this host the ends of flows belong to, as of
// one look at the sockets and who holds them. It is immutable.
type FlowOwners struct {
	sockets *FlowSockets[[]Process]
	// complete says that every socket was seen, and every process that may hold
	// one.
	complete bool
}

// DefaultFlowOwners is how many sockets ReadFlowOwners may be let keep: each takes
// about 150 bytes.
const DefaultFlowOwners = 1 << 20

// ReadFlowOwners takes a look at the sockets of TCP, UDP, UDP-Lite and ping, of
// which it keeps at most as many as are given. The stack is that of the namespace whose flows
// are meant. Where privileges hide processes, or the kernel does not tell of a
// protocol's sockets, what is not found is unknown. The error is the first of the stack that is
// another than ErrNotSupported.
func ReadFlowOwners(ctx context.Context, from Stack, most int) (*FlowOwners, error) {
	local, err := ReadLocalAddresses(ctx, from)
	if err != nil {
		return nil, err
	}
	o := &FlowOwners{sockets: NewFlowSockets[[]Process](local), complete: true}
	for s, err := range from.Sockets(ctx, SocketQuery{Processes: true}) {
		switch {
		case errors.Is(err, ErrNotSupported):
			o.complete = false
		case err != nil && IsComplete(err):
		case err != nil:
			return nil, err
		case s.State != Listen:
			o.add(&s, most)
		}
	}
	return o, nil
}

func (o *FlowOwners) add(s *Socket, most int) {
	if !hasFlows(s.Protocol) {
		return
	}
	processes, known := s.Processes.Get()
	switch {
	case !known, o.sockets.Len() >= most:
		o.complete = false
		return
	case len(processes) == 0:
		return // a connection that waits for its end, or for being accepted
	}
	o.sockets.Put(s, func(before []Process, shared bool) []Process {
		if !shared {
			return processes
		}
		return append(slices.Clip(before), processes...) // of one process or many
	})
}

// FlowProcesses are the processes at the two ends of a flow. They are known and
// empty for an end that is not a socket of this host, and unknown where a process
// or a socket was not seen that may be it.
type FlowProcesses struct {
	Source      Optional[[]Process] // of who sent the first packet
	Destination Optional[[]Process] // of who received it, after address translation
}

// Of returns the processes at the ends of a flow. Of several sockets that may be an end
// all count.
func (o *FlowOwners) Of(f *Flow) FlowProcesses {
	return FlowProcesses{Source: o.at(&f.Original), Destination: o.at(&f.Reply)}
}

func (o *FlowOwners) at(t *FlowTuple) Optional[[]Process] {
	switch processes, found := o.sockets.Sender(t); {
	case found:
		return Known(processes)
	case !o.complete:
		return Optional[[]Process]{}
	}
	return Known[[]Process](nil)
}
