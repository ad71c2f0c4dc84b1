package collectors

import (
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func TestDeviceQueues(t *testing.T) {
	n := nstest.New(t)
	n.IP(t, "link add near numtxqueues 3 numrxqueues 2 type veth peer name far")
	k := open(t, n)
	near := n.Index(t, "near")
	// `ip netns exec` has a /sys of the namespace.
	n.Run(t, "sh", "-c", "echo 3 >/sys/class/net/near/queues/rx-1/rps_cpus; echo 64 >/sys/class/net/near/queues/rx-0/rps_flow_cnt;"+
		"echo 2 >/sys/class/net/near/queues/tx-2/xps_cpus")
	var want []string
	for line := range strings.Lines(n.Run(t, "sh", "-c", "cd /sys/class/net; for f in */queues/*/*_*; do test -f $f && v=$(cat $f 2>/dev/null) && echo $f $v; done; true")) {
		file, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		parts := strings.Split(file, "/")
		switch name := path.Base(file); name {
		case "rps_cpus", "xps_cpus", "rps_flow_cnt", "tx_timeout", "tx_maxrate":
			want = append(want, fmt.Sprint(n.Index(t, parts[0]), " ", parts[2], " ", name, " ", strings.TrimLeft(value, "0,")))
		}
	}
	var got []string
	var ours []netstat.DeviceQueue
	for _, q := range all(t, k.DeviceQueues(t.Context())) {
		name := fmt.Sprintf("%d %sx-%d ", q.Interface, map[netstat.Direction]string{netstat.Receive: "r", netstat.Transmit: "t"}[q.Direction], q.Number)
		if cpus, ok := q.CPUs.Get(); ok {
			mask := 0.0
			for _, c := range cpus {
				mask += math.Exp2(float64(c))
			}
			kind := map[netstat.Direction]string{netstat.Receive: "rps_cpus ", netstat.Transmit: "xps_cpus "}[q.Direction]
			got = append(got, name+kind+strings.TrimLeft(strconv.FormatInt(int64(mask), 16), "0"))
		}
		for file, value := range map[string]string{
			"rps_flow_cnt": q.ReceiveFlows.String(), "tx_timeout": q.TransmitTimeouts.String(), "tx_maxrate": q.TransmitMaxRate.String(),
		} {
			if value != "-" {
				got = append(got, name+file+" "+strings.TrimLeft(value, "0"))
			}
		}
		if q.Interface == near {
			ours = append(ours, q)
		}
	}
	compare(t, "queues", want, got, 15)
	if len(ours) != 5 || ours[0].Direction != netstat.Receive || ours[4].Number != 2 {
		t.Fatalf("near has the queues %+v", ours)
	}
	if !slices.Equal(ours[1].CPUs.Or(nil), []uint32{0, 1}) || ours[0].ReceiveFlows.Or(0) != 64 || !ours[4].TransmitTimeouts.IsKnown() {
		t.Errorf("near has the queues %+v", ours)
	}
}

func TestSysfsOfAnotherNamespace(t *testing.T) {
	n, other := nstest.New(t), nstest.New(t)
	n.IP(t, "link add near type veth peer name far")
	other.IP(t, "link add near type veth peer name far")
	k := open(t, n)
	root, release, err := k.openSysfs(t.Context())
	must(t, err)
	defer release()
	if same, err := k.sysfsIsOurs(t.Context(), root); !same || err != nil {
		t.Errorf("the namespace's own sysfs: %v, %v", same, err)
	}
	// The same names and indexes, but other addresses.
	if same, err := open(t, other).sysfsIsOurs(t.Context(), root); same || err != nil {
		t.Errorf("another namespace's sysfs: %v, %v", same, err)
	}
	if same, err := k.sysfsIsOurs(t.Context(), t.TempDir()); same || err != nil {
		t.Errorf("no sysfs: %v, %v", same, err)
	}
}

func TestDeviceQueuesDoNotLeak(t *testing.T) {
	k := open(t, nstest.New(t))
	all(t, k.DeviceQueues(t.Context()))
	before := openDescriptors(t)
	for range 20 {
		for range k.DeviceQueues(t.Context()) {
			break
		}
	}
	closesAllBut(t, before)
}

func TestParseCPUMask(t *testing.T) {
	for text, want := range map[string][]uint32{
		"0": {}, "3": {0, 1}, "00000000,00000000": {}, "00000001,80000000": {31, 32}, "1,00000000,00000002": {1, 64}, "ff": {0, 1, 2, 3, 4, 5, 6, 7},
	} {
		if got, err := parseCPUMask(text); err != nil || !slices.Equal(got, want) || got == nil {
			t.Errorf("%q is %v, %v, want %v", text, got, err, want)
		}
	}
	for _, bad := range []string{"", "x", "1,", "123456789", "-1", "1 2"} {
		if got, err := parseCPUMask(bad); err == nil {
			t.Errorf("%q is %v", bad, got)
		}
	}
}

func FuzzParseCPUMask(f *testing.F) {
	f.Add("00000000,00000003")
	f.Fuzz(func(t *testing.T, text string) {
		cpus, err := parseCPUMask(text)
		if err == nil && (!slices.IsSorted(cpus) || len(cpus) > 4*len(text)) {
			t.Errorf("%q is %v", text, cpus)
		}
	})
}
