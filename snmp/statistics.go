package snmp

import "sync/atomic"

// Statistics are the counters of an engine at one moment, which begin at zero
// with it.
type Statistics struct {
	// The snmp group (RFC 3418, section 2).
	InPkts              uint64 // snmpInPkts: messages received
	InBadVersions       uint64 // snmpInBadVersions: of a version that is not spoken here
	InBadCommunityNames uint64 // snmpInBadCommunityNames: of a community that is not known, or not from that source
	InBadCommunityUses  uint64 // snmpInBadCommunityUses: a SetRequest of a community that may only read
	InASNParseErrs      uint64 // snmpInASNParseErrs: that could not be decoded
	SilentDrops         uint64 // snmpSilentDrops: requests for which not even an answer without variables was small enough
	ProxyDrops          uint64 // snmpProxyDrops: always 0, as nothing is forwarded

	// Its obsolete objects (RFC 3418; RFC 1213, section 6). Those that count
	// what only a manager does stay 0.
	OutPkts         uint64 // snmpOutPkts: messages handed to a transport
	InTooBigs       uint64 // snmpInTooBigs: Response-PDUs by their error-status
	InNoSuchNames   uint64 // snmpInNoSuchNames
	InBadValues     uint64 // snmpInBadValues
	InReadOnlys     uint64 // snmpInReadOnlys
	InGenErrs       uint64 // snmpInGenErrs
	InTotalReqVars  uint64 // snmpInTotalReqVars: variables given to GetRequests and GetNextRequests
	InTotalSetVars  uint64 // snmpInTotalSetVars: variables written
	InGetRequests   uint64 // snmpInGetRequests
	InGetNexts      uint64 // snmpInGetNexts
	InSetRequests   uint64 // snmpInSetRequests
	InGetResponses  uint64 // snmpInGetResponses: acknowledgements of informs
	InTraps         uint64 // snmpInTraps
	OutTooBigs      uint64 // snmpOutTooBigs: answers by their error-status
	OutNoSuchNames  uint64 // snmpOutNoSuchNames
	OutBadValues    uint64 // snmpOutBadValues
	OutGenErrs      uint64 // snmpOutGenErrs
	OutGetRequests  uint64 // snmpOutGetRequests
	OutGetNexts     uint64 // snmpOutGetNexts
	OutSetRequests  uint64 // snmpOutSetRequests
	OutGetResponses uint64 // snmpOutGetResponses
	OutTraps        uint64 // snmpOutTraps: Trap-PDUs and SNMPv2-Trap-PDUs

	UnknownPDUHandlers uint64 // snmpUnknownPDUHandlers (RFC 3412, section 5): PDUs that no application here handles
	UnknownContexts    uint64 // snmpUnknownContexts (RFC 3413, section 4.1.1): requests for a context that there is not

	// What no RFC counts.
	Busy       uint64 // requests dropped as too many others waited
	Unsent     uint64 // answers over UDP dropped as there was no room for them, the way to the manager being slow
	NotUnicast uint64 // messages dropped as they were sent to a broadcast or multicast address
	Refused    uint64 // connections closed as no community lets their source in
	// NotificationsDropped counts what was not sent to a target, each target
	// by itself; InformsUnacknowledged what was sent as often as it should be
	// and never acknowledged.
	NotificationsDropped, InformsUnacknowledged uint64
}

// counters are what Statistics are read from.
type counters struct {
	inPkts, inBadVersions, inBadCommunityNames, inBadCommunityUses, inASNParseErrs  atomic.Uint64
	silentDrops                                                                     atomic.Uint64
	outPkts                                                                         atomic.Uint64
	inTooBigs, inNoSuchNames, inBadValues, inReadOnlys, inGenErrs                   atomic.Uint64
	inTotalReqVars, inGetRequests, inGetNexts, inSetRequests, inGetResponses        atomic.Uint64
	outTooBigs, outNoSuchNames, outBadValues, outGenErrs, outGetResponses, outTraps atomic.Uint64
	unknownPDUHandlers, unknownContexts, busy, unsent, notUnicast, refused          atomic.Uint64
	notificationsDropped, informsUnacknowledged                                     atomic.Uint64
}

func (c *counters) statistics() Statistics {
	return Statistics{
		InPkts:              c.inPkts.Load(),
		InBadVersions:       c.inBadVersions.Load(),
		InBadCommunityNames: c.inBadCommunityNames.Load(),
		InBadCommunityUses:  c.inBadCommunityUses.Load(),
		InASNParseErrs:      c.inASNParseErrs.Load(),
		SilentDrops:         c.silentDrops.Load(),
		OutPkts:             c.outPkts.Load(),
		InTooBigs:           c.inTooBigs.Load(),
		InNoSuchNames:       c.inNoSuchNames.Load(),
		InBadValues:         c.inBadValues.Load(),
		InReadOnlys:         c.inReadOnlys.Load(),
		InGenErrs:           c.inGenErrs.Load(),
		InTotalReqVars:      c.inTotalReqVars.Load(),
		InGetRequests:       c.inGetRequests.Load(),
		InGetNexts:          c.inGetNexts.Load(),
		InSetRequests:       c.inSetRequests.Load(),
		InGetResponses:      c.inGetResponses.Load(),
		OutTraps:            c.outTraps.Load(),
		OutTooBigs:          c.outTooBigs.Load(),
		OutNoSuchNames:      c.outNoSuchNames.Load(),
		OutBadValues:        c.outBadValues.Load(),
		OutGenErrs:          c.outGenErrs.Load(),
		OutGetResponses:     c.outGetResponses.Load(),
		UnknownPDUHandlers:  c.unknownPDUHandlers.Load(),
		UnknownContexts:     c.unknownContexts.Load(),
		Busy:                c.busy.Load(),
		Unsent:              c.unsent.Load(),
		NotUnicast:          c.notUnicast.Load(),
		Refused:             c.refused.Load(),

		NotificationsDropped:  c.notificationsDropped.Load(),
		InformsUnacknowledged: c.informsUnacknowledged.Load(),
	}
}
