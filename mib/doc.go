// Package mib is management information: object identifiers, the SMIv2 values,
// tables and scalar groups declared once over ordinary Go types, and the tree
// that answers Get and GetNext from them. It knows no network and no protocol:
// packages agentx and snmp put a [Tree] on the wire.
//
// # Declared once, used both ways
//
// A [Table] or [Group] says how a Go row type looks as managed objects. An
// agent encodes rows through the declaration; a manager decodes variable
// bindings through the same declaration into the same rows.
//
// # Views
//
// A table is answered from a [View]: an immutable set of rows in the order of
// their indexes, made of what a [fresh.Source] read. One whose rows somebody else keeps
// in order is answered from those, an [Ordered], without a view. A [Request]
// answers all of its variables from what it found first, however often that
// changes meanwhile.
//
// # What only agents need
//
// Packages agent, snmp and agentx use nothing of this package that is not public, so that
// others can write their like beside them: another protocol, or an agent of other rows. Who
// declares tables and serves them through snmp or agentx needs none of these:
//
//   - [Request], [Cursor], [Begin], [Set], [SetError] and [Handler] are what a protocol calls.
//   - [NoWait] with [ErrWouldWait] is for a thread that must not wait, [Turns] for
//     processes with several trees, and [OIDList] for decoding without an allocation each.
//   - [Current], [Ordered], [Place] and [BindOrdered] are for rows that others keep in order.
//   - [Subset], [Limited], [Coverage] and [Naming] are what access control asks through.
//   - [NewPart], [AppendSubidentifier] and [PackedOID] are for indexes of other forms.
//
// They are tested and documented as everything here, and follow what the agents need: before
// version 1.0.0 a minor version may change them, and CHANGELOG.md names it. What declares
// tables ([Table], [Group], [Field], [Value], [OID]) changes only where it was wrong.
//
// The packages below this one declare one MIB module each, over rows of package netstat or
// rows of their own. All are used as the example of package ifmib shows.
package mib
