package netstat

import "testing"

func TestInterfaceIdentifierString(t *testing.T) {
	for identifier, want := range map[InterfaceIdentifier]string{
		"": "", "\x00\x00\x00\xff\xfe\x00\x00\x11": "0000:00ff:fe00:0011", "\x01\x02\x03": "0102:03",
	} {
		if got := identifier.String(); got != want {
			t.Errorf("%q is %s, want %s", string(identifier), got, want)
		}
	}
}
