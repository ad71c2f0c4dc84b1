package probe

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// query is what a scrape asks for.
type query struct {
	key     string // of what it shares with others
	config  remote.Config
	modules []*module
}

// maxParameter is the most octets that a parameter may have.
const maxParameter = 1 << 10

// single returns a parameter that may be given once.
func single(values url.Values, name string) (string, error) {
	all := values[name]
	switch {
	case len(all) > 1:
		return "", fmt.Errorf("the parameter %s may be given once, and is %d times", name, len(all))
	case len(all) == 0:
		return "", nil
	case len(all[0]) > maxParameter:
		return "", fmt.Errorf("the parameter %s has more than %d octets", name, maxParameter)
	}
	return all[0], nil
}

// parse takes the parameters of a scrape. Those that it does not know are passed over.
func (p *Prober) parse(values url.Values) (q query, err error) {
	var given [4]string
	for i, name := range [...]string{"target", "auth", "snmp_context", "snmp_engineid"} {
		if given[i], err = single(values, name); err != nil {
			return q, err
		}
	}
	target, auth, context, engine := given[0], given[1], given[2], given[3]
	if target == "" {
		return q, errors.New("the parameter target says which host is asked, and is missing")
	}
	engineID, err := hex.DecodeString(strings.TrimPrefix(engine, "0x"))
	if err != nil {
		return q, fmt.Errorf("the parameter snmp_engineid is not hexadecimal: %w", err)
	}
	if err := p.chooseModules(&q, values["module"]); err != nil {
		return q, err
	}
	host, address, err := splitTarget(target)
	if err != nil {
		return q, err
	}
	targets := p.file.targets()
	auth = cmp.Or(auth, targets.matching(host))
	config, ok := targets.authOf(auth)
	if !ok {
		return q, fmt.Errorf("there is no auth %q", auth)
	}
	config.Address, config.Context = address, cmp.Or(context, config.Context)
	if config.Context != "" && config.Version != remote.V3 {
		return q, fmt.Errorf("the auth %q is of SNMPv%v, which has no contexts", auth, config.Version)
	}
	config.ContextEngineID = string(engineID)
	config.Sessions, config.MaxOctets, config.MaxRows = p.options.Sessions, p.options.MaxOctets, p.options.MaxRows
	if err := config.Check(); err != nil {
		return q, fmt.Errorf("target %q: %w", target, err)
	}
	q.config = config
	names := make([]string, len(q.modules))
	for i, m := range q.modules {
		names[i] = m.name
	}
	// Credentials that were read again are others.
	q.key = fmt.Sprintf("%p\x00%s\x00%s\x00%x\x00%q\x00%s", targets, address, auth, engineID, config.Context, strings.Join(names, ","))
	return q, nil
}

// chooseModules takes the parameters module.
func (p *Prober) chooseModules(q *query, given []string) error {
	if len(given) == 0 {
		given = []string{"if_mib"}
	}
	for _, list := range given {
		if len(list) > maxParameter {
			return fmt.Errorf("the parameter module has more than %d octets", maxParameter)
		}
		for name := range strings.SplitSeq(list, ",") {
			m := p.modules[name]
			switch {
			case name == "":
			case m == nil:
				return fmt.Errorf("there is no module %q, but %s", name, strings.Join(Modules(), ", "))
			case !slices.Contains(q.modules, m):
				q.modules = append(q.modules, m)
			}
		}
	}
	if len(q.modules) == 0 {
		return errors.New("the parameter module names none")
	}
	return nil
}

// splitTarget takes [TRANSPORT://]HOST[:PORT] and returns the host, and the address as package remote has it.
func splitTarget(target string) (host, address string, err error) {
	transport, rest, found := strings.Cut(target, "://")
	if !found {
		transport, rest = "udp", target
	}
	// IPv6 is told by the address itself, behind whichever of them.
	switch transport = strings.ToLower(transport); transport {
	case "udp", "udp6", "tcp", "tcp6":
	case "udp4", "tcp4":
		transport = strings.TrimSuffix(transport, "4")
	default:
		return "", "", fmt.Errorf("target %q: the transport is none of udp, udp6, tcp and tcp6", target)
	}
	host, port, err := net.SplitHostPort(rest)
	if err != nil {
		host, port = strings.TrimSuffix(strings.TrimPrefix(rest, "["), "]"), "161"
	}
	if host == "" || port == "" {
		return "", "", fmt.Errorf("target %q is not [TRANSPORT://]HOST[:PORT]", target)
	}
	if strings.Contains(host, ":") && !strings.HasSuffix(transport, "6") {
		transport += "6"
	}
	return host, transport + ":" + net.JoinHostPort(host, port), nil
}
