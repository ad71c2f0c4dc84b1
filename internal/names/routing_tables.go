package names

import (
	"io"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// RoutingTables are the numbers of routing tables by their names.
type RoutingTables map[string]uint32

// Where iproute2 has its files: the administrator's come before the distribution's.
var iproute2 = []string{"/etc/iproute2", "/usr/share/iproute2"}

// ReadRoutingTables reads the names that ip(8) knows: those of the first file rt_tables
// there is, and of the files rt_tables.d/*.conf.
func ReadRoutingTables() RoutingTables { return readRoutingTables(iproute2) }

func readRoutingTables(folders []string) RoutingTables {
	all := make(RoutingTables)
	read := func(file string) bool {
		f, err := os.Open(file)
		if err != nil {
			return false
		}
		defer f.Close()
		maps.Copy(all, ParseRoutingTables(f))
		return true
	}
	for _, folder := range folders {
		if read(filepath.Join(folder, "rt_tables")) {
			break
		}
	}
	seen := make(map[string]bool) // a file hides one of the same name in a later folder
	for _, folder := range folders {
		files, _ := filepath.Glob(filepath.Join(folder, "rt_tables.d", "*.conf"))
		for _, file := range files {
			if name := filepath.Base(file); !seen[name] {
				seen[name] = read(file)
			}
		}
	}
	return all
}

// ParseRoutingTables reads a file in the form of iproute2's rt_tables: a number, in decimal
// or with 0x in front, and a name. Lines that have another form are passed over.
func ParseRoutingTables(r io.Reader) RoutingTables {
	tables := make(RoutingTables)
	for fields := range lines(r) {
		base, digits := 10, fields[0]
		if rest, hexadecimal := strings.CutPrefix(digits, "0x"); hexadecimal {
			base, digits = 16, rest
		}
		if n, err := strconv.ParseUint(digits, base, 32); err == nil {
			tables[fields[1]] = uint32(n)
		}
	}
	return tables
}
