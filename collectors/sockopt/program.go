package sockopt

import (
	"errors"
	"fmt"
	"math"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// A record is what the program writes of a socket, in the machine's byte order: the
// cookie, which questions have an answer, the answers, and the values of structures.
const (
	recordCookie   = 0
	recordAnswered = 8
	recordAnswers  = 16
)

// layout is how the records of a protocol are made and read.
type layout struct {
	protocol netstat.Protocol
	asks     bool // whether the program asks questions
	size     int
	// at is where the value of a slot is in the record: 0 for those that this kernel
	// does not have. wide says that it has 8 octets, and not 4.
	at     [slotCount]int
	wide   [slotCount]bool
	signed [slotCount]bool
	where  [slotCount]location
	answer int // where the answers are
}

// mostStack is what a program may have on its stack (MAX_BPF_STACK).
const mostStack = 512

// newLayout finds out where a kernel keeps the values.
func newLayout(of types, protocol netstat.Protocol, asks bool) (*layout, error) {
	l := &layout{protocol: protocol, asks: asks, size: recordAnswers}
	structure, belongs := tcpRoot, ofTCP
	if protocol == netstat.UDP {
		structure, belongs = udpRoot, ofUDP
	}
	if asks {
		l.answer, l.size = l.size, l.size+4*askCount
	}
	// Those of 8 octets go first, so that each is aligned.
	var found []slot
	for s := range slotCount {
		if slots[s].of&belongs == 0 {
			continue
		}
		places := make([]place, len(slots[s].places))
		for i, p := range slots[s].places {
			places[i] = structure.absolute(p)
		}
		where, err := locate(of, structure.name, places)
		if errors.Is(err, errNoPlace) && s != slotFamily && s != slotState {
			continue
		}
		if err != nil {
			return nil, err
		}
		l.where[s], l.wide[s], l.signed[s] = where, where.bits > 32 && !where.pointer, where.signed
		found = append(found, s)
	}
	for _, wide := range []bool{true, false} {
		for _, s := range found {
			if l.wide[s] != wide {
				continue
			}
			l.at[s] = l.size
			if l.size += 4; wide {
				l.size += 4
			}
		}
	}
	l.size = (l.size + 7) &^ 7
	if l.size > mostStack {
		return nil, fmt.Errorf("a record of %d bytes has no room on a stack of %d", l.size, mostStack)
	}
	return l, nil
}

// States of sockets that are none: the kernel keeps less of them.
const (
	stateTimeWait       = int32(netstat.TimeWait)
	stateNewSynReceived = int32(netstat.NewSynReceived)
)

// program assembles the iterator of a protocol's sockets. pointer is the size of one in
// the kernel.
func (l *layout) program(of types) (*ebpf.ProgramSpec, error) {
	const context, sock, answered = asm.R6, asm.R8, asm.R9
	base := int32(-l.size) // of the record, from the frame pointer on
	code := asm.Instructions{
		asm.Mov.Reg(context, asm.R1),
		asm.LoadMem(sock, context, 8, asm.DWord), // struct bpf_iter__tcp, bpf_iter__udp
		asm.JEq.Imm(sock, 0, "done"),
	}
	name, target := "sockopt_udp", "udp"
	if l.protocol == netstat.TCP {
		name, target = "sockopt_tcp", "tcp"
		common, err := locate(of, "sock_common", []place{{path: "skc_state"}})
		if err != nil {
			return nil, err
		}
		state, err := l.load(asm.R1, sock, common, of.pointerSize())
		if err != nil {
			return nil, err
		}
		code = append(code, state...)
		code = append(code,
			asm.JEq.Imm(asm.R1, stateTimeWait, "done"),
			asm.JEq.Imm(asm.R1, stateNewSynReceived, "done"),
			asm.Mov.Reg(asm.R1, sock),
			asm.FnSkcToTcpSock.Call(),
			asm.JEq.Imm(asm.R0, 0, "done"),
			asm.Mov.Reg(sock, asm.R0),
		)
	}
	code = append(code,
		asm.Mov.Reg(asm.R1, sock),
		asm.FnGetSocketCookie.Call(),
		asm.StoreMem(asm.R10, int16(base+recordCookie), asm.R0, asm.DWord),
		asm.Mov.Imm(answered, 0),
	)
	if l.asks {
		for i, q := range questions {
			skip := fmt.Sprintf("ask%d", i)
			code = append(code,
				asm.Mov.Reg(asm.R1, sock),
				asm.Mov.Imm(asm.R2, int32(q.level)),
				asm.Mov.Imm(asm.R3, int32(q.name)),
				asm.Mov.Reg(asm.R4, asm.R10),
				asm.Add.Imm(asm.R4, base+int32(l.answer+4*i)),
				asm.Mov.Imm(asm.R5, 4),
				asm.FnGetsockopt.Call(),
				asm.JNE.Imm(asm.R0, 0, skip),
				asm.Or.Imm(answered, 1<<i),
				asm.Mov.Reg(asm.R0, asm.R0).WithSymbol(skip),
			)
		}
	}
	code = append(code, asm.StoreMem(asm.R10, int16(base+recordAnswered), answered, asm.DWord))
	end := recordAnswers
	if l.asks {
		end += 4 * askCount
	}
	for s := range slotCount {
		if l.at[s] == 0 {
			continue
		}
		load, err := l.load(asm.R1, sock, l.where[s], of.pointerSize())
		if err != nil {
			return nil, err
		}
		code = append(code, load...)
		value := asm.R1
		if l.where[s].pointer {
			none := fmt.Sprintf("none%d", s)
			value = asm.R2
			code = append(code,
				asm.Mov.Imm(value, 0),
				asm.JEq.Imm(asm.R1, 0, none),
				asm.Mov.Imm(value, 1),
				asm.Mov.Reg(value, value).WithSymbol(none),
			)
		}
		width := asm.Word
		if l.wide[s] {
			width = asm.DWord
		}
		code = append(code, asm.StoreMem(asm.R10, int16(base+int32(l.at[s])), value, width))
		end = max(end, l.at[s]+width.Sizeof())
	}
	if end < l.size {
		code = append(code, asm.StoreImm(asm.R10, int16(base+int32(end)), 0, asm.Word))
	}
	code = append(code,
		asm.LoadMem(asm.R1, context, 0, asm.DWord), // meta
		asm.LoadMem(asm.R1, asm.R1, 0, asm.DWord),  // seq
		asm.Mov.Reg(asm.R2, asm.R10),
		asm.Add.Imm(asm.R2, base),
		asm.Mov.Imm(asm.R3, int32(l.size)),
		asm.FnSeqWrite.Call(),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("done"),
		asm.Return(),
	)
	return &ebpf.ProgramSpec{
		Name: name, Type: ebpf.Tracing, AttachType: ebpf.AttachTraceIter, AttachTo: target,
		// bpf_seq_write is for programs under a licence that goes with the kernel's.
		License: "Dual MIT/GPL", Instructions: code,
	}, nil
}

// load loads a value of a structure that a register points to.
func (l *layout) load(to, from asm.Register, where location, pointer uint8) (asm.Instructions, error) {
	var code asm.Instructions
	sizes := map[uint8]asm.Size{1: asm.Byte, 2: asm.Half, 4: asm.Word, 8: asm.DWord}
	for _, offset := range where.follow {
		if offset > math.MaxInt16 {
			return nil, errNoPlace
		}
		code = append(code, asm.LoadMem(to, from, int16(offset), sizes[pointer]))
		from = to
	}
	if where.offset > math.MaxInt16 {
		return nil, errNoPlace
	}
	code = append(code, asm.LoadMem(to, from, int16(where.offset), sizes[where.size]))
	if where.pointer {
		return code, nil
	}
	up, down := int32(64-where.shift-where.bits), int32(64-where.bits)
	switch {
	case where.signed:
		code = append(code, asm.LSh.Imm(to, up), asm.ArSh.Imm(to, down))
	case where.bits < 8*where.size:
		code = append(code, asm.LSh.Imm(to, up), asm.RSh.Imm(to, down))
	}
	return code, nil
}
