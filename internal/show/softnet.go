package show

import (
	"strconv"

	"github.com/netsnmp-agent/netsnmp-agent/internal/table"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Softnet is the table of the receive path of each processor.
func Softnet() Table {
	return &kind[netstat.Softnet]{
		Kind:  softnetKind(),
		title: "Received packets by processor, of every namespace", what: "the processors' receive paths", ofHost: true,
		columns: softnetColumns,
		read:    from(netstat.SoftnetReader.Softnet),
	}
}

func softnetColumns(*Session) []table.Column[Row[netstat.Softnet]] {
	column := func(heading string, get func(*netstat.Softnet) netstat.Optional[uint32]) table.Column[Row[netstat.Softnet]] {
		return columnOf(heading, 10, true, func(b []byte, v *netstat.Softnet) []byte { return appendKnown(b, get(v)) })
	}
	columns := []table.Column[Row[netstat.Softnet]]{
		columnOf("CPU", 3, true, func(b []byte, v *netstat.Softnet) []byte { return appendUint(b, v.CPU) }),
		column("Processed", func(v *netstat.Softnet) netstat.Optional[uint32] { return netstat.Known(v.Processed) }),
		column("Dropped", func(v *netstat.Softnet) netstat.Optional[uint32] { return netstat.Known(v.Dropped) }),
		column("Squeezed", func(v *netstat.Softnet) netstat.Optional[uint32] { return netstat.Known(v.Squeezed) }),
		column("SteeredIn", func(v *netstat.Softnet) netstat.Optional[uint32] { return v.SteeredIn }),
		column("FlowLimit", func(v *netstat.Softnet) netstat.Optional[uint32] { return v.FlowLimited }),
		column("Backlog", func(v *netstat.Softnet) netstat.Optional[uint32] { return v.Backlog }),
	}
	columns[2].Colour = func(r *Row[netstat.Softnet]) table.Colour {
		if r.v.Dropped > 0 {
			return table.Red
		}
		return table.Plain
	}
	return columns
}

func softnetKind() *table.Kind[Row[netstat.Softnet]] {
	field := fieldOf[netstat.Softnet]
	return newKind("softnet", "what one processor did with received packets, of every namespace",
		field("cpu", table.Integer, "number of the processor", func(v *netstat.Softnet) table.Value { return table.Uint(v.CPU) }),
		field("processed", table.Integer, "packets", func(v *netstat.Softnet) table.Value { return table.Uint(v.Processed) }),
		field("dropped", table.Integer, "packets for which the backlog had no room", func(v *netstat.Softnet) table.Value { return table.Uint(v.Dropped) }),
		field("squeezed", table.Integer, "times that work was left because the budget or the time was used up", func(v *netstat.Softnet) table.Value { return table.Uint(v.Squeezed) }),
		field("steeredIn", table.Integer, "times that another processor woke this one (receive packet steering)", func(v *netstat.Softnet) table.Value { return uintValue(v.SteeredIn) }),
		field("flowLimited", table.Integer, "packets of large flows that were dropped early", func(v *netstat.Softnet) table.Value { return uintValue(v.FlowLimited) }),
		field("backlog", table.Integer, "packets that wait", func(v *netstat.Softnet) table.Value { return uintValue(v.Backlog) }),
	)
}

// Queues is the table of the queues of interfaces and the processors that serve them.
func Queues() Table {
	return &kind[netstat.DeviceQueue]{
		Kind:  queueKind(),
		apart: true,
		title: "Queues of interfaces", what: "queues of interfaces",
		columns: queueColumns,
		read:    from(netstat.DeviceQueueReader.DeviceQueues),
		belongs: by(func(q *netstat.DeviceQueue) uint32 { return q.Interface }),
		names:   always[netstat.DeviceQueue],
	}
}

func queueColumns(*Session) []table.Column[Row[netstat.DeviceQueue]] {
	type queue = netstat.DeviceQueue
	return []table.Column[Row[queue]]{
		interfaceColumn("Iface", 15, func(q *queue) uint32 { return q.Interface }),
		columnOf("Queue", 12, false, func(b []byte, q *queue) []byte {
			return strconv.AppendUint(append(append(b, q.Direction.String()...), ' '), uint64(q.Number), 10)
		}),
		columnOf("CPUs", 10, false, func(b []byte, q *queue) []byte {
			cpus, known := q.CPUs.Get()
			if !known || len(cpus) == 0 {
				return append(b, '-')
			}
			for i, cpu := range cpus {
				if i > 0 {
					b = append(b, ',')
				}
				b = appendUint(b, cpu)
			}
			return b
		}),
		columnOf("Flows", 6, true, func(b []byte, q *queue) []byte { return appendKnown(b, q.ReceiveFlows) }),
		columnOf("Timeouts", 8, true, func(b []byte, q *queue) []byte { return appendKnown(b, q.TransmitTimeouts) }),
	}
}

func queueKind() *table.Kind[Row[netstat.DeviceQueue]] {
	field := fieldOf[netstat.DeviceQueue]
	return newKind("queue", "a queue of an interface",
		interfaceField("interface", "interface", func(q *netstat.DeviceQueue) uint32 { return q.Interface }),
		field("direction", table.String, "`receive` or `transmit`", func(q *netstat.DeviceQueue) table.Value { return table.Text(q.Direction.String()) }),
		field("number", table.Integer, "from 0", func(q *netstat.DeviceQueue) table.Value { return table.Uint(q.Number) }),
		field("cpus", table.Strings, "processors that packet steering gives the queue's packets to, or that prefer it to send", func(q *netstat.DeviceQueue) table.Value {
			var list []string
			for _, cpu := range q.CPUs.Or(nil) {
				list = append(list, strconv.FormatUint(uint64(cpu), 10))
			}
			return table.Words(list)
		}),
		field("receiveFlows", table.Integer, "size of the flow table", func(q *netstat.DeviceQueue) table.Value { return uintValue(q.ReceiveFlows) }),
		field("transmitTimeouts", table.Integer, "times that the watchdog found the queue stuck", func(q *netstat.DeviceQueue) table.Value { return uintValue(q.TransmitTimeouts) }),
		field("transmitMaxRate", table.Integer, "bits a second, 0 for no limit", func(q *netstat.DeviceQueue) table.Value { return uintValue(q.TransmitMaxRate) }),
	)
}
