package communitymib

import (
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/mib/internal/tabletest"
)

func TestRoundTrip(t *testing.T) {
	tabletest.RoundTrip(t, Communities(), []Community{
		{Index: "one", Name: "\x00secret\xff", SecurityName: "comm1", ContextEngineID: "\x80\x00\x1f\x88\x04here", ContextName: "blue", TransportTag: "lan", Storage: 3},
		{Index: strings.Repeat("x", 32), Name: "public", SecurityName: "comm2", Storage: 5},
	}, func(c Community) Community { return c })
}
