package agent_test

import (
	"context"
	"fmt"

	"github.com/netsnmp-agent/netsnmp-agent/agent"
	"github.com/netsnmp-agent/netsnmp-agent/live"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Notifications of this host's interfaces, printed where an agent would send
// them (snmp.Server.Notify, agentx.Subagent.Notify).
func ExampleLinkNotifier() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stack, err := live.Open(ctx, live.Options{Kinds: netstat.KindInterface})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer stack.Close()
	notifier := agent.LinkNotifier{
		Stack: stack,
		Send:  func(n mib.Notification) { fmt.Println(n.At, n.Type, n.Objects) },
	}
	cancel() // at once, where an agent would wait for a signal
	if err := notifier.Run(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
}
