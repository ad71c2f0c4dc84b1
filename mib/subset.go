package mib

// Subset is a MIB view (RFC 3415, section 2.4): the variables that a Request is limited
// to. It does not change, and is safe for concurrent use.
type Subset interface {
	// Covers says how much of a subtree belongs to the subset: of an object type's, and for
	// a SET of whatever is named.
	Covers(object OID) Coverage
	// Seek returns the first index at or after index with which the object's variable
	// may belong to the subset: index itself where it does belong, and otherwise one
	// that is greater. It reports false where there is none. Only what the subset
	// covers in part is asked for.
	Seek(object, index OID) (OID, bool)
}

// Naming is what a Subset may be besides, that has secrets (see ColumnOf.Secret).
type Naming interface {
	// Names reports whether the subset is said to have a subtree at or below that one, and not
	// merely one above it.
	Names(subtree OID) bool
}

// Coverage is how much of a subtree a Subset has.
type Coverage uint8

// Coverages.
const (
	CoversNothing Coverage = iota
	CoversPart
	CoversAll
)

// Limited is a Subset as a tree needs it. It is immutable.
type Limited struct {
	subset Subset
	leaves []Coverage // by leaf
	hidden []bool     // likewise: it cannot be read
}

// Limit returns what limits requests on the tree to a subset. It is made once for each
// subset and tree: a request costs nothing more where objects belong to it whole, or
// not at all.
func (t *Tree) Limit(s Subset) *Limited {
	l := &Limited{subset: s, leaves: make([]Coverage, len(t.leaves)), hidden: make([]bool, len(t.leaves))}
	naming, names := s.(Naming)
	for i := range t.leaves {
		of := &t.leaves[i]
		l.leaves[i] = s.Covers(of.OID)
		l.hidden[i] = of.hidden() && (!names || !naming.Names(of.secret))
	}
	return l
}

// has reports whether a variable belongs to the subset.
func (l *Limited) has(leaf int, object, index OID) bool {
	switch l.leaves[leaf] {
	case CoversAll:
		return true
	case CoversPart:
		at, ok := l.subset.Seek(object, index)
		return ok && at == index
	}
	return false
}

// next is rows.next for what belongs to the subset. It steps from what does not to
// where more may.
func (l *Limited) next(r *Request, rows rows, from position, leaf int) (index OID, v Value, after position, err error) {
	of := &r.tree.leaves[leaf]
	for {
		index, v, after, err = rows.next(&r.work, from, of.column)
		if err != nil || v.typ == 0 || l.leaves[leaf] == CoversAll {
			return index, v, after, err
		}
		at, ok := l.subset.Seek(of.OID, index)
		if !ok {
			return OID{}, Value{}, from, nil
		}
		if at == index {
			return index, v, after, nil
		}
		if err := r.work.spend(searchSteps); err != nil {
			return OID{}, Value{}, from, err
		}
		if from, err = rows.seek(&r.work, at, true); err != nil {
			return OID{}, Value{}, from, err
		}
	}
}

// shows reports whether a name, which may be that of nothing in the tree, belongs to
// the subset.
func (l *Limited) shows(t *Tree, name OID) bool {
	if i := t.find(name); i < len(t.leaves) && name.HasPrefix(t.leaves[i].OID) {
		index, _ := name.CutPrefix(t.leaves[i].OID)
		return l.has(i, t.leaves[i].OID, index)
	}
	switch l.subset.Covers(name) {
	case CoversAll:
		return true
	case CoversPart:
		at, ok := l.subset.Seek(name, OID{})
		return ok && at.IsEmpty()
	}
	return false
}
