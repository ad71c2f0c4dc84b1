package mib

import (
	"slices"
	"strings"
	"testing"
	"time"
)

type door struct {
	number uint32
	open   bool
	since  time.Time
}

func doors() *Table[door] {
	number := At(func(d *door) *uint32 { return &d.number })
	return &Table[door]{
		Name:  "doorTable",
		Entry: MustParseOID("1.3.6.1.4.1.32473.7.1"),
		Index: Index(IntegerIndex(number)),
		Columns: Columns(
			Column(1, "doorNumber", AsInteger(number)),
			Column(2, "doorOpen", AsTruth(At(func(d *door) *bool { return &d.open }))),
			Column(4, "doorWeight", AsAbsent[door](Gauge32)),
			Column(9, "doorSince", AsTimeStamp(At(func(d *door) *time.Time { return &d.since }))),
		),
	}
}

func TestNotification(t *testing.T) {
	epoch := time.Unix(1000, 0)
	opened := NotificationType[door]{
		Name: "doorOpened", OID: MustParseOID("1.3.6.1.4.1.32473.8.0.1"),
		Table: doors(), Objects: []string{"doorOpen", "doorWeight", "doorSince"},
	}
	row := door{number: 300, open: true, since: epoch.Add(7 * time.Second)}
	n := opened.New(epoch.Add(8*time.Second), &row)
	var got []string
	variables := n.Variables(epoch)
	for _, b := range variables {
		got = append(got, b.Name().String()+" "+b.Value.String())
	}
	want := []string{
		"1.3.6.1.2.1.1.3.0 TimeTicks: 800",
		"1.3.6.1.6.3.1.1.4.1.0 OBJECT IDENTIFIER: 1.3.6.1.4.1.32473.8.0.1",
		"1.3.6.1.4.1.32473.7.1.2.300 INTEGER: 1",
		"1.3.6.1.4.1.32473.7.1.9.300 TimeTicks: 700",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n %s\nwant\n %s", strings.Join(got, "\n "), strings.Join(want, "\n "))
	}

	parsed, err := ParseNotification(epoch, variables)
	if err != nil {
		t.Fatal(err)
	}
	if !parsed.At.Equal(n.At) || parsed.Type != n.Type {
		t.Errorf("read back as %+v", parsed)
	}
	back, err := opened.Decode(epoch, parsed)
	if err != nil || back.number != 300 || !back.open || !back.since.Equal(row.since) {
		t.Errorf("read back as %+v, %v", back, err)
	}
}

func TestNotificationWithoutObjects(t *testing.T) {
	epoch := time.Unix(1000, 0)
	woke := NotificationType[struct{}]{Name: "woke", OID: MustParseOID("1.3.6.1.4.1.32473.8.0.2")}
	variables := woke.New(epoch, nil).Variables(epoch)
	n, err := ParseNotification(epoch, variables)
	if err != nil || len(variables) != 2 || n.Type != woke.OID || !n.At.Equal(epoch) {
		t.Errorf("%v are %+v, %v", variables, n, err)
	}
	if _, err := woke.Decode(epoch, n); err != nil {
		t.Error(err)
	}
}

func TestNotificationsThatAreNone(t *testing.T) {
	epoch := time.Unix(1000, 0)
	opened := NotificationType[door]{Name: "doorOpened", OID: MustParseOID("1.3.6.1.4.1.32473.8.0.1"), Table: doors(), Objects: []string{"doorOpen"}}
	good := opened.New(epoch, &door{number: 1, open: true}).Variables(epoch)
	other := opened.New(epoch, &door{number: 2, open: true}).Objects
	for name, c := range map[string]struct {
		bindings []Binding
		want     string
	}{
		"nothing":         {nil, "at least two"},
		"no time":         {good[1:], "not sysUpTime.0"},
		"no trap":         {append([]Binding{good[0]}, good[2], good[2]), "not snmpTrapOID.0"},
		"ticks of a type": {append([]Binding{{good[0].Object, good[0].Index, Int(1)}}, good[1:]...), "not sysUpTime.0"},
		"another":         {[]Binding{good[0], {good[1].Object, good[1].Index, OIDValue(MakeOID(1, 3))}, good[2]}, "not doorOpened"},
		"no row":          {good[:2], "0 rows"},
		"two rows":        {append(slices.Clone(good), other...), "2 rows"},
		"a wrong value":   {[]Binding{good[0], good[1], {good[2].Object, good[2].Index, Int(3)}}, "doorOpened: doorOpen.1"},
	} {
		n, err := ParseNotification(epoch, c.bindings)
		if err == nil {
			_, err = opened.Decode(epoch, n)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
	defer func() {
		if fault, _ := recover().(string); !strings.Contains(fault, "doorColour") {
			t.Errorf("an unknown object: %q", fault)
		}
	}()
	opened.Objects = []string{"doorColour"}
	opened.New(epoch, &door{})
}

// FuzzNotification holds that what is told of a row is what is read of it, to the
// hundredth of a second.
func FuzzNotification(f *testing.F) {
	f.Add(uint32(800), uint32(300), true)
	f.Add(uint32(0), uint32(1<<31), false)
	f.Fuzz(func(t *testing.T, up, number uint32, open bool) {
		epoch := time.Unix(1000, 0)
		opened := NotificationType[door]{Name: "doorOpened", OID: MustParseOID("1.3.6.1.4.1.32473.8.0.1"), Table: doors(), Objects: []string{"doorOpen"}}
		at := epoch.Add(time.Duration(up) * 10 * time.Millisecond)
		n, err := ParseNotification(epoch, opened.New(at, &door{number: number, open: open}).Variables(epoch))
		if err != nil || !n.At.Equal(at) {
			t.Fatalf("%v is read as %+v, %v", at, n, err)
		}
		if row, err := opened.Decode(epoch, n); err != nil || row.number != number || row.open != open {
			t.Fatalf("door %d is read as %+v, %v", number, row, err)
		}
	})
}
