package recording

import (
	"errors"
	"io/fs"
	"os"
	"reflect"
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
		text := func(b [65]byte) string { return unix.ByteSliceToString(b[:]) }
		h = Host{
			Name: text(u.Nodename), System: text(u.Sysname), Kernel: text(u.Release),
			KernelVersion: text(u.Version), Machine: text(u.Machine),
		}
	}
	if id, err := os.ReadFile("/proc/sys/kernel/random/boot_id"); err == nil {
		h.BootID = strings.TrimSpace(string(id))
	}
	return h
}

// momentHead is the payload of the frame that begins a moment.
type momentHead struct {
	Time time.Time `cbor:"time"`
	Host Host      `cbor:"host"`
}

// stackHead is the payload of the frame that begins a stack.
type stackHead struct {
	Name   string `cbor:"name,omitempty"`
	Remote string `cbor:"remote,omitempty"`
	// Namespace is the columns of one row, nil where it is not known.
	Namespace map[string]cbor.RawMessage `cbor:"namespace,omitempty"`
	Kinds     []Kind                     `cbor:"kinds"` // that are to be recorded
	Error     *recordedError             `cbor:"error,omitempty"`
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
}

// catalogue is the payload of the frame that ends a moment: all that the others
// say of it.
type catalogue struct {
	momentHead
	Ended  time.Time       `cbor:"ended"`
	Begin  int64           `cbor:"begin"` // offset of the frame that begins the moment
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
	Text string   `cbor:"text"`
	Is   []string `cbor:"is,omitempty"`
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
}

func recordError(err error) *recordedError {
	if err == nil {
		return nil
	}
	r := &recordedError{Text: strings.ToValidUTF8(err.Error(), "\uFFFD")}
	for _, c := range errorClasses {
		if errors.Is(err, c.err) {
			r.Is = append(r.Is, c.name)
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

func (r *recordedError) Error() string { return r.Text }

func (r *recordedError) Unwrap() []error {
	var errs []error
	for _, name := range r.Is {
		for _, c := range errorClasses {
			if c.name == name {
				errs = append(errs, c.err)
			}
		}
	}
	return errs
}

var namespaceCodec = sync.OnceValue(func() codec { return codecOf(reflect.TypeFor[netstat.Namespace]()) })

// encodeNamespace returns the columns of a namespace.
func encodeNamespace(n *netstat.Namespace) (map[string]cbor.RawMessage, error) {
	if n == nil {
		return nil, nil
	}
	w := columnWriter{columns: make(map[string]any)}
	namespaceCodec().write(&w, "", []reflect.Value{reflect.ValueOf(n).Elem()})
	columns := make(map[string]cbor.RawMessage, len(w.columns))
	for name, column := range w.columns {
		b, err := encoding.Marshal(column)
		if err != nil {
			return nil, err
		}
		columns[name] = b
	}
	return columns, nil
}

func decodeNamespace(columns map[string]cbor.RawMessage) (*netstat.Namespace, error) {
	if columns == nil {
		return nil, nil
	}
	n := new(netstat.Namespace)
	err := namespaceCodec().read(newColumnReader(columns), "", []reflect.Value{reflect.ValueOf(n).Elem()})
	return n, err
}
