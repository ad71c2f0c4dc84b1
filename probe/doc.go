// Package probe answers scrapes of Prometheus with what other hosts tell by SNMP, under the parameters and the
// names of metrics that snmp_exporter has, so that it takes its place:
//
//	/probe?target=[TRANSPORT://]HOST[:PORT]&module=NAME,...&auth=NAME&snmp_context=NAME&snmp_engineid=HEX
//
// # What is promised
//
// An answer comes within the deadline that the scrape itself names, with what was read by then. A table that was
// not read to its end has the series snmp_scrape_table_success at 0. A host that told nothing at all is no answer
// but an error of HTTP, by which Prometheus' series up is 0.
//
// A host that does not answer, answers slowly or whose name is resolved slowly delays no other. Scrapes of the same at the same
// time share one reading, which has the time of the one with most. How many are read at a time is bounded: others wait
// for their turn, and are refused where it does not come. What makes the program panic is an error of that host.
//
// Tables are read by package remote: columns side by side, and a long table in several parts at a time.
//
// # Who may ask
//
// Whoever reaches the handler has this host ask others, with the credentials of a file that is for that. An answer
// tells none of them, nor do errors and the log.
package probe
