package netstat

import "context"

// Write is a change of a stack that was prepared: what it takes is at hand, and nothing has
// changed yet.
type Write struct {
	// Commit makes the change. Where it fails nothing has changed.
	Commit func(ctx context.Context) error
	// Undo makes it as it was, after a Commit; nil where nothing can.
	Undo func(ctx context.Context) error
	// Cleanup ends the use of the Write. Nil stands for nothing to do.
	Cleanup func()
}

// InterfaceChange is what is to become of an interface; what is unknown stays as it is.
type InterfaceChange struct {
	Up          Optional[bool] // whether it is to be up (FlagUp)
	Promiscuous Optional[bool] // FlagPromiscuous
	// Alias is a text of the administrator's, of at most 255 octets; an empty one
	// removes it.
	Alias Optional[string]
}

// InterfaceWriter changes interfaces.
type InterfaceWriter interface {
	// PrepareInterface prepares a change of the interface of that index. Nothing can undo that
	// one goes down: its routes and addresses of IPv6 go with it. The error matches
	// fs.ErrPermission without the privilege, and fs.ErrNotExist where there is no such
	// interface.
	PrepareInterface(ctx context.Context, index uint32, c InterfaceChange) (Write, error)
}

// IPSettingsWriter changes settings of IP.
type IPSettingsWriter interface {
	// PrepareIPSettings prepares a change of Forwarding and HopLimit, of those that are
	// known. Forwarding is set for each interface as well, so that nothing can undo it. The
	// error matches fs.ErrPermission without the privilege, and fs.ErrNotExist where
	// the source has no such setting.
	PrepareIPSettings(ctx context.Context, changes ...IPSettings) (Write, error)
}

// SocketWriter ends sockets of others, as a SocketDestroyer.
type SocketWriter interface {
	SocketDestroyer
	// PrepareDestroySocket prepares DestroySocket, which nothing can undo. The error
	// matches fs.ErrPermission without the privilege.
	PrepareDestroySocket(ctx context.Context, s *Socket) (Write, error)
}
