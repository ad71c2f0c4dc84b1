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
// their indexes, made of what a [Source] read. One whose rows somebody else keeps
// in order is answered from those, an [Ordered], without a view. A [Request]
// answers all of its variables from what it found first, however often that
// changes meanwhile.
package mib
