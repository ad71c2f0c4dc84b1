package main

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/netsnmp-agent/netsnmp-agent/agentx"
	"github.com/netsnmp-agent/netsnmp-agent/internal/commandline"
	"github.com/netsnmp-agent/netsnmp-agent/mib/enginemib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp"
)

// itself is what the program tells of itself, as metrics and on its page.
type itself struct {
	started   time.Time
	server    *snmp.Server     // nil for a subagent
	listening []snmp.Address   // where the server does
	subagent  *agentx.Subagent // nil for an agent of its own
	file      *lastReading     // of the configuration
}

// lastReading is what became of the configuration file when it was read last.
type lastReading struct {
	mu   sync.Mutex
	err  error
	good time.Time
}

// set takes a reading that ends now.
func (l *lastReading) set(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err = err; err == nil {
		l.good = time.Now()
	}
}

// get returns when a reading succeeded last, and why the last one failed, nil where it did not.
func (l *lastReading) get() (good time.Time, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.good, l.err
}

var (
	programInfo    = prometheus.NewDesc("netstat_agent_info", "Which program exports this; always 1.", []string{"version"}, nil)
	programConfig  = prometheus.NewDesc("netstat_agent_config_last_reload_successful", "Whether the configuration file was good when it was read last: 0 where it was not, and the one before stays.", nil, nil)
	programRead    = prometheus.NewDesc("netstat_agent_config_last_reload_success_timestamp_seconds", "When a good configuration was read last.", nil, nil)
	engineCounters = prometheus.NewDesc("netstat_agent_snmp_total", "What the SNMP engine counts, by the name of the object that tells it (RFC 3418 and others).", []string{"object"}, nil)
	engineResults  = prometheus.NewDesc("netstat_agent_snmp_messages_total", "SNMP messages received, by what became of them: the error-status of the answer, or the name of the object that counts why there is none.", []string{"version", "result"}, nil)
	clientAnswered = prometheus.NewDesc("netstat_agent_snmp_client_answered_messages_total", "SNMP messages that were answered, by who sent them.", []string{"client", "version"}, nil)
	clientRefused  = prometheus.NewDesc("netstat_agent_snmp_client_refused_messages_total", "SNMP messages that were refused, by who sent them.", []string{"client", "version"}, nil)
	clientLast     = prometheus.NewDesc("netstat_agent_snmp_client_last_message_timestamp_seconds", "When the last SNMP message came, by who sent it.", []string{"client", "version"}, nil)
	sessionUp      = prometheus.NewDesc("netstat_agent_agentx_session_up", "Whether there is a session with the AgentX master.", nil, nil)
	sessionOpened  = prometheus.NewDesc("netstat_agent_agentx_session_opened_timestamp_seconds", "When the AgentX master opened the session that there is.", nil, nil)
	sessions       = prometheus.NewDesc("netstat_agent_agentx_sessions_total", "Sessions that the AgentX master opened.", nil, nil)
	registrations  = prometheus.NewDesc("netstat_agent_agentx_registrations", "Subtrees that the AgentX master was asked for, by whether it accepted them.", []string{"result"}, nil)
)

// Describe implements prometheus.Collector.
func (i itself) Describe(to chan<- *prometheus.Desc) {
	all := []*prometheus.Desc{programInfo, programConfig, programRead}
	if i.server != nil {
		all = append(all, engineCounters, engineResults, clientAnswered, clientRefused, clientLast)
	}
	if i.subagent != nil {
		all = append(all, sessionUp, sessionOpened, sessions, registrations)
	}
	for _, d := range all {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (i itself) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	counter := func(d *prometheus.Desc, value uint64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
	}
	gauge(programInfo, 1, commandline.Version(version))
	good, err := i.file.get()
	gauge(programConfig, truth(err == nil))
	gauge(programRead, seconds(good))
	if i.server != nil {
		for n, value := range i.server.Statistics() {
			counter(engineCounters, value, enginemib.Counter(n).String())
		}
		for _, r := range i.server.Results() {
			counter(engineResults, r.Messages, versionName(r.Version), r.Name)
		}
		for _, c := range clientsOf(i.server) {
			counter(clientAnswered, c.Answered, clientName(c), versionName(c.Version))
			counter(clientRefused, c.Refused, clientName(c), versionName(c.Version))
			gauge(clientLast, seconds(c.Last), clientName(c), versionName(c.Version))
		}
	}
	if i.subagent != nil {
		session := i.subagent.Session()
		gauge(sessionUp, truth(!session.Opened.IsZero()))
		if !session.Opened.IsZero() {
			gauge(sessionOpened, seconds(session.Opened))
		}
		counter(sessions, session.Sessions)
		gauge(registrations, float64(session.Registered), "accepted")
		gauge(registrations, float64(session.Refused), "refused")
	}
}

// clientsOf returns who sends messages, once for each address and version: what was sent before somebody was let in is
// added to what came later.
func clientsOf(server *snmp.Server) (all []snmp.Client) {
	for _, c := range server.Clients() {
		n := len(all) - 1
		if n < 0 || all[n].Addr != c.Addr || all[n].Version != c.Version {
			all = append(all, c)
			continue
		}
		was := &all[n]
		was.Answered, was.Refused = was.Answered+c.Answered, was.Refused+c.Refused
		if c.Last.After(was.Last) {
			was.Last = c.Last
		}
		if was.Reason == "" {
			was.Reason = c.Reason
		}
	}
	return all
}

// clientName is the label of a client, "other" for all who have no account of their own.
func clientName(c snmp.Client) string {
	if !c.Addr.IsValid() {
		return "other"
	}
	return c.Addr.String()
}

// versionName is the label of a version, as net-snmp's options have it; empty where a message does not tell.
func versionName(v snmp.Version) string {
	if v == 0 {
		return ""
	}
	return v.String()
}

func truth(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }
