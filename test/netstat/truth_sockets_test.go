package netstat_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// ssRows reads what ss prints, a row for each line, with a member for each column and
// for each word behind those.
func ssRows(t *testing.T, n *nstest.NS, columns []string, args ...string) (rows []object) {
	t.Helper()
	for _, line := range lines(n.Run(t, "ss", append([]string{"-H", "-O", "-n"}, args...)...)) {
		f := strings.Fields(line)
		row := make(object)
		for i, column := range columns {
			row[column] = f[i]
		}
		words := f[len(columns):]
		for i := 0; i < len(words); i++ {
			name, value, hasValue := strings.Cut(words[i], ":")
			switch {
			case name == "inet-sockopt" || name == "flags(":
				end := i + slices.IndexFunc(words[i:], func(w string) bool { return strings.HasSuffix(w, ")") })
				row[strings.TrimSuffix(name, "(")] = listed(words[i+1 : end+1])
				i = end
			case name == "bpf": // "bpf filter (2): 0x28 0 0 12, 0x06 0 0 65535,"
				program := words[i+3:]
				if end := slices.IndexFunc(program, func(w string) bool { return strings.HasPrefix(w, "skmem:") }); end >= 0 {
					program = program[:end]
				}
				row["bpf"] = strings.Join(program, " ")
				i += 2 + len(program)
			case strings.HasPrefix(name, "ring_") || strings.HasPrefix(name, "fanout("):
				name, value, _ = strings.Cut(words[i], "(")
				row[name] = strings.TrimSuffix(value, ")")
			case name == "peers": // all that is behind it
				row[name] = strings.Join(words[i+1:], " ")
				i = len(words)
			case !hasValue && strings.Contains(name, "="):
				name, value, _ = strings.Cut(name, "=")
				row[name] = value
			case name == "send" || name == "pacing_rate" || name == "delivery_rate":
				i++
				row[name] = words[i]
			case slices.Contains(congestionControls(t), name):
				if hasValue {
					row[name] = value
				} else {
					row["cong"] = name
				}
			case hasValue:
				row[name] = value
			default:
				row[name] = true
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// listed are words without the parentheses around them.
func listed(words []string) (list []any) {
	for _, w := range words {
		if w = strings.Trim(w, "()"); w != "" {
			list = append(list, w)
		}
	}
	return list
}

func congestionControls(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile("/proc/sys/net/ipv4/tcp_available_congestion_control")
	must(t, err)
	return strings.Fields(string(b))
}

// inParts makes a translation of a word's value that is several numbers, each with a
// letter or two in front where prefixes are given.
func inParts(separator string, members ...string) func(any, object, object) {
	return func(value any, _, want object) {
		parts := strings.Split(strings.Trim(fmt.Sprint(value), "()"), separator)
		for i, member := range members {
			if i < len(parts) {
				want[member] = json.Number(strings.TrimLeft(parts[i], "abcdefghijklmnopqrstuvwxyz"))
			}
		}
	}
}

// memoryOfSS are the members of ours in the order of ss' skmem.
var memoryOfSS = []string{"receiveMemory", "receiveBuffer", "sendMemory", "sendBuffer", "forwardMemory", "queuedMemory", "optionMemory", "backlogMemory", "drops"}

// inMicroseconds makes a translation of milliseconds with digits behind the point.
func inMicroseconds(value any) json.Number {
	n, _ := strconv.ParseFloat(strings.TrimSuffix(fmt.Sprint(value), "ms"), 64)
	return json.Number(strconv.FormatFloat(math.Round(n*1000)/1e6, 'f', -1, 64))
}

func measured(member string) func(any, object, object) {
	return func(value any, _, want object) { want[member] = inMicroseconds(value) }
}

// bitsInBytes makes a translation of a rate as ss has it: 8bps.
func bitsInBytes(value any) json.Number {
	n, _ := strconv.ParseUint(strings.TrimSuffix(fmt.Sprint(value), "bps"), 10, 64)
	return json.Number(strconv.FormatUint(n/8, 10))
}

func number64(member string) func(any, object, object) {
	return func(value any, _, want object) { want[member] = json.Number(fmt.Sprint(value)) }
}

// ssEnd splits an end of a connection of ss.
func ssEnd(text string) (address, device, port string) {
	i := strings.LastIndexByte(text, ':')
	address, port = text[:i], text[i+1:]
	address, device, _ = strings.Cut(address, "%")
	address = strings.Trim(address, "[]")
	if port == "*" {
		port = "0"
	}
	return address, device, port
}

// ssTime reads a duration as ss prints it: 1min30sec, 9.500ms, 204ms.
func ssTime(text string) json.Number {
	total := 0.0
	if minutes, rest, ok := strings.Cut(text, "min"); ok {
		n, _ := strconv.ParseFloat(minutes, 64)
		total, text = 60*n, rest
	}
	switch seconds, whole := strings.CutSuffix(text, "sec"); {
	case whole:
		n, _ := strconv.ParseFloat(seconds, 64)
		total += n
	case strings.Contains(text, "."):
		n, _ := strconv.ParseFloat(strings.TrimSuffix(text, "ms"), 64)
		total += n
	case text != "":
		n, _ := strconv.ParseFloat(strings.TrimSuffix(text, "ms"), 64)
		total += n / 1000
	}
	return json.Number(strconv.FormatFloat(total, 'f', -1, 64))
}

// whole is how much ss leaves out of a timer: parts of a second from 10 s on, and
// seconds from 10 minutes on.
func whole(told float64) float64 {
	switch {
	case told >= 600:
		return 60
	case told >= 9:
		return 1
	}
	return 0.001
}

var socketStates = map[string]string{"ESTAB": "ESTABLISHED", "UNCONN": "CLOSED", "LISTEN": "LISTEN", "FIN-WAIT-2": "FIN-WAIT-2", "CLOSE-WAIT": "CLOSE-WAIT",
	"TIME-WAIT": "TIME-WAIT", "FIN-WAIT-1": "FIN-WAIT-1", "LAST-ACK": "LAST-ACK", "SYN-SENT": "SYN-SENT", "SYN-RECV": "SYN-RECEIVED", "CLOSING": "CLOSING"}

// inetIsTrue compares every member of TCP's and UDP's sockets with ss.
func inetIsTrue(t *testing.T, n *nstest.NS) {
	newer := "it is younger than this ss, which tells it where it knows it"
	option := func(name string) func(any, object, object) {
		return func(_ any, _, want object) { want.add("tcpOptions", name) }
	}
	l := listingTruth{
		translate: map[string]func(any, object, object){
			"netid": set("protocol"),
			"state": func(v any, row, want object) {
				want["state"] = socketStates[fmt.Sprint(v)]
				if row["skmem"] != nil && row["uid"] == nil {
					want["uid"] = json.Number("0")
				}
			},
			"receiveQueue": number64("receiveQueue"), "sendQueue": number64("sendQueue"),
			"local": func(v any, row, want object) {
				address, device, port := ssEnd(fmt.Sprint(v))
				want["family"] = familyOfAddress(address)
				if address == "*" { // of both families
					address, want["family"] = "::", "ipv6"
				}
				want["localAddress"], want["localPort"] = address, json.Number(port)
				if device != "" {
					want["interface"] = device
				}
			},
			"peer": func(v any, row, want object) {
				address, _, port := ssEnd(fmt.Sprint(v))
				if address == "*" {
					address = "::"
				}
				want["remoteAddress"], want["remotePort"] = address, json.Number(port)
			},
			"uid": number64("uid"), "ino": number64("inode"),
			"sk":     func(v any, _, want object) { setNumber("cookie")("0x"+fmt.Sprint(v), nil, want) },
			"fwmark": setNumber("mark"), "v6only": func(v any, _, want object) { want["v6Only"] = v == "1" },
			"timer": func(v any, row, want object) {
				f := strings.Split(strings.Trim(fmt.Sprint(v), "()"), ",")
				want["timer"], want["retransmits"] = f[0], json.Number(f[2])
				if f[1] != "" {
					want["timerExpires"] = ssTime(f[1])
				}
			},
			"cgroup": func(v any, _, want object) {
				if id, ok := strings.CutPrefix(fmt.Sprint(v), "unreachable:"); ok {
					setNumber("cgroupID")("0x"+id, nil, want)
				} else {
					want["cgroup"] = v
				}
			},
			"<->": nothing, "-->": func(_ any, _, want object) { want.add("shutdown", "receive") },
			"<--": func(_ any, _, want object) { want.add("shutdown", "send") }, "---": func(_ any, _, want object) { want.add("shutdown", "receive", "send") },
			"tos": setNumber("tos"), "tclass": setNumber("trafficClass"), "class_id": setNumber("classID"),
			"inet-sockopt": setWords("flags"), "skmem": inParts(",", memoryOfSS...),

			"ts": option("ts"), "sack": option("sack"), "ecn": option("ecn"), "ecnseen": option("ecnseen"), "fastopen": option("fastopen"),
			"wscale": func(v any, _, want object) {
				want.add("tcpOptions", "wscale")
				inParts(",", "sendScale", "receiveScale")(v, nil, want)
			},
			"tcp-ulp-mptcp": func(_ any, _, want object) { want["upperLayer"] = "mptcp" },
			"no wscale":     inParts(",", "sendScale", "receiveScale"),
			"cong":          set("congestionControl"), "rto": measured("rto"), "backoff": number64("backoff"), "ato": measured("ato"),
			"rtt": func(v any, _, want object) {
				rtt, variation, _ := strings.Cut(fmt.Sprint(v), "/")
				want["rtt"], want["rttVariation"] = inMicroseconds(rtt), inMicroseconds(variation)
			},
			"mss": number64("sendMSS"), "pmtu": number64("pathMTU"), "rcvmss": number64("receiveMSS"), "advmss": number64("advertisedMSS"),
			"cwnd": number64("congestionWindow"), "ssthresh": number64("slowStartThreshold"), "bytes_sent": number64("bytesSent"), "bytes_retrans": number64("bytesRetransmitted"),
			"bytes_acked": number64("bytesAcknowledged"), "bytes_received": number64("bytesReceived"), "segs_out": number64("segmentsSent"), "segs_in": number64("segmentsReceived"),
			"data_segs_out": number64("dataSegmentsSent"), "data_segs_in": number64("dataSegmentsReceived"),
			"lastsnd": measured("lastDataSent"), "lastrcv": measured("lastDataReceived"), "lastack": measured("lastAckReceived"),
			"pacing_rate": func(v any, _, want object) {
				rate, most, limited := strings.Cut(fmt.Sprint(v), "/")
				want["pacingRate"] = bitsInBytes(rate)
				if limited {
					want["maxPacingRate"] = bitsInBytes(most)
				}
			},
			"delivery_rate": func(v any, _, want object) { want["deliveryRate"] = bitsInBytes(v) },
			"delivered":     number64("delivered"), "delivered_ce": number64("deliveredCE"), "app_limited": set("deliveryRateAppLimited"),
			"busy": measured("busyTime"), "rwnd_limited": limited("receiveWindowLimited"), "sndbuf_limited": limited("sendBufferLimited"),
			"unacked": number64("unacknowledged"), "retrans": inParts("/", "retransmitted", "totalRetransmits"), "lost": number64("lost"), "sacked": number64("sacked"),
			"dsack_dups": number64("dsackDuplicates"), "reordering": number64("reordering"), "reord_seen": number64("reorderingSeen"), "rcv_rtt": measured("receiveRTT"),
			"rcv_space": number64("receiveSpace"), "rcv_ssthresh": number64("receiveSlowStart"), "notsent": number64("notSent"), "minrtt": measured("minRTT"),
			"rcv_ooopack": number64("outOfOrder"), "snd_wnd": number64("sendWindow"), "rcv_wnd": number64("receiveWindow"), "rehash": number64("rehash"),
			"bbr": func(v any, _, want object) {
				want["bbrPacingGain"], want["bbrWindowGain"] = json.Number("0"), json.Number("0")
				for part := range strings.SplitSeq(strings.Trim(fmt.Sprint(v), "()"), ",") {
					name, value, _ := strings.Cut(part, ":")
					switch name {
					case "bw":
						want["bbrBandwidth"] = bitsInBytes(value)
					case "mrtt":
						want["bbrMinRTT"] = inMicroseconds(value)
					case "pacing_gain":
						want["bbrPacingGain"] = json.Number(value)
					case "cwnd_gain":
						want["bbrWindowGain"] = json.Number(value)
					default:
						t.Errorf("nothing of ours is compared with %q of BBR", part)
					}
				}
			},
		},
		excused: map[string]string{"send": "it is what the window over the round-trip time makes", "fackets": "the kernel has it no more"},
		untold: map[string]string{
			"diagnostics": "it follows from members that are compared", "congestionState": "ss does not print it", "probes": "nor this", "fastOpenFailure": "nor this",
			"receiveWindow": newer, "rehash": newer, "totalRTO": newer, "totalRTORecoveries": newer, "totalRTOTime": newer,
			"receivedCE": newer, "deliveredE0Bytes": newer, "deliveredE1Bytes": newer, "deliveredCEBytes": newer, "receivedE0Bytes": newer, "receivedE1Bytes": newer,
			"receivedCEBytes": newer, "accurateECNFailure": newer, "accurateECNOptionSeen": newer,
		},
		also:   []string{"interface", "mark", "shutdown", "cgroup", "cgroupID", "tcpOptions", "maxPacingRate", "receiveRTT", "upperLayer", "pacingRate", "slowStartThreshold", "v6Only", "uid", "timer", "retransmits", "trafficClass"},
		same:   map[string]func(any) any{"shutdown": sortedWords, "flags": sortedWords, "tcpOptions": sortedWords},
		moving: map[string]direction{"timerExpires": falls, "lastDataSent": rises, "lastDataReceived": rises, "lastAckReceived": rises},
		coarse: map[string]func(float64) float64{"timerExpires": whole},
		key:    "cookie",
	}
	for _, gain := range []string{"bbrPacingGain", "bbrWindowGain"} {
		l.same[gain] = sixDigits
	}
	l.read(t, func() []object {
		rows := ssRows(t, n, []string{"netid", "state", "receiveQueue", "sendQueue", "local", "peer"}, "-a", "-tuinemo", "--tos", "--inet-sockopt")
		for _, row := range rows {
			silent(row)
		}
		return rows
	}, func() []object {
		return objects(t, n, "-tuan", "-o", "-ee")
	})
	l.compare(t)
}

// limited makes a translation of a time with its share: 8ms(50.0%).
func limited(member string) func(any, object, object) {
	return func(value any, _, want object) {
		ms, _, _ := strings.Cut(fmt.Sprint(value), "(")
		want[member] = inMicroseconds(ms)
	}
}

// sixDigits is a number as C's %g has it.
func sixDigits(value any) any {
	f, _ := strconv.ParseFloat(fmt.Sprint(value), 64)
	return json.Number(strconv.FormatFloat(f, 'g', 6, 64))
}

// silent adds to a row of ss what ss means by leaving it out.
func silent(row object) {
	add := func(members ...string) {
		for i := 0; i < len(members); i += 2 {
			if row[members[i]] == nil {
				row[members[i]] = members[i+1]
			}
		}
	}
	add("fwmark", "0x0")
	if row["skmem"] == nil {
		return // what waits in the place of a socket that was closed
	}
	add("timer", "(off,,0)")
	if row["netid"] != "tcp" {
		return
	}
	add("rto", "0", "backoff", "0", "ato", "0", "mss", "0", "pmtu", "0", "rcvmss", "0", "advmss", "0", "cwnd", "0", "unacked", "0", "retrans", "0/0", "lost", "0",
		"reordering", "3", "rcv_space", "0", "rcv_ssthresh", "0", "lastsnd", "0", "lastrcv", "0", "lastack", "0")
	if row["app_limited"] == nil {
		row["app_limited"] = false
	}
	if row["wscale"] == nil {
		row["no wscale"] = "0,0"
	}
	if row["state"] == "LISTEN" {
		// Of a listener the kernel tells no more of that, and its queue once more.
		add("sacked", fmt.Sprint(row["sendQueue"]), "ssthresh", "0")
		return
	}
	add("sacked", "0", "bytes_sent", "0", "bytes_retrans", "0", "bytes_acked", "0", "bytes_received", "0", "segs_out", "0", "segs_in", "0",
		"data_segs_out", "0", "data_segs_in", "0", "delivered", "0", "delivered_ce", "0", "busy", "0", "rwnd_limited", "0", "sndbuf_limited", "0",
		"dsack_dups", "0", "reord_seen", "0", "notsent", "0", "rcv_ooopack", "0", "snd_wnd", "0", "delivery_rate", "0bps")
}

// procRows reads a file of /proc/net: a row for each line, with a member for each column.
func procRows(t *testing.T, n *nstest.NS, file string, columns ...string) (rows []object) {
	t.Helper()
	for _, line := range lines(n.Run(t, "cat", "/proc/net/"+file))[1:] {
		row := make(object)
		for i, text := range strings.Fields(line) {
			if i < len(columns) {
				row[columns[i]] = text
			}
		}
		rows = append(rows, row)
	}
	return rows
}

// inHex makes a translation of hexadecimal digits.
func inHex(member string) func(any, object, object) {
	return func(value any, _, want object) {
		n, _ := strconv.ParseUint(fmt.Sprint(value), 16, 64)
		want[member] = json.Number(strconv.FormatUint(n, 10))
	}
}

func nothing(any, object, object) {}

// others are reasons for each of the members that another truth tells.
func others(members ...string) map[string]string {
	reasons := make(map[string]string)
	for _, m := range members {
		reasons[m] = "another truth tells it"
	}
	return reasons
}

// procInetIsTrue compares them with the kernel's files, which tell the same otherwise.
func procInetIsTrue(t *testing.T, n *nstest.NS) {
	states := []string{1: "ESTABLISHED", "SYN-SENT", "SYN-RECEIVED", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "CLOSED", "CLOSE-WAIT", "LAST-ACK", "LISTEN", "CLOSING", "SYN-RECEIVED"}
	timers := []string{"off", "on", "keepalive", "timewait", "persist"}
	hex := func(v any) uint64 {
		n, _ := strconv.ParseUint(fmt.Sprint(v), 16, 64)
		return n
	}
	end := func(v any) (string, json.Number) {
		address, port, _ := strings.Cut(fmt.Sprint(v), ":")
		var b []byte
		for i := 0; i < len(address); i += 8 { // words of this machine
			word, _ := strconv.ParseUint(address[i:i+8], 16, 32)
			b = binary.NativeEndian.AppendUint32(b, uint32(word))
		}
		a, _ := netip.AddrFromSlice(b)
		return a.String(), json.Number(strconv.FormatUint(hex(port), 10))
	}
	excused := others("slot", "timeout", "references", "pointer", "retransmission", "delay", "quick", "window", "threshold")
	for _, protocol := range []string{"tcp", "udp"} {
		for _, family := range []string{"-4", "-6"} {
			l := listingTruth{
				translate: map[string]func(any, object, object){
					"local": func(v any, row, want object) {
						want["localAddress"], want["localPort"] = end(v)
						address, port := end(row["remote"])
						want["ends"] = fmt.Sprint(want["localAddress"], want["localPort"], address, port)
					},
					"remote": func(v any, _, want object) { want["remoteAddress"], want["remotePort"] = end(v) },
					"state":  func(v any, _, want object) { want["state"] = states[hex(v)] },
					"queues": func(v any, row, want object) {
						send, receive, _ := strings.Cut(fmt.Sprint(v), ":")
						inHex("receiveQueue")(receive, row, want)
						if row["state"] != "0A" { // the file has no limit of a listener's queue
							inHex("sendQueue")(send, row, want)
						}
					},
					"timer": func(v any, row, want object) {
						kind, when, _ := strings.Cut(fmt.Sprint(v), ":")
						if protocol == "udp" {
							kind = "0"
						}
						if want["timer"] = timers[hex(kind)]; hex(kind) != 0 {
							want["timerExpires"] = json.Number(strconv.FormatFloat(float64(hex(when))/100, 'f', -1, 64))
						}
					},
					"retransmits": inHex("retransmits"), "uid": func(v any, row, want object) {
						if !strings.HasPrefix(row.text("timer"), "03:") { // nobody owns it any more
							want["uid"] = json.Number(fmt.Sprint(v))
						}
					},
					"inode": func(v any, _, want object) { want["inode"] = json.Number(fmt.Sprint(v)) },
					"drops": func(v any, _, want object) { want["drops"] = json.Number(fmt.Sprint(v)) },
				},
				excused: excused,
				also:    []string{"uid", "sendQueue"},
				moving:  map[string]direction{"timerExpires": falls},
				// The kernel rounds to its clock's ticks.
				coarse: map[string]func(float64) float64{"timerExpires": func(float64) float64 { return 0.02 }},
				key:    "ends",
			}
			columns := []string{"slot", "local", "remote", "state", "queues", "timer", "retransmits", "uid", "timeout", "inode", "references", "pointer"}
			if protocol == "udp" {
				columns = append(columns, "drops")
			}
			file := protocol
			if family == "-6" {
				file += "6"
			}
			l.read(t, func() []object { return procRows(t, n, file, columns...) }, func() []object {
				rows := objects(t, n, family, "-an", "-o", "--buffers", map[string]string{"tcp": "-t", "udp": "-u"}[protocol])
				for _, row := range rows {
					row["ends"] = fmt.Sprint(row["localAddress"], row["localPort"], row["remoteAddress"], row["remotePort"])
					if row["state"] == "LISTEN" {
						delete(row, "sendQueue")
					}
				}
				return rows
			})
			l.untold = others(append(memoryOfSS, "kind", "protocol", "family", "cookie", "v6Only", "interface")...)
			l.compare(t)
		}
	}
}

// unixIsTrue compares sockets of the local family with ss and with the kernel's file.
func unixIsTrue(t *testing.T, n *nstest.NS) {
	name := func(v any, want object) {
		switch text := fmt.Sprint(v); {
		case strings.HasPrefix(text, "@"):
			want["abstractName"] = text[1:]
		case text != "*":
			want["path"] = text
		}
	}
	states := map[string]string{"LISTEN": "LISTENING", "ESTAB": "CONNECTED"}
	l := listingTruth{
		translate: map[string]func(any, object, object){
			"netid": func(v any, _, want object) {
				want["type"] = map[string]string{"u_str": "stream", "u_dgr": "dgram", "u_seq": "seqpacket"}[fmt.Sprint(v)]
			},
			"state": func(v any, _, want object) {
				if state := states[fmt.Sprint(v)]; state != "" {
					want["state"] = state
				}
			},
			"receiveQueue": number64("receiveQueue"), "sendQueue": number64("sendQueue"),
			"local": func(v any, _, want object) { name(v, want) }, "inode": number64("inode"),
			"peerInode": func(v any, _, want object) {
				if v != "0" {
					want["peer"] = json.Number(fmt.Sprint(v))
				}
			},
		},
		excused: map[string]string{"peer": "the name of the other end, which has a row of its own", "skmem": "the memory of such sockets is not told", "<->": "what is shut down is not told",
			"-->": "nor so", "<--": "nor so", "---": "nor so", "ino": "the file that the path stands for is not told", "dev": "nor its device", "peers": "nor who waits to be accepted"},
		untold: map[string]string{"references": "it is compared with the kernel's file below", "uid": "ss does not print it, and the test asks fstat", "cookie": "nor this, and the test asks the socket",
			"processes": "ss is not asked for them"},
		also: []string{"state", "path", "abstractName", "peer"},
		drop: func(row object) bool { return row["inode"] == json.Number("0") }, // which nobody accepted yet: ss has none
	}
	l.read(t, func() []object {
		return ssRows(t, n, []string{"netid", "state", "receiveQueue", "sendQueue", "local", "inode", "peer", "peerInode"}, "-a", "-xem")
	}, func() []object { return objects(t, n, "-xan", "-ee") })
	l.compare(t)

	types := map[string]string{"0001": "stream", "0002": "dgram", "0005": "seqpacket"}
	l = listingTruth{
		translate: map[string]func(any, object, object){
			"references": inHex("references"),
			"flags":      func(v any, _, want object) { want["listening"] = v == "00010000" },
			"type":       func(v any, _, want object) { want["type"] = types[fmt.Sprint(v)] },
			"state": func(v any, row, want object) {
				switch {
				case row["flags"] == "00010000":
					want["state"] = "LISTENING"
				case v == "03":
					want["state"] = "CONNECTED"
				case v == "02":
					want["state"] = "CONNECTING"
				}
			},
			"inode": number64("inode"), "path": func(v any, _, want object) { name(v, want) },
		},
		excused: others("slot", "protocol"),
		untold:  others("receiveQueue", "sendQueue", "peer", "uid", "cookie"),
		also:    []string{"state", "path", "abstractName"},
		drop:    func(row object) bool { return row["inode"] == json.Number("0") },
	}
	l.read(t, func() []object {
		// The end of a connection that nobody accepted is no socket of anybody yet.
		return slices.DeleteFunc(procRows(t, n, "unix", "slot", "references", "protocol", "flags", "type", "state", "inode", "path"), func(o object) bool { return o["inode"] == "0" })
	}, func() []object {
		rows := objects(t, n, "-xan", "-e")
		for _, row := range rows {
			row["listening"] = row["state"] == "LISTENING"
		}
		return rows
	})
	l.compare(t)
}

// opened are the cookie and the owner of a socket of the test by the system calls.
func opened(t *testing.T, fd int) (inode, cookie, uid json.Number) {
	t.Helper()
	var st unix.Stat_t
	must(t, unix.Fstat(fd, &st))
	c, err := unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_COOKIE)
	must(t, err)
	text := func(n uint64) json.Number { return json.Number(strconv.FormatUint(n, 10)) }
	return text(st.Ino), text(c), text(uint64(st.Uid))
}

// packetIsTrue compares packet sockets with ss and with the kernel's file.
func packetIsTrue(t *testing.T, n *nstest.NS) {
	protocols := map[uint64]string{0: "none", 3: "all", 0x800: "ipv4", 0x806: "arp", 0x86dd: "ipv6", 0x88cc: "0x88cc"}
	name := func(v any, base int) string {
		n, _ := strconv.ParseUint(fmt.Sprint(v), base, 16)
		return protocols[n]
	}
	protocols[0x88cc] = "lldp"
	ring := func(prefix string) func(any, object, object) {
		return func(v any, _, want object) {
			for part := range strings.SplitSeq(fmt.Sprint(v), ",") {
				name, value, _ := strings.Cut(part, ":")
				switch name {
				case "blk_size":
					want[prefix+"BlockSize"] = json.Number(value)
				case "blk_nr":
					want[prefix+"Blocks"] = json.Number(value)
				case "frm_size":
					want[prefix+"FrameSize"] = json.Number(value)
				case "frm_nr":
					want[prefix+"Frames"] = json.Number(value)
				}
			}
		}
	}
	l := listingTruth{
		translate: map[string]func(any, object, object){
			"netid": func(v any, row, want object) {
				want["type"] = map[string]string{"p_raw": "raw", "p_dgr": "dgram"}[fmt.Sprint(v)]
				if row["bpf"] == nil {
					want["filterInstructions"] = json.Number("0")
				}
				if row["uid"] == nil {
					want["uid"] = json.Number("0")
				}
			},
			"local": func(v any, _, want object) {
				protocol, device, _ := strings.Cut(fmt.Sprint(v), ":")
				if protocol == "*" {
					protocol = "[3]"
				}
				if want["protocol"] = name(strings.Trim(protocol, "[]"), 10); device != "*" {
					want["interface"] = device
				}
			},
			"receiveQueue": number64("receiveMemory"), // ss takes the one for the other
			"uid":          number64("uid"), "ino": number64("inode"), "ver": number64("ringVersion"),
			"flags": func(v any, row, want object) {
				if fmt.Sprint(v) != "[0]" {
					setWords("flags")(v, row, want)
				}
			},
			"ring_rx": ring("receiveRing"), "ring_tx": ring("transmitRing"),
			"fanout": func(v any, _, want object) {
				id, mode, _ := strings.Cut(fmt.Sprint(v), ",")
				want["fanoutGroup"], want["fanoutMode"] = json.Number(strings.TrimPrefix(id, "id:")), strings.TrimPrefix(mode, "type:")
			},
			"bpf": func(v any, _, want object) {
				var b []byte
				count := 0
				for instruction := range strings.SplitSeq(strings.Trim(fmt.Sprint(v), " ,"), ",") {
					var f [4]uint64
					for i, word := range strings.Fields(instruction) {
						f[i], _ = strconv.ParseUint(word, 0, 32)
					}
					b = append(binary.NativeEndian.AppendUint16(b, uint16(f[0])), byte(f[1]), byte(f[2]))
					b = binary.NativeEndian.AppendUint32(b, uint32(f[3]))
					count++
				}
				want["filter"], want["filterInstructions"] = fmt.Sprintf("%x", b), json.Number(strconv.Itoa(count))
			},
			"skmem": func(v any, row, want object) {
				all := make(object)
				inParts(",", memoryOfSS...)(v, row, all)
				want["receiveMemory"], want["receiveBuffer"] = all["receiveMemory"], all["receiveBuffer"]
				if row["ring_rx"] == nil { // of which the kernel counts drops elsewhere
					want["drops"] = all["drops"]
				}
			},
		},
		excused: map[string]string{"state": "they have none", "sendQueue": "what waits to be sent is not told", "peer": "they have none", "sk": "the cookie is not told", "cpy_thresh": "nor this"},
		untold:  map[string]string{"processes": "it is the test that holds them, and TestEveryKindOfSocket looks at that"},
		also: []string{"interface", "flags", "fanoutGroup", "fanoutMode", "filter", "drops", "receiveRingBlockSize", "receiveRingBlocks", "receiveRingFrameSize", "receiveRingFrames",
			"transmitRingBlockSize", "transmitRingBlocks", "transmitRingFrameSize", "transmitRingFrames"},
		same: map[string]func(any) any{"flags": sortedWords},
	}
	l.read(t, func() []object {
		return ssRows(t, n, []string{"netid", "state", "receiveQueue", "sendQueue", "local", "peer"}, "-a", "-0em", "--bpf")
	}, func() []object { return objects(t, n, "-B") })
	l.compare(t)

	l.translate = map[string]func(any, object, object){
		"type":     func(v any, _, want object) { want["type"] = map[any]string{"2": "dgram", "3": "raw"}[v] },
		"protocol": func(v any, _, want object) { want["protocol"] = name(v, 16) },
		"interface": func(v any, _, want object) {
			if v != "0" {
				want["interface"] = n.Run(t, "sh", "-c", "ip -o link | sed -n 's/^"+fmt.Sprint(v)+": \\([^:@]*\\).*/\\1/p' | tr -d '\\n'")
			}
		},
		"running": func(v any, _, want object) { want["runs"] = v == "1" },
		"memory":  number64("receiveMemory"), "uid": number64("uid"), "inode": number64("inode"),
	}
	for _, row := range l.ours {
		row["runs"] = strings.Contains(fmt.Sprint(row["flags"]), "running")
	}
	l.excused = others("socket", "references")
	l.untold = others("processes", "receiveBuffer", "ringVersion", "filterInstructions", "flags", "fanoutGroup", "fanoutMode", "filter", "drops")
	l.also = append(l.also, "interface")
	for _, member := range l.also {
		l.untold[member] = "ss tells it"
	}
	l.also, l.same = []string{"interface"}, nil
	l.truth = procRows(t, n, "packet", "socket", "references", "type", "protocol", "interface", "running", "memory", "uid", "inode")
	l.compare(t)
}

// netlinkIsTrue compares the kernel's netlink sockets, and those of the test, with ss and
// with the kernel's file. Whoever looks has one of the diagnosis' own.
func netlinkIsTrue(t *testing.T, n *nstest.NS, ports ...string) {
	const diagnosis = "4"
	shown := func(protocol, port string) bool {
		return protocol != diagnosis && (port == "0" || slices.Contains(ports, port))
	}
	protocols := []string{"rtnl", "unused", "usersock", "fw", "tcpdiag", "nflog", "xfrm", "selinux", "iscsi", "audit", "fiblookup", "connector", "nft", "ip6fw", "dec-rt", "uevent", "genl",
		18: "scsi-trans", 19: "ecryptfs", 20: "rdma", 21: "crypto", 22: "smc"}
	protocol := func(v any) string {
		i, _ := strconv.Atoi(fmt.Sprint(v))
		return protocols[i]
	}
	groups := func(v any, _, want object) {
		mask, _ := strconv.ParseUint(strings.TrimPrefix(fmt.Sprint(v), "0x"), 16, 32)
		var list []any
		for i := range 32 {
			if mask&(1<<i) != 0 {
				list = append(list, strconv.Itoa(i+1))
			}
		}
		if list != nil {
			want["groups"] = list
		}
	}
	ours := func() []object {
		return slices.DeleteFunc(objects(t, n, "--netlink", "-n"), func(o object) bool {
			p := strconv.Itoa(slices.Index(protocols, o.text("protocol")))
			return !shown(p, o.text("portID"))
		})
	}
	l := listingTruth{
		translate: map[string]func(any, object, object){
			"receiveQueue": number64("receiveQueue"), "groups": groups,
			"local": func(v any, _, want object) {
				p, port, _ := strings.Cut(fmt.Sprint(v), ":")
				want["protocol"], want["portID"] = protocol(p), json.Number(port)
			},
			"skmem": func(v any, row, want object) {
				all := make(object)
				inParts(",", memoryOfSS...)(v, row, all)
				want["drops"] = all["drops"]
			},
		},
		excused: map[string]string{"state": "they have none", "sendQueue": "it is 0 always", "peer": "who it is connected to is not told", "sk": "it is 0, or an address that nobody may see", "cb": "a dump that is under way is not told"},
		untold:  others("inode"),
		also:    []string{"groups"},
	}
	l.read(t, func() (rows []object) {
		seen := make(map[string]bool) // a socket with groups is there twice
		for _, row := range ssRows(t, n, []string{"state", "receiveQueue", "sendQueue", "local", "peer"}, "-a", "-f", "netlink", "-em") {
			p, port, _ := strings.Cut(row.text("local"), ":")
			if key := canonical(row); shown(p, port) && (!seen[key] || row["groups"] == "0x00000000") {
				seen[key] = true
				rows = append(rows, row)
			}
		}
		return rows
	}, ours)
	l.compare(t)

	l = listingTruth{
		translate: map[string]func(any, object, object){
			"protocol": func(v any, _, want object) { want["protocol"] = protocol(v) }, "port": number64("portID"), "groups": groups,
			"receiveQueue": number64("receiveQueue"), "drops": number64("drops"), "inode": number64("inode"),
		},
		excused: others("socket", "sendQueue", "dump", "locks"),
		also:    []string{"groups"},
	}
	l.read(t, func() []object {
		return slices.DeleteFunc(procRows(t, n, "netlink", "socket", "protocol", "port", "groups", "receiveQueue", "sendQueue", "dump", "locks", "drops", "inode"), func(o object) bool {
			return !shown(o.text("protocol"), o.text("port"))
		})
	}, ours)
	l.compare(t)
}

// richSockets opens sockets with options of every kind. It returns the port of its netlink
// socket, and sockets of the local family.
func richSockets(t *testing.T, g *generator, n *nstest.NS) (port string, local []int) {
	t.Helper()
	server := n.Socket(t, unix.AF_INET6, unix.SOCK_STREAM, 0)
	must(t, unix.SetsockoptInt(server, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, g.IntN(2)))
	must(t, unix.SetsockoptInt(server, unix.IPPROTO_IPV6, unix.IPV6_TCLASS, 4*g.IntN(64)))
	must(t, unix.Bind(server, &unix.SockaddrInet6{Port: 7010}))
	must(t, unix.Listen(server, 1+g.IntN(100)))
	common := slices.DeleteFunc(congestionControls(t), func(name string) bool { return !slices.Contains([]string{"reno", "cubic", "bbr"}, name) })
	for i := range 6 {
		fd := n.Socket(t, unix.AF_INET6, unix.SOCK_STREAM, 0)
		for _, o := range [][3]int{
			{unix.SOL_SOCKET, unix.SO_MARK, g.IntN(1 << 16)}, {unix.SOL_SOCKET, unix.SO_PRIORITY, g.IntN(7)}, {unix.SOL_SOCKET, unix.SO_RCVBUF, 4096 << g.IntN(6)},
			{unix.SOL_SOCKET, unix.SO_MAX_PACING_RATE, 1 << (10 + g.IntN(20))}, {unix.IPPROTO_IPV6, unix.IPV6_TCLASS, 4 * g.IntN(64)}, {unix.IPPROTO_TCP, unix.TCP_MAXSEG, 600 + g.IntN(700)},
			{unix.IPPROTO_IPV6, unix.IPV6_RECVERR, g.IntN(2)},
		} {
			must(t, unix.SetsockoptInt(fd, o[0], o[1], o[2]))
		}
		must(t, unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, g.one(common...)))
		must(t, unix.Fchown(fd, g.IntN(5), -1))
		must(t, unix.Connect(fd, &unix.SockaddrInet6{Addr: [16]byte{15: 1}, Port: 7010}))
		accepted, _, err := unix.Accept4(server, unix.SOCK_CLOEXEC)
		must(t, err)
		t.Cleanup(func() { unix.Close(accepted) })
		for range g.IntN(4) {
			_, err := unix.Write(fd, make([]byte, 1+g.IntN(900)))
			must(t, err)
		}
		switch i {
		case 1:
			must(t, unix.Shutdown(fd, unix.SHUT_RD))
		case 2:
			must(t, unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1)) // in two hours
		case 3: // leaves TIME-WAIT behind
			must(t, unix.Shutdown(fd, unix.SHUT_WR))
			must(t, unix.Shutdown(accepted, unix.SHUT_WR))
		}
	}
	udp := n.Socket(t, unix.AF_INET, unix.SOCK_DGRAM, 0)
	must(t, unix.SetsockoptInt(udp, unix.SOL_SOCKET, unix.SO_RCVBUF, 1))
	must(t, unix.SetsockoptInt(udp, unix.IPPROTO_IP, unix.IP_TOS, 4*g.IntN(64)))
	must(t, unix.SetsockoptInt(udp, unix.SOL_SOCKET, unix.SO_MARK, 1+g.IntN(1<<16)))
	must(t, unix.Bind(udp, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: 7011}))
	must(t, unix.Fchown(udp, 1+g.IntN(5), -1))
	for range 20 { // more than the buffer holds
		must(t, unix.Sendto(udp, make([]byte, 500), 0, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: 7011}))
	}

	for _, protocol := range []uint16{unix.ETH_P_IP, unix.ETH_P_ALL, 0, 0x88cc} {
		fd := n.Socket(t, unix.AF_PACKET, []int{unix.SOCK_RAW, unix.SOCK_DGRAM}[g.IntN(2)], 0)
		must(t, unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, g.IntN(2)))
		if protocol == unix.ETH_P_IP {
			must(t, unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_VERSION, unix.TPACKET_V2))
			frames := uint32(32 << g.IntN(3))
			must(t, unix.SetsockoptTpacketReq(fd, unix.SOL_PACKET, g.ring(), &unix.TpacketReq{Block_size: 1 << 16, Block_nr: frames / 32, Frame_size: 2048, Frame_nr: frames}))
		}
		program := []unix.SockFilter{{Code: unix.BPF_LD | unix.BPF_H | unix.BPF_ABS, K: uint32(g.IntN(99))}, {Code: unix.BPF_RET | unix.BPF_K, K: 0}}
		must(t, unix.SetsockoptSockFprog(fd, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &unix.SockFprog{Len: 2, Filter: &program[0]}))
		if protocol != 0 {
			must(t, unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: network(protocol), Ifindex: int(n.Index(t, g.one("va0", "va1", "tap0")))}))
		}
		if protocol == unix.ETH_P_ALL {
			must(t, unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_FANOUT, 1+g.IntN(1<<16-1)|g.IntN(3)<<16))
		}
		must(t, unix.Fchown(fd, g.IntN(5), -1))
	}

	fd := n.Socket(t, unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE)
	must(t, unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1<<g.IntN(31) | 1<<30}))
	address, err := unix.Getsockname(fd)
	must(t, err)
	port = strconv.FormatUint(uint64(address.(*unix.SockaddrNetlink).Pid), 10)

	for _, kind := range []int{unix.SOCK_STREAM, unix.SOCK_DGRAM, unix.SOCK_SEQPACKET} {
		n.Do(t, func() error {
			pair, err := unix.Socketpair(unix.AF_UNIX, kind|unix.SOCK_CLOEXEC, 0)
			local = append(local, pair[0], pair[1])
			return err
		})
		end := local[len(local)-1]
		_, err := unix.Write(end, make([]byte, 1+g.IntN(900)))
		must(t, err)
		must(t, unix.Fchown(end, g.IntN(5), -1))
	}
	must(t, unix.Shutdown(local[0], unix.SHUT_WR))
	t.Cleanup(func() {
		for _, fd := range local {
			unix.Close(fd)
		}
	})
	waiting := n.Socket(t, unix.AF_UNIX, unix.SOCK_STREAM, 0)
	must(t, unix.Connect(waiting, &unix.SockaddrUnix{Name: "@truth"})) // nobody accepts it
	path := n.Socket(t, unix.AF_UNIX, unix.SOCK_DGRAM, 0)
	must(t, unix.Bind(path, &unix.SockaddrUnix{Name: filepath.Join(t.TempDir(), "bound")}))
	return port, append(local, path)
}

// ring is a ring to receive by, or one to send by.
func (g *generator) ring() int { return []int{unix.PACKET_RX_RING, unix.PACKET_TX_RING}[g.IntN(2)] }
