package remote

// Way is the way to a host that is read again and again, each time through a Stack of its own: how long answers
// may be and how soon they come, and of SNMPv3 the agent's engine, are learnt once. It is safe for concurrent
// use and has no sockets.
type Way struct {
	config Config
	path   *path
	engine *knownEngine
}

// NewWay returns the way to the host of a configuration. Nobody is asked. The error says that the configuration
// makes no sense.
func NewWay(c Config) (*Way, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	if _, err := c.endpoint(); err != nil {
		return nil, err
	}
	return &Way{config: c, path: newPath(c.MaxAnswer), engine: new(knownEngine)}, nil
}

// Stack returns the stack of the host. Unlike [Open] it asks nothing: whether somebody answers shows when
// something is read. Config.MaxOctets bounds what is read through it as a whole. Close it. The error is one of
// NewWay's.
func (w *Way) Stack() (*Stack, error) {
	s, err := prepare(w.config, w.path, w.engine)
	if err != nil {
		return nil, err
	}
	s.isOfPool = true
	return s, nil
}
