package main

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/netsnmp-agent/netsnmp-agent/netstat"
)

// labelFile names the labels: a number and a name in each line (connlabel.conf of
// iptables).
const labelFile = "/etc/xtables/connlabel.conf"

// labelNames are the names of labels.
type labelNames struct {
	number map[string]uint8
	name   map[uint8]string
}

// readLabels reads the file of the host; one that is not there names nothing.
func readLabels() *labelNames {
	f, err := os.Open(labelFile)
	if err != nil {
		return parseLabels(strings.NewReader(""))
	}
	defer f.Close()
	return parseLabels(f)
}

// longestLine bounds a line of the file.
const longestLine = 4096

func parseLabels(r io.Reader) *labelNames {
	l := &labelNames{number: map[string]uint8{}, name: map[uint8]string{}}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestLine)
	for lines.Scan() {
		text, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(text)
		if len(fields) != 2 {
			continue
		}
		n, err := strconv.ParseUint(fields[0], 0, 7) // as strtoul(3) does
		if err != nil {
			continue
		}
		if _, named := l.name[uint8(n)]; !named {
			l.number[fields[1]], l.name[uint8(n)] = uint8(n), fields[1]
		}
	}
	return l
}

// set sets the labels that a list names, by name or number.
func (l *labelNames) set(into *netstat.FlowLabels, list string) error {
	for word := range strings.SplitSeq(list, ",") {
		n, known := l.number[word]
		if !known {
			number, err := strconv.ParseUint(word, 10, 7)
			if err != nil {
				return wrong("label %q is neither in %s nor a number from 0 to 127", word, labelFile)
			}
			n = uint8(number)
		}
		into.Set(n)
	}
	return nil
}

// of returns the names of the labels that are set; a number for one without a
// name.
func (l *labelNames) of(labels *netstat.FlowLabels) []string {
	var all []string
	for _, n := range labels.Numbers() {
		name, named := l.name[n]
		if !named {
			name = strconv.Itoa(int(n))
		}
		all = append(all, name)
	}
	return all
}
