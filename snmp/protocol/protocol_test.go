package protocol

import "testing"

func TestVersion(t *testing.T) {
	for v, want := range map[Version]struct {
		name   string
		number int32
	}{V1: {"1", 0}, V2c: {"2c", 1}, V3: {"3", 3}} {
		if v.String() != want.name || v.Number() != want.number {
			t.Errorf("%v has the number %d, want %+v", v, v.Number(), want)
		}
		if of, ok := VersionOf(want.number); !ok || of != v {
			t.Errorf("%d is %v", want.number, of)
		}
	}
	for _, number := range []int32{-1, 2, 4} {
		if v, ok := VersionOf(number); ok {
			t.Errorf("%d is %v", number, v)
		}
	}
}

func TestSplitAddress(t *testing.T) {
	for s, want := range map[string]struct {
		transport Transport
		host      string
		port      uint16
	}{
		"161": {"", "", 161}, "udp:1161": {UDP, "", 1161}, "TCPv6:[::1]": {TCP6, "::1", 99}, "::1": {"", "::1", 99},
		"nms": {"", "nms", 99}, "nms:1162": {"", "nms", 1162}, "tcp:192.0.2.1:0": {TCP, "192.0.2.1", 0},
	} {
		transport, host, port, err := SplitAddress(s, 99)
		if err != nil || transport != want.transport || host != want.host || port != want.port {
			t.Errorf("%q: %q, %q, %d, %v", s, transport, host, port, err)
		}
	}
	for _, s := range []string{"", "udp:", "[::1", "[::1]1", "nms:65536", "nms:x"} {
		if transport, host, port, err := SplitAddress(s, 99); err == nil {
			t.Errorf("%q: %q, %q, %d", s, transport, host, port)
		}
	}
}
