//go:build !linux

package namespaces

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/netsnmp-agent/netsnmp-agent/internal/show"
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// Sources fails: this system's own stack is not read. The error matches errors.ErrUnsupported.
func Sources(context.Context, string, func(error), ...netstat.SocketOptionSource) ([]*show.Source, error) {
	return nil, fmt.Errorf("the stack of %s is not read, Linux's alone is: --host and --hosts show other hosts, --recording what was recorded (%w)", runtime.GOOS, errors.ErrUnsupported)
}
