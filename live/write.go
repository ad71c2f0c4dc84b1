package live

import (
	"context"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

var _ interface {
	netstat.AddressWriter
	netstat.InterfaceWriter
	netstat.IPInterfaceWriter
	netstat.IPSettingsWriter
	netstat.NeighbourWriter
	netstat.RouteWriter
	netstat.SocketWriter
} = (*Stack)(nil)

// PrepareInterface asks the kernel, as Kernel.PrepareInterface of collectors does.
func (s *Stack) PrepareInterface(ctx context.Context, index uint32, c netstat.InterfaceChange) (netstat.Write, error) {
	return s.kernel.PrepareInterface(ctx, index, c)
}

// PrepareIPSettings asks the kernel.
func (s *Stack) PrepareIPSettings(ctx context.Context, changes ...netstat.IPSettings) (netstat.Write, error) {
	return s.kernel.PrepareIPSettings(ctx, changes...)
}

// PrepareIPInterface asks the kernel.
func (s *Stack) PrepareIPInterface(ctx context.Context, index uint32, f netstat.Family, enabled bool) (netstat.Write, error) {
	return s.kernel.PrepareIPInterface(ctx, index, f, enabled)
}

// PrepareDestroySocket asks the kernel.
func (s *Stack) PrepareDestroySocket(ctx context.Context, socket *netstat.Socket) (netstat.Write, error) {
	return s.kernel.PrepareDestroySocket(ctx, socket)
}

// DestroySocket asks the kernel.
func (s *Stack) DestroySocket(ctx context.Context, socket *netstat.Socket) error {
	return s.kernel.DestroySocket(ctx, socket)
}

// PrepareRoute asks the kernel. The state has what was written when Commit or Undo returns.
func (s *Stack) PrepareRoute(ctx context.Context, was, to []netstat.Route) (netstat.Write, error) {
	w, err := s.kernel.PrepareRoute(ctx, was, to)
	return s.seen(w), err
}

// PrepareNeighbour is as PrepareRoute.
func (s *Stack) PrepareNeighbour(ctx context.Context, was, to *netstat.Neighbour) (netstat.Write, error) {
	w, err := s.kernel.PrepareNeighbour(ctx, was, to)
	return s.seen(w), err
}

// PrepareAddress is as PrepareRoute.
func (s *Stack) PrepareAddress(ctx context.Context, was, to *netstat.Address) (netstat.Write, error) {
	w, err := s.kernel.PrepareAddress(ctx, was, to)
	return s.seen(w), err
}

// seen returns a Write that waits until its events are taken in.
func (s *Stack) seen(w netstat.Write) netstat.Write {
	then := func(f func(context.Context) error) func(context.Context) error {
		if f == nil {
			return nil
		}
		return func(ctx context.Context) error {
			err := f(ctx)
			if err == nil {
				_ = s.reach(ctx, nil) // it is made, whether or not that is seen at once
			}
			return err
		}
	}
	w.Commit, w.Undo = then(w.Commit), then(w.Undo)
	return w
}
