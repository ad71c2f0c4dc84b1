package collectors

import (
	"errors"
	"io"
	"os"
	"sync"
)

// procNetFile is a file of /proc/net, opened once and read again from its
// beginning each time: it stays the namespace's that the opening thread was in.
type procNetFile struct {
	name string

	mu     sync.Mutex // held while buffer is used
	file   *os.File
	buffer []byte
	closed bool
}

// readProcNet calls parse with the content of a file of /proc/net, which is
// only valid during the call.
func (k *Kernel) readProcNet(p *procNetFile, parse func(content []byte) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return os.ErrClosed
	}
	if p.file == nil {
		err := k.inside(func() (err error) {
			p.file, err = os.Open("/proc/thread-self/net/" + p.name)
			return err
		})
		if err != nil {
			return err
		}
		p.buffer = make([]byte, 16<<10)
	}
	n := 0
	for {
		if n == len(p.buffer) {
			p.buffer = append(p.buffer, make([]byte, len(p.buffer))...)
		}
		m, err := p.file.ReadAt(p.buffer[n:], int64(n))
		n += m
		if errors.Is(err, io.EOF) {
			return parse(p.buffer[:n])
		}
		if err != nil {
			return err
		}
	}
}

func (p *procNetFile) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.file == nil {
		return nil
	}
	err := p.file.Close()
	p.file = nil
	return err
}
