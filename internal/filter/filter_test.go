package filter

import (
	"errors"
	"maps"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
)

// thing is a row with a field of every type.
type thing struct {
	name, state string
	port, other uint16
	n           int64
	uid         uint32
	rate        float64
	up          bool
	age         time.Duration
	from, to    string
	net         string
	dev         string
	table       uint32
	words       []string
	processes   []table.Object
	limit       int64         // negative: none
	linger      time.Duration // negative: it does not
	unknown     bool
}

var things = &table.Kind[thing]{Name: "thing", Fields: []table.Field[thing]{
	{Name: "name", Type: table.String, Value: func(x *thing) table.Value { return table.Text(x.name) }},
	{Name: "interface", Type: table.Interface, Value: func(x *thing) table.Value { return table.Text(x.dev) }},
	{Name: "table", Type: table.RouteTable, Value: func(x *thing) table.Value { return table.Uint(x.table) }},
	{Name: "state", Type: table.Keyword, Words: []string{"LISTEN", "TIME-WAIT"}, Synonyms: map[string]string{"listening": "LISTEN"},
		Value: func(x *thing) table.Value { return table.Word(x.state) }},
	{Name: "localPort", Type: table.Port, Value: func(x *thing) table.Value { return table.Uint(x.port) }},
	{Name: "remotePort", Type: table.Port, Value: func(x *thing) table.Value { return table.Uint(x.other) }},
	{Name: "n", Type: table.Integer, Value: func(x *thing) table.Value {
		if x.unknown {
			return table.Value{}
		}
		return table.Int(x.n)
	}},
	{Name: "uid", Type: table.User, Value: func(x *thing) table.Value { return table.Uint(x.uid) }},
	{Name: "rate", Type: table.Number, Value: func(x *thing) table.Value { return table.Float(x.rate) }},
	{Name: "up", Type: table.Boolean, Value: func(x *thing) table.Value { return table.Bool(x.up) }},
	{Name: "age", Type: table.Duration, Value: func(x *thing) table.Value { return table.Seconds(x.age) }},
	{Name: "from", Type: table.Address, Value: func(x *thing) table.Value { return address(x.from) }},
	{Name: "to", Type: table.Address, Value: func(x *thing) table.Value { return address(x.to) }},
	{Name: "net", Type: table.Prefix, Value: func(x *thing) table.Value {
		if x.net == "" {
			return table.Value{}
		}
		return table.Net(netip.MustParsePrefix(x.net))
	}},
	{Name: "words", Type: table.Strings, Value: func(x *thing) table.Value { return table.Words(x.words) }},
	{Name: "processes", Type: table.Objects, Value: func(x *thing) table.Value { return table.List(x.processes) }},
	{Name: "settings", Type: table.Compound, Value: func(x *thing) table.Value { return table.Members(nil) }},
	{Name: "LIMIT", Type: table.IntegerOrFalse, Within: "settings", Value: func(x *thing) table.Value {
		if x.limit < 0 {
			return table.Bool(false)
		}
		return table.Int(x.limit)
	}},
	{Name: "LINGER", Type: table.DurationOrFalse, Within: "settings", Value: func(x *thing) table.Value {
		if x.linger < 0 {
			return table.Bool(false)
		}
		return table.Seconds(x.linger)
	}},
}, Aliases: map[string][]string{"port": {"localPort", "remotePort"}, "addr": {"from", "to"}, "process": {"processes"}, "user": {"uid"}}}

func address(s string) table.Value {
	if s == "" {
		return table.Value{}
	}
	return table.Addr(netip.MustParseAddr(s))
}

var named = Names{
	Port: func(name string) (uint16, bool) { return 443, name == "https" },
	User: func(name string) (uint32, bool) { return 33, name == "www-data" },

	RouteTable: func(name string) (uint32, bool) { return 254, name == "main" },
}

func (x *thing) value(field int) table.Value { return things.Fields[field].Value(x) }

var subject = thing{
	name: "web server", dev: "eth0", table: 254, state: "TIME-WAIT", port: 443, other: 50000, n: -7, uid: 33, rate: 2.5, up: true, age: 1500 * time.Millisecond,
	from: "::ffff:10.1.2.3", to: "fe80::1%eth0", net: "10.0.0.0/16", words: []string{"sack", "ts"},
	processes: []table.Object{{{Name: "pid", Value: table.Int(812)}, {Name: "name", Value: table.Text("nginx")}}},
	limit:     4096, linger: -1,
}

func TestMatch(t *testing.T) {
	for text, want := range map[string]bool{
		`state=time_wait`: true, `state=listening`: false, `STATE=Time-Wait`: true, `state!=listen`: true, `state=listen,timewait`: true, `state~WAIT$`: true,
		`table=main`: true, `table=254`: true, `table>=main`: true, `table!=main`: false, `table=1,main`: true, `interface=eth0`: true, `interface~^eth`: true, `interface!=lo`: true,
		`name="web server"`: true, `name=web`: false, `name~^web`: true, `name!~^web`: false, `name = "web server" and n = -7`: true,
		`port=443`: true, `port=50000`: true, `port=444`: false, `port=80,443`: true, `port=https`: true, `localPort = :443`: true, `port=:https,:80`: true, `port=:80`: false, `port!=443`: false, `localPort>1000`: false, `port>1000`: true,
		`port=0x1bb`: true, `n<0`: true, `n>=-7`: true, `n>-7`: false, `n<=-8`: false, `n==-7`: true,
		`uid=33`: true, `user=www-data`: true, `user=0,"www-data"`: true, `user!=www-data`: false, `user=34`: false, `user<www-data`: false,
		`rate=2.5`: true, `rate>2.4 and rate<2.6`: true, `up=yes`: true, `up=false`: false, `age>1s`: true, `age=1.5`: true, `age<1500ms`: false,
		`from=10.0.0.0/8`: true, `from=10.1.2.3`: true, `from=::ffff:10.1.2.3`: true, `from=11.0.0.0/8`: false, `addr=fe80::/10`: true, `to=fe80::1%eth0`: true, `to=fe80::1%eth1`: false, `to=fe80::1`: true,
		`net=10.0.0.0/16`: true, `net=10.0.0.0/8`: false, `net=10.0.9.9`: true, `net=10.1.0.0`: false, `net<=10.0.0.0/8`: true, `net<10.0.0.0/16`: false, `net>=10.0.3.0/24`: true, `net>10.0.0.0/16`: false,
		`words=ts`: true, `words=wscale`: false, `words~^s`: true,
		`process=nginx`: true, `process=812`: true, `process=813`: false, `process~ngi`: true, `process!=apache`: true,
		`LIMIT=4096`: true, `limit>4000`: true, `LIMIT=false`: false, `LIMIT!=false`: true, `LIMIT=no,4096`: true, `LINGER=off`: true, `linger=False`: true, `LINGER!=off`: false,
		`LINGER=0`: false, `LINGER<1s`: false, `LINGER>=0`: false,
		`n=1 or n=-7`: true, `not n=1`: true, `not (n=1 or n=-7)`: false, `n=1 and n=2 or n=-7`: true, `n=-7 or n=1 and n=2`: true, `NOT NOT n=-7`: true, `((n=-7))`: true,
		`n=-7 AND port=443 and state=time-wait`: true, `name=and`: false,
	} {
		e, err := Parse(text, things, named)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := e.Match(subject.value); got != want {
			t.Errorf("%s is %v", text, got)
		}
		again, err := Parse(e.String(things), things, named)
		if err != nil || again.Match(subject.value) != want {
			t.Errorf("%s written as %s: %v", text, e.String(things), err)
		}
	}
}

// What is not known fulfils nothing but the contrary of a comparison.
func TestUnknown(t *testing.T) {
	empty := thing{unknown: true}
	for text, want := range map[string]bool{
		`n=0`: false, `n<1`: false, `n>=0`: false, `n!=0`: true, `name=""`: false, `name!=x`: true, `from=0.0.0.0/0`: false, `from!=10.0.0.1`: true,
		`net<=0.0.0.0/0`: false, `words=x`: false, `process=1`: false, `not n=0`: true,
	} {
		e, err := Parse(text, things, Names{})
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := e.Match(empty.value); got != want {
			t.Errorf("%s is %v", text, got)
		}
	}
}

func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		``:                               `position 1, the end: expected the name of a field`,
		`nope=1`:                         `position 1, "nope": expected the name of a field: name, interface,`,
		`n`:                              `position 2, the end: expected one of = != < <= > >= ~ !~`,
		`n=`:                             `position 3, the end: expected a value`,
		`n=x`:                            `position 3, "x": expected an integer as n`,
		`n=1 n=2`:                        `position 5, "n": expected "and", "or" or the end`,
		`(n=1`:                           `position 5, the end: expected "and", "or" or ")"`,
		`n=1)`:                           `position 4, ")": expected "and", "or" or the end`,
		`n=1,`:                           `position 5, the end: expected a value`,
		`n~1`:                            `position 2, "~": expected one of = != < <= > >=, which n can be compared by`,
		`name<1`:                         `position 5, "<": expected one of = != ~ !~, which name can be compared by`,
		`name~"("`:                       `position 6, "\"": expected a regular expression (missing closing ): `,
		`name="x`:                        `position 6, "\"": expected a value`,
		`state=foo`:                      `position 7, "foo": expected one of LISTEN, TIME-WAIT as state`,
		`port=httpx`:                     `position 6, "httpx": expected a port or the name of a service`,
		`n=1 and user=nobody-else`:       `position 14, "nobody-else": expected the number or the name of a user as user`,
		`table=mian`:                     `position 7, "mian": expected the number or the name of a routing table as table`,
		`table=1 or table=x`:             `position 18, "x": expected the number or the name of a routing table as table`,
		`interface<1`:                    `position 10, "<": expected one of = != ~ !~, which interface can be compared by`,
		`n=https`:                        `position 3, "https": expected an integer as n`,
		`n=www-data`:                     `position 3, "www-data": expected an integer as n`,
		`port=www-data`:                  `position 6, "www-data": expected a port or the name of a service`,
		`port=::1`:                       `position 6, "::1": expected a port or the name of a service`,
		`uid=:33`:                        `position 5, ":33": expected the number or the name of a user as uid`,
		`uid=https`:                      `position 5, "https": expected the number or the name of a user as uid`,
		`user~www`:                       `position 5, "~": expected one of = != < <= > >=, which uid can be compared by`,
		`from=10.0.0.0/33`:               `position 6, "10.0.0.0/33": expected an address or a prefix such as 192.0.2.0/24 as from`,
		`ü=1`:                            `position 1, "ü": expected the name of a field`,
		`n=1 and`:                        `position 8, the end: expected the name of a field`,
		`and=1`:                          `position 1, "and": expected the name of a field`,
		`n!1`:                            `position 2, "!": expected one of`,
		`settings=1`:                     `position 1, "settings": expected the name of something in settings`,
		`LIMIT=some`:                     `position 7, "some": expected an integer, or false as LIMIT`,
		`LINGER=true`:                    `position 8, "true": expected seconds, or a duration such as "150ms", or false as LINGER`,
		`up=maybe`:                       `expected true or false as up`,
		`age=soon`:                       `expected seconds, or a duration such as "150ms" as age`,
		`rate=NaN`:                       `expected a number as rate`,
		strings.Repeat("(", 200) + "n=1": `expected at most 100 levels`,
		strings.Repeat("x", longest+1):   `expected at most 65536 bytes`,
	} {
		_, err := Parse(text, things, named)
		var e *Error
		if !errors.As(err, &e) || !strings.Contains(err.Error(), want) {
			if len(text) > 50 {
				text = text[:50] + "..."
			}
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
}

// Without anybody who knows names there are numbers.
func TestNumbersOnly(t *testing.T) {
	for text, want := range map[string]string{"uid=www-data": "expected the number of a user as uid", "localPort=https": "expected an integer as localPort", "port=https": "expected an integer as port", "table=main": "expected an integer as table"} {
		if _, err := Parse(text, things, Names{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	if _, err := Parse("uid=33 and localPort=443 and table=254", things, Names{}); err != nil {
		t.Error(err)
	}
}

// An interface has the name that a stack has for it, wherever the expression asks for a
// name, and of no other field.
func TestWithInterfaces(t *testing.T) {
	const text = `interface=alt,eth0 and not (interface!=alt or interface~alt or name=alt) and interface!=other`
	e, err := Parse(text, things, named)
	if err != nil {
		t.Fatal(err)
	}
	wanted := make(map[string]bool)
	renamed := e.WithInterfaces(things, func(name string, w bool) string {
		wanted[name] = wanted[name] || w
		return strings.Replace(name, "alt", "eth1", 1)
	})
	if want := map[string]bool{"alt": true, "eth0": true, "other": false}; !maps.Equal(wanted, want) {
		t.Errorf("asked for %v, want %v", wanted, want)
	}
	for _, c := range []struct {
		e    *Expr
		x    thing
		want bool
	}{
		{e, thing{dev: "alt"}, false}, // for interface~alt
		{renamed, thing{dev: "eth1"}, true}, {renamed, thing{dev: "eth1", name: "alt"}, false}, {renamed, thing{dev: "alt"}, false},
		{renamed, thing{dev: "eth0"}, false}, {e, thing{dev: "eth1"}, false},
	} {
		if got := c.e.Match(func(field int) table.Value { return things.Fields[field].Value(&c.x) }); got != c.want {
			t.Errorf("%+v: %v", c.x, got)
		}
	}
}

func TestConjuncts(t *testing.T) {
	e, err := Parse("n=1 and (port=2 and not up=yes) and (n=3 or n=4)", things, Names{})
	if err != nil {
		t.Fatal(err)
	}
	var parts []string
	for _, c := range e.Conjuncts() {
		parts = append(parts, c.String(things))
	}
	if got := strings.Join(parts, "; "); got != "n=1; (localPort=2 or remotePort=2); not up=yes; (n=3 or n=4)" {
		t.Error(got)
	}
	compared := 0
	e.Walk(func(e *Expr) { compared += len(e.Fields) })
	if compared != 6 {
		t.Errorf("%d fields are compared", compared)
	}
}

// Whatever is read means the same when it is written and read again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"n=1", `name="a\"b\\" or not (port>=443 and from!=10.0.0.0/8)`, "state=listen,time-wait", "user=www-data or port=https", "to=fe80::1%eth0", "net<=::/0", `name~"^a|b"`, "((", "\"", "n=1 and", "\xff=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text, things, named)
		if err != nil {
			var wrong *Error
			if !errors.As(err, &wrong) || wrong.Position < 0 || wrong.Position > len(text) || err.Error() == "" {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		written := e.String(things)
		again, err := Parse(written, things, named)
		if err != nil {
			t.Fatalf("%q is written as %q, which is wrong: %v", text, written, err)
		}
		for _, x := range []thing{subject, {}, {unknown: true}} {
			if e.Match(x.value) != again.Match(x.value) {
				t.Fatalf("%q and %q differ", text, written)
			}
		}
	})
}
