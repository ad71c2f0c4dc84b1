package collectors

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// TestParseRuleAttributes holds that what a rule asks for is never left out in
// silence.
func TestParseRuleAttributes(t *testing.T) {
	attribute := func(kind uint16, value ...byte) []byte {
		b := binary.NativeEndian.AppendUint16(nil, uint16(4+len(value)))
		b = append(binary.NativeEndian.AppendUint16(b, kind), value...)
		return append(b, make([]byte, align4(len(b))-len(b))...)
	}
	port := func(p uint16) []byte { return binary.NativeEndian.AppendUint16(nil, p) }
	const beyond = fraDSCPMask + 1
	for _, c := range []struct {
		about      string
		attributes []byte
		want       netstat.Rule
	}{
		{"a flow label", append(attribute(fraFlowLabel, 0, 1, 0x23, 0x45), attribute(fraFlowLabelMask, 0, 0x0f, 0xff, 0xff)...), netstat.Rule{FlowLabel: 0x12345, FlowLabelMask: 0xfffff}},
		{"masks of ports", append(attribute(fraSourceMask, port(0xff00)...), attribute(fraDestMask, port(0xfff0)...)...), netstat.Rule{SourcePortMask: 0xff00, DestinationPortMask: 0xfff0}},
		{"single ports", append(attribute(fraSourceMask, port(0xffff)...), attribute(fraDestMask, port(0xffff)...)...), netstat.Rule{}},
		{"padding", attribute(fraPad), netstat.Rule{}},
		{"what is not known", attribute(beyond, 1), netstat.Rule{Unknown: true}},
	} {
		header := []byte{unix.AF_INET6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
		c.want.Family = netstat.IPv6
		if got, err := parseRule(append(header, c.attributes...)); err != nil || got != c.want {
			t.Errorf("%s: %+v, %v; want %+v", c.about, got, err, c.want)
		}
	}
	if r, err := parseRule(append([]byte{unix.AF_INET6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, attribute(fraFlowLabel, 1)...)); err == nil {
		t.Errorf("a flow label of one octet: %+v", r)
	}
}
