package snmpv2mib

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// TestTextOfOthers holds that the strings of the system group are of UTF-8 and of at
// most 255 octets (RFC 3418), whatever a host or a file says: a host's name may be of
// any octets, and the five words of uname(2) have up to 325.
func TestTextOfOthers(t *testing.T) {
	long := strings.Repeat("x", 254) + "ü" + strings.Repeat("x", 64)
	for said, want := range map[string]string{
		"Linux host 6.18": "Linux host 6.18", "": "", "größer": "größer",
		"Linux a\xffb \xe2\x82": "Linux a?b ?",
		long:                    long[:254],
	} {
		system := System{Descr: said, Contact: said, Name: said, Location: said}
		shown := 0
		for b := range SystemObjects().Values(system) {
			switch sub := b.Name().String(); sub[len("1.3.6.1.2.1.1."):] {
			case "1.0", "4.0", "5.0", "6.0":
				shown++
				if got := b.Value.Octets(); got != want || !utf8.ValidString(got) {
					t.Errorf("%s of %q: %q, want %q", sub, said, got, want)
				}
			}
		}
		if shown != 4 {
			t.Errorf("%d of 4 are shown", shown)
		}
	}
}
