package snmpdconf

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/usm"
	"github.com/netsnmp-agent/netsnmp-agent/snmp/vacm"
)

// Community is whom a community makes of who sends it from a network. The list has an order: the first one
// that has the name and the source counts, Deny as well.
type Community struct {
	Name   string
	Source netip.Prefix
	Deny   bool // "!": nobody is let in from there with that name
	// SecurityName is what Access knows it by.
	SecurityName string
	Context      string // the SNMP context that is asked; "" is the default one
	Where        string // "FILE:LINE: DIRECTIVE"
}

// absent is a line with a host's name that was not found. Lines behind it that let the community do something else
// have no effect until it is: its own may confine that host.
type absent struct {
	community string
	families  []secured
	rights    string
	where     string
}

// User is a user that createUser makes.
type User struct {
	usm.Credentials
	// EngineID is where the user is, "" for this engine.
	EngineID usm.EngineID
	Where    string // "FILE:LINE: DIRECTIVE"
}

// Need is something that lines ask of who reads them, beyond communities that read everything.
type Need string

// Needs.
const (
	Users         Need = "SNMPv3"
	Views         Need = "restricting access to part of the tree"
	Groups        Need = "mapping communities to groups and these to views"
	Contexts      Need = "giving access to a context"
	Denying       Need = "shutting out a source"
	Notifications Need = "giving access to notifications"
	LocalSockets  Need = "SNMP over sockets of the local family"
	// SystemGroup is what the system group says.
	SystemGroup Need = "a system group"
	// V3Notifications lets nobody in.
	V3Notifications Need = "notifications by SNMPv3"
)

// Needed is a Need and the line that has it.
type Needed struct {
	Need  Need
	Where string // "FILE:LINE: DIRECTIVE"
}

func (c *Config) need(n Need, where string) {
	c.Needs = append(c.Needs, Needed{n, where})
}

// Texts of net-snmp, which its tests look for.
var (
	errNoContext    = errors.New("missing CONTEXT_NAME parameter")
	errLongContext  = errors.New("context name too long")
	errNoName       = errors.New("missing NAME parameter")
	errEmptyName    = errors.New("empty NAME parameter")
	errLongName     = errors.New("security name too long")
	errNoSource     = errors.New("missing SOURCE parameter")
	errEmptySource  = errors.New("empty SOURCE parameter")
	errExample      = errors.New("example config NETWORK not properly configured")
	errNoCommunity  = errors.New("missing COMMUNITY parameter")
	errEmpty        = errors.New("empty COMMUNITY parameter")
	errExampleWord  = errors.New("example config COMMUNITY not properly configured")
	errLong         = errors.New("community name too long")
	errNoSockpath   = errors.New("missing SOCKPATH parameter")
	errEmptyPath    = errors.New("empty SOCKPATH parameter")
	errLongSockpath = errors.New("sockpath too long")
)

// maxName is the longest name of a view, a group, a context and so on, in octets.
const maxName = 32

// secured is what com2sec is for: IPv4, IPv6 or the local family.
type secured int

const (
	overIPv4  secured = 4
	overIPv6  secured = 6
	overLocal secured = 1
)

// bounds of com2sec's words in octets: each kind has its own in net-snmp.
func (s secured) bounds() (context, name, community int) {
	if s == overLocal {
		return maxName + 1, maxName + 1, 254
	}
	return maxName, maxName, 256
}

// maxSockpath is the longest path of a socket (unix(7), sun_path).
const maxSockpath = 107

// com2sec parses "[-Cn CONTEXT] NAME SOURCE COMMUNITY".
func com2sec(family secured) func(*Config, string, string) error {
	return func(c *Config, where, rest string) error {
		a := arguments{rest: rest}
		maxContext, maxSecurityName, maxCommunity := family.bounds()
		context, name := "", a.next()
		if name == "-Cn" {
			if !a.more() {
				return errNoContext
			}
			context = a.next()
			if len(context) > maxContext {
				return errLongContext
			}
			if !a.more() {
				return errNoName
			}
			name = a.next()
		}
		switch {
		case a.err != nil:
			return a.err
		case name == "":
			return errEmptyName
		case len(name) > maxSecurityName:
			return errLongName
		case !a.more() && family == overLocal:
			return errNoSockpath
		case !a.more():
			return errNoSource
		}
		source := a.next()
		switch {
		case family == overLocal && source == "":
			return errEmptyPath
		case family == overLocal && len(source) > maxSockpath:
			return errLongSockpath
		case source == "":
			return errEmptySource
		case family != overLocal && strings.HasPrefix(source, "NETWORK"):
			return errExample
		case !a.more():
			return errNoCommunity
		}
		community := a.next()
		switch {
		case a.err != nil:
			return a.err
		case community == "":
			return errEmpty
		case community == "COMMUNITY":
			return errExampleWord
		case len(community) > maxCommunity:
			return errLong
		}
		if err := a.nothing("community"); err != nil {
			return err
		}
		c.need(Groups, where)
		c.GivesAccess = true
		c.secret(community)
		if family == overLocal {
			c.need(LocalSockets, where)
			return nil
		}
		rights := fmt.Sprintf("com2sec %q %q", name, context)
		return c.addCommunity(Community{Name: community, SecurityName: name, Context: context, Where: where}, source, []secured{family}, rights)
	}
}

// errSwapped is of a line that would send a community to the resolver.
var errSwapped = errors.New("the source is a name and the community is an address: are the two swapped?")

// addCommunity adds to the ordered list. Communities of the same rights may do the same.
func (c *Config) addCommunity(community Community, source string, families []secured, rights string) error {
	source, community.Deny = strings.CutPrefix(source, "!")
	if community.Deny {
		c.need(Denying, community.Where)
		rights = ""
	}
	if community.Context != "" {
		c.need(Contexts, community.Where)
	}
	if !isSource(source) && !strings.Contains(source, "/") && isSource(community.Name) {
		return errSwapped
	}
	prefixes, err := c.sources(source, families)
	if missing := (*notFoundError)(nil); errors.As(err, &missing) {
		c.absent = append(c.absent, absent{community.Name, families, rights, community.Where})
		c.warn(community.Where, missing.Error()+": the line lets nobody in until it is")
		return nil
	}
	if err != nil {
		return err
	}
	for _, a := range c.absent {
		if a.community == community.Name && a.rights != rights && !community.Deny && slices.ContainsFunc(families, func(f secured) bool { return slices.Contains(a.families, f) }) {
			c.warn(community.Where, fmt.Sprintf("it lets nobody in until the host is found that %s names: that line may confine it", a.where))
			return nil
		}
	}
	for _, p := range prefixes {
		community.Source = p
		c.Communities = append(c.Communities, community)
	}
	return nil
}

// sources parses the source of a community over some families. One that only one of them has is that one's.
func (c *Config) sources(source string, families []secured) (all []netip.Prefix, err error) {
	for _, family := range families {
		of, failed := parseSource(source, int(family), &c.from.names)
		if err == nil {
			err = failed
		}
		all = append(all, of...)
	}
	if len(all) > 0 {
		return all, nil
	}
	return nil, err
}

// views are the view types of access, and those that others than agents have.
var views = map[string]vacm.ViewType{"read": vacm.Read, "write": vacm.Write, "notify": vacm.Notify}

// viewTypes parses "read,write", also with | or : between.
func viewTypes(word string) ([]vacm.ViewType, error) {
	var types []vacm.ViewType
	for _, name := range strings.FieldsFunc(word, func(r rune) bool { return strings.ContainsRune(",|:", r) }) {
		t, ok := views[name]
		switch {
		case ok:
			types = append(types, t)
		case name == "log" || name == "execute" || name == "net":
			return nil, fmt.Errorf("access type %q is for snmptrapd", name)
		default:
			return nil, fmt.Errorf("access type %q is none of read, write and notify", shorten(name))
		}
	}
	if len(types) == 0 {
		return nil, errors.New("needs access types: read, write, notify")
	}
	return types, nil
}

// simple is a directive that gives access to one community, user or group.
type simple struct {
	directive string // which of the three
	families  []secured
}

// gives is rocommunity and its kin, of which the types of access follow from the name.
func (s simple) gives(types ...vacm.ViewType) func(*Config, string, string) error {
	return func(c *Config, where, rest string) error {
		return c.simple(s, types, &arguments{rest: rest}, where)
	}
}

// auth is authcommunity and its kin, of which the first argument is the types.
func (s simple) auth(c *Config, where, rest string) error {
	a := &arguments{rest: rest}
	types, err := viewTypes(a.next())
	if err != nil {
		return err
	}
	return c.simple(s, types, a, where)
}

// simple parses "[-v VERSION] COMMUNITY [SOURCE [OID | -V VIEW [CONTEXT]]]" and "[-s MODEL] USER
// [LEVEL [OID | -V VIEW [CONTEXT]]]", and adds what vacm_create_simple of net-snmp makes of it.
func (c *Config) simple(s simple, types []vacm.ViewType, a *arguments, where string) error {
	of := s.directive
	if !a.more() {
		return fmt.Errorf("needs a %s", of)
	}
	model, name := vacm.Any, a.next()
	community := len(s.families) > 0
	if !community {
		model = vacm.USM
	}
	if option := map[bool]string{true: "-v", false: "-s"}[community]; name == option {
		var err error
		if model, err = securityModel(a.next(), community); err != nil {
			return err
		}
		name = a.next()
	}
	if a.err == nil && name == "" {
		return fmt.Errorf("needs a %s", of)
	}
	source, level := "default", vacm.AuthNoPriv
	if community {
		level = vacm.NoAuthNoPriv
		switch {
		case name == "COMMUNITY":
			return errExampleWord
		case len(name) > 255:
			return errLong
		case strings.ContainsAny(name, `'\`): // it makes a com2sec line of it, with the name between apostrophes
			c.warn(where, `the community has a ' or a \, which snmpd reads otherwise: com2sec has one that both read alike`)
		}
		if a.more() {
			if source = a.next(); source == "" {
				return errEmptySource
			}
			if strings.HasPrefix(source, "NETWORK") {
				return errExample
			}
		}
	} else {
		if len(name) > maxName {
			return errLongName
		}
		if a.more() {
			var err error
			if level, err = securityLevel(a.next()); err != nil {
				return err
			}
		}
	}
	view, subtree, err := viewOf(a)
	if err != nil {
		return err
	}
	context, prefix, err := contextOf(a)
	if err != nil {
		return err
	}
	if err := a.nothing("context"); err != nil {
		return err
	}
	return c.addSimple(s, types, simpleAccess{name, source, model, level, view, subtree, context, prefix}, where)
}

// simpleAccess is what the arguments of a simple directive say.
type simpleAccess struct {
	name, source string
	model        vacm.SecurityModel
	level        vacm.Level
	view         string
	subtree      *mib.OID // of which a view is to be made
	context      string
	prefix       bool
}

// all is the name of the view of everything; it is there always, as in net-snmp.
const all = "_all_"

// viewOf parses "[OID | -V VIEW]".
func viewOf(a *arguments) (view string, subtree *mib.OID, err error) {
	if !a.more() {
		return all, nil, a.err
	}
	word := a.next()
	if word == "-V" {
		if view = a.next(); view == "" || len(view) > maxName {
			return "", nil, fmt.Errorf("-V needs the name of a view, of at most %d octets", maxName)
		}
		return view, nil, a.err
	}
	o, err := parseOID(word)
	if err != nil { // it may be a community, out of its place
		return "", nil, errors.New("what follows is neither an object identifier nor a name that is known here, nor -V and a view")
	}
	return "", &o, nil
}

// contextOf parses "[CONTEXT | CONTEXT*]"; none is each of them.
func contextOf(a *arguments) (context string, prefix bool, err error) {
	if !a.more() {
		return "", true, a.err
	}
	context = a.next()
	if context == "" {
		return "", false, errors.New("a context cannot be blank: specify none for any context")
	}
	context, prefix = strings.CutSuffix(context, "*")
	if len(context) > maxName {
		return "", false, errLongContext
	}
	return context, prefix, nil
}

// addSimple adds a view, a security name, a group and its access.
func (c *Config) addSimple(s simple, types []vacm.ViewType, w simpleAccess, where string) error {
	c.simples++
	c.GivesAccess = true
	rights := fmt.Sprintf("%d %d %q %v %q %t", types, w.model, w.view, w.subtree, w.context, w.prefix)
	if len(s.families) > 0 {
		c.secret(w.name)
	}
	if w.subtree != nil {
		w.view = fmt.Sprintf("view%s%d", map[bool]string{true: "Comm", false: "USM"}[len(s.families) > 0], c.simples)
		c.Access.Families = append(c.Access.Families, vacm.Family{View: w.view, Subtree: *w.subtree})
	}
	if w.view != all {
		c.need(Views, where)
	}
	if slices.Contains(types, vacm.Notify) {
		c.need(Notifications, where)
	}
	if w.context != "" {
		c.need(Contexts, where)
	}
	group := w.name
	switch {
	case len(s.families) > 0:
		securityName := fmt.Sprintf("comm%d", c.simples)
		group = "grp" + securityName
		community := Community{Name: w.name, SecurityName: securityName, Context: w.context, Where: where}
		if err := c.addCommunity(community, w.source, s.families, rights); err != nil {
			return err
		}
		for _, model := range []vacm.SecurityModel{vacm.SNMPv1, vacm.SNMPv2c} {
			if w.model == vacm.Any || w.model == model {
				c.Access.Groups = append(c.Access.Groups, vacm.Group{Model: model, SecurityName: securityName, Name: group})
			}
		}
	case s.directive == "group":
		c.need(Users, where)
	default:
		c.need(Users, where)
		group = c.groupOf(w.name)
		c.Access.Groups = append(c.Access.Groups, vacm.Group{Model: w.model, SecurityName: w.name, Name: group})
	}
	if slices.Equal(types, []vacm.ViewType{vacm.Read}) || slices.Equal(types, []vacm.ViewType{vacm.Read, vacm.Write}) {
		entry := vacm.Access{Group: group, ContextPrefix: w.context, Prefix: w.prefix, Model: w.model, Level: w.level}
		entry.Views = [3]string{w.view, "none", "none"}
		if len(types) > 1 {
			entry.Views = [3]string{w.view, w.view, w.view}
		}
		c.Access.Access = append(c.Access.Access, entry)
		return nil
	}
	c.setAccess(vacm.Access{Group: group, ContextPrefix: w.context, Prefix: w.prefix, Model: w.model, Level: w.level}, types, w.view)
	return nil
}

// groupOf returns the group of a user, which net-snmp makes of the name. Two names never have one.
func (c *Config) groupOf(user string) string {
	if name, ok := c.groups[user]; ok {
		return name
	}
	name := []byte("grp" + user[:min(len(user), 28)])
	for i, b := range name {
		if (b|0x20 < 'a' || b|0x20 > 'z') && (b < '0' || b > '9') {
			name[i] = '_'
		}
	}
	group := string(name)
	for i := 2; c.taken[group]; i++ {
		number := "_" + strconv.Itoa(i)
		group = string(name[:min(len(name), maxName-len(number))]) + number
	}
	c.groups[user], c.taken[group] = group, true
	return group
}

// setAccess changes the views of the entry that a request at that level would have, as setaccess of net-snmp
// does, or adds one.
func (c *Config) setAccess(entry vacm.Access, types []vacm.ViewType, view string) {
	var found *vacm.Access
	for i := range c.Access.Access {
		a := &c.Access.Access[i]
		if a.Group == entry.Group && (a.Model == vacm.Any || a.Model == entry.Model) && a.Level <= entry.Level &&
			(a.ContextPrefix == entry.ContextPrefix || a.Prefix && strings.HasPrefix(entry.ContextPrefix, a.ContextPrefix)) &&
			(found == nil || a.Level > found.Level) {
			found = a
		}
	}
	if found == nil {
		c.Access.Access = append(c.Access.Access, entry)
		found = &c.Access.Access[len(c.Access.Access)-1]
	}
	found.Prefix = entry.Prefix
	for _, t := range types {
		found.Views[t] = view
	}
}

// securityModel parses v1, v2c, usm or any; a version of a community 1 and 2c as well.
func securityModel(word string, community bool) (vacm.SecurityModel, error) {
	switch word := strings.ToLower(word); {
	case word == "any" && !community:
		return vacm.Any, nil
	case word == "v1" || word == "1" && community:
		return vacm.SNMPv1, nil
	case word == "v2c" || word == "2c" && community:
		return vacm.SNMPv2c, nil
	case word == "usm" && !community:
		return vacm.USM, nil
	case community:
		return 0, errors.New("-v needs a version: 1 or 2c")
	}
	return 0, errors.New("bad security model, should be: v1, v2c or usm")
}

// securityLevel parses noauth, auth, priv and their longer forms.
func securityLevel(word string) (vacm.Level, error) {
	switch strings.ToLower(word) {
	case "noauth", "noauthnopriv":
		return vacm.NoAuthNoPriv, nil
	case "auth", "authnopriv":
		return vacm.AuthNoPriv, nil
	case "priv", "authpriv":
		return vacm.AuthPriv, nil
	}
	return 0, errors.New("bad security level (noauthnopriv, authnopriv, authpriv)")
}

// group parses "GROUP MODEL SECURITYNAME".
func group(c *Config, where, rest string) error {
	a := arguments{rest: rest}
	name, model, security := a.next(), a.next(), a.next()
	switch {
	case a.err != nil:
		return a.err
	case name == "":
		return errors.New("missing GROUP parameter")
	case model == "":
		return errors.New("missing MODEL parameter")
	case security == "":
		return errors.New("missing SECURITY parameter")
	case len(name) > maxName:
		return errors.New("group name too long")
	case len(security) > maxName:
		return errLongName
	}
	if err := a.nothing("security name"); err != nil {
		return err
	}
	m, err := securityModel(model, false)
	if err != nil {
		return err
	}
	c.need(Groups, where)
	if m == vacm.USM {
		c.need(Users, where)
	}
	c.Access.Groups = append(c.Access.Groups, vacm.Group{Model: m, SecurityName: security, Name: name})
	return nil
}

// entryOf parses "NAME CONTEXT MODEL LEVEL MATCH", of which access and setaccess begin.
func entryOf(args []string) (entry vacm.Access, err error) {
	for i, name := range []string{"NAME", "CONTEXT", "MODEL", "LEVEL", "PREFIX"} {
		if i >= len(args) {
			return entry, fmt.Errorf("missing %s parameter", name)
		}
	}
	entry = vacm.Access{Group: args[0], ContextPrefix: args[1]}
	if args[1] == `""` || args[1] == `''` {
		entry.ContextPrefix = ""
	}
	switch {
	case len(entry.Group) > maxName:
		return entry, errors.New("group name too long")
	case len(entry.ContextPrefix) > maxName:
		return entry, errLongContext
	}
	if entry.Model, err = securityModel(args[2], false); err != nil {
		return entry, err
	}
	if entry.Level, err = securityLevel(args[3]); err != nil {
		return entry, err
	}
	switch args[4] {
	case "exact", "0": // net-snmp, too, takes 0 for exact
	case "prefix":
		entry.Prefix = true
	default:
		return entry, errors.New("bad prefix match parameter, should be: exact or prefix")
	}
	return entry, nil
}

// access parses "NAME CONTEXT MODEL LEVEL MATCH READ WRITE NOTIFY".
func access(c *Config, where, rest string) error {
	args := words(rest)
	entry, err := entryOf(args)
	if err != nil {
		return err
	}
	for i, name := range []string{"readView", "writeView", "notifyView"} {
		switch {
		case len(args) <= 5+i:
			return fmt.Errorf("missing %s parameter", name)
		case len(args[5+i]) > maxName:
			return fmt.Errorf("%s too long", name)
		}
		entry.Views[i] = args[5+i]
	}
	c.needEntry(entry, where)
	c.Access.Access = append(c.Access.Access, entry)
	return nil
}

func (c *Config) needEntry(entry vacm.Access, where string) {
	c.need(Groups, where)
	if entry.ContextPrefix != "" {
		c.need(Contexts, where)
	}
	if entry.Views[vacm.Notify] != "" && entry.Views[vacm.Notify] != "none" {
		c.need(Notifications, where)
	}
}

// setAccess parses "NAME CONTEXT MODEL LEVEL MATCH TYPE VIEW".
func setAccess(c *Config, where, rest string) error {
	args := words(rest)
	entry, err := entryOf(args)
	switch {
	case err != nil:
		return err
	case len(args) < 6:
		return errors.New("missing viewname parameter")
	case len(args) < 7:
		return errors.New("missing viewval parameter")
	case len(args[6]) > maxName:
		return errors.New("View value too long") //nolint:staticcheck // net-snmp's text
	}
	types, err := viewTypes(args[5])
	if err != nil {
		return err
	}
	if len(types) > 1 {
		return errors.New("Illegal view name") //nolint:staticcheck // net-snmp's text
	}
	c.setAccess(entry, types, args[6])
	entry.Views[types[0]] = args[6]
	c.needEntry(entry, where)
	return nil
}

// authAccess parses "TYPES GROUP [-s MODEL] VIEW [LEVEL [CONTEXT | CONTEXT*]]".
func authAccess(c *Config, where, rest string) error {
	args := words(rest)
	if len(args) == 0 {
		return errors.New("needs access types: read, write, notify")
	}
	types, err := viewTypes(args[0])
	if err != nil {
		return err
	}
	if args = args[1:]; len(args) == 0 {
		return errors.New("missing GROUP parameter")
	}
	entry := vacm.Access{Group: args[0], Level: vacm.AuthNoPriv}
	if args = args[1:]; len(args) > 1 && strings.EqualFold(args[0], "-s") {
		if entry.Model, err = securityModel(args[1], false); err != nil {
			return err
		}
		args = args[2:]
	}
	if len(args) == 0 {
		return errors.New("missing VIEW parameter")
	}
	view := args[0]
	if len(args) > 1 {
		if entry.Level, err = securityLevel(args[1]); err != nil {
			return err
		}
	}
	if len(args) > 2 {
		entry.ContextPrefix, entry.Prefix = strings.CutSuffix(args[2], "*")
	}
	switch {
	case len(args) > 3:
		return errors.New("more follows the context")
	case len(entry.Group) > maxName:
		return errors.New("group name too long")
	case len(view) > maxName:
		return errors.New("View value too long") //nolint:staticcheck // net-snmp's text
	case len(entry.ContextPrefix) > maxName:
		return errLongContext
	}
	c.setAccess(entry, types, view)
	for _, t := range types {
		entry.Views[t] = view
	}
	c.needEntry(entry, where)
	return nil
}

// view parses "NAME included|excluded SUBTREE [MASK]".
func view(c *Config, where, rest string) error {
	args := words(rest)
	for i, name := range []string{"NAME", "TYPE", "SUBTREE"} {
		if i >= len(args) {
			return fmt.Errorf("missing %s parameter", name)
		}
	}
	f := vacm.Family{View: args[0]}
	switch args[1] {
	case "included":
	case "excluded":
		f.Excluded = true
	default:
		return errors.New("TYPE must be included/excluded?")
	}
	if len(f.View) > maxName {
		return errors.New("view name too long")
	}
	var err error
	if f.Subtree, err = parseOID(args[2]); err != nil {
		return fmt.Errorf("bad SUBTREE object id: %w", err)
	}
	if f.Mask, err = parseMask(args[3:]); err != nil {
		return err
	}
	c.need(Views, where)
	c.Access.Families = append(c.Access.Families, f)
	return nil
}

// parseMask parses octets in hexadecimal with blanks, dots or colons between.
func parseMask(args []string) (mask []byte, err error) {
	for _, octet := range strings.FieldsFunc(strings.Join(args, "."), func(r rune) bool { return r == '.' || r == ':' }) {
		n, err := strconv.ParseUint(strings.TrimPrefix(strings.ToLower(octet), "0x"), 16, 8)
		if err != nil {
			return nil, fmt.Errorf("invalid MASK: %q is not an octet in hexadecimal; between octets stands a point or a colon", shorten(octet))
		}
		if mask = append(mask, byte(n)); len(mask) > 16 {
			return nil, errors.New("MASK too long")
		}
	}
	return mask, nil
}

// createUser parses "[-e ENGINEID] NAME [HASH [-m|-l] SECRET [CIPHER [[-m|-l] SECRET]]]". No error has
// anything of what may be a secret in it.
func createUser(c *Config, where, rest string) error {
	a := arguments{rest: rest}
	u := User{Where: where}
	u.Name = a.next()
	if u.Name == "-e" {
		var err error
		if u.EngineID, err = usm.ParseEngineID(a.next()); err != nil {
			return fmt.Errorf("invalid EngineID argument to -e: %w", err)
		}
		u.Name = a.next()
	}
	if err := usm.CheckName(u.Name); err != nil {
		return errors.Join(a.err, err)
	}
	if a.more() {
		if err := u.authentication(&a); err != nil {
			return err
		}
	}
	if a.more() {
		return errors.New("more follows the last secret")
	}
	if a.err != nil {
		return a.err
	}
	// What cannot become keys is found here, whatever the engine is.
	if _, err := u.Localize(anyEngine); err != nil {
		return err
	}
	if u.Auth != usm.NoAuth {
		c.secrets[c.at.File] = true
	}
	c.need(Users, where)
	c.Users = append(c.Users, u)
	return nil
}

// What is no protocol may be a secret.
var (
	errHash   = errors.New("the authentication protocols are MD5, SHA, SHA-224, SHA-256, SHA-384 and SHA-512")
	errCipher = errors.New("the privacy protocols are DES, AES, AES-192, AES-256, AES-192-C and AES-256-C")
)

// anyEngine stands for an engine that is not known yet.
const anyEngine usm.EngineID = "any engine"

func (u *User) authentication(a *arguments) (err error) {
	if u.Auth, err = usm.ParseHash(a.next()); err != nil {
		return errHash
	}
	if u.AuthForm, u.AuthSecret, err = secret(a); err != nil {
		return fmt.Errorf("authentication: %w", err)
	}
	if !a.more() {
		return a.err
	}
	if u.Priv, err = usm.ParseCipher(a.next()); err != nil {
		return errCipher
	}
	if !a.more() {
		return a.err
	}
	if u.PrivForm, u.PrivSecret, err = secret(a); err != nil {
		return fmt.Errorf("privacy: %w", err)
	}
	return nil
}

// secret parses "PASSPHRASE", "-m KEY" or "-l KEY".
func secret(a *arguments) (usm.Form, usm.Secret, error) {
	form, word := usm.Passphrase, a.next()
	switch word {
	case "-m":
		form, word = usm.MasterKey, a.next()
	case "-l":
		form, word = usm.LocalizedKey, a.next()
	}
	if a.err != nil {
		return 0, usm.Secret{}, a.err
	}
	if word == "" {
		return 0, usm.Secret{}, errors.New("needs a passphrase, or -m or -l and a key")
	}
	if form == usm.Passphrase {
		return form, usm.NewSecret([]byte(word)), nil
	}
	digits := word
	if len(word) >= 2 && strings.EqualFold(word[:2], "0x") {
		digits = word[2:]
	}
	key, err := hex.DecodeString(digits)
	if err != nil || len(key) == 0 {
		return 0, usm.Secret{}, errors.New("a key is hexadecimal digits, an even number of them")
	}
	return form, usm.NewSecret(key), nil
}

// engineID parses exactEngineID, in hexadecimal, and engineID, a text.
func engineID(parse func(string) (usm.EngineID, error)) func(*Config, string, string) error {
	return func(c *Config, where, rest string) error {
		word, err := one(rest, "engine ID")
		if err != nil {
			return err
		}
		if c.EngineID, err = parse(word); err != nil {
			return err
		}
		c.need(Users, where)
		return nil
	}
}
