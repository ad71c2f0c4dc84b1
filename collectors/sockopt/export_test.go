package sockopt

// NewByLayout returns a source that asks the kernel for no option.
func NewByLayout() *Source {
	s := New("")
	s.leastOnly = true
	return s
}
