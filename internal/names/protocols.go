package names

import (
	"io"
	"strconv"
)

// Protocols are the names of the Internet's protocols, by their numbers in the IP
// header (protocols(5)).
type Protocols map[uint16]string

// ReadProtocols reads /etc/protocols. A file that is not there has no names.
func ReadProtocols() Protocols { return readFile("/etc/protocols", ParseProtocols) }

// ParseProtocols reads a file in the form of protocols(5). Lines that have another
// form are passed over; the first name of a number counts.
func ParseProtocols(r io.Reader) Protocols {
	p := make(Protocols)
	for fields := range lines(r) {
		number, err := strconv.ParseUint(fields[1], 10, 16)
		if err != nil {
			continue
		}
		if _, known := p[uint16(number)]; !known {
			p[uint16(number)] = fields[0]
		}
	}
	return p
}
