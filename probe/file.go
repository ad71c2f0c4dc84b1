package probe

import (
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// lookEvery is how often it is looked whether a file of targets changed, at most.
const lookEvery = time.Second

// targetsFile is a file of targets that is read again when it changed.
type targetsFile struct {
	path string
	log  *slog.Logger

	current atomic.Pointer[Targets]
	looked  atomic.Int64 // nanoseconds since began
	began   time.Time
	bad     atomic.Bool  // the file as it is now was not taken
	read    atomic.Int64 // when the current one was read, in seconds of Unix

	mu   sync.Mutex
	info os.FileInfo // of what was read last
	said string      // what is wrong with it, as the log was told; "" for nothing
}

// openTargets reads the file for the first time. Without a path there is none.
func openTargets(path string, log *slog.Logger) (*targetsFile, error) {
	f := &targetsFile{path: path, log: log, began: time.Now()}
	f.current.Store(new(Targets))
	if path == "" {
		return f, nil
	}
	f.info, _ = os.Stat(path)
	t, err := ReadTargets(path)
	if err != nil {
		return nil, err
	}
	f.take(t)
	return f, nil
}

func (f *targetsFile) take(t *Targets) {
	f.said = ""
	f.current.Store(t)
	f.bad.Store(false)
	f.read.Store(time.Now().Unix())
}

// targets returns what the file says, after a look whether it changed if the last is not just over.
func (f *targetsFile) targets() *Targets {
	if f.path != "" {
		now := int64(time.Since(f.began))
		if last := f.looked.Load(); now-last >= int64(lookEvery) && f.looked.CompareAndSwap(last, now) {
			f.look(false)
		}
	}
	return f.current.Load()
}

// look reads the file again if it changed, or in any case. What is wrong with it is logged, and the one before stays.
func (f *targetsFile) look(always bool) {
	if f.path == "" {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	info, err := os.Stat(f.path)
	// One that was not taken is read again in any case: rights to read it show in none of these.
	if err == nil && !always && !f.bad.Load() && f.info != nil && os.SameFile(f.info, info) && f.info.ModTime().Equal(info.ModTime()) && f.info.Size() == info.Size() {
		return
	}
	f.info = info
	var t *Targets
	if err == nil {
		t, err = ReadTargets(f.path)
	}
	if err != nil {
		f.bad.Store(true)
		if err.Error() == f.said && !always {
			return
		}
		f.said = err.Error()
		f.log.Error("the file of targets is not taken, and what it said before stays", "error", err)
		return
	}
	f.take(t)
	f.log.Info("the file of targets was read again", "file", f.path)
}
