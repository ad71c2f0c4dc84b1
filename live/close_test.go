package live

import (
	"errors"
	"io"
	"io/fs"
	"testing"

	"github.com/netsnmp-agent/netsnmp-agent/internal/nstest"
)

// TestCloseAgain holds that what was closed can be closed again.
func TestCloseAgain(t *testing.T) {
	s := open(t, nstest.New(t), Options{})
	for _, c := range []io.Closer{s.Subscribe(SubscribeOptions{}), s} {
		for range 2 {
			if err := c.Close(); err != nil {
				t.Errorf("%T: %v", c, err)
			}
		}
	}
	if !errors.Is(s.Err(), fs.ErrClosed) {
		t.Errorf("it ended for: %v", s.Err())
	}
}
