package collectors

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"slices"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// FlowEditor writes to the kernel's connection tracking. Each call is complete,
// or says which of its changes the kernel refused, when it returns. It needs
// CAP_NET_ADMIN in the namespace. It must not be used concurrently. Errors of its methods are as
// for [netstat.Stack]; where more is promised, the method says so.
type FlowEditor struct {
	kernel *Kernel
	conn   *netlink.Conn
}

// EditFlows opens a FlowEditor, to be closed after use.
func (k *Kernel) EditFlows() (*FlowEditor, error) {
	var c *netlink.Conn
	err := k.inside(func() (err error) {
		c, err = netlink.Dial(unix.NETLINK_NETFILTER, nil)
		return err
	})
	if err != nil {
		return nil, k.conntrackError("open connection tracking", err)
	}
	// Older kernels give no reasons in words.
	_ = c.SetOption(netlink.ExtendedAcknowledge, true)
	return &FlowEditor{kernel: k, conn: c}, nil
}

// Close ends the use of the FlowEditor. Closing again is no error.
func (e *FlowEditor) Close() error { return notClosedBefore(e.conn.Close()) }

// FlowError says which one of several changes the kernel refused, counted from 0.
type FlowError struct {
	Index int
	Err   error
}

func (e *FlowError) Error() string { return fmt.Sprintf("change %d: %v", e.Index, e.Err) }
func (e *FlowError) Unwrap() error { return e.Err }

// batchSize is how many changes go to the kernel at once. Each may be refused
// with a message, for which the socket has room by default.
const batchSize = 64

// change is a message to the kernel.
type change struct {
	kind  netlink.HeaderType
	flags netlink.HeaderFlags
	body  []byte
}

func flowMessage(subsystem, kind uint16, family netstat.Family, flags uint16, fill func(b []byte) ([]byte, error)) (change, error) {
	r := nfRequest(subsystem, kind, family, flags)
	body, err := fill(slices.Grow(r.body, 256))
	return change{netlink.HeaderType(r.kind), netlink.HeaderFlags(r.flags), body}, err
}

// apply sends the changes, batchSize at a time, and waits for the last one's
// acknowledgement: all before it are settled then. refused is called for each
// that was not made, and ends the rest by an error.
func (e *FlowEditor) apply(ctx context.Context, changes iter.Seq2[change, error], refused func(index int, err error) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	_ = e.conn.SetDeadline(time.Time{})
	stop := context.AfterFunc(ctx, func() { _ = e.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	batch := make([]netlink.Message, 0, batchSize)
	indexes := make([]int, 0, batchSize)
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := e.send(batch, func(i int, err error) error { return refused(indexes[i], err) })
		batch, indexes = batch[:0], indexes[:0]
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return err
	}
	index := 0
	for c, err := range changes {
		if err != nil {
			err = refused(index, err)
		} else {
			batch = append(batch, netlink.Message{Header: netlink.Header{Type: c.kind, Flags: c.flags | netlink.Request}, Data: c.body})
			indexes = append(indexes, index)
			if len(batch) == batchSize {
				err = flush()
			}
		}
		if err != nil {
			return errors.Join(err, flush())
		}
		index++
	}
	return flush()
}

func (e *FlowEditor) send(batch []netlink.Message, refused func(i int, err error) error) error {
	last := len(batch) - 1
	batch[last].Header.Flags |= netlink.Acknowledge
	sent, err := e.conn.SendMessages(batch)
	if err != nil {
		return err
	}
	first := sent[0].Header.Sequence
	var failed error
	for {
		replies, err := e.conn.Receive()
		var sequence uint32
		var refusal *netlink.OpError
		switch {
		case err == nil && len(replies) > 0:
			sequence = replies[0].Header.Sequence
		case err == nil:
			continue
		case errors.As(err, &refusal) && refusal.Sequence != 0:
			sequence = refusal.Sequence
		default:
			return errors.Join(failed, err)
		}
		i := int(sequence - first)
		if i < 0 || i > last {
			continue // of an earlier batch that was given up
		}
		if err != nil && failed == nil {
			failed = refused(i, reason(refusal))
		}
		if i == last {
			return failed
		}
	}
}

// reason returns the errno of a refusal with the kernel's words for it, or with
// what the errno means here.
func reason(refusal *netlink.OpError) error {
	var errno unix.Errno
	if !errors.As(refusal.Err, &errno) {
		return refusal
	}
	return explained(&netlinkError{errno: errno, words: refusal.Message})
}

// explained gives an errno that came without words those of what it means to
// connection tracking (net/netfilter/nf_conntrack_netlink.c).
func explained(err error) error {
	var bare *netlinkError
	if !errors.As(err, &bare) || bare.words != "" {
		return err
	}
	words := map[unix.Errno]string{
		unix.ENOENT: "there is no such entry",
		unix.EEXIST: "there is such an entry already",
		unix.EBUSY:  "this cannot be changed once it is so",
		unix.ENOSPC: "the entry has no room for labels",
		unix.ETIME:  "the entry has expired",
		unix.EINVAL: "the kernel takes no such parameters",
	}[bare.errno]
	return &netlinkError{errno: bare.errno, words: words}
}

// one applies a single change.
func (e *FlowEditor) one(ctx context.Context, op string, c change, err error) error {
	if err == nil {
		err = e.apply(ctx, func(yield func(change, error) bool) { yield(c, nil) }, func(_ int, err error) error { return err })
	}
	return e.fail(ctx, op, err)
}

func (e *FlowEditor) fail(ctx context.Context, op string, err error) error {
	err = withoutSubsystem(err, ctnetlinkOption, func() error { return e.kernel.probeConntrack(ctx) })
	return e.kernel.conntrackError(op, err)
}

// Create makes flows. One that is there already is refused with an error that
// matches fs.ErrExist. Each refusal is a *FlowError, joined if there are several;
// those that were not refused are made.
func (e *FlowEditor) Create(ctx context.Context, flows iter.Seq[netstat.NewFlow]) (made int, err error) {
	return e.create(ctx, "create flows", flows, makeNew)
}

// Put makes flows, or changes the timeout, status, protocol's state, mark and
// labels of those that are there. Refusals are told as by Create.
func (e *FlowEditor) Put(ctx context.Context, flows iter.Seq[netstat.NewFlow]) (made int, err error) {
	return e.create(ctx, "put flows", flows, makeOrAlter)
}

func (e *FlowEditor) create(ctx context.Context, op string, flows iter.Seq[netstat.NewFlow], flags uint16) (int, error) {
	all, refusals := 0, []error(nil)
	err := e.apply(ctx, func(yield func(change, error) bool) {
		for f := range flows {
			all++
			if !yield(flowMessage(unix.NFNL_SUBSYS_CTNETLINK, ctNew, f.Original.Family(), flags, func(b []byte) ([]byte, error) { return appendNewFlow(b, &f) })) {
				return
			}
		}
	}, func(index int, err error) error {
		refusals = append(refusals, &FlowError{index, err})
		return nil
	})
	if err == nil {
		err = errors.Join(refusals...)
	}
	return all - len(refusals), e.fail(ctx, op, err)
}

// Change changes a flow, which must be as it was read: the kernel takes its
// status as a whole. The error matches fs.ErrNotExist where it is gone.
func (e *FlowEditor) Change(ctx context.Context, f netstat.Flow, c netstat.FlowChange) error {
	m, err := flowMessage(unix.NFNL_SUBSYS_CTNETLINK, ctNew, f.Original.Family(), 0, func(b []byte) ([]byte, error) { return appendFlowChange(b, &f, &c) })
	return e.one(ctx, "change a flow", m, err)
}

// Delete deletes the flow that a key names. The error matches fs.ErrNotExist
// where there is none. A key without a tuple is refused: the kernel would take
// it for all flows.
func (e *FlowEditor) Delete(ctx context.Context, key netstat.FlowKey) error {
	m, err := flowMessage(unix.NFNL_SUBSYS_CTNETLINK, ctDelete, key.Tuple.Family(), 0, func(b []byte) ([]byte, error) { return appendKey(b, &key) })
	return e.one(ctx, "delete a flow", m, err)
}

// DeleteExactly deletes a flow as it was read, by its tuple and its ID: not a
// later one with the same tuple. The error matches fs.ErrNotExist where it is
// gone.
func (e *FlowEditor) DeleteExactly(ctx context.Context, f netstat.Flow) error {
	m, err := deleteExactly(&f)
	return e.one(ctx, "delete a flow", m, err)
}

func deleteExactly(f *netstat.Flow) (change, error) {
	return flowMessage(unix.NFNL_SUBSYS_CTNETLINK, ctDelete, f.Original.Family(), 0, func(b []byte) ([]byte, error) {
		id, known := f.ID.Get()
		if !known {
			return nil, fmt.Errorf("the flow's ID is not known")
		}
		key := f.Key()
		b, err := appendKey(b, &key)
		return appendBig32Attribute(b, ctaID, id), err
	})
}

// Flush deletes the flows that q selects, and returns how many; for all flows it
// cannot tell, and returns -1. All flows go by one request. For fewer, those
// that match are read, and each is deleted by tuple and ID: a kernel that does
// not know a filter, and ignores it, would delete what does not match.
func (e *FlowEditor) Flush(ctx context.Context, q netstat.FlowQuery) (deleted int, err error) {
	const op = "flush flows"
	if q.List != netstat.FlowTable || q.Reset {
		return 0, e.kernel.conntrackError(op, notSupported(errors.New("flows are deleted from the table, without a reset")))
	}
	if q.Everything() {
		// Here, and nowhere else, a request for deletion has no tuple.
		m, err := flowMessage(unix.NFNL_SUBSYS_CTNETLINK, ctDelete, 0, 0, func(b []byte) ([]byte, error) { return b, nil })
		return -1, e.one(ctx, op, m, err)
	}
	return e.DeleteEach(ctx, q, func(*netstat.Flow) bool { return true })
}

// DeleteEach deletes, by tuple and ID, the flows that q selects and that keep
// chooses. Those that are gone by then are not counted.
func (e *FlowEditor) DeleteEach(ctx context.Context, q netstat.FlowQuery, choose func(*netstat.Flow) bool) (deleted int, err error) {
	all, gone := 0, 0
	var failed error
	err = e.apply(ctx, func(yield func(change, error) bool) {
		failed = e.kernel.flows(ctx, &q, func(f *netstat.Flow) bool {
			if !choose(f) {
				return true
			}
			all++
			return yield(deleteExactly(f))
		})
	}, func(_ int, err error) error {
		gone++
		if noSuchFlow(err) {
			return nil
		}
		return err
	})
	if err == nil {
		err = failed
	}
	return all - gone, e.fail(ctx, "delete flows", err)
}

// noSuchFlow reports whether the kernel said that there is no such flow.
func noSuchFlow(err error) bool { return errors.Is(err, os.ErrNotExist) }

// CreateExpectation makes an expectation of a flow that is there. The error
// matches fs.ErrNotExist where the master is not, or has no such helper.
func (e *FlowEditor) CreateExpectation(ctx context.Context, x netstat.Expectation) error {
	m, err := flowMessage(unix.NFNL_SUBSYS_CTNETLINK_EXP, expNew, x.Master.Family(), makeNew, func(b []byte) ([]byte, error) { return appendExpectation(b, &x) })
	return e.one(ctx, "create an expectation", m, err)
}

// DeleteExpectation deletes the expectation with the tuple and the zone of x and,
// if that is known, its ID. The error matches fs.ErrNotExist where there is none.
func (e *FlowEditor) DeleteExpectation(ctx context.Context, x netstat.Expectation) error {
	m, err := flowMessage(unix.NFNL_SUBSYS_CTNETLINK_EXP, expDelete, x.Tuple.Family(), 0, func(b []byte) ([]byte, error) { return appendExpectationKey(b, &x) })
	return e.one(ctx, "delete an expectation", m, err)
}

// FlushExpectations deletes every expectation.
func (e *FlowEditor) FlushExpectations(ctx context.Context) error {
	m, err := flowMessage(unix.NFNL_SUBSYS_CTNETLINK_EXP, expDelete, 0, 0, func(b []byte) ([]byte, error) { return b, nil })
	return e.one(ctx, "flush expectations", m, err)
}
