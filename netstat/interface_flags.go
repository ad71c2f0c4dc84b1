package netstat

// Interface flags that Linux keeps for drivers and old programs, and that
// ifconfig(8) has names for.
const (
	InterfaceDebug      InterfaceFlags = 1 << 2
	InterfaceNoTrailers InterfaceFlags = 1 << 5
	InterfaceMaster     InterfaceFlags = 1 << 10 // of a bond
	InterfaceSlave      InterfaceFlags = 1 << 11 // a port of a bond
	InterfaceDynamic    InterfaceFlags = 1 << 15 // its address goes when it is down
)

// HardwareEthernet is the HardwareType of Ethernet (include/uapi/linux/if_arp.h,
// ARPHRD_ETHER).
const HardwareEthernet = 1
