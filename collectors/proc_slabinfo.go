package collectors

import (
	"bytes"
	"context"
	"iter"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Slabs yields the caches of /proc/slabinfo, which only root may read.
func (k *Kernel) Slabs(ctx context.Context) iter.Seq2[netstat.Slab, error] {
	const path = "/proc/slabinfo"
	return func(yield func(netstat.Slab, error) bool) {
		stopped := false
		err := readHostLines(ctx, path, func(l *lines) {
			parseSlabinfo(l, func(s netstat.Slab) bool {
				stopped = !yield(s, nil)
				return !stopped
			})
		})
		if err != nil && !stopped {
			yield(netstat.Slab{}, k.readError("read "+path, absentFile(err)))
		}
	}
}

// parseSlabinfo reads version 2 of /proc/slabinfo (slabinfo(5); mm/slab_common.c).
//
//	skbuff_head_cache 384 384 256 16 1 : tunables 0 0 0 : slabdata 24 24 0
func parseSlabinfo(l *lines, each func(netstat.Slab) bool) {
	if l.next() && !bytes.HasPrefix(l.text, []byte("slabinfo - version: 2")) {
		l.fail("not version 2 of slabinfo")
	}
	for l.next() {
		if bytes.HasPrefix(l.text, []byte("#")) {
			continue
		}
		fields := l.fields()
		at := -1
		for i := range fields {
			if string(fields[i]) == "slabdata" {
				at = i
				break
			}
		}
		if len(fields) < 6 || at < 6 || at+2 >= len(fields) {
			l.fail("not a cache")
			return
		}
		s := netstat.Slab{
			Name:          string(fields[0]),
			ActiveObjects: l.uint64(fields[1], 10), Objects: l.uint64(fields[2], 10), ObjectSize: l.uint64(fields[3], 10),
			ObjectsPerSlab: l.uint64(fields[4], 10), BytesPerSlab: uint64(l.uint32(fields[5], 10)) * pageSize(),
			ActiveSlabs: l.uint64(fields[at+1], 10), Slabs: l.uint64(fields[at+2], 10),
		}
		if l.err != nil || !each(s) {
			return
		}
	}
}
