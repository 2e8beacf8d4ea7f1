// Package run is one run of the tester: load, faults, healing, final reads,
// judgement.
package run

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"murder/jepsen/internal/nemesis"
)

// Options of a run; they stand in its test.json.
type Options struct {
	Workload string        `json:"workload"`
	Nemeses  []string      `json:"nemeses"`
	Seed     uint64        `json:"seed"`
	Time     time.Duration `json:"time"` // of load; healing comes on top
	Rate     float64       `json:"rate"` // operations a second, at most
	Workers  int           `json:"workers"`
	Nodes    int           `json:"nodes"`
	Mode     string        `json:"mode"`
	GoIMAP   bool          `json:"go_imap"` // the independent client
	Mutant   string        `json:"mutant,omitempty"`
	Recovery time.Duration `json:"recovery"` // after healing
	Build    string        `json:"build"`
	Commit   string        `json:"commit"`
	Store    string        `json:"-"` // where runs have their directories
	Root     string        `json:"-"` // the repository
	Script   []Scripted    `json:"-"` // faults of an old run, instead of drawn ones
	Log      *os.File      `json:"-"`
}

// Scripted is a fault and when it was injected.
type Scripted struct {
	At    time.Duration `json:"at"`
	Fault nemesis.Fault `json:"fault"`
	Acted string        `json:"acted"` // "" or why it did nothing
	Held  time.Duration `json:"held"`
}

// Check says what is wrong with the options, or nil.
func (o *Options) Check() error {
	if o.Workers < 1 || o.Rate <= 0 || o.Time < time.Second {
		return fmt.Errorf("workers, rate and time must be above nothing")
	}
	if _, ok := nemesis.Modes[o.Mode]; !ok {
		return fmt.Errorf("no mode %q", o.Mode)
	}
	for _, name := range []string{"murderd", "murderctl"} {
		if _, err := os.Stat(filepath.Join(o.Build, name)); err != nil {
			return fmt.Errorf("no build: %w", err)
		}
	}
	return nil
}

// needs is whether that nemesis takes part.
func (o *Options) needs(name string) bool {
	for _, nemesis := range o.Nemeses {
		if nemesis == name {
			return true
		}
	}
	return false
}

// Name of the run's directory.
func (o *Options) Name() string {
	faults := strings.Join(o.Nemeses, "+")
	if faults == "" {
		faults = "none"
	}
	name := fmt.Sprintf("%s-%s-%d-%s", o.Workload, faults, o.Seed,
		time.Now().UTC().Format("20060102T150405"))
	if o.Mutant != "" {
		name = o.Mutant + "-" + name
	}
	return name
}

// writeRepro writes a script that makes the same run again: same operations,
// same faults. `jepsen replay` injects what was injected, at the same times.
func (o *Options) writeRepro(path string) error {
	text := fmt.Sprintf("#!/bin/sh\n# At commit %s, from the root of the repository.\n"+
		"cd jepsen && go run ./cmd/jepsen run -build %q -w %s -n %q -seed %d -time %s "+
		"-rate %g -workers %d -nodes %d -mode %s -recovery %s -go-imap=%t -mutant %q\n",
		o.Commit, o.Build, o.Workload, strings.Join(o.Nemeses, ","), o.Seed, o.Time, o.Rate,
		o.Workers, o.Nodes, o.Mode, o.Recovery, o.GoIMAP, o.Mutant)
	return os.WriteFile(path, []byte(text), 0o755)
}

func writeJSON(path string, value interface{}) error {
	octets, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(octets, '\n'), 0o644)
}

// readScript reads the faults.jsonl of a run.
func readScript(path string) ([]Scripted, error) {
	octets, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var script []Scripted
	decoder := json.NewDecoder(strings.NewReader(string(octets)))
	for decoder.More() {
		var one Scripted
		if err := decoder.Decode(&one); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		script = append(script, one)
	}
	return script, nil
}
