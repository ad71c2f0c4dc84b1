package snmpdconf

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/snmp/protocol"
)

// files writes files into a folder of their own, and returns it.
func files(t *testing.T, texts map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range texts {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "DIR", dir)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// said returns the warnings of a text without the name of its file in front.
func said(c *Config) (all []string) {
	for _, w := range c.Warnings {
		all = append(all, strings.TrimPrefix(w.String(), "x.conf:"))
	}
	return all
}

// TestIncludes holds that files are included as snmpd includes them, in a definite order.
func TestIncludes(t *testing.T) {
	dir := files(t, map[string]string{
		"main.conf":         "sysName main\nincludeFile sub/relative.conf\nincludeDir DIR/d\nincludeFile DIR/nowhere.conf\nincludeDir DIR/nowhere\n[snmp]\nincludeFile client.conf\n[snmpd] sysLocation last\n",
		"sub/relative.conf": "rocommunity relative\nincludefile deeper.conf\n[snmp]\n",
		"sub/deeper.conf":   "rocommunity deeper",
		"d/10.conf":         "rocommunity ten\n",
		"d/2.conf":          "rocommunity two\n",
		"d/.conf":           "rocommunity no\n",
		"d/.a.conf":         "rocommunity no\n",
		"d/b.conf~":         "rocommunity no\n",
		"d/c.conf/x":        "rocommunity no\n",
		"client.conf":       "clientaddr 192.0.2.1\nsysName no\n",
	})
	path := filepath.Join(dir, "main.conf")
	c, err := ReadFile(t.Context(), path, Agent)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, community := range c.Communities {
		got = append(got, community.Name+" "+strings.TrimPrefix(community.Where, dir+"/"))
	}
	want := []string{"relative sub/relative.conf:1: rocommunity", "deeper sub/deeper.conf:1: rocommunity", "ten d/10.conf:1: rocommunity", "two d/2.conf:1: rocommunity"}
	if !slices.Equal(got, want) || *c.SysLocation != "last" || c.ClientAddr != netip.MustParseAddr("192.0.2.1") {
		t.Errorf("%q, %v", got, c.ClientAddr)
	}
	wanted := []string{path + ":4: includeFile: there is no file", path + ":5: includeDir: there is no folder", dir + "/client.conf:2: unknown directive"}
	if len(c.Warnings) != len(wanted) {
		t.Fatalf("%q", c.Warnings)
	}
	for i, w := range c.Warnings {
		if !strings.HasPrefix(w.String(), wanted[i]) {
			t.Errorf("%q, want %q", w, wanted[i])
		}
	}
	t.Setenv("SNMPCONFPATH", filepath.Join(dir, "sub")+":"+filepath.Join(dir, "d"))
	for _, name := range []string{"2", "2.conf"} {
		if c := parsed(t, "includeSearch "+name+"\n"); len(c.Communities) != 1 || c.Communities[0].Name != "two" {
			t.Errorf("%s: %v, %v", name, c.Communities, c.Warnings)
		}
	}
	if c := parsed(t, "includeSearch nobody\n"); len(c.Warnings) != 1 {
		t.Error(c.Warnings)
	}
}

// TestIncludesRefused holds that what cannot be read is not passed over, since it may say who is not let in, and that there
// are bounds.
func TestIncludesRefused(t *testing.T) {
	dir := files(t, map[string]string{
		"loop.conf": "includeFile loop.conf\n", "folder/x": "", "include.conf": "include x\n", "Include.conf": "IncludeDir x\n", "long.conf": strings.Repeat("#", maxFile/2),
		"folder.conf": "includeFile folder\n", "file.conf": "includeDir DIR/loop.conf\n", "twice.conf": strings.Repeat("includeFile long.conf\n", 3),
		"slip.conf": "includFile x\n", "unclosed.conf": "[snmp disableSNMPv2c yes\n",
	})
	for name, want := range map[string]string{
		"loop.conf": "loop.conf:1: includeFile: files include each other more than 16 deep", "folder.conf": "folder.conf:1: includeFile: ",
		"file.conf": "file.conf:1: includeDir: ", "include.conf": "include.conf:1: include: snmpd does not heed it", "twice.conf": "long.conf: longer than",
		"Include.conf": "did you mean includeDir?", "slip.conf": "did you mean includeFile?", "nowhere": "no such file", "unclosed.conf": "ends with ]",
	} {
		if _, err := ReadFile(t.Context(), filepath.Join(dir, name), Agent); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", name, err, want)
		}
	}
	if _, err := ReadFile(t.Context(), filepath.Join(dir, "nowhere"), Agent); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	many := files(t, map[string]string{"main.conf": strings.Repeat("includeFile empty.conf\n", maxFiles+1), "empty.conf": ""})
	if _, err := ReadFile(t.Context(), filepath.Join(many, "main.conf"), Agent); err == nil || !strings.Contains(err.Error(), "more than 4096 files") {
		t.Error(err)
	}
}

// TestWarnings holds what a file may say in vain, and that the rest of it counts.
func TestWarnings(t *testing.T) {
	long := strings.Repeat("x", 300)
	for line, want := range map[string]string{
		"master agentx":                       "2: master: the agent is no AgentX master",
		"DISK / 10%":                          "2: DISK: the objects that it is about are not served",
		"extend a /bin/true":                  "2: extend: no program is run here",
		"pass .1.3.6.1.4.1.8 /bin/x":          "2: pass: no program is run here",
		"pass -p 10 .1.3.6.1.2.1.1.1 /bin/x":  "2: pass: no program is run here: objects that it would override are shown as this agent has them",
		"pass_persist system.1 /bin/x":        "shown as this agent has them",
		"override -rw sysDescr.0 octet_str x": "shown as this agent has them",
		"proxy -v 1 -c x h .1":                "2: proxy: no other agent",
		"agentuser nobody":                    "the agent stays the user",
		"agentaddress unix:/x,udp:161":        "2: agentaddress: nobody can ask over unix here",
		"agentaddress dtlsudp:161,161":        "over dtlsudp here",
		"sysServices 200":                     "2: sysServices: \"200\" is not a number from 0 to 127: it is not heeded",
		"sysServices many # x":                "is not heeded",
		"sysObjectID 9.9.9":                   "is not the name of anything",
		"sysObjectID 1.40":                    "is not the name of anything",
		"sysObjectID 1":                       "is not the name of anything",
		"sysObjectID 1.x":                     "is neither an object identifier",
		"sysName " + long:                     "at most 255",
		"linkUpDownNotifications maybe":       "\"maybe\" is neither yes nor no",
		"authtrapenable yes":                  "\"yes\" is neither 1 nor 2",
		"maxGetbulkRepeats -2":                "\"-2\" is not a number",
		"maxGetbulkResponses 2147483648":      "is not a number from",
		"foo bar":                             "2: unknown directive, which is not heeded",
		"sysLocatoin x":                       "2: unknown directive, which is not heeded (did you mean sysLocation?)",
		"mibs +ALL":                           "2: unknown directive",
		"[snmp] mibs +ALL":                    "2: mibs: it has no effect here",
		"[snmp] persistentDir /var":           "2: persistentDir: what must last is kept below --state",
		"[snmp] sysName x":                    "2: unknown directive",
		"[agentx] agentXTimeout 1":            "2: agentXTimeout: the agent is no AgentX master",
		"[agentx] sysName x":                  "2: unknown directive",
		"[snmptrapd] disableAuthorization 1":  "2: there is no such section: the line is not heeded",
		"[snmptrapd] # a comment":             "2: there is no such section: what follows belongs to the one before",
		"rocommunity":                         "2: rocommunity: Blank line following rocommunity token.",
		"com2sec6 # x":                        "2: com2sec6: Blank line following com2sec6 token.",
		"includeDir":                          "2: includeDir: has no argument",
		"sourceFilterAddress 192.0.2.1":       "sourceFilterType is not supported",
	} {
		c, err := Parse(t.Context(), "x.conf", strings.NewReader("sysContact before\n"+line+"\nrocommunity behind\n"))
		if err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if got := said(c); len(got) != 1 || !strings.Contains(got[0], want) || !strings.HasPrefix(got[0], "2: ") {
			t.Errorf("%.60s: said %q, want %q", line, got, want)
		}
		if len(c.Communities) != 1 || c.Communities[0].Name != "behind" {
			t.Errorf("%.60s: the community behind it is not there: %v", line, c.Communities)
		}
	}
}

// TestReadTwice holds that a community that snmpd reads otherwise is what it says, and warned of.
func TestReadTwice(t *testing.T) {
	c := parsed(t, "rocommunity it's\nrwcommunity6 \"a\\\\\"\ncom2sec a default it's\n")
	if got := []string{c.Communities[0].Name, c.Communities[1].Name, c.Communities[2].Name}; !slices.Equal(got, []string{"it's", `a\`, "it's"}) {
		t.Errorf("%q", got)
	}
	if got := said(c); len(got) != 2 || !strings.HasPrefix(got[0], "1: ") || !strings.HasPrefix(got[1], "2: ") {
		t.Errorf("said %q", got)
	}
}

// TestNotOnlyWarned holds that nothing is passed over that may keep somebody from something.
func TestNotOnlyWarned(t *testing.T) {
	for line, want := range map[string]string{
		"veiw all excluded .1":                "unknown directive (did you mean view?)",
		"comsec a b c":                        "did you mean com2sec?",
		"rocommuntiy a default -V v":          "did you mean rocommunity?",
		"agentadress udp:127.0.0.1:161":       "did you mean agentaddress?",
		"[snmp] disableSNMPv2 yes":            "did you mean disableSNMPv",
		"disableSNMPv2c maybe":                "the choice is yes",
		"[snmp] rocommunity a":                "rocommunity does not belong to the section snmp",
		"fipps yes":                           "did you mean fips?",
		"sourceFilterType acceptlist":         "is not supported",
		"rocommunity a 192.0.2.0/33 -V v":     "bad mask length",
		"rocommunity a @net -V v":             "netgroup",
		"rocommunity6 a fe80::1%lo":           "has a zone",
		"com2sec a 192.0.2.1/24 b":            "source/mask mismatch",
		"agentaddress unix:/x":                "no address is left to listen on",
		"agentaddress ,":                      "no address is left to listen on",
		"agentaddress udp:192.0.2.5@lo:161":   "one interface",
		"rocommunity a\x00":                   "has a NUL",
		"# a comment\x00 that would go on in": "has a NUL",
		"rocommunity \"a 192.0.2.5":           "is not closed",
	} {
		_, err := Parse(t.Context(), "x.conf", strings.NewReader("sysContact before\n"+line+"\nrocommunity behind\n"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", line, err, want)
		}
	}
}

// TestSections holds which directives count behind [NAME].
func TestSections(t *testing.T) {
	c := parsed(t, "\ufeff[snmp]\ndisableSNMPv1 true\nclientaddr 192.0.2.1\n[snmpd] sysName here\ndisableSNMPv3 no\n[snmpd]\nrocommunity a\n[SNMP] disableSNMPv2c 1\nsysContact me\n[agentx] agentXSocket tcp:localhost:705\n")
	if len(c.Warnings) > 0 || *c.SysName != "here" || *c.SysContact != "me" || len(c.Communities) != 1 || !c.ClientAddr.IsValid() || c.AgentXSocket == nil ||
		!slices.Equal(c.Without, []protocol.Version{protocol.V1, protocol.V2c}) {
		t.Errorf("%+v", c)
	}
}

// TestSubagent holds that a subagent heeds what is for it, and has a warning of each other line: none keeps it from its work.
func TestSubagent(t *testing.T) {
	dir := files(t, map[string]string{"snmpd.conf": `agentXSocket tcp:localhost:705
netnsContexts *
linkUpDownNotifications no
sysName here
agentaddress unix:/x
rocommunity a @netgroup
trapsink nms/32
extend x
veiw x
`})
	c, err := ReadFile(t.Context(), filepath.Join(dir, "snmpd.conf"), Subagent)
	if err != nil {
		t.Fatal(err)
	}
	if c.AgentXSocket == nil || len(c.NetNSContexts) != 1 || *c.LinkUpDownNotifications || *c.SysName != "here" || c.GivesAccess {
		t.Errorf("%+v", c)
	}
	if len(c.Warnings) != 5 || !strings.HasSuffix(c.Warnings[0].String(), "snmpd.conf:5: agentaddress: a subagent does not heed it: it is for the master") {
		t.Errorf("%q", c.Warnings)
	}
}

// TestNoSecretIsTold holds that nothing that is said of a file has a secret in it, wherever it stands, or more than a bounded part
// of what it was given; and that none is sent to the resolver.
func TestNoSecretIsTold(t *testing.T) {
	const secret = "xyzzy1plugh"
	lines := []string{
		secret, secret + " x", "x" + secret + "=y", "\"" + secret, "[" + secret, "[" + secret + "] x", "# " + secret + "\x00", "rocomunity " + secret, "createUser u " + secret, "createUser u MD5 " + secret + " " + secret,
		"createUser u MD5 short" + secret + " DES " + secret + " " + secret, "createUser u SHA \"" + secret, "rouser u " + secret, "rouser u auth " + secret, "trapcommunity " + secret + " " + secret,
		"trapsink h c " + secret, "trapsink h c 1 " + secret, "trapsink -" + secret + " h", "trap2sink " + secret + " 192.0.2.1", "trapsess -v3 -u u -a " + secret + " h", "trapsess -v3 -" + secret + " h",
		"trapsess -v3 -u u -l auth -A " + secret + " -x " + secret + " h", "trapsess -v2c -c " + secret + " -t " + secret + " h",
		"rocommunity 192.0.2.0/24 " + secret, "rocommunity default " + secret, "rocommunity localhost " + secret, "rocommunity6 2001:db8::/32 " + secret, "com2sec a " + secret + " default",
		"com2sec a " + secret + "/8 192.0.2.1", "rocommunity default 192.0.2.0/24 " + secret, "rocommunity default default -V " + strings.Repeat(secret, 9), "rocommunity a b/" + secret,
		"rocommunity a 192.0.2.0/" + secret, "rocommunity 192.0.2.0/24 " + secret + "!", "rocommunity a " + secret + "$", "com2sec a default b " + secret, "rocommunity -v 3 " + secret,
		"proxy -v 2c -c " + secret + " h .1", "smuxpeer .1.3 " + secret, "[snmp] defCommunity " + secret, "[snmp] defPassphrase " + secret, "root:$6$" + secret + ":19000:0:99999:7:::",
	}
	for _, line := range lines {
		t.Run(line, func(t *testing.T) {
			text, err := LoadFrom(t.Context(), "x.conf", strings.NewReader("sysName x\n"+line+"\n"), sections...)
			if err != nil {
				t.Fatal(err)
			}
			o := origin{name: "x.conf", text: text, names: names{lookUp: func(context.Context, string, string) ([]netip.Addr, error) { return nil, errors.New("no") }}}
			c, err := o.config()
			if all := fmt.Sprint(err, c.Warnings); strings.Contains(all, secret) || strings.Contains(all, secret[:6]) {
				t.Errorf("said %s", all)
			}
			for name := range o.names.all {
				if strings.Contains(name.host, secret) {
					t.Error("the resolver is asked for it")
				}
			}
		})
	}
	for _, text := range []string{
		"rocommunity a " + strings.Repeat("h", 1<<19), "rocommunity " + strings.Repeat("h", 1<<19), "view a included " + strings.Repeat("h", 1<<19), strings.Repeat("view x\n", 1<<16),
		"includeFile " + strings.Repeat("h", 1<<19), "includeDir " + strings.Repeat("h", 1<<19), "sysServices " + strings.Repeat("h", 1<<19), "agentaddress " + strings.Repeat("h", 1<<19),
	} {
		c, err := Parse(t.Context(), "x.conf", strings.NewReader("sysContact me\n"+text))
		if err != nil && len(err.Error()) > 10_000 {
			t.Errorf("%.20s: an error of %d octets", text, len(err.Error()))
		}
		for _, w := range c.Warnings {
			if len(w.String()) > 500 {
				t.Errorf("%.20s: a warning of %d octets", text, len(w.String()))
			}
		}
	}
}

// TestAnotherFile holds that a file that is none of snmpd's is refused, without a word of it.
func TestAnotherFile(t *testing.T) {
	_, err := Parse(t.Context(), "/etc/shadow", strings.NewReader("root:$6$salt$hash:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\n"))
	if err == nil || err.Error() != "/etc/shadow: none of its lines is one of snmpd.conf: is it another file?" {
		t.Error(err)
	}
	if c := parsed(t, "# nothing\n"); len(c.Warnings) > 0 {
		t.Error(c.Warnings)
	}
}

// TestSwapped holds that a community is not taken for a host's name.
func TestSwapped(t *testing.T) {
	for line, refused := range map[string]bool{
		"rocommunity 192.0.2.0/24 secret": true, "rocommunity6 ::1 secret": true, "rocommunity default secret": true, "com2sec a secret 192.0.2.1": true,
		"trap2sink public 192.0.2.1": true, "rocommunity 192.0.2.1 192.0.2.5": false, "rocommunity 192.0.2.1": false, "rocommunity secret localhost": false, "trap2sink nms public": false,
	} {
		_, err := Parse(t.Context(), "x.conf", strings.NewReader(line+"\n"))
		if refused != (err != nil && strings.Contains(err.Error(), "are the two swapped?")) {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// TestPublicFile holds that a file with secrets that any user can read is warned of, and no other.
func TestPublicFile(t *testing.T) {
	for text, want := range map[string]bool{
		"rocommunity public\n": false, "rocommunity secret\n": true, "createUser u\n": false, "createUser u SHA passphrase\n": true, "trap2sink 192.0.2.1\n": false,
		"trap2sink 192.0.2.1 secret\n": true, "trapcommunity secret\n": true, "trapsess -v3 -u u -l auth -A passphrase 192.0.2.1\n": true, "com2sec a default secret\n": true, "sysName x\n": false,
	} {
		dir := files(t, map[string]string{"main.conf": "includeFile x.conf\n", "x.conf": text})
		path := filepath.Join(dir, "x.conf")
		for mode, public := range map[os.FileMode]bool{0o600: false, 0o640: false, 0o644: true} {
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			c, err := ReadFile(t.Context(), filepath.Join(dir, "main.conf"), Agent)
			if err != nil {
				t.Fatal(err)
			}
			if got := len(c.Warnings) == 1 && c.Warnings[0].Where == path; got != (want && public) {
				t.Errorf("%q, mode %o: %v", text, mode, c.Warnings)
			}
		}
	}
}

// TestHostsThatAreNotFound holds that a file with such a host counts for all others, that nobody is let in to more than if the host
// were known, and that it counts as soon as it is.
func TestHostsThatAreNotFound(t *testing.T) {
	known := map[string]netip.Addr{}
	resolver := func(_ context.Context, _, host string) ([]netip.Addr, error) {
		if a, ok := known[host]; ok {
			return []netip.Addr{a}, nil
		}
		return nil, &net.DNSError{Err: "no such host", Name: host, Server: "192.0.2.53"}
	}
	const text = `rocommunity same late
rocommunity same 192.0.2.0/24
rocommunity confined late -V v
rocommunity confined
rocommunity other
com2sec shut !late shut
com2sec shut default shut
com2sec6 shut default shut
rwcommunity more 192.0.2.5
rocommunity more late
rwcommunity more
v1trapaddress late
`
	read, err := LoadFrom(t.Context(), "x.conf", strings.NewReader(text), sections...)
	if err != nil {
		t.Fatal(err)
	}
	o := &origin{name: "x.conf", text: read, names: names{lookUp: resolver}}
	if _, err := o.config(); err != nil {
		t.Fatal(err)
	}
	o.names.lookup(t.Context())
	lines := func(c *Config) (all []string) {
		for _, community := range c.Communities {
			line := strings.Split(community.Where, ":")[1]
			if !slices.Contains(all, line) {
				all = append(all, line)
			}
		}
		return all
	}
	c, err := o.config()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := lines(c), []string{"2", "5", "8", "9"}; !slices.Equal(got, want) {
		t.Errorf("the lines %q let somebody in, want %q", got, want)
	}
	var warned []string
	for _, w := range said(c) {
		warned = append(warned, strings.Split(w, ":")[0])
		if strings.Contains(w, "192.0.2.53") {
			t.Errorf("the resolver's address is in %q", w)
		}
	}
	if want := []string{"1", "3", "4", "6", "7", "10", "11", "12"}; !slices.Equal(warned, want) {
		t.Errorf("the lines %q are warned of, want %q: %q", warned, want, said(c))
	}
	if !c.LacksHosts() {
		t.Error("it does not say so")
	}
	if next, err := c.LookUpAgain(t.Context()); next != nil || err != nil {
		t.Errorf("%v, %v", next, err)
	}
	known["late"] = netip.MustParseAddr("192.0.2.77")
	next, err := c.LookUpAgain(t.Context())
	if err != nil || next == nil {
		t.Fatal(err)
	}
	if got := lines(next); len(got) != 11 || next.LacksHosts() || len(next.Warnings) > 0 || next.V1TrapAddress != known["late"] {
		t.Errorf("the lines %q let somebody in; %q", got, next.Warnings)
	}
}

// FuzzRead holds that any text is read within bounds, and that each line is of the file.
func FuzzRead(f *testing.F) {
	f.Add("[snmp] a\n[b]\n\"c\" 'd\n[snmp\nx\x00\n\ufeff # \\\n")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(strings.ToLower(text), "include") {
			return // files would be read
		}
		read, err := LoadFrom(t.Context(), "fuzz", strings.NewReader(text), sections...)
		if err != nil {
			t.Fatal(err)
		}
		last := 0
		for _, l := range read.Lines {
			if l.File != "fuzz" || l.Number <= last || l.Err == nil && !slices.Contains(sections, l.Section) || strings.ContainsAny(l.Rest, "\n\x00") || strings.Trim(l.Rest, blanks) != l.Rest {
				t.Fatalf("%q: %+v", text, l)
			}
			last = l.Number
		}
		if len(read.Lines)+len(read.Strangers) > strings.Count(text, "\n")+1 {
			t.Fatalf("%q has %d lines", text, len(read.Lines))
		}
	})
}
