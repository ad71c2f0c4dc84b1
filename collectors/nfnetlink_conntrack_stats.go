package collectors

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"math"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// CTA_STATS_GLOBAL_*.
const (
	ctaGlobalEntries = 1
	ctaGlobalMax     = 2
)

// FlowStatistics yields the counters of each processor, from ctnetlink or,
// without CAP_NET_ADMIN or where the kernel lacks that, from
// /proc/net/stat/nf_conntrack, which has them all.
func (k *Kernel) FlowStatistics(ctx context.Context) iter.Seq2[netstat.FlowStatistics, error] {
	return func(yield func(netstat.FlowStatistics, error) bool) {
		var all []netstat.FlowStatistics
		err := k.statistics(ctx, unix.NFNL_SUBSYS_CTNETLINK, ctGetStatsCPU, func(r *attributeReader, cpu uint16, counters []byte) {
			all = append(all, parseFlowStatistics(r, cpu, counters))
		})
		if needsProc(err) {
			all, _, err = k.procConntrack(ctx)
		}
		yieldAll(yield, all, k.conntrackError("read statistics of flows", err))
	}
}

// ExpectationStatistics is FlowStatistics for expectations.
func (k *Kernel) ExpectationStatistics(ctx context.Context) iter.Seq2[netstat.ExpectationStatistics, error] {
	return func(yield func(netstat.ExpectationStatistics, error) bool) {
		var all []netstat.ExpectationStatistics
		err := k.statistics(ctx, unix.NFNL_SUBSYS_CTNETLINK_EXP, expGetStatsCPU, func(r *attributeReader, cpu uint16, counters []byte) {
			s := netstat.ExpectationStatistics{CPU: cpu}
			for a, rest := r.next(counters); a.kind != noAttribute; a, rest = r.next(rest) {
				switch a.kind {
				case 1: // CTA_STATS_EXP_NEW
					s.New.Set(r.big32(a))
				case 2:
					s.Create.Set(r.big32(a))
				case 3:
					s.Delete.Set(r.big32(a))
				}
			}
			all = append(all, s)
		})
		if needsProc(err) {
			_, all, err = k.procConntrack(ctx)
		}
		yieldAll(yield, all, k.conntrackError("read statistics of expectations", err))
	}
}

func needsProc(err error) bool {
	return errors.Is(err, fs.ErrPermission) || errors.Is(err, netstat.ErrNotSupported)
}

func (k *Kernel) statistics(ctx context.Context, subsystem, kind uint16, each func(r *attributeReader, cpu uint16, counters []byte)) error {
	_, err := k.dump(ctx, nfRequest(subsystem, kind, 0, 0), func(_ uint16, body []byte) (bool, error) {
		_, cpu, counters, err := nfMessage(body)
		if err != nil {
			return false, err
		}
		var r attributeReader
		each(&r, cpu, counters)
		return true, r.error()
	})
	switch {
	case errors.Is(err, unix.EINVAL):
		return lacking(ctnetlinkOption, err)
	case errors.Is(err, unix.EPROTONOSUPPORT):
		return lacking("CONFIG_NETFILTER_NETLINK", err)
	}
	return err
}

// parseFlowStatistics reads CTA_STATS_* (ctnetlink_ct_stat_cpu_fill_info).
func parseFlowStatistics(r *attributeReader, cpu uint16, counters []byte) netstat.FlowStatistics {
	s := netstat.FlowStatistics{CPU: cpu}
	fields := [...]*netstat.Optional[uint32]{
		1: &s.Searched, 2: &s.Found, 3: &s.New, 4: &s.Invalid, 5: &s.Ignore, 6: &s.Delete, 7: &s.DeleteList, 8: &s.Insert,
		9: &s.InsertFailed, 10: &s.Drop, 11: &s.EarlyDrop, 12: &s.Error, 13: &s.SearchRestart, 14: &s.ClashResolve, 15: &s.ChainTooLong,
	}
	for a, rest := r.next(counters); a.kind != noAttribute; a, rest = r.next(rest) {
		if int(a.kind) < len(fields) && fields[a.kind] != nil {
			fields[a.kind].Set(r.big32(a))
		}
	}
	return s
}

// procConntrack reads /proc/net/stat/nf_conntrack (net/netfilter/
// nf_conntrack_standalone.c, ct_cpu_seq_show), which lists the processors in
// order but does not name them.
func (k *Kernel) procConntrack(ctx context.Context) (flows []netstat.FlowStatistics, expectations []netstat.ExpectationStatistics, err error) {
	const path = "/proc/net/stat/nf_conntrack"
	err = k.readLines(ctx, path, func(l *lines) { flows, expectations = parseConntrackStat(l) })
	if errors.Is(err, fs.ErrNotExist) {
		err = lacking("CONFIG_NF_CONNTRACK_PROCFS", err)
	}
	return flows, expectations, err
}

func parseConntrackStat(l *lines) (flows []netstat.FlowStatistics, expectations []netstat.ExpectationStatistics) {
	parsePerCPU(l, func(name string, value uint64) {
		if name == "entries" && len(flows) <= math.MaxUint16 { // the first of a line
			flows = append(flows, netstat.FlowStatistics{CPU: uint16(len(flows))})
			expectations = append(expectations, netstat.ExpectationStatistics{CPU: uint16(len(expectations))})
		}
		if len(flows) == 0 {
			return
		}
		f, e := &flows[len(flows)-1], &expectations[len(expectations)-1]
		for _, c := range [...]struct {
			column string
			into   *netstat.Optional[uint32]
		}{
			{"clashres", &f.ClashResolve}, {"found", &f.Found}, {"invalid", &f.Invalid}, {"insert", &f.Insert}, {"insert_failed", &f.InsertFailed},
			{"drop", &f.Drop}, {"early_drop", &f.EarlyDrop}, {"icmp_error", &f.Error}, {"search_restart", &f.SearchRestart},
			{"chainlength", &f.ChainTooLong}, {"chaintoolong", &f.ChainTooLong},
			{"expect_new", &e.New}, {"expect_create", &e.Create}, {"expect_delete", &e.Delete},
		} {
			if c.column == name {
				c.into.Set(uint32(value))
			}
		}
	})
	return flows, expectations
}

// FlowUsage returns how full the tables are, from /proc/sys/net/netfilter, which
// needs no privilege, and where that is not there from ctnetlink. The error
// matches netstat.ErrNotSupported for a kernel without connection tracking, or that has not
// loaded it.
func (k *Kernel) FlowUsage(ctx context.Context) (netstat.FlowUsage, error) {
	u, err := k.flowUsage(ctx)
	return u, k.conntrackError("read the usage of flows", err)
}

func (k *Kernel) flowUsage(ctx context.Context) (u netstat.FlowUsage, err error) {
	for _, file := range [...]struct {
		name string
		set  func(n uint64)
	}{
		{"count", func(n uint64) { u.Flows.Set(uint32(n)) }},
		{"max", func(n uint64) { u.Limit.Set(uint32(n)) }},
		{"buckets", func(n uint64) { u.Buckets.Set(uint32(n)) }},
		{"expect_max", func(n uint64) { u.ExpectationLimit.Set(uint32(n)) }},
		{"acct", func(n uint64) { u.Accounting.Set(n != 0) }},
		{"timestamp", func(n uint64) { u.Times.Set(n != 0) }},
	} {
		value, err := k.setting(ctx, "/proc/sys/net/netfilter/nf_conntrack_"+file.name)
		if err != nil {
			return netstat.FlowUsage{}, err
		}
		if n, known := value.Get(); known && n <= math.MaxUint32 {
			file.set(n)
		}
	}
	if u.Flows.IsKnown() && u.Limit.IsKnown() {
		return u, nil
	}
	if u == (netstat.FlowUsage{}) && lacksModule("/sys/module", "nf_conntrack") {
		// Who asks has the kernel load it.
		return u, lacking("nf_conntrack, which is not loaded", fs.ErrNotExist)
	}
	_, err = k.ask(ctx, nfRequest(unix.NFNL_SUBSYS_CTNETLINK, ctGetStats, 0, unix.NLM_F_ACK), func(_ uint16, body []byte) (bool, error) {
		_, _, message, err := nfMessage(body)
		if err != nil {
			return false, err
		}
		var r attributeReader
		for a, rest := r.next(message); a.kind != noAttribute; a, rest = r.next(rest) {
			switch a.kind {
			case ctaGlobalEntries:
				u.Flows.Set(r.big32(a))
			case ctaGlobalMax:
				u.Limit.Set(r.big32(a))
			}
		}
		return true, r.error()
	})
	if errors.Is(err, unix.EINVAL) {
		err = lacking(ctnetlinkOption, err)
	}
	return u, err
}
