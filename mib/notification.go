package mib

import (
	"fmt"
	"slices"
	"time"
)

// NotificationType declares a NOTIFICATION-TYPE (RFC 2578, section 8) that tells
// objects of one row of type R.
type NotificationType[R any] struct {
	Name string // descriptor: "linkDown"
	OID  OID    // what snmpTrapOID.0 says
	// Objects is the OBJECTS clause: descriptors of columns of Table, in the
	// order of the clause. Without objects, Table is nil.
	Table   *Table[R]
	Objects []string
}

// Notification is something that happened, to be sent to managers.
type Notification struct {
	Type OID       // what snmpTrapOID.0 says
	At   time.Time // when it happened, which sysUpTime.0 says
	// Objects are the variables that follow. Their TimeStamps meet the epoch
	// in Variables.
	Objects []Binding
}

// The two objects that notifications begin with (RFC 3416, section 4.2.6; RFC
// 3418, section 2).
var (
	sysUpTime   = MustParseOID("1.3.6.1.2.1.1.3")
	snmpTrapOID = MustParseOID("1.3.6.1.6.3.1.1.4.1")
)

// New returns the notification that something happened to row at a moment. row
// may be nil where there are no objects. What the row does not know is left out.
// New panics where Objects names what is no column of Table.
func (t *NotificationType[R]) New(at time.Time, row *R) Notification {
	n := Notification{Type: t.OID, At: at}
	if len(t.Objects) == 0 {
		return n
	}
	index := t.Table.IndexOf(row)
	for _, name := range t.Objects {
		c := t.column(name)
		if v, ok := c.get(row); ok {
			n.Objects = append(n.Objects, Binding{c.oid(t.Table.Entry), index, v})
		}
	}
	return n
}

func (t *NotificationType[R]) column(name string) *ColumnOf[R] {
	for i := range t.Table.Columns {
		if c := &t.Table.Columns[i]; c.name == name {
			return c
		}
	}
	panic("mib: " + t.Name + " tells " + name + ", which " + t.Table.Name + " does not have")
}

// Variables returns the variable bindings of the notification in the order of
// RFC 3416, section 4.2.6: sysUpTime.0, snmpTrapOID.0, the objects. epoch is the
// moment at which sysUpTime was zero.
func (n Notification) Variables(epoch time.Time) []Binding {
	all := make([]Binding, 0, 2+len(n.Objects))
	all = append(all,
		Binding{sysUpTime, scalarIndex, stampValue(n.At).resolve(epoch)},
		Binding{snmpTrapOID, scalarIndex, OIDValue(n.Type)})
	for _, b := range n.Objects {
		b.Value = b.Value.resolve(epoch)
		all = append(all, b)
	}
	return all
}

// ParseNotification returns the notification that the variable bindings of an
// SNMPv2-Trap-PDU or InformRequest-PDU tell (RFC 3416, section 4.2.6). epoch is
// the moment at which the sysUpTime of their sender was zero. It fails where the first two
// variables are not sysUpTime.0 and snmpTrapOID.0; the error names the one that is there.
func ParseNotification(epoch time.Time, bindings []Binding) (Notification, error) {
	if len(bindings) < 2 {
		return Notification{}, fmt.Errorf("a notification has at least two variables, not %d", len(bindings))
	}
	up, trap := bindings[0], bindings[1]
	switch {
	case up.Name() != sysUpTime.Append(scalarIndex) || up.Value.typ != TimeTicks:
		return Notification{}, fmt.Errorf("the first variable is %v = %v, not sysUpTime.0", up.Name(), up.Value)
	case trap.Name() != snmpTrapOID.Append(scalarIndex) || trap.Value.typ != ObjectIdentifier:
		return Notification{}, fmt.Errorf("the second variable is %v = %v, not snmpTrapOID.0", trap.Name(), trap.Value)
	}
	return Notification{
		Type:    trap.Value.OID(),
		At:      epoch.Add(time.Duration(up.Value.num) * 10 * time.Millisecond),
		Objects: bindings[2:],
	}, nil
}

// Decode returns the row that a notification of this type tells of; epoch is as
// for ParseNotification. Variables that are not of its table are passed over. It
// is an error where the notification is of another type, or tells of no row or
// of several.
func (t *NotificationType[R]) Decode(epoch time.Time, n Notification) (R, error) {
	var none R
	if n.Type != t.OID {
		return none, fmt.Errorf("the notification is %v, not %s", n.Type, t.Name)
	}
	if len(t.Objects) == 0 {
		return none, nil
	}
	rows, err := t.Table.Decode(epoch, slices.Values(n.Objects))
	if err != nil {
		return none, fmt.Errorf("%s: %w", t.Name, err)
	}
	if len(rows) != 1 {
		return none, fmt.Errorf("%s tells of %d rows of %s", t.Name, len(rows), t.Table.Name)
	}
	return rows[0], nil
}
