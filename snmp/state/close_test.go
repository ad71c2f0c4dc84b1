package state

import "testing"

// TestCloseAgain holds that a file that was closed can be closed again.
func TestCloseAgain(t *testing.T) {
	f, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}
