package table

import (
	"strconv"
	"unicode"
	"unicode/utf8"
)

// isControl reports whether printing r would do something else than to show a
// character: control characters, and those that change the direction of what is
// around them.
func isControl(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || r > 0xff && (unicode.Is(unicode.Cf, r) || r == 0x2028 || r == 0x2029) || r == 0xad
}

// AppendEscaped appends a name that anybody may have chosen so that it can do
// nothing to a terminal and cannot end a line: control characters and bytes that
// are not UTF-8 become \xNN, other format characters \uNNNN.
func AppendEscaped(b []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		if c := s[i]; c >= ' ' && c < 0x7f {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		broken := r == utf8.RuneError && size <= 1
		if !broken && !isControl(r) {
			i += size
			continue
		}
		b = append(b, s[start:i]...)
		switch {
		case broken:
			b = append(b, '\\', 'x', hex[s[i]>>4], hex[s[i]&15])
		case r < 0x100:
			b = append(b, '\\', 'x', hex[r>>4], hex[r&15])
		case r > 0xffff:
			b = append(b, '\\', 'U', '0', '0', hex[r>>20&15], hex[r>>16&15], hex[r>>12&15], hex[r>>8&15], hex[r>>4&15], hex[r&15])
		default:
			b = appendU(b, r)
		}
		i += max(size, 1)
		start = i
	}
	return append(b, s[start:]...)
}

// width returns how many places text takes on a terminal.
func width(b []byte) int {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return utf8.RuneCount(b)
		}
	}
	return len(b)
}

// AppendScaled appends a number with at most three digits that mean something
// and a prefix for the power of base, 1000 (k, M, G) or 1024 (K, M, G), that it
// was divided by.
func AppendScaled(b []byte, n, base uint64) []byte {
	prefixes := "kMGTPE"
	if base == 1024 {
		prefixes = "KMGTPE"
	}
	if n < base {
		return strconv.AppendUint(b, n, 10)
	}
	f, i := float64(n)/float64(base), 0
	for f >= float64(base)-0.5 && i < len(prefixes)-1 {
		f /= float64(base)
		i++
	}
	decimals := 1
	if f >= 99.95 {
		decimals = 0
	}
	return append(strconv.AppendFloat(b, f, 'f', decimals, 64), prefixes[i])
}
