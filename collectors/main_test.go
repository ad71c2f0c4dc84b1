package collectors

import "flag"

// Sizes of the benchmarks' scenes. How many sockets one process may open is
// limited (RLIMIT_NOFILE).
var (
	benchSockets = flag.Int("bench.sockets", 15_000, "sockets to dump")
	benchRoutes  = flag.Int("bench.routes", 100_000, "routes to dump")
)
