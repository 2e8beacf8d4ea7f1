package run

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"murder/jepsen/internal/cluster"
	"murder/jepsen/internal/gen"
	"murder/jepsen/internal/history"
	"murder/jepsen/internal/nemesis"
)

// faults is the nemeses of a run.
type faults struct {
	mode    nemesis.Mode
	view    nemesis.View
	seed    *gen.Seed
	out     *history.Writer
	nemeses []nemesis.Nemesis
	skipped map[string]string // name -> what is missing

	one    sync.Mutex // modes with one fault at a time
	hands  sync.Mutex // processes belong to one nemesis at a time
	lock   sync.Mutex
	script *os.File
	done   []Scripted
	err    error // of an Inject or Heal
}

// touchesProcesses: two of these on one node at a time make no sense.
var touchesProcesses = map[string]bool{
	"kill": true, "stop": true, "pause": true, "power": true, "member": true,
}

func newFaults(o *Options, c *cluster.Cluster, seed *gen.Seed, out *history.Writer,
	dir string) (*faults, error) {
	mode := nemesis.Modes[o.Mode]
	f := &faults{
		mode: mode, seed: seed, out: out, skipped: map[string]string{},
		view: nemesis.View{Nodes: c.Names(), HoldLow: mode.HoldLow, HoldHigh: mode.HoldTop},
	}
	for _, name := range o.Nemeses {
		n, err := nemesis.New(name, c)
		if err != nil {
			return nil, err
		}
		if missing := n.Needs(c.Caps()); missing != "" {
			f.skipped[name] = missing
			continue
		}
		f.nemeses = append(f.nemeses, n)
	}
	script, err := os.Create(filepath.Join(dir, "faults.jsonl"))
	f.script = script
	return f, err
}

// run draws and injects until the context ends.
func (f *faults) run(ctx context.Context) {
	var all sync.WaitGroup
	for _, n := range f.nemeses {
		all.Add(1)
		go func(n nemesis.Nemesis) {
			defer all.Done()
			f.haunt(ctx, n)
		}(n)
	}
	all.Wait()
}

func (f *faults) haunt(ctx context.Context, n nemesis.Nemesis) {
	draws := f.seed.Stream("nemesis " + n.Name())
	for pause := f.mode.Calm; sleep(ctx, pause); {
		fault := n.Next(draws, f.view)
		f.strike(ctx, n, &fault)
		pause = draws.Between(f.mode.PauseLow, f.mode.PauseTop)
	}
}

// replay injects the faults of a script at their times.
func (f *faults) replay(ctx context.Context, script []Scripted) {
	var all sync.WaitGroup
	for _, one := range script {
		n := f.find(one.Fault.Nemesis)
		if n == nil || !sleep(ctx, one.At-f.out.Now()) {
			continue
		}
		all.Add(1)
		go func(fault nemesis.Fault) {
			defer all.Done()
			f.strike(ctx, n, &fault)
		}(one.Fault)
	}
	all.Wait()
}

func (f *faults) find(name string) nemesis.Nemesis {
	for _, n := range f.nemeses {
		if n.Name() == name {
			return n
		}
	}
	return nil
}

// strike injects one fault, waits, sees whether it was felt, and heals it.
// After an interrupt it is healed all the same.
func (f *faults) strike(ctx context.Context, n nemesis.Nemesis, fault *nemesis.Fault) {
	if f.mode.OneAtATime {
		f.one.Lock()
		defer f.one.Unlock()
	}
	if touchesProcesses[n.Name()] {
		f.hands.Lock()
		defer f.hands.Unlock()
	}
	if ctx.Err() != nil {
		return
	}
	one := Scripted{At: f.out.Now()}
	f.write(history.Invoke, fault, "")
	err := n.Inject(ctx, fault)
	if err == nil {
		sleep(ctx, fault.Hold)
		if felt := n.Acted(fault); felt != nil {
			one.Acted = felt.Error()
		}
	}
	if healed := n.Heal(context.Background()); err == nil {
		err = healed
	}
	one.Fault, one.Held = *fault, f.out.Now()-one.At
	f.write(history.OK, fault, one.Acted)
	f.keep(one, err)
}

func (f *faults) write(kind history.Type, fault *nemesis.Fault, why string) {
	f.out.Write(history.Event{P: history.Nemesis, Type: kind, F: fault.Nemesis,
		V: gen.JSON(fault), Why: why})
}

func (f *faults) keep(one Scripted, err error) {
	f.lock.Lock()
	defer f.lock.Unlock()
	f.done = append(f.done, one)
	octets, _ := json.Marshal(one)
	if _, wrote := f.script.Write(append(octets, '\n')); err == nil {
		err = wrote
	}
	if err != nil && f.err == nil {
		f.err = fmt.Errorf("nemesis %s: %w", one.Fault.Nemesis, err)
	}
}

// sleep is false when the context ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
