package remote

import (
	"testing"

	"github.com/gosnmp/gosnmp"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// reportOf is a Report as gosnmp makes it.
func reportOf(t testing.TB, flags gosnmp.SnmpV3MsgFlags, kind gosnmp.PDUType, name string) []byte {
	t.Helper()
	p := gosnmp.SnmpPacket{
		Version: gosnmp.Version3, MsgFlags: flags, SecurityModel: gosnmp.UserSecurityModel, MsgID: 77, PDUType: kind,
		SecurityParameters: &gosnmp.UsmSecurityParameters{AuthoritativeEngineID: "engine"}, ContextEngineID: "engine",
		Variables: []gosnmp.SnmpPDU{{Name: name, Type: gosnmp.Counter32, Value: uint32(5)}},
	}
	message, err := p.MarshalMsg()
	if err != nil {
		t.Fatal(err)
	}
	return message
}

func TestReport(t *testing.T) {
	const wrongDigests = ".1.3.6.1.6.3.15.1.1.5.0"
	message := reportOf(t, gosnmp.NoAuthNoPriv, gosnmp.Report, wrongDigests)
	if id, counter, ok := report(message); !ok || id != 77 || counter != usmStatsWrongDigests {
		t.Errorf("%d, %v, %v", id, counter, ok)
	}
	for i := range message {
		if _, _, ok := report(message[:i]); ok {
			t.Errorf("%d octets of a Report are one", i)
		}
	}
	if _, _, ok := report(reportOf(t, gosnmp.NoAuthNoPriv, gosnmp.GetResponse, wrongDigests)); ok {
		t.Error("a response is a Report")
	}
}

func FuzzReport(f *testing.F) {
	f.Add(reportOf(f, gosnmp.NoAuthNoPriv, gosnmp.Report, ".1.3.6.1.6.3.15.1.1.3.0"))
	f.Fuzz(func(t *testing.T, message []byte) {
		_, counter, ok := report(message)
		if n := counter.Len(); ok && (n < 2 || n > mib.MaxOIDLength) {
			t.Errorf("a counter of %d sub-identifiers", n)
		}
	})
}
