package recording

import (
	"errors"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fxamacker/cbor/v2"
	"golang.org/x/sys/unix"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Host is the host that a recording was made on, or of. What is not known is
// empty.
type Host struct {
	Name          string `cbor:"name,omitempty"`           // node name (uname(2))
	System        string `cbor:"system,omitempty"`         // "Linux"
	Kernel        string `cbor:"kernel,omitempty"`         // release: "6.18.0"
	KernelVersion string `cbor:"kernel_version,omitempty"` // of the build: "#1 SMP ..."
	Machine       string `cbor:"machine,omitempty"`        // "x86_64"
	// BootID changes with each start of the host
	// (/proc/sys/kernel/random/boot_id).
	BootID string `cbor:"boot_id,omitempty"`
}

// ThisHost returns the host that the process runs on.
func ThisHost() Host {
	var h Host
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		text := unix.ByteSliceToString
		h = Host{
			Name: text(u.Nodename[:]), System: text(u.Sysname[:]), Kernel: text(u.Release[:]),
			KernelVersion: text(u.Version[:]), Machine: text(u.Machine[:]),
		}
	}
	if id, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		h.BootID = strings.TrimSpace(string(id))
	}
	return h
}

// hostHead is a Host in a file.
type hostHead struct {
	Name          text `cbor:"name,omitzero"`
	System        text `cbor:"system,omitzero"`
	Kernel        text `cbor:"kernel,omitzero"`
	KernelVersion text `cbor:"kernel_version,omitzero"`
	Machine       text `cbor:"machine,omitzero"`
	BootID        text `cbor:"boot_id,omitzero"`
}

func headOf(h Host) hostHead {
	return hostHead{text(h.Name), text(h.System), text(h.Kernel), text(h.KernelVersion), text(h.Machine), text(h.BootID)}
}

func (h hostHead) host() Host {
	return Host{string(h.Name), string(h.System), string(h.Kernel), string(h.KernelVersion), string(h.Machine), string(h.BootID)}
}

// momentHead is the payload of the frame that begins a moment.
type momentHead struct {
	Time time.Time `cbor:"time"`
	Host hostHead  `cbor:"host"`
}

// stackHead is the payload of the frame that begins a stack.
type stackHead struct {
	Name   text `cbor:"name,omitzero"`
	Remote text `cbor:"remote,omitzero"`
	// Namespace is a map with the columns of one row, nil where it is not known.
	Namespace cbor.RawMessage `cbor:"namespace,omitempty"`
	Kinds     []Kind          `cbor:"kinds"` // that are to be recorded
	Error     *recordedError  `cbor:"error,omitempty"`
}

// contents is the payload of the frame that ends a kind, or a part of it.
type contents struct {
	Kind   Kind           `cbor:"kind"`
	Part   string         `cbor:"part,omitempty"`
	Rows   uint64         `cbor:"rows"`
	Offset int64          `cbor:"offset"` // of its first frame
	Error  *recordedError `cbor:"error,omitempty"`
}

// stackContents is a stack in the catalogue of a moment.
type stackContents struct {
	stackHead
	Contents []contents `cbor:"contents"`

	namespace *netstat.Namespace // as it is read
}

// catalogue is the payload of the frame that ends a moment: all that the others
// say of it.
type catalogue struct {
	momentHead
	Ended  time.Time       `cbor:"ended"`
	Begin  int64           `cbor:"begin"` // offset of the frame that begins the moment
	Stacks []stackContents `cbor:"stacks"`
	// Parts are the offsets of the frames that have the stacks where one frame has
	// no room for all of them.
	Parts []int64 `cbor:"parts,omitempty"`
}

// cataloguePart is the payload of such a frame.
type cataloguePart struct {
	Stacks []stackContents `cbor:"stacks"`
}

// momentRef is where a moment stands in the file, as in the index.
type momentRef struct {
	_           struct{} `cbor:",toarray"`
	Begin       int64    // offset of the frame that begins it
	End         int64    // of the frame that ends it; 0 for one that is not whole
	Seconds     int64    // since 1970
	Nanoseconds int64
}

func (m *momentRef) time() time.Time { return time.Unix(m.Seconds, m.Nanoseconds) }

// index is the payload of the last frame but one.
type index struct {
	Moments []momentRef `cbor:"moments"`
}

// recordedError is why something could not be read when it was recorded: the
// text, and which of the errors that callers look for it matched.
type recordedError struct {
	Text    text     `cbor:"text"`
	Classes []string `cbor:"is,omitempty"`
}

// errorClasses are the errors that survive a recording.
var errorClasses = []struct {
	name string
	err  error
}{
	{"not-supported", netstat.ErrNotSupported},
	{"permission", fs.ErrPermission},
	{"not-exist", fs.ErrNotExist},
	{"interrupted", netstat.ErrInterrupted},
	{"unknown-values", netstat.ErrUnknownValues},
	{unknownOptions, netstat.ErrUnknownOptions},
}

const unknownOptions = "unknown-options"

func recordError(err error) *recordedError {
	if err == nil {
		return nil
	}
	r := &recordedError{Text: text(err.Error())}
	for _, c := range errorClasses {
		// Of several errors one may be about values alone, and another not.
		if errors.Is(c.err, netstat.ErrUnknownValues) && !netstat.IsComplete(err) {
			continue
		}
		if errors.Is(err, c.err) {
			r.Classes = append(r.Classes, c.name)
		}
	}
	return r
}

// error returns the error that was recorded, nil for none.
func (r *recordedError) error() error {
	if r == nil {
		return nil
	}
	return r
}

func (r *recordedError) Error() string { return string(r.Text) }

// Is reports that all rows are there where options of sockets alone are unknown, whatever
// the reason for that is.
func (r *recordedError) Is(target error) bool {
	return target == netstat.ErrUnknownValues && slices.Contains(r.Classes, unknownOptions)
}

func (r *recordedError) Unwrap() []error {
	var errs []error
	for _, name := range r.Classes {
		for _, c := range errorClasses {
			if c.name == name {
				errs = append(errs, c.err)
			}
		}
	}
	return errs
}

var namespaceCodec = sync.OnceValue(func() codec { return codecOf(reflect.TypeFor[netstat.Namespace]()) })

// encodeNamespace returns the columns of a namespace, and what a reader needs for
// them.
func encodeNamespace(n *netstat.Namespace) (columns cbor.RawMessage, cost int, err error) {
	if n == nil {
		return nil, 0, nil
	}
	w := columnWriter{columns: make(map[string]any)}
	namespaceCodec().write(&w, "", []reflect.Value{reflect.ValueOf(n).Elem()})
	columns, err = encoding().Marshal(w.columns)
	return columns, w.memory + len(w.columns)*perColumn + len(columns), err
}

func decodeNamespace(columns map[string]cbor.RawMessage, of *memory) (*netstat.Namespace, error) {
	n := new(netstat.Namespace)
	err := namespaceCodec().read(newColumnReader(columns, of), "", []reflect.Value{reflect.ValueOf(n).Elem()})
	return n, err
}
