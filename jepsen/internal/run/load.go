package run

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"murder/jepsen/internal/cluster"
	"murder/jepsen/internal/gen"
	"murder/jepsen/internal/history"
	"murder/jepsen/internal/workload"
)

// thinkMean is the pause of a client between two operations.
const thinkMean = 30 * time.Millisecond

// failPause follows what was refused: who is down is not to be hammered at.
const failPause = 100 * time.Millisecond

// load is the clients of a run.
type load struct {
	options   *Options
	env       *workload.Env
	work      workload.Workload
	seed      *gen.Seed
	out       *history.Writer
	tokens    chan struct{}
	processes int64 // given so far
	lock      sync.Mutex
	keys      map[string]bool // that were used
}

func newLoad(o *Options, env *workload.Env, work workload.Workload, seed *gen.Seed,
	out *history.Writer) *load {
	return &load{
		options: o, env: env, work: work, seed: seed, out: out,
		tokens: make(chan struct{}), processes: -1, keys: map[string]bool{},
	}
}

func (l *load) newProcess() history.Process {
	return history.Process(atomic.AddInt64(&l.processes, 1))
}

// run lets all workers work until the context ends, and waits for them.
func (l *load) run(ctx context.Context) {
	var workers sync.WaitGroup
	generator := l.work.Generator(l.seed, l.options.Workers)
	for i := 0; i < l.options.Workers; i++ {
		workers.Add(1)
		go func(i int) {
			defer workers.Done()
			l.worker(ctx, i, generator)
		}(i)
	}
	l.fillBucket(ctx)
	workers.Wait()
}

// fillBucket gives one token an operation, so that latencies show faults and
// not our own load.
func (l *load) fillBucket(ctx context.Context) {
	ticker := time.NewTicker(time.Duration(float64(time.Second) / l.options.Rate))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		select {
		case <-ctx.Done():
			return
		case l.tokens <- struct{}{}:
		}
	}
}

func (l *load) worker(ctx context.Context, i int, generator gen.Gen) {
	draws := l.seed.Stream(fmt.Sprintf("worker %d", i))
	process := l.newProcess()
	client := l.work.NewClient(l.env, draws, nil)
	defer func() { client.Close() }()
	for {
		think := time.NewTimer(draws.Think(thinkMean))
		select {
		case <-ctx.Done():
			think.Stop()
			return
		case <-think.C:
		}
		select {
		case <-ctx.Done():
			return
		case <-l.tokens:
		}
		op := generator.Next(i)
		l.note(op.K)
		switch l.invoke(ctx, client, process, op) {
		case history.Fail:
			sleep(ctx, draws.Think(failPause))
		case history.Info:
			// What it has begun may still happen: it is no more.
			client.Close()
			process = l.newProcess()
			client = l.work.NewClient(l.env, draws, nil)
		}
	}
}

func (l *load) note(key string) {
	l.lock.Lock()
	l.keys[key] = true
	l.lock.Unlock()
}

func (l *load) invoke(ctx context.Context, client workload.Client,
	process history.Process, op gen.Op) history.Type {
	event := history.Event{P: process, Type: history.Invoke, F: op.F, K: op.K}
	if op.V != nil {
		event.V = gen.JSON(op.V)
	}
	l.out.Write(event)
	result := client.Invoke(ctx, op)
	event.Type, event.Node, event.Conn = result.Type, result.Node, result.Conn
	event.Why = result.Why
	if result.V != nil {
		event.V = gen.JSON(result.V)
	}
	l.out.Write(event)
	return result.Type
}

// final reads each key on each node; all of them work and nothing is written.
func (l *load) final(ctx context.Context, c *cluster.Cluster) {
	l.out.Write(history.Event{P: history.Nemesis, Type: history.OK, F: history.FinalF})
	var keys []string
	for key := range l.keys {
		keys = append(keys, key)
	}
	var readers sync.WaitGroup
	for _, node := range c.Nodes {
		readers.Add(1)
		go func(node *cluster.Node) {
			defer readers.Done()
			draws := l.seed.Stream("final " + node.Name)
			client := l.work.NewClient(l.env, draws, node)
			defer client.Close()
			process := l.newProcess()
			for _, key := range keys {
				if ctx.Err() != nil {
					return
				}
				op := l.work.Final(key)
				if op.F != "" {
					l.invoke(ctx, client, process, op)
				}
			}
		}(node)
	}
	readers.Wait()
}
