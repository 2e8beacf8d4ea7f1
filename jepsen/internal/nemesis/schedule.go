package nemesis

import "time"

// Mode says how often faults come and how long they stay.
type Mode struct {
	Name               string
	Calm               time.Duration // before the first
	PauseLow, PauseTop time.Duration // between two of one nemesis
	HoldLow, HoldTop   time.Duration
	OneAtATime         bool
}

// Modes by name.
var Modes = map[string]Mode{
	"default": {"default", 10 * time.Second, 5 * time.Second, 10 * time.Second,
		time.Second, 20 * time.Second, false},
	"calm": {"calm", 5 * time.Second, 2 * time.Second, 4 * time.Second,
		500 * time.Millisecond, 5 * time.Second, true},
	"storm": {"storm", 5 * time.Second, 500 * time.Millisecond, 1500 * time.Millisecond,
		200 * time.Millisecond, 3 * time.Second, false},
	"short": {"short", 3 * time.Second, 1 * time.Second, 2 * time.Second,
		300 * time.Millisecond, 3 * time.Second, false},
}
