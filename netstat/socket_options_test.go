package netstat

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestOptionsAreFields holds that option N is field N of SocketOptions, under the
// name that the field has in JSON.
func TestOptionsAreFields(t *testing.T) {
	fields := reflect.TypeFor[SocketOptions]()
	all := AllSocketOptions()
	if n := fields.NumField(); n != len(all)+2 {
		t.Fatalf("%d fields for %d options and the sets of two sources", n, len(all))
	}
	for _, option := range all {
		field := fields.Field(int(option))
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != option.String() {
			t.Errorf("%s is the field %s, which is %q in JSON", option, field.Name, name)
		}
		if option.Description() == "" {
			t.Errorf("nothing says what %s is", option)
		}
		var parsed SocketOption
		if err := parsed.UnmarshalText([]byte(option.String())); err != nil || parsed != option {
			t.Errorf("%s is read as %s, %v", option, parsed, err)
		}

		// Nothing is known of it but in its own field.
		var o SocketOptions
		value := reflect.ValueOf(&o).Elem().Field(int(option)).Addr().Interface().(optional)
		_, known := value.Fields()
		*known = true
		for _, other := range all {
			if _, is := o.Get(other); is != (other == option) {
				t.Errorf("with %s known, %s is %v", option, other, is)
			}
		}
		var copied SocketOptions
		copied.Join(&o)
		if copied != o {
			t.Errorf("%s is not copied", option)
		}
	}
	if _, known := new(SocketOptions).Get(optionCount); known || optionCount.String() != "option 52" || optionCount.Description() != "" {
		t.Errorf("there is an option behind the last, %s", optionCount)
	}
}

func TestBetterSourcesOfOptionsWin(t *testing.T) {
	const inferred, byLayout, exact = 1, 2, 3
	from := func(source uint32) *SocketOptions {
		o := &SocketOptions{Priority: Known(source)}
		switch source {
		case inferred:
			o.Inferred.Add(OptionPriority)
		case byLayout:
			o.ByLayout.Add(OptionPriority)
		}
		return o
	}
	for first := range uint32(4) {
		for second := range uint32(4) {
			var o SocketOptions
			want := max(first, second)
			for _, source := range []uint32{first, second} {
				if source > 0 {
					o.Join(from(source))
				}
			}
			if got := o.Priority.Or(0); got != want || o.Source(OptionPriority) != OptionSource(want) {
				t.Errorf("%d and %d give %d, %v", first, second, got, o.Source(OptionPriority))
			}
			if o.Source(OptionMark) != OptionUnknown {
				t.Errorf("a mark came from nowhere: %v", o.Source(OptionMark))
			}
		}
	}
	// What is exact stays when something else comes that is as exact.
	o := SocketOptions{Mark: Known[uint32](1)}
	o.Join(&SocketOptions{Mark: Known[uint32](2), TTL: Known[uint8](3)})
	if o != (SocketOptions{Mark: Known[uint32](1), TTL: Known[uint8](3)}) {
		t.Errorf("%+v", o)
	}
}

func TestChangedOptions(t *testing.T) {
	u := Known[uint32]
	fresh := &SocketOptions{
		KeepAlive: Known(false), ReceiveBuffer: u(131072), ReceiveBufferSet: u(0), Linger: Known(LingerOff), MaxSegment: u(536), WindowClamp: u(0),
		Congestion: Known("cubic"), IncomingCPU: Known[int32](-1), KeepIdle: Known(2 * time.Hour), QuickAck: Known(true),
	}
	for _, c := range []struct {
		state   State
		options *SocketOptions
		want    []SocketOption
	}{
		{Established, nil, nil},
		{Established, fresh, nil},
		{Established, &SocketOptions{}, nil},
		// What the new one does not tell of is not known to be changed.
		{Established, &SocketOptions{Mark: u(7)}, nil},
		{Established, &SocketOptions{ReceiveBuffer: u(6291456), ReceiveBufferSet: u(0), MaxSegment: u(1448), WindowClamp: u(65535), IncomingCPU: Known[int32](1), QuickAck: Known(false)}, nil},
		{Listen, &SocketOptions{MaxSegment: u(1448), WindowClamp: u(65535), IncomingCPU: Known[int32](1)}, []SocketOption{OptionIncomingCPU, OptionMaxSegment, OptionWindowClamp}},
		{Established, &SocketOptions{ReceiveBuffer: u(131072), ReceiveBufferSet: u(65536)}, []SocketOption{OptionReceiveBufferSet}},
		{CloseWait, &SocketOptions{KeepAlive: Known(true), Linger: Known[time.Duration](0), Congestion: Known("reno"), KeepIdle: Known(time.Minute)},
			[]SocketOption{OptionKeepAlive, OptionLinger, OptionKeepIdle, OptionCongestion}},
	} {
		s := Socket{Protocol: TCP, State: c.state, Detail: &SocketDetail{Options: c.options}}
		if got := s.ChangedOptions(fresh); !slices.Equal(got, c.want) {
			t.Errorf("%v with %+v: %v, want %v", c.state, c.options, got, c.want)
		}
	}
	dual := &SocketOptions{V6Only: Known(false)}
	for local, want := range map[string]int{"[::]:80": 1, "[::1]:80": 0, "": 1} {
		s := Socket{Protocol: TCP, Family: IPv6, State: Listen, Detail: &SocketDetail{Options: &SocketOptions{V6Only: Known(true)}}}
		if local != "" {
			s.Local = netip.MustParseAddrPort(local)
		}
		if got := s.ChangedOptions(dual); len(got) != want {
			t.Errorf("a socket bound to %q that refuses IPv4 has changed %v", local, got)
		}
	}
	if got := new(Socket).ChangedOptions(fresh); got != nil {
		t.Errorf("without details: %v", got)
	}
}

func TestDiagnose(t *testing.T) {
	u := Known[uint32]
	second := time.Second
	open := TCPInfo{SendWindow: u(1), ReceiveWindow: u(1)}
	with := func(change func(*TCPInfo)) *TCPInfo {
		i := open
		change(&i)
		return &i
	}
	for _, c := range []struct {
		info  *TCPInfo
		signs string
		names []string
	}{
		{&open, "", nil},
		{with(func(i *TCPInfo) { i.SendWindow = u(0) }), ">|", []string{"sendWindowClosed"}},
		{with(func(i *TCPInfo) { i.ReceiveWindow = u(0) }), "|<", []string{"receiveWindowClosed"}},
		{with(func(i *TCPInfo) { i.SendWindow, i.ReceiveWindow = u(0), u(0) }), ">|<", []string{"sendWindowClosed", "receiveWindowClosed"}},
		{with(func(i *TCPInfo) { i.Unacknowledged, i.LastAckReceived = 1, second }), "", nil},
		{with(func(i *TCPInfo) { i.Unacknowledged, i.LastAckReceived = 1, second+1 }), ">#", []string{"unacknowledged"}},
		{with(func(i *TCPInfo) { i.LastAckReceived = 50 * 24 * time.Hour }), "", nil},
		// Counts that began to go from the top again are counts.
		{with(func(i *TCPInfo) { i.Unacknowledged, i.LastAckReceived = 1<<32-1, 1<<32*time.Millisecond }), ">#", []string{"unacknowledged"}},
		{with(func(i *TCPInfo) { i.SendWindow, i.Unacknowledged, i.LastAckReceived = u(0), 1, 2*second }), ">| >#", []string{"sendWindowClosed", "unacknowledged"}},
		// An old kernel's windows are not known to be closed.
		{&TCPInfo{}, "", nil},
	} {
		s := Socket{Protocol: TCP, State: Established, Detail: &SocketDetail{TCP: c.info}}
		got, known := s.Diagnose().Get()
		if !known || got.String() != c.signs || !slices.Equal(got.Names(), c.names) {
			t.Errorf("%+v: %q %q %v, want %q %q", c.info, got, got.Names(), known, c.signs, c.names)
		}
	}
	closed := &SocketDetail{TCP: &TCPInfo{SendWindow: u(0)}}
	for _, s := range []Socket{
		{Protocol: TCP, State: Established}, {Protocol: TCP, State: Established, Detail: new(SocketDetail)}, {Protocol: UDP, State: Established, Detail: closed},
		{Protocol: TCP, State: Listen, Detail: closed}, {Protocol: TCP, State: SynSent, Detail: closed}, {Protocol: TCP, State: TimeWait, Detail: closed},
	} {
		if d := s.Diagnose(); d.IsKnown() {
			t.Errorf("%+v is diagnosed as %v", s, d)
		}
	}
}
