package sockopt

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// errMalformedRecords is for what no program of this package writes.
var errMalformedRecords = errors.New("malformed records of sockets")

// table has the records of sockets. Those that are the same but for the cookie are there
// once. What was added is not changed: many may look things up.
type table struct {
	*layout
	blocks   [][]socket // in the order in which they came; all but the last are full
	sockets  int
	same     map[string]int32
	distinct []string
	find     func() []int32 // where the sockets are, by their keys, for those who have to search
}

// socket is one of a table, and where among the distinct records its own is.
type socket struct {
	cookie uint64
	record int32
	family netstat.Family
}

type key struct {
	cookie uint64
	family netstat.Family
}

func (s *socket) is(k key) bool { return s.compare(k) == 0 }

func (s *socket) compare(k key) int {
	return cmp.Or(cmp.Compare(s.cookie, k.cookie), cmp.Compare(s.family, k.family))
}

// blockSize is how many sockets are in one piece of memory: to grow a larger one would copy
// them.
const blockSize = 4096

func newTable(l *layout) *table {
	t := &table{layout: l, same: make(map[string]int32)}
	t.find = sync.OnceValue(t.index)
	return t
}

func (t *table) at(i int) *socket { return &t.blocks[i/blockSize][i%blockSize] }

// index takes a fraction of the memory that a map would, and hardly any time where the
// kernel gave out the cookies in the order of the list.
func (t *table) index() []int32 {
	sorted := make([]int32, t.sockets)
	for i := range sorted {
		sorted[i] = int32(i)
	}
	slices.SortFunc(sorted, func(a, b int32) int {
		s := t.at(int(b))
		return t.at(int(a)).compare(key{s.cookie, s.family})
	})
	return sorted
}

// add takes records in.
func (t *table) add(records []byte) error {
	if len(records)%t.size != 0 {
		return fmt.Errorf("%w: %d bytes, of %d each", errMalformedRecords, len(records), t.size)
	}
	last := int32(-1)
	for ; len(records) > 0; records = records[t.size:] {
		b := records[:t.size]
		cookie := t.cookie(b)
		if cookie == 0 {
			continue
		}
		// Sockets that follow each other have the same options, more often than not.
		if last < 0 || t.distinct[last][recordAnswered:] != string(b[recordAnswered:]) {
			last = t.share(b)
		}
		t.put(socket{cookie, last, t.family(b)})
	}
	return nil
}

func (t *table) put(s socket) {
	if t.sockets%blockSize == 0 {
		var block []socket // the first one grows: most hosts have few sockets
		if t.sockets > 0 {
			block = make([]socket, 0, blockSize)
		}
		t.blocks = append(t.blocks, block)
	}
	block := &t.blocks[len(t.blocks)-1]
	*block = append(*block, s)
	t.sockets++
}

// share returns where a record is among the distinct ones.
func (t *table) share(b []byte) int32 {
	if i, there := t.same[string(b[recordAnswered:])]; there {
		return i
	}
	record, i := string(b), int32(len(t.distinct))
	t.distinct = append(t.distinct, record)
	t.same[record[recordAnswered:]] = i
	return i
}

// view is a table as one namespace has it: what is not set is its default.
type view struct {
	*table
	reader
	options []*netstat.SocketOptions // of the distinct records, as they are asked for
	next    int                      // behind the socket that was found last
}

// of returns the options of a socket, nil when there is none.
func (v *view) of(cookie uint64, family netstat.Family) *netstat.SocketOptions {
	s := v.search(key{cookie, family})
	if s == nil {
		return nil
	}
	if v.options[s.record] == nil {
		v.options[s.record] = v.reader.options([]byte(v.distinct[s.record]))
	}
	return v.options[s.record]
}

// near is how far behind the last socket the next one is looked for.
const near = 32

// search returns a socket, nil when there is none. The kernel dumps sockets in
// the order in which it lists them to a program, one family after the other.
func (v *view) search(k key) *socket {
	for _, from := range [...]int{v.next, 0} {
		for i := from; i < min(from+near, v.sockets); i++ {
			if s := v.at(i); s.is(k) {
				v.next = i + 1
				return s
			}
		}
	}
	sorted := v.find()
	at, there := slices.BinarySearchFunc(sorted, k, func(i int32, k key) int { return v.at(int(i)).compare(k) })
	if !there {
		return nil
	}
	i := int(sorted[at])
	v.next = i + 1
	return v.at(i)
}
