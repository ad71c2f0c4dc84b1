package netstat

import (
	"fmt"
	"strings"
)

// RouteMetrics is a set of metrics of a route: bit N stands for RTAX_N
// (include/uapi/linux/rtnetlink.h).
type RouteMetrics uint32

// routeMetricNames are ip-route(8)'s.
var routeMetricNames = [...]string{2: "mtu", 3: "window", 4: "rtt", 5: "rttvar", 6: "ssthresh", 7: "cwnd", 8: "advmss", 9: "reordering", 10: "hoplimit",
	11: "initcwnd", 12: "features", 13: "rto_min", 14: "initrwnd", 15: "quickack", 16: "congctl", 17: "fastopen_no_cookie"}

// Names returns the names of the metrics in ip-route(8).
func (m RouteMetrics) Names() []string { return bitNames(uint32(m), routeMetricNames[:], "metric") }

// RouteFeatures are what connections by a route do (RTAX_FEATURE_*).
type RouteFeatures uint32

// Features.
const (
	FeatureECN       RouteFeatures = 1 << 0
	FeatureSACK      RouteFeatures = 1 << 1
	FeatureTimestamp RouteFeatures = 1 << 2
	FeatureAllFrag   RouteFeatures = 1 << 3
	FeatureTCPUsecTS RouteFeatures = 1 << 4
)

var routeFeatureNames = []string{"ecn", "sack", "timestamp", "allfrag", "tcp_usec_ts"}

// Names returns the names of the features in ip-route(8).
func (f RouteFeatures) Names() []string { return bitNames(uint32(f), routeFeatureNames, "feature") }

func (f RouteFeatures) String() string { return strings.Join(f.Names(), ",") }

var routeFlagNames = []string{"dead", "pervasive", "onlink", "offload", "linkdown", "unresolved", "trap"}

// Names returns the names of the flags in ip-route(8).
func (f RouteFlags) Names() []string { return bitNames(uint32(f), routeFlagNames, "flag") }

// bitNames returns the names of the bits that are set, the lowest first; one
// without a name has its number.
func bitNames(set uint32, names []string, what string) (found []string) {
	for bit := 0; set != 0; bit, set = bit+1, set>>1 {
		if set&1 == 0 {
			continue
		}
		if bit < len(names) && names[bit] != "" {
			found = append(found, names[bit])
		} else {
			found = append(found, fmt.Sprintf("%s %d", what, bit))
		}
	}
	return found
}
