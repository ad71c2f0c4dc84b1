package main

import (
	"fmt"

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
		if number, ok := file.Last(); ok && s.netns == "" {
			if m, failed := file.Moment(number); failed == nil && len(m.Stacks()) > 1 {
				err = fmt.Errorf("%w; --netns chooses one", err)
			}
		}
		file.Close()
		return nil, err
	}
	if err := file.Damage(); err != nil {
		s.log.Warn("what stands in the recording before this is shown", "error", err)
	}
	recorded := recordedStack{stack, file}
	s.log.Info("a recorded stack is shown", "file", s.recording, "recorded", stack.Moment().Time(), "host", hostOf(recorded).Name)
	return recorded, nil
}

// Close closes the file.
func (r recordedStack) Close() error { return r.file.Close() }

// hostOf returns the host that a stack is of. Of one that an SNMP agent told, the
// address is known.
func hostOf(stack netstat.Stack) recording.Host {
	if r, ok := stack.(recordedStack); ok && r.Remote() != "" {
		return recording.Host{Name: r.Remote()}
	} else if ok {
		return r.Moment().Host()
	}
	return recording.ThisHost()
}
