package netstat

// Fields returns pointers to the value, which is a *T, and to whether it is
// known, for encoders that work by reflection. One that makes the value unknown
// is to set it to T's zero.
func (o *Optional[T]) Fields() (value any, known *bool) { return &o.value, &o.known }
