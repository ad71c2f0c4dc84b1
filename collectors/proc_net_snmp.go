package collectors

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// TCPStatistics returns the Tcp line of /proc/net/snmp, which counts IPv4 and
// IPv6 together.
func (k *Kernel) TCPStatistics(ctx context.Context) (netstat.TCPStatistics, error) {
	if err := ctx.Err(); err != nil {
		return netstat.TCPStatistics{}, k.readError("read /proc/net/snmp", err)
	}
	var s netstat.TCPStatistics
	err := k.readProcNet(&k.snmp, func(content []byte) (err error) {
		s, err = parseTCPStatistics(content)
		return err
	})
	return s, k.readError("read /proc/net/snmp", procNetAbsent(err))
}

// UDPStatistics returns the Udp line of /proc/net/snmp and its counterpart of
// /proc/net/snmp6, added. Where one of them lacks a counter it is the other's.
func (k *Kernel) UDPStatistics(ctx context.Context) (netstat.UDPStatistics, error) {
	var s netstat.UDPStatistics
	if err := ctx.Err(); err != nil {
		return s, k.readError("read /proc/net/snmp", err)
	}
	err := k.readProcNet(&k.snmp, func(content []byte) (err error) {
		s, err = parseUDPStatistics(content)
		return err
	})
	if err != nil {
		return netstat.UDPStatistics{}, k.readError("read /proc/net/snmp", procNetAbsent(err))
	}
	err = k.readProcNet(&k.snmp6, func(content []byte) error { return parseUDP6Statistics(content, &s) })
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // a kernel without IPv6
		return netstat.UDPStatistics{}, k.readError("read /proc/net/snmp6", err)
	}
	return s, nil
}

// procNetAbsent says of a missing file that the kernel does not have it.
func procNetAbsent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return notSupported(err)
	}
	return err
}

// parseTCPStatistics reads /proc/net/snmp (net/ipv4/proc.c, snmp_seq_show).
func parseTCPStatistics(content []byte) (netstat.TCPStatistics, error) {
	var s netstat.TCPStatistics
	err := parseSNMPLine(content, "Tcp", func(name, value []byte) error {
		switch string(name) {
		case "RtoAlgorithm":
			return setInt32(&s.RTOAlgorithm, value)
		case "RtoMin":
			return setMilliseconds(&s.RTOMin, value)
		case "RtoMax":
			return setMilliseconds(&s.RTOMax, value)
		case "MaxConn":
			return setInt32(&s.MaxConn, value)
		case "ActiveOpens":
			return addUint64(&s.ActiveOpens, value)
		case "PassiveOpens":
			return addUint64(&s.PassiveOpens, value)
		case "AttemptFails":
			return addUint64(&s.AttemptFails, value)
		case "EstabResets":
			return addUint64(&s.EstabResets, value)
		case "CurrEstab":
			n, err := strconv.ParseUint(string(value), 10, 32)
			s.CurrEstab.Set(uint32(n))
			return err
		case "InSegs":
			return addUint64(&s.InSegs, value)
		case "OutSegs":
			return addUint64(&s.OutSegs, value)
		case "RetransSegs":
			return addUint64(&s.RetransSegs, value)
		case "InErrs":
			return addUint64(&s.InErrs, value)
		case "OutRsts":
			return addUint64(&s.OutRsts, value)
		case "InCsumErrors":
			return addUint64(&s.InCsumErrors, value)
		}
		return nil
	})
	return s, err
}

// parseUDPStatistics reads the IPv4 half of UDP's counters from /proc/net/snmp.
func parseUDPStatistics(content []byte) (netstat.UDPStatistics, error) {
	var s netstat.UDPStatistics
	err := parseSNMPLine(content, "Udp", func(name, value []byte) error { return addUDP(&s, name, value) })
	return s, err
}

// parseUDP6Statistics adds the IPv6 half of UDP's counters, from
// /proc/net/snmp6 (net/ipv6/proc.c, snmp6_seq_show): a name and a value on each
// line.
func parseUDP6Statistics(content []byte, s *netstat.UDPStatistics) error {
	for line := range bytes.Lines(content) {
		name, isUDP := bytes.CutPrefix(line, []byte("Udp6"))
		if !isUDP {
			continue
		}
		fields := fields(name)
		if len(fields) != 2 {
			return fmt.Errorf("line %q is not a name and a value", bytes.TrimSpace(line))
		}
		if err := addUDP(s, fields[0], fields[1]); err != nil {
			return fmt.Errorf("line %q: %w", bytes.TrimSpace(line), err)
		}
	}
	return nil
}

// addUDP adds the value of a counter that both files name alike.
func addUDP(s *netstat.UDPStatistics, name, value []byte) error {
	switch string(name) {
	case "InDatagrams":
		return addUint64(&s.InDatagrams, value)
	case "NoPorts":
		return addUint64(&s.NoPorts, value)
	case "InErrors":
		return addUint64(&s.InErrors, value)
	case "OutDatagrams":
		return addUint64(&s.OutDatagrams, value)
	case "RcvbufErrors":
		return addUint64(&s.RcvbufErrors, value)
	case "SndbufErrors":
		return addUint64(&s.SndbufErrors, value)
	case "InCsumErrors":
		return addUint64(&s.InCsumErrors, value)
	case "IgnoredMulti":
		return addUint64(&s.IgnoredMulti, value)
	case "MemErrors":
		return addUint64(&s.MemErrors, value)
	}
	return nil
}

// parseSNMPLine calls f with the names and values of the two lines that begin
// with protocol and a colon: one of names, one of values.
func parseSNMPLine(content []byte, protocol string, f func(name, value []byte) error) error {
	prefix := append([]byte(protocol), ':')
	var names [][]byte
	for line := range bytes.Lines(content) {
		rest, ok := bytes.CutPrefix(line, prefix)
		if !ok {
			continue
		}
		fields := fields(rest)
		if names == nil {
			names = fields
			continue
		}
		if len(fields) != len(names) {
			return fmt.Errorf("%d names but %d values in line %q", len(names), len(fields), bytes.TrimSpace(line))
		}
		for i := range names {
			if err := f(names[i], fields[i]); err != nil {
				return fmt.Errorf("%s in line %q: %w", names[i], bytes.TrimSpace(line), err)
			}
		}
		return nil
	}
	return fmt.Errorf("no line %q of values", prefix)
}

// setMilliseconds takes as many as tcpRtoMin and tcpRtoMax have room for.
func setMilliseconds(o *netstat.Optional[time.Duration], value []byte) error {
	var ms netstat.Optional[int32]
	err := setInt32(&ms, value)
	if n, known := ms.Get(); known {
		o.Set(time.Duration(n) * time.Millisecond)
	}
	return err
}

func setInt32(o *netstat.Optional[int32], value []byte) error {
	n, err := strconv.ParseInt(string(value), 10, 32)
	if err != nil {
		return err
	}
	o.Set(int32(n))
	return nil
}

func addUint64(o *netstat.Optional[uint64], value []byte) error {
	n, err := strconv.ParseUint(string(value), 10, 64)
	if err != nil {
		return err
	}
	o.Set(o.Or(0) + n)
	return nil
}
