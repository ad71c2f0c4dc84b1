package remote

import (
	"slices"
	"sync"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// decoderOf returns the decoder of columns of a table, which is made when it is first asked
// for: a program that reads no other host declares no table.
func decoderOf[R any](table func() *mib.Table[R], subs ...uint32) func() *mib.RowDecoder[R] {
	return sync.OnceValue(func() *mib.RowDecoder[R] { return table().RowDecoder(subs...) })
}

// tableColumns are the columns of a declared table with those last
// sub-identifiers, in that order.
func tableColumns[R any](t *mib.Table[R], subs ...uint32) []column {
	return objectColumns(t.Objects(), t.Entry, subs)
}

// groupColumns are all the scalars of a declared group.
func groupColumns[R any](g *mib.Group[R]) []column {
	var all []column
	for _, o := range g.Scalars() {
		all = append(all, column{o.OID, o.Name})
	}
	return all
}

func objectColumns(objects []mib.Object, entry mib.OID, subs []uint32) []column {
	columns := make([]column, 0, len(subs))
	for _, sub := range subs {
		oid := entry.Sub(sub)
		i := slices.IndexFunc(objects, func(o mib.Object) bool { return o.OID == oid })
		columns = append(columns, column{oid, objects[i].Name})
	}
	return columns
}
