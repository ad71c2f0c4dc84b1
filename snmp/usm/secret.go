package usm

import (
	"bytes"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

// Secret is a passphrase or a key. It is immutable. However it is printed, logged
// or encoded, what comes out is "***": only [Secret.Bytes] gives it away.
type Secret struct {
	// Fmt does not ask the methods of what is in an unexported field, and with some
	// verbs follows one pointer. It follows no second one.
	octets **[]byte
}

// hidden is what is seen of a secret.
const hidden = "***"

// NewSecret returns a secret with a copy of octets.
func NewSecret(octets []byte) Secret {
	if len(octets) == 0 {
		return Secret{}
	}
	own := bytes.Clone(octets)
	pointer := &own
	return Secret{&pointer}
}

// Bytes returns the secret itself, which must not be changed.
func (s Secret) Bytes() []byte {
	if s.octets == nil {
		return nil
	}
	return **s.octets
}

// Len returns the number of octets.
func (s Secret) Len() int { return len(s.Bytes()) }

// IsEmpty reports whether there is none.
func (s Secret) IsEmpty() bool { return s.octets == nil }

// Equal reports whether two secrets are the same, in a time that depends on their
// lengths only.
func (s Secret) Equal(t Secret) bool {
	return subtle.ConstantTimeCompare(s.Bytes(), t.Bytes()) == 1
}

// String returns "***".
func (s Secret) String() string { return hidden }

// Format implements fmt.Formatter: every verb prints "***".
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue implements slog.LogValuer.
func (s Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText implements encoding.TextMarshaler, and so JSON. The error is nil always.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
