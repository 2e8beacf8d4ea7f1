// Package workload is what clients do to the cluster, and who judges it.
package workload

import (
	"context"
	"fmt"
	"sort"
	"sync"
	"sync/atomic"

	"murder/jepsen/internal/check"
	"murder/jepsen/internal/cluster"
	"murder/jepsen/internal/gen"
	"murder/jepsen/internal/history"
)

// Result of an operation.
type Result struct {
	Type history.Type
	V    interface{} // of an OK; else the argument stands in the history
	Why  string
	Node string
	Conn int
}

// Client is one logical process: it never panics and never tries again.
type Client interface {
	Invoke(ctx context.Context, op gen.Op) Result
	Close()
}

// Workload is one kind of load with its judges.
type Workload interface {
	Name() string
	Setup(ctx context.Context, e *Env) error
	// Generator is pure: same seed, same operations of each worker.
	Generator(s *gen.Seed, workers int) gen.Gen
	// NewClient makes a process; `node` is nil or where it must be.
	NewClient(e *Env, draws *gen.Stream, node *cluster.Node) Client
	// Final is what is read of each key on each node after healing.
	Final(key string) gen.Op
	Checkers() []check.Checker
	// MinOKPerSecond is what the calm before the faults must reach.
	MinOKPerSecond() float64
}

// Env is what the clients of a run share.
type Env struct {
	Cluster *cluster.Cluster
	GoIMAP  bool // use the independent client where there is one
	conns   int64
	lock    sync.Mutex
	made    map[string]*once
	notes   map[string]uint32
}

// once is something that must be there before the first operation of a key.
type once struct {
	lock sync.Mutex
	done bool
}

// NewEnv is for one run.
func NewEnv(c *cluster.Cluster) *Env {
	return &Env{Cluster: c, made: map[string]*once{}, notes: map[string]uint32{}}
}

// ensure runs f until it has once returned nil; one caller at a time.
func (e *Env) ensure(key string, f func() error) error {
	e.lock.Lock()
	o := e.made[key]
	if o == nil {
		o = &once{}
		e.made[key] = o
	}
	e.lock.Unlock()
	o.lock.Lock()
	defer o.lock.Unlock()
	if o.done {
		return nil
	}
	err := f()
	o.done = err == nil
	return err
}

// note keeps a number under a name for all clients: a UID of a key.
func (e *Env) note(name string, number uint32) {
	e.lock.Lock()
	e.notes[name] = number
	e.lock.Unlock()
}

func (e *Env) noted(name string) uint32 {
	e.lock.Lock()
	defer e.lock.Unlock()
	return e.notes[name]
}

func (e *Env) nextConn() int { return int(atomic.AddInt64(&e.conns, 1)) }

// all workloads by name.
var all = map[string]Workload{}

func register(w Workload) { all[w.Name()] = w }

// Find gives the workload of that name.
func Find(name string) (Workload, error) {
	if w := all[name]; w != nil {
		return w, nil
	}
	return nil, fmt.Errorf("no workload %q; there are %v", name, Names())
}

// Names of all workloads.
func Names() []string {
	var names []string
	for name := range all {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// addUsers makes u0, u1, ..: one a team of workers.
func addUsers(ctx context.Context, e *Env, count int) error {
	for i := 0; i < count; i++ {
		if err := e.Cluster.AddUser(ctx, fmt.Sprintf("u%d", i)); err != nil {
			return err
		}
	}
	return nil
}

// UsersMax is how many teams of workers there may be.
const UsersMax = 8
