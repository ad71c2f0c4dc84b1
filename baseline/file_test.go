package baseline

import (
	"bytes"
	"testing"
)

// TestNothingIsWrittenThatIsTooLongToRead holds what is written to what is read.
func TestNothingIsWrittenThatIsTooLongToRead(t *testing.T) {
	content := make([]byte, maxSize+1)
	var to bytes.Buffer
	if _, err := (bounded{&to}).Write(content); err == nil || to.Len() != 0 {
		t.Errorf("%d bytes are written, %v", to.Len(), err)
	}
	if n, err := (bounded{&to}).Write(content[:10]); n != 10 || err != nil || to.Len() != 10 {
		t.Errorf("%d bytes are written, %v", to.Len(), err)
	}
}
