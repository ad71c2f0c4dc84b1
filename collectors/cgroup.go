package collectors

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// cgroupPaths knows the paths of control groups of version 2 by their numbers: the inodes of
// their directories. It looks through all of them when a number is asked for that it does not
// know. It may be used concurrently.
type cgroupPaths struct {
	mu    sync.Mutex
	paths map[uint64]string
	// missed says when a number was looked for that there is not, or that is not visible.
	missed map[uint64]time.Time
}

// missedFor is for how long a number that was not found is not looked for again.
const missedFor = time.Minute

// of returns the group with a number. It has no path when it is not visible. All groups are
// looked through unless that was done in the same dump, which looked then says.
func (c *cgroupPaths) of(id uint64, looked *bool) netstat.CGroup {
	c.mu.Lock()
	defer c.mu.Unlock()
	path, known := c.paths[id]
	if !known && !*looked && time.Since(c.missed[id]) > missedFor {
		*looked = true
		c.look()
		path, known = c.paths[id]
	}
	if !known && *looked {
		if c.missed == nil {
			c.missed = make(map[uint64]time.Time)
		}
		if _, again := c.missed[id]; !again {
			c.missed[id] = time.Now()
		}
	}
	return netstat.CGroup{ID: id, Path: path}
}

// look looks through all groups, and forgets those that are there no more.
func (c *cgroupPaths) look() {
	c.paths = make(map[uint64]string)
	maps.DeleteFunc(c.missed, func(_ uint64, at time.Time) bool { return time.Since(at) > missedFor })
	if mounts, err := os.ReadFile("/proc/self/mountinfo"); err == nil {
		if root, ok := parseCGroupMount(mounts); ok {
			c.walk(root)
		}
	}
}

// walk takes note of the groups under root. What vanishes meanwhile, and what
// may not be read, is left out.
func (c *cgroupPaths) walk(root string) {
	_ = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		if !entry.IsDir() {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return nil
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			c.paths[stat.Ino] = "/" + strings.TrimPrefix(strings.TrimPrefix(path, root), "/")
		}
		return nil
	})
}

// parseCGroupMount returns where the hierarchy of version 2 is mounted, from
// /proc/self/mountinfo (proc_pid_mountinfo(5)):
//
//	36 35 0:29 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw
func parseCGroupMount(mounts []byte) (root string, ok bool) {
	for line := range bytes.Lines(mounts) {
		before, after, _ := bytes.Cut(line, []byte(" - "))
		kind, _, _ := bytes.Cut(after, []byte{' '})
		f := fields(before)
		if string(kind) == "cgroup2" && len(f) >= 5 {
			return unescapeMount(string(f[4])), true
		}
	}
	return "", false
}

// unescapeMount undoes the octal escapes of blanks and such in a mount point.
func unescapeMount(s string) string {
	return strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(s)
}
