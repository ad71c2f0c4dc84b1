package usm

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// NetSNMP is what an agent of net-snmp remembers in its persistent file, usually
// /var/lib/snmp/snmpd.conf.
type NetSNMP struct {
	EngineID EngineID // oldEngineID; "" where the file has none
	Boots    int32    // engineBoots
	Users    []User   // usmUser, all Kept
}

// Bounds of a persistent file: of its lines and its users.
const (
	maxLine  = 64 << 10
	maxLines = 1 << 20
	maxUsers = 1 << 16
)

// ReadNetSNMP reads net-snmp's persistent file; name is what errors call it. Whatever is not about
// users and the engine is passed over. A user that cannot be used is left out, and its line is in
// the error, which joins them: the rest is returned nevertheless. No error has a secret in it.
func ReadNetSNMP(name string, r io.Reader) (*NetSNMP, error) {
	found := &NetSNMP{}
	var problems []error
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	n := 0
	for n < maxLines && lines.Scan() {
		n++
		d := persistent{rest: lines.Text()}
		var err error
		switch directive := d.word(); {
		case strings.EqualFold(directive, "usmUser"):
			var u User
			u, err = d.user()
			switch {
			case errors.Is(err, errNotActive):
				err = nil
			case err == nil && len(found.Users) == maxUsers:
				err = fmt.Errorf("more than %d users", maxUsers)
			case err == nil:
				found.Users = append(found.Users, u)
			}
		case strings.EqualFold(directive, "engineBoots"):
			var boots uint64
			if boots, err = strconv.ParseUint(d.word(), 10, 31); err != nil {
				err = errors.New("not a number from 0 to 2147483647")
			} else {
				found.Boots = int32(boots)
			}
		case strings.EqualFold(directive, "oldEngineID"):
			var id EngineID
			if id, err = EngineID(d.octets()), d.err; err == nil {
				err = id.Check()
			}
			if err == nil {
				found.EngineID = id
			}
		}
		if err != nil {
			problems = append(problems, fmt.Errorf("%s:%d: %w", name, n, err))
		}
	}
	err := lines.Err()
	if n == maxLines {
		err = fmt.Errorf("more than %d lines", maxLines)
	}
	if err != nil {
		problems = append(problems, fmt.Errorf("%s: %w", name, err))
	}
	return found, errors.Join(problems...)
}

var (
	errNotActive = errors.New("not active")
	errEndsEarly = errors.New("the line ends early")
)

// persistent takes values off a line as read_config_read_octet_string and
// read_config_read_objid of net-snmp do. It keeps the first error.
type persistent struct {
	rest string
	err  error
}

// blanks are what isspace has.
const blanks = " \t\v\f\r\n"

func (d *persistent) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

func (d *persistent) word() string {
	d.rest = strings.TrimLeft(d.rest, blanks)
	i := strings.IndexAny(d.rest, blanks)
	if i < 0 {
		i = len(d.rest)
	}
	word := d.rest[:i]
	d.rest = d.rest[i:]
	return word
}

// octets takes a string in hexadecimal, in quotes, or as a word.
func (d *persistent) octets() string {
	d.rest = strings.TrimLeft(d.rest, blanks)
	switch {
	case d.rest == "":
		d.fail(errEndsEarly)
		return ""
	case len(d.rest) >= 2 && strings.EqualFold(d.rest[:2], "0x"):
		octets, err := hex.DecodeString(d.word()[2:])
		if err != nil {
			d.fail(errNotHexadecimal)
		}
		return string(octets)
	case d.rest[0] != '"' && d.rest[0] != '\'':
		return d.word()
	}
	var octets strings.Builder
	for i := 1; i < len(d.rest); i++ {
		switch c := d.rest[i]; {
		case c == d.rest[0]:
			d.rest = d.rest[i+1:]
			return octets.String()
		case c == '\\' && i+1 < len(d.rest):
			i++
			octets.WriteByte(d.rest[i])
		default:
			octets.WriteByte(c)
		}
	}
	d.fail(errors.New("a quote is not closed"))
	return ""
}

// oid takes an object identifier; NULL is the empty one.
func (d *persistent) oid() mib.OID {
	word := d.word()
	if word == "NULL" || d.err != nil {
		return mib.OID{}
	}
	o, err := mib.ParseOID(word)
	if err != nil {
		d.fail(errors.New("an object identifier is none"))
	}
	return o
}

// user parses "STATUS STORAGE ENGINE NAME SECURITYNAME CLONEFROM AUTH AUTHKEY PRIV PRIVKEY
// PUBLIC" (usm_read_user).
func (d *persistent) user() (User, error) {
	status := d.word()
	d.word() // storage type: what is in the file is kept
	u := User{EngineID: EngineID(d.octets()), Name: d.octets(), Kept: true}
	securityName := d.octets()
	u.CloneFrom = d.oid().String()
	auth := d.oid()
	u.AuthKey = NewSecret([]byte(d.octets()))
	priv := d.oid()
	privKey := d.octets()
	u.Public = d.octets()
	if d.err != nil {
		return User{}, d.err
	}
	if status != "1" { // active
		return User{}, errNotActive
	}
	if securityName != u.Name {
		return User{}, errors.New("the security name is not the user's name")
	}
	var known bool
	if u.Auth, known = HashOf(auth); !known {
		return User{}, fmt.Errorf("the authentication protocol %s is not known", auth)
	}
	if u.Priv, known = CipherOf(priv); !known {
		return User{}, fmt.Errorf("the privacy protocol %s is not known", priv)
	}
	// Earlier versions wrote more of the key than there is.
	u.PrivKey = NewSecret([]byte(privKey[:min(len(privKey), u.Priv.KeySize())]))
	return u, u.Check()
}
