package live

import (
	"context"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

var _ interface {
	netstat.InterfaceWriter
	netstat.IPSettingsWriter
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

// PrepareDestroySocket asks the kernel.
func (s *Stack) PrepareDestroySocket(ctx context.Context, socket *netstat.Socket) (netstat.Write, error) {
	return s.kernel.PrepareDestroySocket(ctx, socket)
}

// DestroySocket asks the kernel.
func (s *Stack) DestroySocket(ctx context.Context, socket *netstat.Socket) error {
	return s.kernel.DestroySocket(ctx, socket)
}
