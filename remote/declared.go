package remote

import (
	"slices"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

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
