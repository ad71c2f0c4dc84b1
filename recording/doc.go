// Package recording keeps network stacks in a file and reads them back.
//
// A recording holds one or more moments; a moment holds one or more stacks, of
// one network namespace each; a stack holds rows by kind ([Kinds]). [Write] makes
// a recording of one stack, [Create] and [Append] keep one in a file to which
// moments are added, and [Writer] writes to anything. [Open] reads.
//
// # What is promised
//
// Rows are read as they were written: integers with all their bits, unknown as
// unknown, nil as nil. A recorded [Stack] is a netstat.Stack with every reader
// of package netstat, and never shows anything of the host that it is read on.
// What the recording does not hold, and what the stack could not tell when it
// was recorded, is an error that matches netstat.ErrNotSupported, or what the
// error matched then; it is never an empty answer.
//
// A file says what it is: the version of the format, the host and its kernel,
// when it was made, and what it holds or why not. Later versions of this package
// read it. One of a later version than the package knows is an error that
// matches [ErrVersion].
//
// A recording that was cut short or damaged is readable up to there. What does
// not fit is a [FormatError] with the offset, and matches [ErrTruncated] or
// [ErrCorrupt]. Memory is bounded by constants, whatever a file claims and
// however many rows there are: 32 MiB for the rows of a frame, and 64 MiB for what
// a moment says of its stacks, half of that on machines of 32 bits.
//
// A file is never half a recording under its name: Create writes beside it, and
// a moment that fails, for want of space or because its context ended, is taken
// away again. What is there when a host crashes, or the process is killed, is there
// afterwards: of the last moment what was complete. Two recorders never write into
// one file, nor does one that begins a file take the place of another one's.
//
// # What is not
//
// Rows of one kind are of one reading; different kinds were read one after the
// other, within the time from [Moment.Time] to [Moment.Ended]. A plain field of
// a row that is newer than the file is zero, as there is nothing that could say
// that it is unknown.
//
// The format is described in docs/recording.md.
package recording
