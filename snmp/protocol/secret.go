package protocol

import (
	"fmt"
	"log/slog"
)

// Secret is a community or a passphrase. However it is printed, logged or
// marshalled, it does not show; string(s) is what it holds.
type Secret string

const hidden = "(secret)"

// Format prints the same for every verb.
func (s Secret) Format(f fmt.State, _ rune) {
	if s == "" {
		fmt.Fprint(f, `""`)
		return
	}
	fmt.Fprint(f, hidden)
}

// LogValue is for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(s)) }

// MarshalText is for encoding/json and its kin. The error is nil always.
func (s Secret) MarshalText() ([]byte, error) { return fmt.Append(nil, s), nil }
