package names

import (
	"io"
	"strconv"
	"strings"
)

// Services are the names of ports (services(5)).
type Services struct {
	names map[servicePort]string
	ports map[string]uint16
}

type servicePort struct {
	port     uint16
	protocol string
}

// ReadServices reads /etc/services. A file that is not there has no names.
func ReadServices() Services { return readFile("/etc/services", ParseServices) }

// ParseServices reads a file in the form of services(5). Lines that have another
// form are passed over; the first name of a port and the first port of a name
// count.
func ParseServices(r io.Reader) Services {
	s := Services{names: make(map[servicePort]string), ports: make(map[string]uint16)}
	for fields := range lines(r) {
		number, protocol, found := strings.Cut(fields[1], "/")
		port, err := strconv.ParseUint(number, 10, 16)
		if !found || err != nil {
			continue
		}
		key := servicePort{uint16(port), protocol}
		if _, known := s.names[key]; !known {
			s.names[key] = fields[0]
		}
		for _, name := range append(fields[2:], fields[0]) {
			if _, known := s.ports[name]; !known {
				s.ports[name] = key.port
			}
		}
	}
	return s
}

// Name returns the name of a port of a protocol ("tcp"), empty if it has none.
func (s Services) Name(port uint16, protocol string) string {
	return s.names[servicePort{port, protocol}]
}

// Port returns the port of a service.
func (s Services) Port(name string) (port uint16, ok bool) {
	port, ok = s.ports[name]
	return port, ok
}
