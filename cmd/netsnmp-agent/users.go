package main

import (
	"context"
	"errors"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/mib/usmmib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
)

// users are those of SNMPv3 as usmUserTable has them.
func (e *engine) users() (rows []usmmib.User) {
	if e == nil {
		return nil
	}
	for _, u := range e.model.Users() {
		rows = append(rows, rowOf(u))
	}
	return rows
}

// rowOf returns a user as usmUserTable has it.
func rowOf(u usm.User) usmmib.User {
	return usmmib.User{
		EngineID: string(u.EngineID), Name: u.Name, CloneFrom: usmmib.NoClone,
		Auth: u.Auth.OID(), Priv: u.Priv.OID(), Public: u.Public, Keys: u,
	}
}

// userOf returns the user that a row has, with its keys.
func userOf(r *usmmib.User) usm.User {
	if u, ok := r.Keys.(usm.User); ok {
		return u
	}
	return usm.User{EngineID: usm.EngineID(r.EngineID), Name: r.Name}
}

var (
	errNoUser       = errors.New("there is no such user, or it is out of service")
	errNotCloned    = errors.New("the user has no keys: usmUserCloneFrom comes first")
	errNotYourOwn   = errors.New("it is for the user itself")
	errOutOfService = errors.New("the user is out of service")
	errOtherKeys    = errors.New("the protocol can become none, and no other")
	errStillPrivate = errors.New("there is no privacy without authentication: usmUserPrivProtocol comes first")
	errNoEngine     = errors.New("SNMPv3 is not spoken")
)

// checkUser makes of what a SET says the user that is wanted, with its keys (RFC 3414, section 5). As snmpd does, and other
// than the RFC has it, a user is in service with the keys that it was cloned with: managers change them afterwards.
func (e *engine) checkUser(c *mib.Change[usmmib.User]) error {
	if e == nil {
		return c.Refuse(mib.NotWritable, "", errNoEngine)
	}
	u := userOf(&c.Row)
	if err := errors.Join(u.EngineID.Check(), usm.CheckName(u.Name)); err != nil {
		return c.Refuse(mib.NoCreation, "", err)
	}
	if c.Sets("usmUserCloneFrom") && u.CloneFrom == "" && u.Auth == usm.NoAuth && !u.Kept {
		from, ok := e.pointed(c.Row.CloneFrom)
		if !ok {
			return c.Refuse(mib.InconsistentName, "usmUserCloneFrom", errNoUser)
		}
		u.Auth, u.AuthKey, u.Priv, u.PrivKey = from.Auth, from.AuthKey, from.Priv, from.PrivKey
		u.CloneFrom = c.Row.CloneFrom.String()
	}
	if err := e.checkProtocols(c, &u); err != nil {
		return err
	}
	for _, change := range [...]struct {
		column string
		value  string
		key    *usm.Secret
		none   bool
		own    bool
	}{
		{"usmUserAuthKeyChange", c.Row.AuthKeyChange, &u.AuthKey, u.Auth == usm.NoAuth, false},
		{"usmUserOwnAuthKeyChange", c.Row.OwnAuthKeyChange, &u.AuthKey, u.Auth == usm.NoAuth, true},
		{"usmUserPrivKeyChange", c.Row.PrivKeyChange, &u.PrivKey, u.Priv == usm.NoPriv, false},
		{"usmUserOwnPrivKeyChange", c.Row.OwnPrivKeyChange, &u.PrivKey, u.Priv == usm.NoPriv, true},
	} {
		switch {
		case !c.Sets(change.column):
			continue
		case change.own && c.User != u.Name:
			return c.Refuse(mib.NoAccess, change.column, errNotYourOwn)
		case change.own && c.Was == nil:
			return c.Refuse(mib.InconsistentValue, change.column, errOutOfService)
		case isFresh(c, &u):
			return c.Refuse(mib.InconsistentName, change.column, errNotCloned)
		case change.none:
			continue // it is a success without an effect
		}
		key, err := u.Auth.ChangeKey(*change.key, []byte(change.value))
		if err != nil {
			return c.Refuse(mib.WrongLength, change.column, err)
		}
		*change.key = key
	}
	u.Public = c.Row.Public
	name, engineID := c.Row.Name, c.Row.EngineID
	c.Row = rowOf(u)
	c.Row.Name, c.Row.EngineID = name, engineID
	return nil
}

// isFresh reports whether a user is being made and has no keys yet.
func isFresh(c *mib.Change[usmmib.User], u *usm.User) bool {
	return c.Was == nil && u.CloneFrom == "" && u.AuthKey.IsEmpty()
}

// pointed returns the user whose row a RowPointer names by its first column.
func (e *engine) pointed(at mib.OID) (usm.User, bool) {
	for _, u := range e.model.Users() {
		if usmmib.Pointer(string(u.EngineID), u.Name) == at {
			return u, true
		}
	}
	return usm.User{}, false
}

// checkProtocols takes what a SET says of protocols: that a user has none, or, of one that is made, what it had anyway.
func (e *engine) checkProtocols(c *mib.Change[usmmib.User], u *usm.User) error {
	const auth, priv = "usmUserAuthProtocol", "usmUserPrivProtocol"
	if c.Sets(priv) {
		switch p, known := usm.CipherOf(c.Row.Priv); {
		case !known || e.model.Allows(usm.SHA512, p) != nil:
			return c.Refuse(mib.WrongValue, priv, nil)
		case p == u.Priv:
		case p == usm.NoPriv, isFresh(c, u):
			u.Priv, u.PrivKey = p, usm.Secret{}
		default:
			return c.Refuse(mib.InconsistentValue, priv, errOtherKeys)
		}
	}
	if c.Sets(auth) {
		switch h, known := usm.HashOf(c.Row.Auth); {
		case !known || e.model.Allows(h, usm.NoPriv) != nil:
			return c.Refuse(mib.WrongValue, auth, nil)
		case h == u.Auth:
		case h == usm.NoAuth && u.Priv != usm.NoPriv:
			return c.Refuse(mib.InconsistentValue, auth, errStillPrivate)
		case h == usm.NoAuth, isFresh(c, u):
			u.Auth, u.AuthKey = h, usm.Secret{}
		default:
			return c.Refuse(mib.InconsistentValue, auth, errOtherKeys)
		}
	}
	return nil
}

// writeUser is the mib.Writer of usmUserTable.
func (e *engine) writeUser(_ context.Context, c *mib.Change[usmmib.User]) (mib.Assignment, error) {
	if e == nil {
		return mib.Assignment{}, c.Refuse(mib.NotWritable, "", errNoEngine)
	}
	u := userOf(&c.Row)
	to := &u
	if c.Removes() {
		to = nil
	} else if err := errors.Join(u.Check(), e.model.Allows(u.Auth, u.Priv)); err != nil {
		return mib.Assignment{}, c.Refuse(mib.InconsistentValue, "", err)
	}
	if to != nil && c.Was == nil && e.list.IsFull() {
		return mib.Assignment{}, c.Refuse(mib.ResourceUnavailable, "", usm.ErrTooManyUsers)
	}
	var undo func() error
	return mib.Assignment{
		Commit: func(context.Context) (err error) {
			undo, err = e.list.Write(u.EngineID, u.Name, to)
			return err
		},
		Undo: func(context.Context) error { return undo() },
	}, nil
}
