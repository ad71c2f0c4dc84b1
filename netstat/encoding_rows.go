package netstat

import "log/slog"

// Every row, and every struct in one, has the same three methods. MarshalJSON writes
// the object that docs/netstat-json.md tells of, UnmarshalJSON reads it, and LogValue
// has log/slog show its members.

func (r Address) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *Address) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r Address) LogValue() slog.Value          { return logRow(&r) }

func (r BBR) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *BBR) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r BBR) LogValue() slog.Value          { return logRow(&r) }

func (r Bits) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *Bits) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r Bits) LogValue() slog.Value          { return logRow(&r) }

func (r BridgeGroup) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *BridgeGroup) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r BridgeGroup) LogValue() slog.Value          { return logRow(&r) }

func (r BridgeGroupSource) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *BridgeGroupSource) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r BridgeGroupSource) LogValue() slog.Value          { return logRow(&r) }

func (r BridgeRouterPort) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *BridgeRouterPort) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r BridgeRouterPort) LogValue() slog.Value          { return logRow(&r) }

func (r CGroup) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *CGroup) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r CGroup) LogValue() slog.Value          { return logRow(&r) }

func (r CongestionControl) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *CongestionControl) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r CongestionControl) LogValue() slog.Value          { return logRow(&r) }

func (r Counter) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *Counter) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r Counter) LogValue() slog.Value          { return logRow(&r) }

func (r CounterInfo) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *CounterInfo) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r CounterInfo) LogValue() slog.Value          { return logRow(&r) }

func (r DCTCP) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *DCTCP) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r DCTCP) LogValue() slog.Value          { return logRow(&r) }

func (r Device) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *Device) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r Device) LogValue() slog.Value          { return logRow(&r) }

func (r DeviceQueue) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *DeviceQueue) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r DeviceQueue) LogValue() slog.Value          { return logRow(&r) }

func (r Expectation) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *Expectation) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r Expectation) LogValue() slog.Value          { return logRow(&r) }

func (r ExpectationNAT) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *ExpectationNAT) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r ExpectationNAT) LogValue() slog.Value          { return logRow(&r) }

func (r ExpectationStatistics) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *ExpectationStatistics) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r ExpectationStatistics) LogValue() slog.Value          { return logRow(&r) }

func (r FIB6) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *FIB6) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r FIB6) LogValue() slog.Value          { return logRow(&r) }

func (r FIBTable) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *FIBTable) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r FIBTable) LogValue() slog.Value          { return logRow(&r) }

func (r Flow) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *Flow) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r Flow) LogValue() slog.Value          { return logRow(&r) }

func (r FlowChange) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *FlowChange) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r FlowChange) LogValue() slog.Value          { return logRow(&r) }

func (r FlowCounters) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *FlowCounters) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r FlowCounters) LogValue() slog.Value          { return logRow(&r) }

func (r FlowDCCP) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *FlowDCCP) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r FlowDCCP) LogValue() slog.Value          { return logRow(&r) }

func (r FlowKey) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *FlowKey) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r FlowKey) LogValue() slog.Value          { return logRow(&r) }

func (r FlowSCTP) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *FlowSCTP) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r FlowSCTP) LogValue() slog.Value          { return logRow(&r) }

func (r FlowStatistics) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *FlowStatistics) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r FlowStatistics) LogValue() slog.Value          { return logRow(&r) }

func (r FlowTCP) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *FlowTCP) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r FlowTCP) LogValue() slog.Value          { return logRow(&r) }

func (r FlowTuple) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *FlowTuple) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r FlowTuple) LogValue() slog.Value          { return logRow(&r) }

func (r FlowUsage) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *FlowUsage) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r FlowUsage) LogValue() slog.Value          { return logRow(&r) }

func (r IPInterface) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *IPInterface) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r IPInterface) LogValue() slog.Value          { return logRow(&r) }

func (r IPSettings) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *IPSettings) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r IPSettings) LogValue() slog.Value          { return logRow(&r) }

func (r Identity) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *Identity) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r Identity) LogValue() slog.Value          { return logRow(&r) }

func (r Interface) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *Interface) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r Interface) LogValue() slog.Value          { return logRow(&r) }

func (r InterfaceCounter) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *InterfaceCounter) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r InterfaceCounter) LogValue() slog.Value          { return logRow(&r) }

func (r InterfaceCounters) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *InterfaceCounters) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r InterfaceCounters) LogValue() slog.Value          { return logRow(&r) }

func (r InterfaceDetails) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *InterfaceDetails) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r InterfaceDetails) LogValue() slog.Value          { return logRow(&r) }

func (r ListenQueue) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *ListenQueue) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r ListenQueue) LogValue() slog.Value          { return logRow(&r) }

func (r MPTCPInfo) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *MPTCPInfo) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r MPTCPInfo) LogValue() slog.Value          { return logRow(&r) }

func (r Membership) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *Membership) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r Membership) LogValue() slog.Value          { return logRow(&r) }

func (r MemoryLimits) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *MemoryLimits) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r MemoryLimits) LogValue() slog.Value          { return logRow(&r) }

func (r MulticastGroup) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *MulticastGroup) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r MulticastGroup) LogValue() slog.Value          { return logRow(&r) }

func (r MulticastInterface) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *MulticastInterface) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r MulticastInterface) LogValue() slog.Value          { return logRow(&r) }

func (r MulticastOutput) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *MulticastOutput) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r MulticastOutput) LogValue() slog.Value          { return logRow(&r) }

func (r MulticastRoute) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *MulticastRoute) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r MulticastRoute) LogValue() slog.Value          { return logRow(&r) }

func (r MulticastSource) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *MulticastSource) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r MulticastSource) LogValue() slog.Value          { return logRow(&r) }

func (r NATTarget) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *NATTarget) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r NATTarget) LogValue() slog.Value          { return logRow(&r) }

func (r Namespace) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *Namespace) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r Namespace) LogValue() slog.Value          { return logRow(&r) }

func (r Neighbour) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *Neighbour) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r Neighbour) LogValue() slog.Value          { return logRow(&r) }

func (r NeighbourParameters) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *NeighbourParameters) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r NeighbourParameters) LogValue() slog.Value          { return logRow(&r) }

func (r NeighbourTable) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *NeighbourTable) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r NeighbourTable) LogValue() slog.Value          { return logRow(&r) }

func (r Netconf) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *Netconf) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r Netconf) LogValue() slog.Value          { return logRow(&r) }

func (r NetlinkSocket) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *NetlinkSocket) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r NetlinkSocket) LogValue() slog.Value          { return logRow(&r) }

func (r NewFlow) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *NewFlow) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r NewFlow) LogValue() slog.Value          { return logRow(&r) }

func (r NextHop) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *NextHop) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r NextHop) LogValue() slog.Value          { return logRow(&r) }

func (r NextHopMember) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *NextHopMember) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r NextHopMember) LogValue() slog.Value          { return logRow(&r) }

func (r PacketFanout) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *PacketFanout) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r PacketFanout) LogValue() slog.Value          { return logRow(&r) }

func (r PacketMembership) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *PacketMembership) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r PacketMembership) LogValue() slog.Value          { return logRow(&r) }

func (r PacketRing) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *PacketRing) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r PacketRing) LogValue() slog.Value          { return logRow(&r) }

func (r PacketSocket) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *PacketSocket) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r PacketSocket) LogValue() slog.Value          { return logRow(&r) }

func (r Process) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *Process) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r Process) LogValue() slog.Value          { return logRow(&r) }

func (r ProtocolMemory) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *ProtocolMemory) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r ProtocolMemory) LogValue() slog.Value          { return logRow(&r) }

func (r Qdisc) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *Qdisc) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r Qdisc) LogValue() slog.Value          { return logRow(&r) }

func (r QueueStatistics) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *QueueStatistics) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r QueueStatistics) LogValue() slog.Value          { return logRow(&r) }

func (r ReceiveAddress) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *ReceiveAddress) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r ReceiveAddress) LogValue() slog.Value          { return logRow(&r) }

func (r ResilientGroup) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *ResilientGroup) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r ResilientGroup) LogValue() slog.Value          { return logRow(&r) }

func (r Route) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *Route) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r Route) LogValue() slog.Value          { return logRow(&r) }

func (r RouteLookups) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *RouteLookups) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r RouteLookups) LogValue() slog.Value          { return logRow(&r) }

func (r RouteOptions) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *RouteOptions) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r RouteOptions) LogValue() slog.Value          { return logRow(&r) }

func (r Rule) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *Rule) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r Rule) LogValue() slog.Value          { return logRow(&r) }

func (r SMCFallbackReason) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *SMCFallbackReason) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r SMCFallbackReason) LogValue() slog.Value          { return logRow(&r) }

func (r SMCSocket) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *SMCSocket) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r SMCSocket) LogValue() slog.Value          { return logRow(&r) }

func (r SequenceAdjustment) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *SequenceAdjustment) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r SequenceAdjustment) LogValue() slog.Value          { return logRow(&r) }

func (r Slab) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *Slab) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r Slab) LogValue() slog.Value          { return logRow(&r) }

func (r Socket) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *Socket) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r Socket) LogValue() slog.Value          { return logRow(&r) }

func (r SocketDefaults) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *SocketDefaults) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r SocketDefaults) LogValue() slog.Value          { return logRow(&r) }

func (r SocketDetail) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *SocketDetail) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r SocketDetail) LogValue() slog.Value          { return logRow(&r) }

func (r SocketHolding) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *SocketHolding) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r SocketHolding) LogValue() slog.Value          { return logRow(&r) }

func (r SocketMembership) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *SocketMembership) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r SocketMembership) LogValue() slog.Value          { return logRow(&r) }

func (r SocketMemory) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *SocketMemory) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r SocketMemory) LogValue() slog.Value          { return logRow(&r) }

func (r SocketOptions) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *SocketOptions) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r SocketOptions) LogValue() slog.Value          { return logRow(&r) }

func (r SocketUsage) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *SocketUsage) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r SocketUsage) LogValue() slog.Value          { return logRow(&r) }

func (r Softnet) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *Softnet) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r Softnet) LogValue() slog.Value          { return logRow(&r) }

func (r Stacking) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *Stacking) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r Stacking) LogValue() slog.Value          { return logRow(&r) }

func (r Subflow) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *Subflow) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r Subflow) LogValue() slog.Value          { return logRow(&r) }

func (r SynProxy) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *SynProxy) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r SynProxy) LogValue() slog.Value          { return logRow(&r) }

func (r TCPInfo) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *TCPInfo) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r TCPInfo) LogValue() slog.Value          { return logRow(&r) }

func (r TCPStatistics) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *TCPStatistics) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r TCPStatistics) LogValue() slog.Value          { return logRow(&r) }

func (r TIPCSocket) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *TIPCSocket) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r TIPCSocket) LogValue() slog.Value          { return logRow(&r) }

func (r TLS) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *TLS) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r TLS) LogValue() slog.Value          { return logRow(&r) }

func (r TrafficClass) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *TrafficClass) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r TrafficClass) LogValue() slog.Value          { return logRow(&r) }

func (r UDPStatistics) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *UDPStatistics) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r UDPStatistics) LogValue() slog.Value          { return logRow(&r) }

func (r UnixFile) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *UnixFile) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r UnixFile) LogValue() slog.Value          { return logRow(&r) }

func (r UnixSocket) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *UnixSocket) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r UnixSocket) LogValue() slog.Value          { return logRow(&r) }

func (r UpperLayer) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *UpperLayer) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r UpperLayer) LogValue() slog.Value          { return logRow(&r) }

func (r Vegas) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *Vegas) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r Vegas) LogValue() slog.Value          { return logRow(&r) }

func (r VsockSocket) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *VsockSocket) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r VsockSocket) LogValue() slog.Value          { return logRow(&r) }

func (r XDPArea) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *XDPArea) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r XDPArea) LogValue() slog.Value          { return logRow(&r) }

func (r XDPSocket) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *XDPSocket) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r XDPSocket) LogValue() slog.Value          { return logRow(&r) }

func (r XDPStatistics) MarshalJSON() ([]byte, error)  { return marshalRow(&r) }
func (r *XDPStatistics) UnmarshalJSON(b []byte) error { return unmarshalRow(r, b) }
func (r XDPStatistics) LogValue() slog.Value          { return logRow(&r) }
