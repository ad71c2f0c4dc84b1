package main

import (
	"github.com/netsnmp-agent/netsnmp-agent/netstat"
	"github.com/netsnmp-agent/netsnmp-agent/recording"
)

// recordedStack is a stack in a file.
type recordedStack struct {
	*recording.Stack
	file *recording.File
}

// openRecording opens the last whole moment of a recording. What is behind it in
// a file that is damaged is said and left.
func openRecording(s settings) (openedStack, error) {
	file, err := recording.Open(s.recording)
	if err != nil {
		return nil, err
	}
	stack, err := file.Stack(recording.Choice{Stack: s.netns})
	if err != nil {
		file.Close()
		return nil, err
	}
	if err := file.Damage(); err != nil {
		s.log.Warn("what stands in the recording before this is shown", "error", err)
	}
	s.log.Info("a recorded stack is shown", "file", s.recording, "recorded", stack.Moment().Time(), "host", stack.Moment().Host().Name)
	return recordedStack{stack, file}, nil
}

// Close closes the file.
func (r recordedStack) Close() error { return r.file.Close() }

// hostOf returns the host that a stack is of.
func hostOf(stack netstat.Stack) recording.Host {
	if r, ok := stack.(recordedStack); ok && r.Remote() != "" {
		return recording.Host{Name: r.Remote()}
	} else if ok {
		return r.Moment().Host()
	}
	return recording.ThisHost()
}
