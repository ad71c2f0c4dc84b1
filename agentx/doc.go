// Package agentx is the subagent's side of the AgentX protocol (RFC 2741): a
// codec for every PDU in both byte orders, and [Subagent], which serves the
// trees of a [mib.Handler] through a master agent such as net-snmp's snmpd.
//
// # What is promised
//
//   - One malformed PDU never ends more than its connection, and memory is
//     never taken for a length that a header merely claims.
//   - Every PDU of the master is answered once, also when the master sends it
//     again before the answer (same session, transaction and packet ID), and no
//     answer waits for a slower one: a PDU whose source is not at hand is
//     answered later and out of order. At most 64 answers wait, and 4 more to PDUs
//     of more than 16 KiB; what else would have to is answered with processingError.
//     An answer to a GetBulk is at most 256 KiB long where it has several repetitions.
//   - A master that ends, hangs or restarts is found again, for ever, at most
//     a second apart; everything is registered anew. One whose sessions do not last is
//     asked less often than one that restarts, and is a line of the log once a minute.
//   - What a master refuses, since another subagent has it, is taken over
//     within about a minute of that one's end.
//   - What a SetRequest writes is written as a whole or not at all, and who may write
//     is the master's to say. Of variables that several subagents have, the master sees
//     to that.
//   - Notifications wait for the master up to a minute, and never keep who
//     sends them waiting. One that the master never answers ends two sessions at most.
//   - What the subagent serves overrides the master's own objects (see
//     [Config.Priority]), which reappear when the subagent ends.
//
// # What is not
//
// There is no master agent here, and indexes are not allocated from the master, though the codec knows the PDUs.
package agentx
