package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/gosnmp/gosnmp"
)

// The scene of SNMPv3's case is small enough for snmpd.
const (
	securedRoutes = 1_000
	getsAtOnce    = 200
	askers        = 8 // at a time, so that the agent never waits for the next request
	user          = "bench"
	authPassword  = "authentication"
	privPassword  = "privacy-of-the-bench"
	viewed        = "viewed" // the community that has a view of less than everything
)

// securityCase is what SNMPv3 and views cost, beside SNMPv2c without any.
func (b *bench) securityCase(s *section) error {
	s.Title = fmt.Sprintf("SNMPv3 and views, %s routes", thousands(securedRoutes))
	ns, err := routesScene(b.ctx, securedRoutes)
	if err != nil {
		return err
	}
	defer ns.remove()
	defer b.stopAll()
	our, err := b.secured(ns, true)
	if err != nil {
		return err
	}
	theirs, err := b.secured(ns, false)
	if err != nil {
		return err
	}
	each := func(v float64) *quantity { return &quantity{Value: v, Unit: seconds} }
	times := func(v float64) *quantity { return &quantity{Value: v} }
	s.add(figure{Case: "processor time of a GET by SNMPv2c", Ours: each(our.get[0])}.against(each(theirs.get[0])))
	s.add(figure{Case: "processor time of a GET by SNMPv3, authPriv with SHA-256 and AES-128", Ours: each(our.get[1])}.against(each(theirs.get[1])))
	ratio := our.get[1] / our.get[0]
	s.add(figure{Case: "the same, times SNMPv2c's", Ours: times(ratio), Peer: times(theirs.get[1] / theirs.get[0])}.reach("at most 1.3", ratio <= 1.3))
	rate := func(v float64) *quantity { return &quantity{Value: v, Unit: perSecond} }
	s.add(figure{Case: "walk of inetCidrRouteTable by SNMPv2c, by gosnmp", Ours: rate(our.walk[0])}.against(rate(theirs.walk[0])))
	s.add(figure{Case: "the same by SNMPv3", Ours: rate(our.walk[1])}.against(rate(theirs.walk[1])).
		reach("at least 80 % of SNMPv2c's", our.walk[1] >= 0.8*our.walk[0]))
	s.add(figure{Case: "processor time of a walk of the whole tree by SNMPv2c", Ours: each(our.whole[0])}.against(each(theirs.whole[0])))
	s.add(figure{Case: "the same with a view that leaves out sysContact and a row of interfaces", Ours: each(our.whole[1])}.against(each(theirs.whole[1])).
		reach("at most 5 % more", our.whole[1] <= 1.05*our.whole[0]))
	s.note("Processor time is the agent's, of at least %v in each run. GETs ask for sysUpTime, by %d clients of gosnmp at a time; the whole tree is walked by the bench's own client.", leastProcessorTime, askers)
	return nil
}

// security is what was measured of an agent, without protection and with it.
type security struct{ get, walk, whole [2]float64 }

// secured measures an agent.
func (b *bench) secured(ns *namespace, isOurs bool) (result security, err error) {
	a, err := b.startSecured(ns, isOurs)
	if err != nil {
		return result, err
	}
	defer a.stop()
	var clients [2][]*gosnmp.GoSNMP
	for i, version := range []gosnmp.SnmpVersion{gosnmp.Version2c, gosnmp.Version3} {
		for range askers {
			client, err := a.gosnmp(b.ctx, version)
			if err != nil {
				return result, err
			}
			defer client.Close()
			clients[i] = append(clients[i], client)
		}
	}
	var gets, walks, wholes [2][]float64
	for range b.runs {
		for i, several := range clients {
			took, err := a.processor(func() error { return getAtOnce(several) })
			if err != nil {
				return result, err
			}
			gets[i] = append(gets[i], took/(askers*getsAtOnce))
			begin, n := time.Now(), 0
			if err := several[0].BulkWalk("."+inetCidrRouteTable, func(gosnmp.SnmpPDU) error { n++; return nil }); err != nil {
				return result, err
			}
			walks[i] = append(walks[i], float64(n)/time.Since(begin).Seconds())
		}
		for i, name := range []string{community, viewed} {
			took, err := b.wholeWalk(a, name)
			if err != nil {
				return result, err
			}
			wholes[i] = append(wholes[i], took)
		}
	}
	for i := range gets {
		result.get[i], result.walk[i], result.whole[i] = median(gets[i]), median(walks[i]), median(wholes[i])
	}
	return result, nil
}

// startSecured starts an agent with a user of SNMPv3 and two communities.
func (b *bench) startSecured(ns *namespace, isOurs bool) (*agent, error) {
	name, port := "snmpd", snmpdPort
	if isOurs {
		name, port = "netsnmp-agent", agentPort
	}
	conf, err := b.file(name+"-secured.conf", fmt.Sprintf(`agentaddress udp:127.0.0.1:%d
rocommunity %s 127.0.0.1
view most included .1
view most excluded .1.3.6.1.2.1.1.4
view most excluded .1.3.6.1.2.1.2.2.1.0.1 ff:a0
rocommunity %s 127.0.0.1 -V most
createUser %s SHA-256 %q AES %q
rouser %s priv
`, port, community, viewed, user, authPassword, privPassword, user))
	if err != nil {
		return nil, err
	}
	args := []string{snmpdProgram, "-LOw", "-I", "-smux,mteTrigger,mteTriggerConf", "-f", "-C", "-c", conf}
	if isOurs {
		args = []string{b.agentProgram, "--config", conf, "--state", filepath.Join(b.dir, "state")}
	}
	return b.startAgent(name, port, ns, nil, args...)
}

// gosnmp returns a client of the agent, which has met its engine.
func (a *agent) gosnmp(ctx context.Context, version gosnmp.SnmpVersion) (*gosnmp.GoSNMP, error) {
	g := &gosnmp.GoSNMP{
		Context: ctx, Target: "127.0.0.1", Port: uint16(a.port), Transport: "udp", Version: version, Community: community,
		Timeout: timeoutOf(a), Retries: 2, MaxRepetitions: 50, MaxOids: gosnmp.MaxOids,
	}
	if version == gosnmp.Version3 {
		g.SecurityModel, g.MsgFlags = gosnmp.UserSecurityModel, gosnmp.AuthPriv
		g.SecurityParameters = &gosnmp.UsmSecurityParameters{
			UserName:               user,
			AuthenticationProtocol: gosnmp.SHA256, AuthenticationPassphrase: authPassword,
			PrivacyProtocol: gosnmp.AES, PrivacyPassphrase: privPassword,
		}
	}
	err := a.ns.do(g.Connect)
	if err != nil {
		return nil, err
	}
	return g, getMany(g, 1)
}

// getMany asks for sysUpTime so many times.
func getMany(g *gosnmp.GoSNMP, n int) error {
	names := []string{".1.3.6.1.2.1.1.3.0"}
	for range n {
		answer, err := g.Get(names)
		if err != nil {
			return err
		}
		if answer.Error != gosnmp.NoError || len(answer.Variables) != 1 || answer.Variables[0].Type != gosnmp.TimeTicks {
			return fmt.Errorf("sysUpTime is %v", answer.Variables)
		}
	}
	return nil
}

// getAtOnce has each of several clients ask for sysUpTime getsAtOnce times.
func getAtOnce(clients []*gosnmp.GoSNMP) error {
	done := make(chan error)
	for _, client := range clients {
		go func() { done <- getMany(client, getsAtOnce) }()
	}
	var err error
	for range clients {
		err = errors.Join(err, <-done)
	}
	return err
}

// wholeWalk returns the processor time of a walk of the whole tree, as who has a
// community sees it.
func (b *bench) wholeWalk(a *agent, community string) (took float64, err error) {
	c, err := a.dial(timeoutOf(a))
	if err != nil {
		return 0, err
	}
	defer c.close()
	c.community = community
	walk := func() error {
		_, err := c.walk(b.ctx, wholeTree, b.repetitions)
		return err
	}
	if err := walk(); err != nil { // has what changes seldom read
		return 0, err
	}
	return a.processor(walk)
}

// leastProcessorTime is what the kernel's ticks measure well enough.
const leastProcessorTime = 500 * time.Millisecond

// processor returns the processor time, in seconds, that the process takes for f, which is
// called again and again.
func (p *process) processor(f func() error) (float64, error) {
	before, err := p.cpuTime()
	if err != nil {
		return 0, err
	}
	for n := 1; ; n++ {
		if err := f(); err != nil {
			return 0, err
		}
		after, err := p.cpuTime()
		if err != nil {
			return 0, err
		}
		if took := after.since(before); took >= leastProcessorTime {
			return took.Seconds() / float64(n), nil
		}
	}
}
