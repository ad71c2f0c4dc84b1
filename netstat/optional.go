package netstat

import "fmt"

// Optional is a value that a source may not know. The zero Optional is
// unknown; it is never a known zero.
type Optional[T any] struct {
	value T
	known bool
}

// Known returns an Optional that holds v.
func Known[T any](v T) Optional[T] { return Optional[T]{value: v, known: true} }

// Get returns the value and whether it is known. An unknown value is T's zero.
func (o Optional[T]) Get() (T, bool) { return o.value, o.known }

// IsKnown reports whether the value is known.
func (o Optional[T]) IsKnown() bool { return o.known }

// Or returns the value, or fallback when it is unknown.
func (o Optional[T]) Or(fallback T) T {
	if o.known {
		return o.value
	}
	return fallback
}

// Pointer returns where the value is kept, for large values that are read or
// changed in part, and whether it is known.
func (o *Optional[T]) Pointer() (*T, bool) { return &o.value, o.known }

// Set makes v the known value.
func (o *Optional[T]) Set(v T) { o.value, o.known = v, true }

// String returns the value as fmt.Sprint prints it, or "-" when it is unknown.
func (o Optional[T]) String() string {
	if !o.known {
		return "-"
	}
	return fmt.Sprint(o.value)
}
