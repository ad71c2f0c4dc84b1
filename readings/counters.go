package readings

import (
	"context"
	"fmt"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func (s *Stack) readCounters(ctx context.Context) ([]netstat.Counter, error) {
	reader, ok := s.stack.(netstat.CounterReader)
	if !ok {
		return nil, fmt.Errorf("%w: counters", netstat.ErrNotSupported)
	}
	began := time.Now()
	rows, err := Collect(reader.Counters(ctx), 512)
	if err == nil {
		s.widen(rows)
	}
	if err == nil && s.options.CountersRead != nil {
		s.options.CountersRead(began, rows)
	}
	return rows, err
}

func (s *Stack) readFlowUsage(ctx context.Context) (netstat.FlowUsage, error) {
	reader, ok := s.stack.(netstat.FlowStatisticsReader)
	if !ok {
		return netstat.FlowUsage{}, fmt.Errorf("%w: connection tracking", netstat.ErrNotSupported)
	}
	return reader.FlowUsage(ctx)
}

func (s *Stack) readRootQdiscs(ctx context.Context) (roots []netstat.Qdisc, err error) {
	reader, ok := s.stack.(netstat.TrafficReader)
	if !ok {
		return nil, fmt.Errorf("%w: queueing disciplines", netstat.ErrNotSupported)
	}
	for q, err := range reader.Qdiscs(ctx) {
		if err != nil {
			return nil, err
		}
		if q.Parent == netstat.TrafficRoot {
			roots = append(roots, q)
		}
	}
	return roots, nil
}
