package netstat

// FlowEndReader tells of flows that end.
type FlowEndReader interface {
	// ListenFlowEnds begins to listen for the ends of flows. The error matches
	// fs.ErrPermission without the privilege to, and ErrNotSupported where the source
	// tells of none.
	ListenFlowEnds() (FlowEndListener, error)
}

// FlowEndListener receives flows that ended.
type FlowEndListener interface {
	// Receive waits for flows that end, and calls each with those that did, in their
	// order; the Flow is valid during the call. An error of each ends the call and is
	// returned as it is. An error that matches ErrGap says that ends were lost; those
	// after the gap come by the next call. One that matches fs.ErrClosed says that the
	// listener was closed. Receive must not be called concurrently.
	//
	// Of a flow that ended its tuples, zone and ID are told, and its last counters where it
	// was counted.
	Receive(each func(*Flow) error) error
	// Close ends the subscription. A Receive under way returns. Closing again is no error.
	Close() error
}
