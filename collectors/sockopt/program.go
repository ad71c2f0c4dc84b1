package sockopt

import (
	"errors"
	"fmt"
	"math"
	"strings"

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

// listing is how the kernel lists the sockets of a protocol to a program: those of one
// namespace, or with files those that processes hold in any.
type listing struct {
	protocol netstat.Protocol
	files    bool
}

// target is what the kernel calls the list.
func (l listing) target() string {
	switch {
	case l.files:
		return "task_file"
	case l.protocol == netstat.TCP:
		return "tcp"
	case l.protocol == netstat.UDP:
		return "udp"
	}
	return "unix"
}

// name is that of the program.
func (l listing) name() string {
	if l.files {
		return "sockopt_" + strings.ToLower(l.protocol.String()) + "_files"
	}
	return "sockopt_" + l.target()
}

// means is how a program gets at what a socket has.
type means int

const (
	// asking: it asks for options, which is allowed of TCP since Linux 5.15, and of the local family since 5.17.
	asking means = iota
	// typed: it reads the structures of the kernel.
	typed
	// untrusted: the verifier does not trust the socket of a file, so that no helper takes it. It has a cookie
	// where somebody asked for that before.
	untrusted
)

// means are those that a program of the list may have, the best first.
func (l listing) means() []means {
	switch {
	case l.files:
		return []means{typed, untrusted}
	case l.protocol == netstat.UDP:
		return []means{typed}
	}
	return []means{asking, typed}
}

// layout is how the records of a list are made and read.
type layout struct {
	listing
	by   means
	size int
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
func newLayout(of types, list listing, by means) (*layout, error) {
	l := &layout{listing: list, by: by, size: recordAnswers}
	structure, belongs := structureOf(list.protocol)
	if by == asking {
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
	if l.size+8 > mostStack { // with what values are loaded through
		return nil, fmt.Errorf("a record of %d bytes has no room on a stack of %d", l.size, mostStack)
	}
	return l, nil
}

// States of sockets that are none: the kernel keeps less of them.
const (
	stateTimeWait       = int32(netstat.TimeWait)
	stateNewSynReceived = int32(netstat.NewSynReceived)
)

// Registers of a program that hold the same throughout.
const (
	regContext  = asm.R6
	regSock     = asm.R8
	regAnswered = asm.R9
)

// program assembles the iterator of a list.
func (l *layout) program(of types) (*ebpf.ProgramSpec, error) {
	base := int32(-l.size) // of the record, from the frame pointer on
	code, err := l.findSocket(of)
	if err != nil {
		return nil, err
	}
	if l.by == untrusted {
		cookie, err := locate(of, "sock_common", []place{{path: "skc_cookie.counter"}})
		if err != nil {
			return nil, err
		}
		load, err := loadTyped(asm.R0, regSock, cookie, of.pointerSize())
		if err != nil {
			return nil, err
		}
		code = append(code, load...)
	} else {
		code = append(code, asm.Mov.Reg(asm.R1, regSock), asm.FnGetSocketCookie.Call())
	}
	code = append(code,
		asm.StoreMem(asm.R10, int16(base+recordCookie), asm.R0, asm.DWord),
		asm.Mov.Imm(regAnswered, 0),
	)
	if l.by == asking {
		for i, q := range questions {
			if !q.has(l.protocol) {
				continue
			}
			skip := fmt.Sprintf("ask%d", i)
			code = append(code,
				asm.Mov.Reg(asm.R1, regSock),
				asm.Mov.Imm(asm.R2, int32(q.level)),
				asm.Mov.Imm(asm.R3, int32(q.name)),
				asm.Mov.Reg(asm.R4, asm.R10),
				asm.Add.Imm(asm.R4, base+int32(l.answer+4*i)),
				asm.Mov.Imm(asm.R5, 4),
				asm.FnGetsockopt.Call(),
				asm.JNE.Imm(asm.R0, 0, skip),
				asm.Or.Imm(regAnswered, 1<<i),
				asm.Mov.Reg(asm.R0, asm.R0).WithSymbol(skip),
			)
		}
	}
	code = append(code, asm.StoreMem(asm.R10, int16(base+recordAnswered), regAnswered, asm.DWord))
	end := recordAnswers
	if l.by == asking {
		end += 4 * askCount
	}
	for s := range slotCount {
		if l.at[s] == 0 {
			continue
		}
		load, err := l.load(asm.R1, s, of)
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
		asm.LoadMem(asm.R1, regContext, 0, asm.DWord), // meta
		asm.LoadMem(asm.R1, asm.R1, 0, asm.DWord),     // seq
		asm.Mov.Reg(asm.R2, asm.R10),
		asm.Add.Imm(asm.R2, base),
		asm.Mov.Imm(asm.R3, int32(l.size)),
		asm.FnSeqWrite.Call(),
		asm.Mov.Imm(asm.R0, 0).WithSymbol("done"),
		asm.Return(),
	)
	return &ebpf.ProgramSpec{
		Name: l.name(), Type: ebpf.Tracing, AttachType: ebpf.AttachTraceIter, AttachTo: l.target(),
		// bpf_seq_write is for programs under a licence that goes with the kernel's.
		License: "Dual MIT/GPL", Instructions: code,
	}, nil
}

// findSocket leaves the socket that the kernel shows in its register, or ends the
// program where it is none of those that have options.
func (l *layout) findSocket(of types) (asm.Instructions, error) {
	code := asm.Instructions{asm.Mov.Reg(regContext, asm.R1)}
	// skipUnless ends the program unless a member of the socket is one of those.
	skipUnless := func(structure, member string, ones ...int32) error {
		where, err := locate(of, structure, []place{{path: member}})
		if err != nil {
			return err
		}
		load, err := loadTyped(asm.R1, regSock, where, of.pointerSize())
		found := "found_" + member
		code = append(code, load...)
		for _, n := range ones {
			code = append(code, asm.JEq.Imm(asm.R1, n, found))
		}
		code = append(code, asm.Ja.Label("done"), asm.Mov.Reg(asm.R1, asm.R1).WithSymbol(found))
		return err
	}
	if l.files {
		where, err := locate(of, "socket", []place{{path: "sk"}})
		if err != nil {
			return nil, err
		}
		load, err := loadTyped(regSock, asm.R0, where, of.pointerSize())
		if err != nil {
			return nil, err
		}
		code = append(code,
			asm.LoadMem(asm.R1, regContext, 24, asm.DWord), // struct bpf_iter__task_file
			asm.JEq.Imm(asm.R1, 0, "done"),
			asm.FnSockFromFile.Call(),
			asm.JEq.Imm(asm.R0, 0, "done"))
		code = append(code, load...)
		code = append(code, asm.JEq.Imm(regSock, 0, "done"))
		// Other families have protocols of the same numbers.
		if err := skipUnless("sock_common", "skc_family", int32(netstat.IPv4), int32(netstat.IPv6)); err != nil {
			return nil, err
		}
		if err := skipUnless("sock", "sk_protocol", int32(l.protocol)); err != nil {
			return nil, err
		}
	} else {
		code = append(code,
			asm.LoadMem(regSock, regContext, 8, asm.DWord), // struct bpf_iter__tcp, bpf_iter__udp, bpf_iter__unix
			asm.JEq.Imm(regSock, 0, "done"))
	}
	if l.protocol != netstat.TCP || l.by == untrusted {
		return code, nil
	}
	if !l.files {
		common, err := locate(of, "sock_common", []place{{path: "skc_state"}})
		if err != nil {
			return nil, err
		}
		state, err := loadTyped(asm.R1, regSock, common, of.pointerSize())
		if err != nil {
			return nil, err
		}
		code = append(code, state...)
		code = append(code,
			asm.JEq.Imm(asm.R1, stateTimeWait, "done"),
			asm.JEq.Imm(asm.R1, stateNewSynReceived, "done"))
	}
	return append(code,
		asm.Mov.Reg(asm.R1, regSock),
		asm.FnSkcToTcpSock.Call(),
		asm.JEq.Imm(asm.R0, 0, "done"),
		asm.Mov.Reg(regSock, asm.R0)), nil
}

// load loads the value of a slot.
func (l *layout) load(to asm.Register, s slot, of types) (asm.Instructions, error) {
	where := l.where[s]
	if l.files && (l.protocol == netstat.UDP || l.by == untrusted) {
		// To the verifier the socket is a struct sock there, with which it begins.
		sock, err := of.structure("sock")
		if err != nil {
			return nil, err
		}
		if !where.within(sock.Size) {
			return l.loadProbing(to, where)
		}
	}
	return loadTyped(to, regSock, where, of.pointerSize())
}

var sizes = map[uint8]asm.Size{1: asm.Byte, 2: asm.Half, 4: asm.Word, 8: asm.DWord}

// loadTyped loads a value of a structure that a register points to, whose type the
// verifier knows.
func loadTyped(to, from asm.Register, where location, pointer uint8) (asm.Instructions, error) {
	var code asm.Instructions
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
	return append(code, where.extend(to)...), nil
}

// loadProbing loads a value of the socket by bpf_probe_read_kernel, through 8 octets
// in front of the record.
func (l *layout) loadProbing(to asm.Register, where location) (asm.Instructions, error) {
	if len(where.follow) > 0 || where.offset > math.MaxInt16 {
		return nil, errNoPlace
	}
	scratch := int32(-l.size - 8)
	code := asm.Instructions{
		asm.Mov.Reg(asm.R1, asm.R10),
		asm.Add.Imm(asm.R1, scratch),
		asm.Mov.Imm(asm.R2, int32(where.size)),
		asm.Mov.Reg(asm.R3, regSock),
		asm.Add.Imm(asm.R3, int32(where.offset)),
		asm.FnProbeReadKernel.Call(),
		asm.LoadMem(to, asm.R10, int16(scratch), sizes[where.size]),
	}
	return append(code, where.extend(to)...), nil
}

// extend makes of what was loaded the value that is in it.
func (where *location) extend(to asm.Register) (code asm.Instructions) {
	if where.pointer {
		return nil
	}
	up, down := int32(64-where.shift-where.bits), int32(64-where.bits)
	switch {
	case where.signed:
		code = append(code, asm.LSh.Imm(to, up), asm.ArSh.Imm(to, down))
	case where.bits < 8*where.size:
		code = append(code, asm.LSh.Imm(to, up), asm.RSh.Imm(to, down))
	}
	return code
}
