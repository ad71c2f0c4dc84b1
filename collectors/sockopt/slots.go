package sockopt

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// A slot is a value in a record. There are two kinds: what bpf_getsockopt answers, and
// what stands in a structure.
type slot uint8

// Slots of structures.
const (
	slotFamily slot = iota
	slotState
	slotReuse
	slotReusePort
	slotReceiveBuffer
	slotSendBuffer
	slotUserLocks
	slotReceiveTimeout
	slotSendTimeout
	slotLingerTime
	slotPriority
	slotMark
	slotReceiveLowWater
	slotPacingRate
	slotIncomingCPU
	slotBusyPoll
	slotFilter
	slotTTL
	slotV6Only

	slotKeepOpen
	slotBroadcast
	slotLinger
	slotZeroCopy
	slotFilterLocked

	slotNonagle
	slotKeepIdle
	slotKeepInterval
	slotKeepCount
	slotUserTimeout
	slotSYNRetries
	slotDeferAccept
	slotRTOMax
	slotFastOpen
	slotMSS
	slotUserMSS
	slotWindowClamp
	slotNotSentLowWater
	slotLinger2
	slotPingPong
	slotUpperLayer

	slotCork
	slotGRO
	slotSegment
	slotEncapsulation

	slotBoundDevice
	slotPassCredentials
	slotPassSecurity
	slotPassPIDFD
	slotPassRights
	slotPeekOffset
	slotCount
)

// protocols are what a slot belongs to.
type protocols uint8

const (
	ofTCP protocols = 1 << iota
	ofUDP
	ofUnix
	ofInet  = ofTCP | ofUDP
	ofEvery = ofInet | ofUnix
)

// root is the structure of a protocol's sockets, and where in it those are that all
// protocols have.
type root struct{ name, sock, inet string }

var (
	tcpRoot  = root{"tcp_sock", "inet_conn.icsk_inet.sk.", "inet_conn.icsk_inet."}
	udpRoot  = root{"udp_sock", "inet.sk.", "inet."}
	unixRoot = root{"unix_sock", "sk.", ""}
)

// local stands for the local family where protocols are told apart.
const local netstat.Protocol = 0

// structureOf returns the structure of a protocol's sockets, and which slots it has.
func structureOf(protocol netstat.Protocol) (root, protocols) {
	switch protocol {
	case netstat.TCP:
		return tcpRoot, ofTCP
	case netstat.UDP:
		return udpRoot, ofUDP
	}
	return unixRoot, ofUnix
}

// absolute returns a place with the beginning of its path in a protocol's structure.
func (r root) absolute(p place) place {
	if rest, ok := strings.CutPrefix(p.path, "SK."); ok {
		p.path = r.sock + rest
	} else if rest, ok := strings.CutPrefix(p.path, "INET."); ok {
		p.path = r.inet + rest
	}
	return p
}

// slots says where kernels keep values, and under which names they did before. Paths
// of struct sock begin with SK, and those of struct inet_sock with INET.
var slots = [slotCount]struct {
	of     protocols
	places []place
}{
	slotFamily:          {ofEvery, []place{{path: "SK.__sk_common.skc_family"}}},
	slotState:           {ofEvery, []place{{path: "SK.__sk_common.skc_state"}}},
	slotReuse:           {ofEvery, []place{{path: "SK.__sk_common.skc_reuse"}}},
	slotReusePort:       {ofEvery, []place{{path: "SK.__sk_common.skc_reuseport"}}},
	slotReceiveBuffer:   {ofEvery, []place{{path: "SK.sk_rcvbuf"}}},
	slotSendBuffer:      {ofEvery, []place{{path: "SK.sk_sndbuf"}}},
	slotUserLocks:       {ofEvery, []place{{path: "SK.sk_userlocks"}}},
	slotReceiveTimeout:  {ofEvery, []place{{path: "SK.sk_rcvtimeo"}}},
	slotSendTimeout:     {ofEvery, []place{{path: "SK.sk_sndtimeo"}}},
	slotLingerTime:      {ofEvery, []place{{path: "SK.sk_lingertime"}}},
	slotPriority:        {ofEvery, []place{{path: "SK.sk_priority"}}},
	slotMark:            {ofEvery, []place{{path: "SK.sk_mark"}}},
	slotReceiveLowWater: {ofEvery, []place{{path: "SK.sk_rcvlowat"}}},
	slotPacingRate:      {ofEvery, []place{{path: "SK.sk_max_pacing_rate"}}},
	slotIncomingCPU:     {ofEvery, []place{{path: "SK.sk_incoming_cpu"}, {path: "SK.__sk_common.skc_incoming_cpu"}}},
	slotBusyPoll:        {ofEvery, []place{{path: "SK.sk_ll_usec"}}},
	slotFilter:          {ofEvery, []place{{path: "SK.sk_filter"}}},
	slotTTL:             {ofInet, []place{{path: "INET.uc_ttl"}}},
	slotV6Only:          {ofInet, []place{{path: "SK.__sk_common.skc_ipv6only"}}},
	// The bits of sk_flags are numbered by enum sock_flags.
	slotKeepOpen:     {ofEvery, []place{{"SK.__sk_common.skc_flags", "SOCK_KEEPOPEN"}}},
	slotBroadcast:    {ofEvery, []place{{"SK.__sk_common.skc_flags", "SOCK_BROADCAST"}}},
	slotLinger:       {ofEvery, []place{{"SK.__sk_common.skc_flags", "SOCK_LINGER"}}},
	slotZeroCopy:     {ofEvery, []place{{"SK.__sk_common.skc_flags", "SOCK_ZEROCOPY"}}},
	slotFilterLocked: {ofEvery, []place{{"SK.__sk_common.skc_flags", "SOCK_FILTER_LOCKED"}}},

	slotNonagle:         {ofTCP, []place{{path: "nonagle"}}},
	slotKeepIdle:        {ofTCP, []place{{path: "keepalive_time"}}},
	slotKeepInterval:    {ofTCP, []place{{path: "keepalive_intvl"}}},
	slotKeepCount:       {ofTCP, []place{{path: "keepalive_probes"}}},
	slotUserTimeout:     {ofTCP, []place{{path: "inet_conn.icsk_user_timeout"}}},
	slotSYNRetries:      {ofTCP, []place{{path: "inet_conn.icsk_syn_retries"}}},
	slotDeferAccept:     {ofTCP, []place{{path: "inet_conn.icsk_accept_queue.rskq_defer_accept"}}},
	slotRTOMax:          {ofTCP, []place{{path: "inet_conn.icsk_rto_max"}}}, // Linux 6.15
	slotFastOpen:        {ofTCP, []place{{path: "inet_conn.icsk_accept_queue.fastopenq.max_qlen"}}},
	slotMSS:             {ofTCP, []place{{path: "mss_cache"}}},
	slotUserMSS:         {ofTCP, []place{{path: "rx_opt.user_mss"}}},
	slotWindowClamp:     {ofTCP, []place{{path: "window_clamp"}}},
	slotNotSentLowWater: {ofTCP, []place{{path: "notsent_lowat"}}},
	slotLinger2:         {ofTCP, []place{{path: "linger2"}}},
	slotPingPong:        {ofTCP, []place{{path: "inet_conn.icsk_ack.pingpong"}}},
	slotUpperLayer:      {ofTCP, []place{{path: "inet_conn.icsk_ulp_ops"}}},

	// Flags of UDP are bits since Linux 6.5.
	slotCork:          {ofUDP, []place{{"udp_flags", "UDP_FLAGS_CORK"}, {path: "corkflag"}}},
	slotGRO:           {ofUDP, []place{{"udp_flags", "UDP_FLAGS_GRO_ENABLED"}, {path: "gro_enabled"}}},
	slotSegment:       {ofUDP, []place{{path: "gso_size"}}},
	slotEncapsulation: {ofUDP, []place{{path: "encap_type"}}},

	// What passes is told of struct sock since Linux 6.16.
	slotBoundDevice:     {ofUnix, []place{{path: "SK.__sk_common.skc_bound_dev_if"}}},
	slotPassCredentials: {ofUnix, []place{{path: "SK.sk_scm_credentials"}, {"SK.sk_socket>flags", "SOCK_PASSCRED"}}},
	slotPassSecurity:    {ofUnix, []place{{path: "SK.sk_scm_security"}, {"SK.sk_socket>flags", "SOCK_PASSSEC"}}},
	slotPassPIDFD:       {ofUnix, []place{{path: "SK.sk_scm_pidfd"}}},
	slotPassRights:      {ofUnix, []place{{path: "SK.sk_scm_rights"}}},
	slotPeekOffset:      {ofUnix, []place{{path: "SK.sk_peek_off"}}},
}

// macros number bits that no enumeration names (include/linux/net.h).
var macros = map[string]uint64{"SOCK_PASSCRED": 3, "SOCK_PASSSEC": 4}

// question is an option that bpf_getsockopt answers in iterators of TCP and of the local
// family. Kernels refuse those that they do not know there.
type question struct{ level, name int }

// has reports whether sockets of a protocol have the option.
func (q question) has(protocol netstat.Protocol) bool {
	return protocol == netstat.TCP || q.level == unix.SOL_SOCKET
}

// Questions, by their places in a record.
const (
	askReuseAddress = iota
	askReusePort
	askKeepAlive
	askPriority
	askMark
	askReceiveLowWater
	askPacingRate
	askNoDelay
	askMaxSegment
	askKeepIdle
	askKeepInterval
	askKeepCount
	askSYNCount
	askUserTimeout
	askNotSentLowWater
	askWindowClamp
	askCount
)

var questions = [askCount]question{
	askReuseAddress:    {unix.SOL_SOCKET, unix.SO_REUSEADDR},
	askReusePort:       {unix.SOL_SOCKET, unix.SO_REUSEPORT},
	askKeepAlive:       {unix.SOL_SOCKET, unix.SO_KEEPALIVE},
	askPriority:        {unix.SOL_SOCKET, unix.SO_PRIORITY},
	askMark:            {unix.SOL_SOCKET, unix.SO_MARK},
	askReceiveLowWater: {unix.SOL_SOCKET, unix.SO_RCVLOWAT},
	askPacingRate:      {unix.SOL_SOCKET, unix.SO_MAX_PACING_RATE},
	askNoDelay:         {unix.SOL_TCP, unix.TCP_NODELAY},
	askMaxSegment:      {unix.SOL_TCP, unix.TCP_MAXSEG},
	askKeepIdle:        {unix.SOL_TCP, unix.TCP_KEEPIDLE},
	askKeepInterval:    {unix.SOL_TCP, unix.TCP_KEEPINTVL},
	askKeepCount:       {unix.SOL_TCP, unix.TCP_KEEPCNT},
	askSYNCount:        {unix.SOL_TCP, unix.TCP_SYNCNT},
	askUserTimeout:     {unix.SOL_TCP, unix.TCP_USER_TIMEOUT},
	askNotSentLowWater: {unix.SOL_TCP, unix.TCP_NOTSENT_LOWAT},
	askWindowClamp:     {unix.SOL_TCP, unix.TCP_WINDOW_CLAMP},
}
