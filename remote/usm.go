package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/netip"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gosnmp/gosnmp"

	"github.com/netsnmp-agent/netsnmp-agent/internal/ber"
	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

var gosnmpAuth = map[AuthType]gosnmp.SnmpV3AuthProtocol{
	AuthNone: gosnmp.NoAuth, AuthMD5: gosnmp.MD5, AuthSHA: gosnmp.SHA,
	AuthSHA224: gosnmp.SHA224, AuthSHA256: gosnmp.SHA256, AuthSHA384: gosnmp.SHA384, AuthSHA512: gosnmp.SHA512,
}

var gosnmpPriv = map[PrivType]gosnmp.SnmpV3PrivProtocol{
	PrivNone: gosnmp.NoPriv, PrivDES: gosnmp.DES, PrivAES: gosnmp.AES,
	PrivAES192: gosnmp.AES192, PrivAES256: gosnmp.AES256, PrivAES192C: gosnmp.AES192C, PrivAES256C: gosnmp.AES256C,
}

var gosnmpLevel = map[SecurityLevel]gosnmp.SnmpV3MsgFlags{
	NoAuthNoPriv: gosnmp.NoAuthNoPriv, AuthNoPriv: gosnmp.AuthNoPriv, AuthPriv: gosnmp.AuthPriv,
}

// knownEngine is what the agent's answers told of its engine, so that one session of a host
// discovers it and not each.
type knownEngine struct {
	mu          sync.Mutex
	id          string // "" for none
	boots, time uint32
	at          time.Time // when the engine's time was that
}

// tell puts what is known into the parameters of a session that begins.
func (e *knownEngine) tell(to *gosnmp.UsmSecurityParameters) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.id == "" {
		return nil
	}
	to.AuthoritativeEngineID, to.AuthoritativeEngineBoots = e.id, e.boots
	to.AuthoritativeEngineTime = e.time + uint32(time.Since(e.at)/time.Second)
	return to.InitSecurityKeys()
}

// learn takes in what a session has, after an answer that is authentic where that is asked for.
func (e *knownEngine) learn(from *gosnmp.UsmSecurityParameters) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.id, e.boots, e.time = from.AuthoritativeEngineID, from.AuthoritativeEngineBoots, from.AuthoritativeEngineTime
	e.at = time.Now()
}

// forget has the engine discovered again.
func (e *knownEngine) forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.id = ""
}

// usmSession speaks SNMPv3 through gosnmp, which discovers the engine,
// localises the keys, checks every answer's authenticity and synchronises
// times again when the agent asks for it. Each attempt is one of gosnmp's own,
// so that a repeated request can be a smaller one.
type usmSession struct {
	to     *target
	config *Config
	engine *knownEngine
	strays *strays
	there  *atomic.Bool   // set once the agent answered, if only with its engine ID
	client *gosnmp.GoSNMP // nil until it is connected
	conn   *guardedConn
	// refused is the counter in the Report that the last attempt at what is
	// asked met.
	refused mib.OID
}

func (s *usmSession) close() {
	if s.client != nil {
		_ = s.client.Close()
		s.client = nil
	}
}

func (s *usmSession) dial(ctx context.Context, timeout time.Duration) error {
	c := s.config
	level := gosnmpLevel[c.SecurityLevel]
	security := &gosnmp.UsmSecurityParameters{
		UserName: c.SecurityName, AuthenticationProtocol: gosnmp.NoAuth, PrivacyProtocol: gosnmp.NoPriv,
	}
	// What the level does not use is not given, as it would be used.
	if c.SecurityLevel >= AuthNoPriv {
		security.AuthenticationProtocol = gosnmpAuth[c.AuthType]
		security.AuthenticationPassphrase = string(c.AuthPassphrase)
	}
	if c.SecurityLevel == AuthPriv {
		security.PrivacyProtocol = gosnmpPriv[c.PrivType]
		security.PrivacyPassphrase = string(c.PrivPassphrase)
	}
	host, err := s.to.dialled(ctx, time.Now().Add(timeout))
	if err != nil {
		return s.undialled(ctx, err)
	}
	if err := s.engine.tell(security); err != nil {
		return err
	}
	client := &gosnmp.GoSNMP{
		ContextEngineID: cmp.Or(c.ContextEngineID, security.AuthoritativeEngineID),
		Target:          host, Port: s.to.port, Transport: s.to.network,
		Version: gosnmp.Version3, SecurityModel: gosnmp.UserSecurityModel, MsgFlags: level,
		SecurityParameters: security, ContextName: c.Context,
		MaxOids: math.MaxInt32, Timeout: timeout, Context: ctx,
	}
	if err := client.Connect(); err != nil {
		return s.undialled(ctx, err)
	}
	conn, err := s.strays.through(client.Conn)
	if err != nil {
		return s.undialled(ctx, err)
	}
	s.conn = &guardedConn{Conn: conn, stream: s.to.isStream()}
	client.Conn = s.conn
	s.client = client
	return nil
}

// undialled turns the error of a connection that could not be made into an attempt's.
func (s *usmSession) undialled(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return s.to.dialError(err)
}

func (s *usmSession) exchange(ctx context.Context, r *request, attempt int, timeout time.Duration, a *answer) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if attempt == 0 {
		s.refused = mib.OID{}
	}
	if s.client == nil {
		if err := s.dial(ctx, timeout); err != nil {
			return err
		}
	}
	conn := s.conn
	if ctx.Done() != nil {
		interrupted := make(chan struct{})
		stop := context.AfterFunc(ctx, func() {
			conn.interrupt(true)
			close(interrupted)
		})
		defer func() {
			if !stop() {
				<-interrupted
				conn.interrupt(false)
			}
		}()
	}
	// gosnmp looks at the context's deadline itself and gives another error
	// where it comes before the timeout; it is ours to look at.
	s.client.Context = context.WithoutCancel(ctx)
	s.client.Timeout = timeout
	names := make([]string, len(r.names))
	for i, name := range r.names {
		names[i] = "." + name.String()
	}
	var packet *gosnmp.SnmpPacket
	var err error
	switch r.pdu {
	case ber.GetBulkRequest:
		packet, err = s.client.GetBulk(names, uint8(r.nonRepeaters), uint32(r.repetitions))
	case ber.GetNextRequest:
		packet, err = s.client.GetNext(names)
	default:
		packet, err = s.client.Get(names)
	}
	if security, ok := s.client.SecurityParameters.(*gosnmp.UsmSecurityParameters); ok && security.AuthoritativeEngineID != "" {
		s.there.Store(true)
		if err == nil {
			s.engine.learn(security)
		}
	}
	if err != nil {
		return s.fault(ctx, err, packet)
	}
	if packet.PDUType == gosnmp.Report {
		return tryAgain(errors.New("the agent reports a fault"))
	}
	*a = answer{variables: a.variables[:0], status: mib.Status(packet.Error), index: int(packet.ErrorIndex), attempt: attempt, octets: conn.octets}
	for i := range packet.Variables {
		v, err := convert(&packet.Variables[i])
		if err != nil {
			return &malformedError{fmt.Errorf("variable %d: %w", i+1, err)}
		}
		a.variables = append(a.variables, v)
	}
	return nil
}

// fault says in the terms of this package what gosnmp's errors mean. With some comes the
// packet that they are about.
func (s *usmSession) fault(ctx context.Context, err error, packet *gosnmp.SnmpPacket) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	switch {
	case errors.Is(err, gosnmp.ErrUnknownReportPDU):
		if of := s.contextFault(packet); of != nil {
			return of
		}
	case errors.Is(err, gosnmp.ErrUnknownUsername):
		return s.refusal(usmStatsUnknownUserNames)
	case errors.Is(err, gosnmp.ErrWrongDigest):
		return s.refusal(usmStatsWrongDigests)
	case errors.Is(err, gosnmp.ErrUnknownSecurityLevel):
		return s.refusal(usmStatsUnsupportedSecLevels)
	case errors.Is(err, gosnmp.ErrDecryption):
		return s.refusal(usmStatsDecryptionErrors)
	case errors.Is(err, gosnmp.ErrMaxRetriesExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		err = os.ErrDeadlineExceeded
	case strings.Contains(err.Error(), "not authentic"):
		// The Reports that say what is wrong carry no authentication, as they
		// cannot, and gosnmp takes none that does not. One may be somebody
		// else's; two in a row are believed.
		counter, _ := s.conn.reported()
		again := counter == s.refused
		s.refused = counter
		// Or the agent began anew, with another engine ID: it is discovered again.
		s.close()
		s.engine.forget()
		err = s.refusal(counter)
		if again && errors.Is(err, fs.ErrPermission) {
			return err
		}
	}
	if s.to.isStream() {
		s.close()
	}
	return tryAgain(err)
}

// contextFault is the error for a Report about the context, nil for any other.
func (s *usmSession) contextFault(report *gosnmp.SnmpPacket) error {
	if report == nil || len(report.Variables) != 1 {
		return nil
	}
	switch v, _ := convert(&report.Variables[0]); v.name {
	case snmpUnknownContexts:
		return fmt.Errorf("the agent does not have the context %q", s.config.Context)
	case snmpUnavailableContexts:
		return tryAgain(fmt.Errorf("the agent cannot show the context %q now", s.config.Context))
	}
	return nil
}

// refusal is the error for the counter in a Report.
func (s *usmSession) refusal(counter mib.OID) error {
	var why string
	switch counter {
	case usmStatsUnknownUserNames:
		why = "the agent knows no such security name"
	case usmStatsWrongDigests:
		why = "the agent finds the authentication passphrase or protocol wrong"
	case usmStatsUnsupportedSecLevels:
		why = fmt.Sprintf("the agent does not have the security level %v for the security name", s.config.SecurityLevel)
	case usmStatsDecryptionErrors:
		why = "the agent finds the privacy passphrase or protocol wrong"
	case usmStatsUnknownEngineIDs:
		return errors.New("the agent began anew with another engine ID")
	default:
		return errors.New("the answer is not authentic")
	}
	return fmt.Errorf("%s: %w", why, fs.ErrPermission)
}

// convert copies a variable of gosnmp's, whose octets are its receive buffer.
func convert(v *gosnmp.SnmpPDU) (variable, error) {
	name, err := mib.ParseOID(v.Name)
	if err != nil {
		return variable{}, err
	}
	value, err := convertValue(v)
	if err != nil {
		value = mib.Exception(mib.Null)
	}
	return variable{name, value, err}, nil
}

func convertValue(v *gosnmp.SnmpPDU) (mib.Value, error) {
	bad := fmt.Errorf("value of type 0x%02x does not decode", byte(v.Type))
	switch v.Type {
	case gosnmp.Integer:
		n, ok := v.Value.(int)
		switch {
		case ok && n > math.MaxInt32:
			return mib.Count64(uint64(n)), nil
		case !ok || n < math.MinInt32:
			return mib.Value{}, bad
		}
		return mib.Int(int32(n)), nil
	case gosnmp.Counter32, gosnmp.Gauge32, gosnmp.TimeTicks, gosnmp.Counter64:
		var n uint64
		switch t := v.Value.(type) {
		case uint:
			n = uint64(t)
		case uint32:
			n = uint64(t)
		case uint64:
			n = t
		default:
			return mib.Value{}, bad
		}
		if v.Type != gosnmp.Counter64 && n > math.MaxUint32 {
			return mib.Value{}, bad
		}
		return number(mib.Type(v.Type), n), nil
	case gosnmp.OctetString:
		octets, ok := v.Value.([]byte)
		if !ok {
			return mib.Value{}, bad
		}
		return mib.Octets(string(octets)), nil
	case gosnmp.ObjectIdentifier:
		text, _ := v.Value.(string)
		if text == "" || text == "." {
			return mib.OIDValue(mib.MakeOID(0, 0)), nil // as decodeValue
		}
		o, err := mib.ParseOID(text)
		if err != nil {
			return mib.Value{}, err
		}
		return mib.OIDValue(o), nil
	case gosnmp.IPAddress:
		text, _ := v.Value.(string)
		addr, err := netip.ParseAddr(text)
		if err != nil || !addr.Is4() {
			return mib.Value{}, bad
		}
		return mib.AddrValue(addr), nil
	case gosnmp.Null, gosnmp.NoSuchObject, gosnmp.NoSuchInstance, gosnmp.EndOfMibView:
		return mib.Exception(mib.Type(v.Type)), nil
	}
	return mib.Value{}, bad
}
