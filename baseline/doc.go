// Package baseline remembers counters, so that what happened since can be told:
// what `netstat -z` did, without touching the kernel.
//
// A [Snapshot] holds the counters of protocols and interfaces with the moment
// and the identity of the stack that they are of. [Write] and [Read] keep one in
// a file, or one of each of several namespaces, and [Store] keeps files under
// names. [Snapshot.Since] subtracts an earlier one.
//
// # What is promised
//
// A difference is a true number of what was counted between the two moments, or
// it is unknown and says why ([Reason]). Counters of another boot or another
// namespace are not subtracted at all ([ErrOtherBoot], [ErrOtherNamespace]).
// Nothing passes through floating point.
//
// The file is JSON: an object with "format" and "version" first, so that a
// reader knows what it has before it believes the rest. It is written aside and
// renamed into place, and is readable by its owner only.
package baseline
