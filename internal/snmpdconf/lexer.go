package snmpdconf

// CutDirective splits a line of one of net-snmp's files into its directive and
// what follows. Both are empty for a line that is blank or a comment.
func CutDirective(line string) (directive, rest string) { return cutDirective(line) }

// Arguments splits what follows a directive at blanks, heeding quotes,
// backslashes and comments.
func Arguments(rest string) ([]string, error) { return fields(rest) }
