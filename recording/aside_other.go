//go:build !linux

package recording

import (
	"errors"
	"os"
)

// Only Linux has files without a name.
func newNameless(string) *os.File { return nil }

func linkOf(*os.File, string) error { return errors.ErrUnsupported }

func renameOnly(string, string) error { return errors.ErrUnsupported }
