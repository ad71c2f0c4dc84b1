package usm

import (
	"math"
	"sync"
	"time"
)

// window is by how much a message's time may differ from the engine's, in seconds (RFC
// 3414, section 2.2.3).
const window = 150

// maxBoots is an snmpEngineBoots at which no message is in time again.
const maxBoots = math.MaxInt32

// Engine is the authoritative engine that a Model is of: its name and its clock.
type Engine struct {
	id      EngineID
	boots   int32
	started time.Time
}

// NewEngine returns an engine that started at a moment, for the boots-th time: once
// that is stored where it outlives the process.
func NewEngine(id EngineID, boots int32, started time.Time) *Engine {
	return &Engine{id, boots, started}
}

// ID returns its snmpEngineID.
func (e *Engine) ID() EngineID { return e.id }

// Boots returns its snmpEngineBoots.
func (e *Engine) Boots() int32 { return e.boots }

// Time returns its snmpEngineTime: whole seconds since it started, as messages have it and
// the time window is reckoned (RFC 3414, section 2.2.2).
func (e *Engine) Time(now time.Time) int32 {
	return int32(min(max(now.Sub(e.started)/time.Second, 0), math.MaxInt32))
}

// inTime judges a message for which this engine is authoritative (RFC 3414, section
// 3.2, step 7a).
func (e *Engine) inTime(boots, engineTime int32, now time.Time) bool {
	if e.boots == maxBoots || boots != e.boots {
		return false
	}
	off := int64(engineTime) - int64(e.Time(now))
	return off >= -window && off <= window
}

// remoteClock is what is known of another engine's clock.
type remoteClock struct {
	mu     sync.Mutex
	boots  int32
	latest int32     // latestReceivedEngineTime
	at     time.Time // when that was received
}

// now returns boots and time as they are there, 0 and 0 before anything was heard.
func (c *remoteClock) now(now time.Time) (boots, engineTime int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.boots, c.time(now)
}

func (c *remoteClock) time(now time.Time) int32 {
	if c.at.IsZero() {
		return 0
	}
	passed := max(now.Sub(c.at)/time.Second, 0)
	return int32(min(int64(c.latest)+int64(passed), math.MaxInt32))
}

func (c *remoteClock) heard() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !c.at.IsZero()
}

// inTime learns from an authentic message and judges it (RFC 3414, section 3.2, step
// 7b).
func (c *remoteClock) inTime(boots, engineTime int32, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if boots > c.boots || boots == c.boots && engineTime > c.latest || c.at.IsZero() {
		c.boots, c.latest, c.at = boots, engineTime, now
	}
	return c.boots != maxBoots && boots == c.boots &&
		int64(engineTime) >= int64(c.time(now))-window
}
