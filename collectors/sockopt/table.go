package sockopt

import (
	"errors"
	"fmt"
	"math/bits"
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
	unnamed  int // sockets without a cookie, which are not among them
	same     map[string]int32
	distinct []string
	find     func() []int32 // the index, for those who have to search
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

func (s *socket) is(k key) bool { return s.cookie == k.cookie && s.family == k.family }

// blockSize is how many sockets are in one piece of memory: to grow a larger one would copy
// them.
const blockSize = 4096

func newTable(l *layout) *table {
	t := &table{layout: l, same: make(map[string]int32)}
	t.find = sync.OnceValue(t.index)
	return t
}

func (t *table) at(i int) *socket { return &t.blocks[i/blockSize][i%blockSize] }

// index makes a hash table with open addresses, of 1 + where a socket is: 0 stands for
// none. It takes a third of the memory of a map, and a tenth of the time.
func (t *table) index() []int32 {
	index := make([]int32, 1<<bits.Len(uint(2*t.sockets)))
	for i := range t.sockets {
		s := t.at(i)
		// A socket that several processes hold was told of by each.
		if place, there := t.lookUp(index, key{s.cookie, s.family}); !there {
			index[place] = int32(i) + 1
		}
	}
	return index
}

// lookUp returns the place of a socket in an index, or where it would be. At least half
// of the index is free.
func (t *table) lookUp(index []int32, k key) (place int, there bool) {
	const golden = 0x9e3779b97f4a7c15 // 2^64 by the golden ratio: cookies are given out in turn
	mask := len(index) - 1
	for place = int(k.cookie*golden>>32) & mask; index[place] != 0; place = (place + 1) & mask {
		if t.at(int(index[place] - 1)).is(k) {
			return place, true
		}
	}
	return place, false
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
			t.unnamed++
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
	index := v.find()
	place, there := v.lookUp(index, k)
	if !there {
		return nil
	}
	i := int(index[place] - 1)
	v.next = i + 1
	return v.at(i)
}
