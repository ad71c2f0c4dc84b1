package netstat

import (
	"errors"
	"slices"
)

// ErrNotSupported says that a source cannot tell what was asked: this kernel
// has no such protocol, this recording no such kind, this remote agent no such
// table. It is not an empty answer. It is matched with errors.Is and matches
// errors.ErrUnsupported in turn.
var ErrNotSupported error = notSupported{}

type notSupported struct{}

func (notSupported) Error() string { return "not supported by this source" }
func (notSupported) Unwrap() error { return errors.ErrUnsupported }

// ErrInterrupted says that what was read kept changing while it was read, so
// that no consistent answer could be taken within the source's retries.
var ErrInterrupted = errors.New("changed while it was read")

// ErrUnknownValues says that all rows are there, and that some of their values are unknown
// because the source did not tell them as it should. See IsComplete.
var ErrUnknownValues = errors.New("some values are unknown")

// ErrUnknownOptions is the ErrUnknownValues of options of sockets: nothing that a query
// without DetailSocketOptions asks for is unknown. Who matches it matches ErrUnknownValues.
var ErrUnknownOptions error = unknownOptions{}

type unknownOptions struct{}

func (unknownOptions) Error() string { return "options of sockets are unknown" }
func (unknownOptions) Unwrap() error { return ErrUnknownValues }

// IsComplete reports whether an error, nil too, says of nothing that it is missing: it is
// made of such as match ErrUnknownValues and of no other.
func IsComplete(err error) bool {
	for err != nil {
		if is, ok := err.(interface{ Is(error) bool }); ok && is.Is(ErrUnknownValues) {
			return true
		}
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			errs := joined.Unwrap()
			return len(errs) > 0 && !slices.ContainsFunc(errs, func(err error) bool { return !IsComplete(err) })
		}
		cause := errors.Unwrap(err)
		if cause == nil {
			return errors.Is(err, ErrUnknownValues)
		}
		err = cause
	}
	return true
}

// ReadError says which operation on which source failed. It unwraps to the
// cause: errors.Is matches fs.ErrPermission, fs.ErrNotExist, ErrNotSupported,
// ErrInterrupted, ErrUnknownValues, ErrUnknownOptions and context errors through it.
type ReadError struct {
	Op     string // what was read: "dump IPv4 routes", "read /proc/net/snmp"
	Source string // where: "netns blue", "192.0.2.1:161"; empty for the caller's own stack
	Err    error
}

func (e *ReadError) Error() string {
	if e.Source == "" {
		return e.Op + ": " + e.Err.Error()
	}
	return e.Op + " in " + e.Source + ": " + e.Err.Error()
}

func (e *ReadError) Unwrap() error { return e.Err }
