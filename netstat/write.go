package netstat

import (
	"context"
	"errors"
)

// Write is a change of a stack that was prepared: what it takes is at hand, and nothing has
// changed yet.
type Write struct {
	// Commit makes the change. Where it fails nothing has changed.
	Commit func(ctx context.Context) error
	// Undo makes it as it was, after a Commit; nil where nothing can. Where it fails the change stays,
	// or a part of it.
	Undo func(ctx context.Context) error
	// Last says that others notice the change and its Undo, even if nothing differs then: it is made after all else
	// of its request that can be undone.
	Last bool
	// Cleanup ends the use of the Write. Nil stands for nothing to do.
	Cleanup func()
}

// InterfaceChange is what is to become of an interface; what is unknown stays as it is.
type InterfaceChange struct {
	Up          Optional[bool] // whether it is to be up (InterfaceUp)
	Promiscuous Optional[bool] // InterfacePromiscuous
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

// IPInterfaceWriter turns versions of IP on interfaces on and off.
type IPInterfaceWriter interface {
	// PrepareIPInterface prepares that a version of IP is used on the interface of that index, or
	// not: IPv6, since IPv4 cannot be turned off (ErrNotSupported). Nothing can undo that it is
	// turned off: its addresses and routes go. The error matches fs.ErrPermission without the
	// privilege, and fs.ErrNotExist where there is no such interface.
	PrepareIPInterface(ctx context.Context, index uint32, f Family, enabled bool) (Write, error)
}

// SocketWriter ends sockets of others, as a SocketDestroyer.
type SocketWriter interface {
	SocketDestroyer
	// PrepareDestroySocket prepares DestroySocket, which nothing can undo. The error
	// matches fs.ErrPermission without the privilege.
	PrepareDestroySocket(ctx context.Context, s *Socket) (Write, error)
}

// ErrNoGateway says of a next hop that no interface leads to it, or not the one that
// was given: the gateway is on no link.
var ErrNoGateway = errors.New("the gateway is on no link of the host")

// RouteWriter makes, changes and removes routes.
type RouteWriter interface {
	// PrepareRoute prepares that a route has the next hops to in the place of was, which
	// are all those that it has. It is made where was is empty, and removed where to is. All
	// of them are of one route: alike but for Gateway, Interface, Weight, Flags and what
	// Options have of a next hop. An Interface of 0 is found by the gateway.
	//
	// A route by a nexthop object, or into a lightweight tunnel, can only be removed
	// (ErrNotSupported). Undo makes a route that was removed with all that it had, of a
	// lifetime what was left.
	//
	// The error matches fs.ErrPermission without the privilege, and fs.ErrNotExist where there is no
	// such interface; that of Commit also where the route is gone, fs.ErrExist where
	// there is one already, and ErrNoGateway.
	PrepareRoute(ctx context.Context, was, to []Route) (Write, error)
}

// NeighbourWriter makes, changes and removes neighbours of IPv4 and IPv6.
type NeighbourWriter interface {
	// PrepareNeighbour prepares that to is there in the place of was: made where was is
	// nil, and removed where to is. They have one Interface and Address. What can be chosen is
	// LinkAddress and State: NeighbourPermanent for an entry that stays as it is, any other for
	// one that the kernel may find otherwise.
	//
	// The error matches fs.ErrPermission without the privilege, and fs.ErrNotExist where there is no
	// such interface, and fs.ErrInvalid where LinkAddress has another length than addresses of its link;
	// that of Commit fs.ErrNotExist where the entry is gone, and fs.ErrExist where there is one
	// already.
	PrepareNeighbour(ctx context.Context, was, to *Neighbour) (Write, error)
}

// AddressWriter makes, changes and removes addresses.
type AddressWriter interface {
	// PrepareAddress prepares that to is there in the place of was: made where was is nil,
	// and removed where to is. What can be changed is Preferred and Valid. Of an address
	// that is removed the others of its prefix stay; Undo puts back the routes that went with it too. An address of
	// IPv6 is verified anew then (DAD), and listed as the newest one.
	//
	// The error matches fs.ErrPermission without the privilege, and fs.ErrNotExist where there is no
	// such interface or address; that of Commit also fs.ErrExist where there is one already.
	PrepareAddress(ctx context.Context, was, to *Address) (Write, error)
}
