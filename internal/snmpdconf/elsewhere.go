package snmpdconf

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/protocol"
)

// What becomes of the directives that snmpd knows and that have no meaning here.
const (
	otherMIB     = "the objects that it is about are not served here"
	noPrograms   = "no program is run here"
	noMonitoring = "nothing is monitored here: linkUpDownNotifications and authtrapenable say what is sent"
	noMaster     = "the agent is no AgentX master: no subagent can connect to it"
	noSMUX       = "SMUX is not spoken here"
	noProxy      = "no other agent is asked here"
	noTLS        = "SNMP over TLS, DTLS and SSH is not spoken here: nobody is let in by it"
	shownAll     = "interfaces are shown as the kernel has them, all of them"
	noNeed       = "it has no effect here"
)

// elsewhere are directives of snmpd.conf that are of no use here, and why. None of them confines anybody.
var elsewhere = byName(map[string]string{
	otherMIB: "disk includeAllDisks ignoredisk proc procfix load swap file logmatch realStorageUnits skipNFSInHostResources " +
		"storageUseNFS count_kthreads diskio diskio_exclude_fd diskio_exclude_loop diskio_exclude_ram sendmail_config sendmail_stats " +
		"sendmail_queue sendmail_index sendmail_stats_t sendmail_queue_t table add_row",
	noPrograms:   "extend extend-sh exec exec2 execfix extendfix sh dlmod perl perlInitFile disablePerl injectHandler",
	noMonitoring: "monitor defaultMonitors notificationEvent setEvent strictDisman repeat cron at iquerySecName iqueryVersion iquerySecLevel agentSecName",
	noMaster:     "master agentXPerms agentXTimeout agentXRetries",
	noSMUX:       "smuxpeer smuxsocket",
	noProxy:      "proxy",
	noTLS:        "certSecName snmpTlstmParams snmpTlstmAddr",
	shownAll:     "interface interface_fadeout interface_replace_old ifmib_max_num_ifaces include_ifmib_iface_prefix",
	"the agent stays the user that it is started as, and gives up capabilities in place of that": "agentuser agentgroup",
	"the engine of SNMPv3 has a name of its own: engineID and exactEngineID say another":         "engineIDType engineIDNic",
	"it is kept below --state, and counts from there":                                            "setserialno",
	noNeed: "quit leave_pidfile dontLogTCPWrappersConnects avgBulkVarbindSize pduStatsMax pduStatsThreshold dontRetainLogs " +
		"doNotRetainNotificationLogs defDomain defTarget",
})

// ofClients are directives that stand behind [snmp], of what all programs of net-snmp do, and are of no use here.
var ofClients = byName(map[string]string{
	"what must last is kept below --state": "persistentDir noPersistentLoad noPersistentSave tempFilePattern",
	noTLS:                                  "extraX509SubDir x509CRLFile tlsAlgorithms localCert peerCert trustCert",
	noNeed: "alias doDebugging debugTokens debugLogLevel logTimestamp logOption mibdirs mibs mibfile showMibErrors commentToEOL " +
		"strictCommentTerm mibAllowUnderline mibWarningLevel mibReplaceWithLatest printNumericEnums printNumericOids escapeQuotes " +
		"dontBreakdownOids quickPrinting numericTimeticks oidOutputFormat suffixPrinting extendedIndex printHexText printValueOnly " +
		"dontPrintUnits hexOutputLength dumpPacket reverseEncodeBER defaultPort defCommunity noTokenWarnings noRangeCheck noDisplayHint " +
		"16bitIDs clientaddrUsesPort serverSendBuf serverRecvBuf clientSendBuf clientRecvBuf sendMessageMaxSize " +
		"noContextEngineIDDiscovery timeout retries outputPrecision defDomain defTarget dontLoadHostConfig defSecurityModel " +
		"tsmUseTransportPrefix defAuthType defPrivType defSecurityName defContext defPassphrase defAuthPassphrase defPrivPassphrase " +
		"defAuthMasterKey defPrivMasterKey defAuthLocalizedKey defPrivLocalizedKey defVersion defSecurityLevel avoidPortReuse",
})

// byName returns the key of each word in lower case.
func byName(of map[string]string) map[string]string {
	all := map[string]string{}
	for reason, names := range of {
		for _, name := range strings.Fields(names) {
			all[strings.ToLower(name)] = reason
		}
	}
	return all
}

// common are the directives that are heeded behind [snmp].
var common = map[string]bool{
	"clientaddr": true, "disablesnmpv1": true, "disablesnmpv2c": true, "disablesnmpv3": true, "sourcefiltertype": true, "sourcefilteraddress": true,
}

// ofSubagents are the directives that a subagent heeds.
var ofSubagents = map[string]bool{
	"agentxsocket": true, "metrics": true, "metricsconfig": true, "metricstop": true, "metricscompatible": true, "loglevel": true, "netnscontexts": true, "netnsnotifications": true, "linkupdownnotifications": true, "inetaddresszones": true, "strict": true,
	"syslocation": true, "syscontact": true, "sysname": true, "sysdescr": true, "sysobjectid": true, "sysservices": true,
}

// descriptive are directives by which nobody is let in, shut out or told anything: a wrong value is not heeded.
var descriptive = map[string]bool{
	"syslocation": true, "syscontact": true, "sysname": true, "sysdescr": true, "sysobjectid": true, "sysservices": true,
	"linkupdownnotifications": true, "authtrapenable": true, "maxgetbulkrepeats": true, "maxgetbulkresponses": true,
}

// confines reports whether a line of a directive may keep somebody from something.
func confines(directive string) bool {
	name := strings.ToLower(directive)
	return !descriptive[name] && !slices.Contains([]string{"createuser", "metrics", "metricstop", "metricscompatible", "loglevel", "netnscontexts", "netnsnotifications", "inetaddresszones", "agentxsocket", "engineid", "exactengineid"}, name)
}

// near reports whether two names differ as slips of the pen do: by one letter that is missing, there twice, another or in
// the place of its neighbour; long ones by two.
func near(a, b string) bool {
	most := 1
	if len(b) > 7 {
		most = 2
	}
	return distance(a, b) <= most
}

// distance is the number of letters to add, take away, exchange for another or for the one behind, each at most once (optimal
// string alignment).
func distance(a, b string) int {
	if len(a) > len(b)+2 || len(b) > len(a)+2 {
		return 3
	}
	row := make([][]int, len(a)+1)
	for i := range row {
		row[i] = make([]int, len(b)+1)
		row[i][0] = i
	}
	for j := range row[0] {
		row[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			other := 1
			if a[i-1] == b[j-1] {
				other = 0
			}
			row[i][j] = min(row[i-1][j]+1, row[i][j-1]+1, row[i-1][j-1]+other)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[i][j] = min(row[i][j], row[i-2][j-2]+1)
			}
		}
	}
	return row[len(a)][len(b)]
}

// otherTransport returns the transport of an address that net-snmp has and nobody is asked over here, "" for none.
func otherTransport(address string) string {
	transport, _, _ := strings.Cut(address, ":")
	switch transport = strings.ToLower(transport); {
	case strings.HasPrefix(address, "/"):
		return "unix"
	case slices.Contains([]string{"unix", "local", "tlstcp", "tls", "dtlsudp", "dtls", "dtlsudp6", "tlstcp6", "ssh", "ipx", "aal5pvc", "pvc"}, transport):
		return transport
	}
	return ""
}

// served are the subtrees of which the agent has objects.
var served = []mib.OID{
	mib.MakeOID(1, 3, 6, 1, 2, 1, 1), mib.MakeOID(1, 3, 6, 1, 2, 1, 2), mib.MakeOID(1, 3, 6, 1, 2, 1, 3), mib.MakeOID(1, 3, 6, 1, 2, 1, 4),
	mib.MakeOID(1, 3, 6, 1, 2, 1, 5), mib.MakeOID(1, 3, 6, 1, 2, 1, 6), mib.MakeOID(1, 3, 6, 1, 2, 1, 7), mib.MakeOID(1, 3, 6, 1, 2, 1, 11),
	mib.MakeOID(1, 3, 6, 1, 2, 1, 31), mib.MakeOID(1, 3, 6, 1, 6, 3),
}

// pass is of objects that a program would answer.
func pass(c *Config, where, rest string) error {
	a := arguments{rest: rest}
	word := a.next()
	for strings.HasPrefix(word, "-") && a.more() { // a priority
		if word = a.next(); word != "" && strings.Trim(word, "0123456789") == "" {
			word = a.next()
		}
	}
	text := noPrograms
	if o, err := parseOID(word); err == nil && slices.ContainsFunc(served, func(s mib.OID) bool { return o.HasPrefix(s) || s.HasPrefix(o) }) {
		text += ": objects that it would override are shown as this agent has them"
	}
	c.warn(where, text)
	return nil
}

// disable parses disableSNMPv1 and its kin: nobody is asked by that version.
func disable(v protocol.Version) func(*Config, string, string) error {
	return func(c *Config, _, rest string) error {
		is, err := boolean(rest)
		c.Without = slices.DeleteFunc(c.Without, func(w protocol.Version) bool { return w == v })
		if is {
			c.Without = append(c.Without, v)
		}
		return err
	}
}

// boolean parses what net-snmp takes for one (netsnmp_ds_parse_boolean).
func boolean(rest string) (bool, error) {
	all := words(rest)
	if len(all) > 0 {
		switch strings.ToLower(all[0]) {
		case "yes", "true", "1":
			return true, nil
		case "no", "false", "0":
			return false, nil
		}
	}
	return false, errors.New("the choice is yes, true or 1, or no, false or 0")
}

// sourceFilterType parses what would shut out senders before their communities are looked at.
func sourceFilterType(_ *Config, _, rest string) error {
	if strings.EqualFold(rest, "none") {
		return nil
	}
	return errors.New("is not supported: com2sec and rocommunity with a source say who is let in")
}

func sourceFilterAddress(c *Config, where, _ string) error {
	c.warn(where, fmt.Sprintf("%s, since sourceFilterType is not supported", noNeed))
	return nil
}
