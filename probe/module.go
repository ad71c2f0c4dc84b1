package probe

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/netsnmp-agent/netsnmp-agent/mib"
	"github.com/netsnmp-agent/netsnmp-agent/remote"
)

// form is how a value is shown.
type form uint8

const (
	number     form = iota // as it is; the object's type says whether it counts
	enumerated             // 1, with the name of the number as a label
	text                   // 1, with the text as a label
	octets                 // 1, with the octets as a label, 0x0102
	address48              // 1, with six octets as a label, 01:02:03:04:05:06
)

// family is a family of metrics that an object makes.
type family struct {
	name, help string
	kind       dto.MetricType
	form       form
	label      string           // the object's name
	names      map[int64]string // of numbers that are enumerated
}

// part is what is read at once of a module: a table, or scalars.
type part struct {
	name    string // "ifTable"
	objects remote.Objects
	columns []*family // one for each of objects.Columns; nil for what is only a label
	scalars []*family
	// index is the label of the index, which is one number; "" for scalars.
	index string
	// lookups are labels that have the values of columns.
	lookups []lookup
}

type lookup struct {
	label  string
	column int
}

// module is what may be asked for by a name.
type module struct {
	name  string
	parts []part
}

// familyOf returns the family of an object, with its description in the words of its MIB.
func familyOf(o mib.Object, help string, as form) *family {
	f := &family{name: o.Name, label: o.Name, help: help + " - " + o.OID.String(), kind: dto.MetricType_GAUGE, form: as}
	if as == number && (o.Type == mib.Counter32 || o.Type == mib.Counter64) {
		f.kind = dto.MetricType_COUNTER
	}
	if as == enumerated {
		f.name += "_info"
		f.help += " (EnumAsInfo)"
	}
	return f
}

// described are the descriptions and forms of objects, by name.
type described map[string]description

type description struct {
	help string
	form form
}

// families returns the families of objects; nil for those that have no description.
func (d described) families(objects []mib.Object) []*family {
	all := make([]*family, len(objects))
	for i, o := range objects {
		if d, ok := d[o.Name]; ok {
			all[i] = familyOf(o, d.help, d.form)
		}
	}
	return all
}

// lookupsOf returns the labels that columns with these names are.
func lookupsOf(objects []mib.Object, names ...string) (all []lookup) {
	for _, name := range names {
		all = append(all, lookup{name, slices.IndexFunc(objects, func(o mib.Object) bool { return o.Name == name })})
	}
	return all
}

// modules returns the modules that may be asked for.
func modules() map[string]*module {
	all := make(map[string]*module)
	for _, m := range []*module{ifMIB(), system(), ipMIB()} {
		all[m.name] = m
	}
	return all
}

// desc is for metrics of the program itself.
func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}
