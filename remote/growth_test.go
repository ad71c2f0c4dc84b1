package remote

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
)

// What a counter cannot have counted is not known.
func TestGrowthThatIsNotPlausible(t *testing.T) {
	const minute = time.Minute
	unknown := mib.Value{}
	for _, c := range []struct {
		name          string
		column        string
		before, after mib.Value
		speed         uint64
		want          mib.Value
	}{
		{"64 bits", "ifHCInOctets", mib.Count64(5), mib.Count64(9), 0, mib.Count64(4)},
		{"64 bits fell", "ifHCInOctets", mib.Count64(9), mib.Count64(5), 1e9, unknown},
		{"64 bits fell by one", "ifHCInUcastPkts", mib.Count64(9), mib.Count64(8), 0, unknown},
		{"32 bits wrapped", "ifInOctets", mib.Count32(math.MaxUint32 - 4), mib.Count32(5), 1e7, mib.Count32(10)},
		{"32 bits, nearly all of what the speed allows", "ifInOctets", mib.Count32(0), mib.Count32(75e6), 1e7, mib.Count32(75e6)},
		{"32 bits beyond speed and time", "ifInOctets", mib.Count32(0), mib.Count32(1e9), 1e7, unknown},
		{"32 bits were set back", "ifInOctets", mib.Count32(1e6), mib.Count32(5), 1e7, unknown},
		{"32 bits fell, no speed", "ifInOctets", mib.Count32(1e6), mib.Count32(5), 0, unknown},
		{"32 bits wrapped, no speed", "ifInOctets", mib.Count32(4e9), mib.Count32(5), 0, mib.Count32(1<<32 + 5 - 4e9)},
		{"packets beyond speed and time", "ifInUcastPkts", mib.Count32(0), mib.Count32(1e9), 1e7, unknown},
		{"errors were set back", "ifInErrors", mib.Count32(1000), mib.Count32(3), 1e11, unknown},
		{"drops beyond the speed that is told", "ifOutDiscards", mib.Count32(0), mib.Count32(1e9), 1e7, mib.Count32(1e9)},
		{"an INTEGER that counts", "ifInErrors", mib.Int(7), mib.Int(9), 0, mib.Count32(2)},
		{"another type than before", "ifHCInOctets", mib.Count32(7), mib.Count64(9), 0, unknown},
		{"none before", "ifHCInOctets", unknown, mib.Count64(9), 0, unknown},
		{"what is no counter", "ifMtu", mib.Int(1500), mib.Int(9000), 0, mib.Int(9000)},
	} {
		i := slices.IndexFunc(interfaceColumns(), func(o column) bool { return o.name == c.column })
		was, values := make([]mib.Value, len(interfaceColumns())), make([]mib.Value, len(interfaceColumns()))
		was[i], values[i] = c.before, c.after
		if got := differences(interfaceCounts(), was, values, boundsOf(c.speed, minute))[i]; got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestUpTimeSince(t *testing.T) {
	const s, wrap = time.Second, (math.MaxUint32 + 1) * tick
	for _, c := range []struct {
		name               string
		up, before, passed time.Duration
		elapsed            time.Duration
		restarted          bool
	}{
		{"goes on", 160 * s, 100 * s, 60 * s, 60 * s, false},
		{"late answers", 162 * s, 100 * s, 60 * s, 62 * s, false},
		{"a clock that is fast", 10_060 * s, 100 * s, 10_000 * s, 9_960 * s, false},
		{"began anew", 5 * s, 100 * s, 60 * s, 60 * s, true},
		{"began anew soon after its start", 59 * s, 4 * s, 60 * s, 60 * s, true},
		{"at once after its start", 59 * s, 1 * s, 60 * s, 60 * s, true},
		{"and after five minutes", 299 * s, 25 * s, 300 * s, 300 * s, true},
		{"asked right after its start", 60 * s, 0, 60 * s, 60 * s, false},
		{"wrapped", 50 * s, wrap - 10*s, 60 * s, 60 * s, false},
		{"wrapped far too early", 50 * s, wrap - 1000*s, 60 * s, 60 * s, true},
	} {
		if elapsed, restarted := upTimeSince(c.up, c.before, c.passed); elapsed != c.elapsed || restarted != c.restarted {
			t.Errorf("%s: %v, %v; want %v, %v", c.name, elapsed, restarted, c.elapsed, c.restarted)
		}
	}
}

// A TimeStamp of the time before sysUpTime wrapped around is no moment to come.
func TestStampsAreOfThePast(t *testing.T) {
	now := time.Now()
	epoch := now.Add(-time.Second) // sysUpTime wrapped around a second ago
	stamp := func(ticks uint64) time.Time { return past(epoch.Add(time.Duration(ticks) * tick)) }
	if age := now.Sub(stamp(1<<32 - 6000)).Round(time.Second); age != 61*time.Second {
		t.Errorf("a stamp of a minute before the wrap is %v old", age)
	}
	if at := stamp(300); at.After(time.Now()) || now.Sub(at) > time.Second {
		t.Errorf("what just happened is %v old", now.Sub(at))
	}
	if at := stamp(50); !at.Equal(epoch.Add(500 * time.Millisecond)) {
		t.Errorf("half a second after the wrap is %v", at)
	}
	if at := past(time.Time{}); !at.IsZero() {
		t.Errorf("no moment is %v", at)
	}
}
