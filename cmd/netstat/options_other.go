//go:build !linux

package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

func socketOptions() (sources []netstat.SocketOptionSource, close func()) { return nil, func() {} }

func pinOptions(io.Writer) error { return errNoPrograms }

func unpinOptions() error { return errNoPrograms }

var errNoPrograms = fmt.Errorf("only Linux has programs that read options of sockets: %w", errors.ErrUnsupported)
