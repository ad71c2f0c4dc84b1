package mib

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// maxKept rows of a table are kept that managers made. A row that is notReady goes after
// notReadyFor, as RFC 2579 suggests: who began to make it does not go on.
const (
	maxKept     = 1024
	notReadyFor = 5 * time.Minute
)

var (
	errFixed       = errors.New("the configuration file says what it is")
	errRoomFull    = fmt.Errorf("%d rows that managers made are kept already", maxKept)
	errRowThere    = errors.New("the row is there already")
	errNoRow       = errors.New("there is no such row, and only its RowStatus makes one")
	errOtherIndex  = errors.New("the row would have another index here")
	errWhileActive = errors.New("it cannot be changed while the row is active")
	errIncomplete  = errors.New("the row lacks what it needs to be in use")
)

// KeptRows are rows of a table that are kept by the agent. It is safe for concurrent use.
type KeptRows[R any] struct {
	table *Table[R]
	kept  *keptRows
}

// Keeping is what becomes of rows that managers made.
type Keeping struct {
	// Save stores the rows that outlive the process, and returns when they are on disk. It is
	// called once for all of a SetRequest; its error takes that back. Nil means that nobody can write.
	Save func(rows []SavedRow) error
	// Changed is called after rows were written, once for all of a SetRequest.
	Changed func()
}

// SavedRow is a row as its variables.
type SavedRow struct {
	Index  string `json:"index"` // in dotted decimal
	Active bool   `json:"active"`
	// Columns are the values by descriptor: numbers in decimal, octets in hexadecimal, OIDs in
	// dotted decimal.
	Columns map[string]string `json:"columns"`
}

// KeepRows returns the rows of a table that has a RowStatus, of which there are none yet.
func KeepRows[R any](t *Table[R], keeping Keeping) *KeptRows[R] {
	d := t.declaration()
	k := newKeptRows(d)
	k.keeping = keeping
	if keeping.Save != nil {
		d.writing = &writing{names: writable(d.columns, nil), room: k}
	}
	return &KeptRows[R]{t, k}
}

// Restore takes rows that were saved. Its error joins one for each that the declaration does
// not take; the others are there.
func (k *KeptRows[R]) Restore(saved []SavedRow) error { return k.kept.restore(saved) }

// SetFixed replaces the rows that nobody can write: those of a configuration. They are active. Of two
// with one index the first is there, and a row that a manager made is not there while a fixed one has its
// index: SetFixed returns the indexes of such rows.
func (k *KeptRows[R]) SetFixed(rows []R) (hidden []OID) {
	return k.kept.setFixed(&k.table.viewOf(k.kept.table, slices.Clone(rows)).view)
}

// Active returns the rows that are in use, in the order of their indexes.
func (k *KeptRows[R]) Active() (rows []R) {
	for _, r := range k.kept.view().rows {
		if r.status == RowActive {
			rows = append(rows, *r.row.(*R))
		}
	}
	return rows
}

// Bind makes the table answer from the rows.
func (k *KeptRows[R]) Bind() Node {
	n := k.kept.table.node()
	n.pinned = func(*Request, rows) (rows, error) { return k.kept.view(), nil }
	n.written = k.kept.settle
	return n
}

// keptRows is a KeptRows: all rows of a table that is bound to it, or those that wait to be made, of a table that is
// bound to a source and has a Writer.
type keptRows struct {
	table   *table
	keeping Keeping

	mu     sync.Mutex
	fixed  keptView
	made   keptView
	stored keptView // as made was when it was saved
	shown  atomic.Pointer[keptView]
}

func newKeptRows(t *table) *keptRows {
	k := &keptRows{table: t}
	k.show(keptView{table: t})
	return k
}

// keptRow is a row that is kept.
type keptRow struct {
	index  OID
	row    any       // which does not change
	set    columnSet // the columns that have a value
	status RowStatus // active, notInService or notReady
	since  time.Time // when it became notReady
	fixed  bool      // nobody can write it
}

// keptView is rows in index order. It does not change.
type keptView struct {
	table   *table
	rows    []keptRow
	expires time.Time // when the next row goes; zero for none
}

func (v *keptView) search(index OID) (int, bool) {
	return slices.BinarySearchFunc(v.rows, index, func(r keptRow, index OID) int { return r.index.Compare(index) })
}

// with returns the view with a row, or without the one of that index where row is nil.
func (v keptView) with(index OID, row *keptRow) keptView {
	i, there := v.search(index)
	switch {
	case row == nil && there:
		v.rows = slices.Delete(slices.Clone(v.rows), i, i+1)
	case row != nil && there:
		v.rows = slices.Clone(v.rows)
		v.rows[i] = *row
	case row != nil:
		v.rows = slices.Insert(slices.Clone(v.rows), i, *row)
	}
	return v
}

// value returns what a row has in a column.
func (v *keptView) value(i, column int) (Value, bool) {
	r, c := &v.rows[i], v.table.columns[column]
	switch {
	case c.syntax.rowStatus:
		return Int(r.status), true
	case c.access == readCreate && !r.set.has(column):
		return Value{}, false
	}
	return v.table.rows.get(r.row, column)
}

// from returns the first row from i on that has a value in the column, and that value.
func (v *keptView) from(w *work, i, column int) (int, Value, error) {
	for ; i < len(v.rows); i++ {
		if value, ok := v.value(i, column); ok {
			return i, value, nil
		}
		if err := w.spend(1); err != nil {
			return i, Value{}, err
		}
	}
	return i, Value{}, nil
}

func (v *keptView) after(index OID, include bool) int {
	i, there := v.search(index)
	if there && !include {
		i++
	}
	return i
}

func (v *keptView) release() bool            { return false }
func (v *keptView) total(*work) (int, error) { return len(v.rows), nil }

func (v *keptView) seek(_ *work, index OID, include bool) (position, error) {
	return position{kept: v.after(index, include)}, nil
}

func (v *keptView) get(_ *work, index OID, column int) (Value, bool, error) {
	i, there := v.search(index)
	if !there {
		return Value{}, false, nil
	}
	value, ok := v.value(i, column)
	return value, ok, nil
}

func (v *keptView) next(w *work, from position, column int) (OID, Value, position, error) {
	i, value, err := v.from(w, from.kept, column)
	if err != nil || i == len(v.rows) {
		return OID{}, Value{}, from, err
	}
	return v.rows[i].index, value, position{kept: i + 1}, nil
}

// find returns the row with an index.
func (k *keptRows) find(index OID) (keptRow, bool) {
	v := k.view()
	i, there := v.search(index)
	if !there {
		return keptRow{}, false
	}
	return v.rows[i], true
}

// full reports whether no more rows can be made.
func (k *keptRows) full() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.made.rows) >= maxKept
}

// view returns all rows.
func (k *keptRows) view() *keptView {
	v := k.shown.Load()
	if v.expires.IsZero() || time.Now().Before(v.expires) {
		return v
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	made := k.made
	made.rows = slices.DeleteFunc(slices.Clone(made.rows), func(r keptRow) bool {
		return r.status == RowNotReady && now.Sub(r.since) >= notReadyFor
	})
	k.show(made)
	return k.shown.Load()
}

// show makes made the rows that managers made. Its caller holds mu.
func (k *keptRows) show(made keptView) {
	k.made = made
	all := &keptView{table: k.table, rows: made.rows}
	if len(k.fixed.rows) > 0 {
		all.rows = slices.Clone(k.fixed.rows)
		for i := range made.rows {
			if _, hidden := k.fixed.search(made.rows[i].index); !hidden {
				all.rows = append(all.rows, made.rows[i])
			}
		}
		slices.SortFunc(all.rows, func(a, b keptRow) int { return a.index.Compare(b.index) })
	}
	for i := range made.rows {
		r := &made.rows[i]
		if at := r.since.Add(notReadyFor); r.status == RowNotReady && (all.expires.IsZero() || at.Before(all.expires)) {
			all.expires = at
		}
	}
	k.shown.Store(all)
}

// assignment returns what keeps a row, or that of the index no longer where row is nil.
func (k *keptRows) assignment(index OID, row *keptRow) Assignment {
	var before keptView
	return Assignment{
		Commit: func(context.Context) error {
			k.mu.Lock()
			defer k.mu.Unlock()
			before = k.made
			i, there := before.search(index)
			switch {
			case row == nil:
			case !there && len(before.rows) >= maxKept:
				return errRoomFull
			case row.status != RowNotReady:
			case there && before.rows[i].status == RowNotReady:
				row.since = before.rows[i].since
			default:
				row.since = time.Now()
			}
			k.show(before.with(index, row))
			return nil
		},
		Undo: func(context.Context) error {
			k.mu.Lock()
			defer k.mu.Unlock()
			k.show(before)
			return nil
		},
	}
}

// settle saves what was written.
func (k *keptRows) settle() error {
	k.mu.Lock()
	made := k.made
	unsaved := k.keeping.Save != nil && !made.same(&k.stored)
	k.mu.Unlock()
	if unsaved {
		if err := k.keeping.Save(made.save()); err != nil {
			return err
		}
		k.mu.Lock()
		k.stored = made
		k.mu.Unlock()
	}
	if k.keeping.Changed != nil {
		k.keeping.Changed()
	}
	return nil
}

// same reports whether two views are one.
func (v *keptView) same(u *keptView) bool {
	return len(v.rows) == len(u.rows) && (len(v.rows) == 0 || &v.rows[0] == &u.rows[0])
}

// save returns the rows that outlive the process: neither those that are volatile nor what
// is not ready to be one.
func (v *keptView) save() []SavedRow {
	saved := []SavedRow{}
	for i := range v.rows {
		s := SavedRow{Index: v.rows[i].index.String(), Active: v.rows[i].status == RowActive, Columns: map[string]string{}}
		lasts := v.rows[i].status != RowNotReady
		for column, c := range v.table.columns {
			value, ok := v.value(i, column)
			if c.syntax.storage && value.Int() != StorageNonVolatile {
				lasts = false
			}
			if ok && c.access == readCreate && !c.syntax.rowStatus {
				s.Columns[c.name] = value.text()
			}
		}
		if lasts {
			saved = append(saved, s)
		}
	}
	return saved
}

func (k *keptRows) restore(saved []SavedRow) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	made := k.made
	var problems []error
	for i := range saved {
		row, err := k.table.restore(&saved[i])
		if err == nil && len(made.rows) >= maxKept {
			err = errRoomFull
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: row %.100q: %w", k.table.name, saved[i].Index, err))
			continue
		}
		made = made.with(row.index, &row)
	}
	k.stored = made
	k.show(made)
	return errors.Join(problems...)
}

func (t *table) restore(s *SavedRow) (row keptRow, err error) {
	if row.index, err = ParseOID(s.Index); err != nil {
		return row, err
	}
	row.row = t.rows.newRow()
	if row.set, err = t.begin(row.index, row.row); err != nil {
		return row, err
	}
	if !t.names(row.index, row.row) {
		return row, errOtherIndex
	}
	for name, text := range s.Columns {
		i := t.named(name)
		if i < 0 || t.columns[i].access != readCreate || t.columns[i].syntax.rowStatus {
			return row, fmt.Errorf("it has no column %.100q", name)
		}
		of := &t.columns[i].syntax
		v, err := parseValue(of.typ, text)
		if status := of.judge(v); err == nil && status != NoError {
			err = fmt.Errorf("%v", status)
		}
		if err == nil {
			err = t.rows.set(row.row, i, v)
		}
		if err != nil {
			return row, fmt.Errorf("%s: %w", name, err)
		}
		row.set.add(i)
	}
	if !t.complete(row.row, row.set) {
		return row, errIncomplete
	}
	if row.status = RowNotInService; s.Active {
		row.status = RowActive
	}
	return row, nil
}

// text returns the value as SavedRow has it.
func (v Value) text() string {
	switch v.typ {
	case Integer32:
		return strconv.FormatInt(int64(v.Int()), 10)
	case OctetString, Opaque:
		return hex.EncodeToString([]byte(v.str))
	case ObjectIdentifier:
		return v.OID().String()
	}
	return strconv.FormatUint(v.num, 10)
}

// parseValue is the other way.
func parseValue(t Type, text string) (v Value, err error) {
	switch t {
	case Integer32:
		n, err := strconv.ParseInt(text, 10, 32)
		return Int(int32(n)), err
	case OctetString, Opaque:
		octets, err := hex.DecodeString(text)
		return Value{typ: t, str: string(octets)}, err
	case ObjectIdentifier:
		o, err := ParseOID(text)
		return OIDValue(o), err
	}
	bits := 32
	if t == Counter64 {
		bits = 64
	}
	n, err := strconv.ParseUint(text, 10, bits)
	return Value{typ: t, num: n}, err
}

// setFixed replaces the rows that nobody can write by those of a view, and returns the indexes of rows that are hidden by them.
func (k *keptRows) setFixed(view *view) (hidden []OID) {
	fixed := keptView{table: k.table}
	for i := range view.len() {
		fixed.rows = append(fixed.rows, keptRow{index: view.index(i), row: view.row(i), set: allColumns, status: RowActive, fixed: true})
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fixed = fixed
	k.show(k.made)
	for i := range k.made.rows {
		if _, there := fixed.search(k.made.rows[i].index); there {
			hidden = append(hidden, k.made.rows[i].index)
		}
	}
	return hidden
}

// beside puts rows that wait beside those that a node of the table has.
func (t *table) beside(n *node) Node {
	if t.writing == nil || t.writing.room == nil {
		return n
	}
	base, room := n.pinned, t.writing.room
	n.pinned = func(r *Request, kept rows) (rows, error) {
		if both, ok := kept.(*bothRows); ok {
			kept = both.base
		}
		of, err := base(r, kept)
		waiting := room.view()
		if err != nil || len(waiting.rows) == 0 {
			return of, err
		}
		return &bothRows{of, waiting}, nil
	}
	return n
}

// bothRows are rows that wait among the others. One that waits stands for another one with the same
// index.
type bothRows struct {
	base    rows
	waiting *keptView
}

func (b *bothRows) release() bool { return b.base.release() }

// total leaves out the rows that wait: they are not in use.
func (b *bothRows) total(w *work) (int, error) { return b.base.total(w) }

func (b *bothRows) seek(w *work, index OID, include bool) (position, error) {
	at, err := b.base.seek(w, index, include)
	at.kept = b.waiting.after(index, include)
	return at, err
}

func (b *bothRows) get(w *work, index OID, column int) (Value, bool, error) {
	if _, waits := b.waiting.search(index); waits {
		return b.waiting.get(w, index, column)
	}
	return b.base.get(w, index, column)
}

func (b *bothRows) next(w *work, from position, column int) (OID, Value, position, error) {
	i, value, err := b.waiting.from(w, from.kept, column)
	if err != nil {
		return OID{}, Value{}, from, err
	}
	for at := from; ; {
		index, v, after, err := b.base.next(w, at, column)
		switch {
		case err != nil:
			return OID{}, Value{}, from, err
		case i < len(b.waiting.rows) && (v.typ == 0 || b.waiting.rows[i].index.Less(index)):
			at.kept = i + 1
			return b.waiting.rows[i].index, value, at, nil
		case v.typ == 0:
			return OID{}, Value{}, from, nil
		}
		if _, waits := b.waiting.search(index); !waits {
			after.kept = i
			return index, v, after, nil
		}
		at = after
	}
}
