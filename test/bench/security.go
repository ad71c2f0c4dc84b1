package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"github.com/gosnmp/gosnmp"
)

// The scene of SNMPv3's case is small enough for snmpd.
const (
	securedRoutes = 1_000
	getsAtOnce    = 2000
	// outstandingGets are so many that the agent never waits for the next one: who sleeps for
	// each request takes as much time for that as for the answer, with any version.
	outstandingGets = 32
	user            = "bench"
	authPassword    = "authentication"
	privPassword    = "privacy-of-the-bench"
	viewed          = "viewed" // the community that has a view of less than everything
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
	s.add(figure{Case: "walk of inetCidrRouteTable by SNMPv2c", Ours: rate(our.walk[0])}.against(rate(theirs.walk[0])))
	s.add(figure{Case: "the same by SNMPv3", Ours: rate(our.walk[1])}.against(rate(theirs.walk[1])).
		reach("at least 80 % of SNMPv2c's", our.walk[1] >= 0.8*our.walk[0]))
	s.add(figure{Case: "processor time of a walk of the whole tree by SNMPv2c", Ours: each(our.whole[0])}.against(each(theirs.whole[0])))
	s.add(figure{Case: "the same with a view that leaves out sysContact and a row of interfaces", Ours: each(our.whole[1])}.against(each(theirs.whole[1])).
		reach("at most 5 % more", our.whole[1] <= 1.05*our.whole[0]))
	s.note("Processor time is the agent's, of at least %v in each run. GETs ask for sysUpTime, %d at a time. What is sent was made beforehand by gosnmp, and answers are not decrypted but in a first turn, which compares them: a client's own cryptography is not measured. The whole tree is walked by the bench's own client.", leastProcessorTime, outstandingGets)
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
	c, err := a.dial(timeoutOf(a))
	if err != nil {
		return result, err
	}
	defer c.close()
	var gets, walks, wholes [2][]float64
	for range b.runs {
		for i, version := range []gosnmp.SnmpVersion{gosnmp.Version2c, gosnmp.Version3} {
			g, err := a.gosnmp(b.ctx, version)
			if err != nil {
				return result, err
			}
			get, walk, err := b.exchanges(a, c, g)
			if err = errors.Join(err, g.Close()); err != nil {
				return result, err
			}
			gets[i], walks[i] = append(gets[i], get), append(walks[i], walk)
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

// exchanges returns the processor time of a GET, in seconds, and how many variables a second a walk
// finds, of messages that g makes.
func (b *bench) exchanges(a *agent, c *client, g *gosnmp.GoSNMP) (get, walk float64, err error) {
	message, err := askedFor(g, gosnmp.GetRequest, "."+sysUpTime, 0)
	if err != nil {
		return 0, 0, err
	}
	err = c.keepAsking(b.ctx, message, 1, 1, func(answer []byte) error {
		p, err := g.SnmpDecodePacket(answer)
		if err != nil {
			return err
		}
		return hasUpTime(p)
	})
	if err != nil {
		return 0, 0, err
	}
	took, err := a.processor(func() error { return c.keepAsking(b.ctx, message, getsAtOnce, outstandingGets, nil) })
	if err != nil {
		return 0, 0, err
	}
	s, err := scriptOfWalk(g, "."+inetCidrRouteTable)
	if err != nil {
		return 0, 0, err
	}
	variables := 0
	if _, err := c.play(b.ctx, s, func(answer []byte) error {
		p, err := g.SnmpDecodePacket(answer)
		if err == nil {
			variables += len(p.Variables)
		}
		return err
	}); err != nil {
		return 0, 0, err
	}
	if variables != s.variables {
		return 0, 0, fmt.Errorf("the walk finds %d variables, and %d when it is made again", s.variables, variables)
	}
	walk, err = c.play(b.ctx, s, nil)
	return took / getsAtOnce, walk, err
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
	return g, met(g)
}

// met asks for sysUpTime, which makes the client know the agent's engine.
func met(g *gosnmp.GoSNMP) error {
	answer, err := g.Get([]string{"." + sysUpTime})
	if err != nil {
		return err
	}
	return hasUpTime(answer)
}

func hasUpTime(p *gosnmp.SnmpPacket) error {
	if p.Error != gosnmp.NoError || len(p.Variables) != 1 || p.Variables[0].Type != gosnmp.TimeTicks {
		return fmt.Errorf("sysUpTime is %v", p.Variables)
	}
	return nil
}

// script are messages made beforehand, to be sent one when the one before is answered: what
// is measured then is no client's cryptography.
type script struct {
	messages  [][]byte
	variables int // in all answers
}

// askedFor returns a message of gosnmp's.
func askedFor(g *gosnmp.GoSNMP, kind gosnmp.PDUType, name string, repetitions uint32) ([]byte, error) {
	return g.SnmpEncodePacket(kind, []gosnmp.SnmpPDU{{Name: name, Type: gosnmp.Null}}, 0, repetitions)
}

// scriptOfWalk walks a subtree by GETBULK, and returns the same walk's messages.
func scriptOfWalk(g *gosnmp.GoSNMP, root string) (s script, err error) {
	for name := root; ; {
		message, err := askedFor(g, gosnmp.GetBulkRequest, name, g.MaxRepetitions)
		if err != nil {
			return s, err
		}
		answer, err := g.GetBulk([]string{name}, 0, g.MaxRepetitions)
		if err != nil {
			return s, err
		}
		n := len(answer.Variables)
		if answer.Error != gosnmp.NoError || n == 0 || answer.Variables[n-1].Name == name {
			return s, fmt.Errorf("%v and %d variables behind %s", answer.Error, n, name)
		}
		s.messages, s.variables = append(s.messages, message), s.variables+n
		name = answer.Variables[n-1].Name
		if !strings.HasPrefix(name, root+".") {
			return s, nil
		}
	}
}

// play sends the messages of a script, and returns how many variables a second the answers have.
// They are looked at where check is set.
func (c *client) play(ctx context.Context, s script, check func(answer []byte) error) (rate float64, err error) {
	c.eager = true
	defer func() { c.eager = false }()
	begin := time.Now()
	for _, message := range s.messages {
		if err := c.keepAsking(ctx, message, 1, 1, check); err != nil {
			return 0, err
		}
	}
	return float64(s.variables) / time.Since(begin).Seconds(), nil
}

// keepAsking sends a message n times, of which so many are outstanding, and looks at the answers
// where check is set.
func (c *client) keepAsking(ctx context.Context, message []byte, n, outstanding int, check func(answer []byte) error) error {
	for range outstanding {
		if err := c.send(message); err != nil {
			return err
		}
	}
	left := n - outstanding // to be sent
	for silent := 0; n > 0; {
		got, err := c.receive()
		if err != nil {
			return err
		}
		if got == nil {
			if silent++; silent > 20 || ctx.Err() != nil {
				return fmt.Errorf("%d requests are not answered: %w", n, errors.Join(context.Cause(ctx), errLost))
			}
			continue
		}
		silent = 0
		if check != nil {
			if err := check(got); err != nil {
				return err
			}
		}
		n--
		if left > 0 {
			left--
			if err := c.send(message); err != nil {
				return err
			}
		}
	}
	return nil
}

var errLost = errors.New("the agent is silent")

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
