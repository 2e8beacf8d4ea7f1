package run

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"murder/jepsen/internal/check"
	"murder/jepsen/internal/cluster"
	"murder/jepsen/internal/gen"
	"murder/jepsen/internal/history"
	"murder/jepsen/internal/workload"
)

// state is a run under way.
type state struct {
	o       *Options
	dir     string
	seed    *gen.Seed
	work    workload.Workload
	cluster *cluster.Cluster
	out     *history.Writer
	load    *load
	faults  *faults
	notes   Notes
}

// Run makes one run and judges it. An error is one of the harness; what the
// cluster does wrong is in the verdict.
func Run(ctx context.Context, o *Options) (*Verdict, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	work, err := workload.Find(o.Workload)
	if err != nil {
		return nil, err
	}
	s := &state{o: o, work: work, seed: gen.NewSeed(o.Seed)}
	s.dir = filepath.Join(o.Store, o.Name())
	if err := os.MkdirAll(filepath.Join(s.dir, "nodes"), 0o755); err != nil {
		return nil, err
	}
	if err := writeJSON(filepath.Join(s.dir, "test.json"), o); err != nil {
		return nil, err
	}
	if err := o.writeRepro(filepath.Join(s.dir, "repro.sh")); err != nil {
		return nil, err
	}
	fmt.Fprintf(o.Log, "# %s\n", s.dir)
	v, err := s.run(ctx)
	if err != nil {
		s.giveUp()
	}
	return v, err
}

// giveUp keeps what the nodes said and takes the rest away.
func (s *state) giveUp() {
	if s.cluster != nil {
		s.cluster.Close()
		s.keepNodes()
	}
	if s.notes.Data != "" {
		os.RemoveAll(s.notes.Data)
	}
}

func (s *state) run(ctx context.Context) (*Verdict, error) {
	if err := s.open(); err != nil {
		return nil, err
	}
	defer s.cluster.Close()
	if err := s.cluster.Start(ctx); err != nil {
		return nil, err
	}
	if err := s.drive(ctx); err != nil {
		return nil, err
	}
	s.end(ctx)
	s.cluster.Close()
	s.keepNodes()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("interrupted: %w", err)
	}
	return Judge(s.dir)
}

func (s *state) open() error {
	// Names of sockets are short, and data of a run need not last.
	data, err := os.MkdirTemp("", "jepsen-")
	if err != nil {
		return err
	}
	s.notes.Data = data
	options := cluster.Options{
		Dir: data, Build: s.o.Build, Nodes: s.o.Nodes,
		Tools: filepath.Join(s.o.Root, "test/shim"),
	}
	if s.o.needs("power") {
		options.Shim = filepath.Join(s.o.Build, "test/shim/faultshim.so")
		if _, err := os.Stat(options.Shim); err != nil {
			return fmt.Errorf("power cuts need the shim: %w", err)
		}
	}
	if s.o.Mutant != "" {
		options.Env = append(options.Env, "MURDER_MUTANT="+s.o.Mutant)
	}
	s.cluster, err = cluster.New(options, s.seed)
	return err
}

// drive is setup, load with faults, healing, final reads.
func (s *state) drive(ctx context.Context) error {
	env := workload.NewEnv(s.cluster)
	env.GoIMAP = s.o.GoIMAP
	if err := s.work.Setup(ctx, env); err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	out, err := history.NewWriter(s.dir)
	if err != nil {
		return err
	}
	s.out = out
	s.load = newLoad(s.o, env, s.work, s.seed, out)
	if s.faults, err = newFaults(s.o, s.cluster, s.seed, out, s.dir); err != nil {
		return err
	}
	s.underFaults(ctx)
	s.recover(ctx)
	s.load.final(ctx, s.cluster)
	if _, err := out.Close(); err != nil {
		return err
	}
	s.notes.Skipped = s.faults.skipped
	if s.faults.err != nil {
		s.notes.failed("%v", s.faults.err)
	}
	return s.faults.script.Close()
}

func (s *state) underFaults(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, s.o.Time)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if s.o.Script != nil {
			s.faults.replay(ctx, s.o.Script)
		} else {
			s.faults.run(ctx)
		}
	}()
	s.load.run(ctx)
	<-ended
}

// recover heals what is left and waits until the cluster is whole.
func (s *state) recover(ctx context.Context) {
	s.out.Write(history.Event{P: history.Nemesis, Type: history.OK, F: "heal"})
	s.cluster.Switch.Heal()
	for _, n := range s.cluster.Nodes {
		if n.Paused() {
			n.Continue()
		}
		if err := n.Start(ctx); err != nil {
			s.notes.failed("after healing: %v", err)
		}
	}
	if err := s.cluster.AwaitLeaders(ctx); err != nil {
		s.notes.failed("after healing: %v", err)
	}
	sleep(ctx, s.o.Recovery)
}

// end dumps the logs, and restarts and stops each node cleanly.
func (s *state) end(ctx context.Context) {
	s.notes.Links = s.cluster.Switch.Count()
	for _, n := range s.cluster.Nodes {
		if err := s.dump(ctx, n); err != nil {
			s.notes.failed("log dump: %v", err)
		}
	}
	for _, n := range s.cluster.Nodes {
		if err := n.Stop(); err != nil {
			s.notes.failed("%v", err)
		}
		if err := n.Start(ctx); err != nil {
			s.notes.failed("restart: %v", err)
		}
	}
	for _, n := range s.cluster.Nodes {
		s.notes.Starts = append(s.notes.Starts, n.Starts())
		if err := n.Stop(); err != nil {
			s.notes.failed("%v", err)
		}
	}
}

// dumpTimeout of one node's log.
const dumpTimeout = 5 * time.Minute

func (s *state) dump(ctx context.Context, n *cluster.Node) error {
	ctx, cancel := context.WithTimeout(ctx, dumpTimeout)
	defer cancel()
	dir := filepath.Join(s.dir, "nodes", n.Name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	file, err := os.Create(filepath.Join(dir, "log.jsonl"))
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(file, 1<<16)
	err = n.CtlTo(ctx, out, "log", "dump")
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

// keepNodes brings logs, cores and, of failed runs, data into the run's
// directory. The nodes are gone.
func (s *state) keepNodes() {
	for _, n := range s.cluster.Nodes {
		dir := filepath.Join(s.dir, "nodes", n.Name)
		os.MkdirAll(dir, 0o755)
		if octets, err := os.ReadFile(n.LogPath()); err == nil {
			os.WriteFile(filepath.Join(dir, "log"), octets, 0o644)
			s.notes.readLog(n.Name, octets)
		}
		cores, _ := filepath.Glob(filepath.Join(n.Dir, "core*"))
		for _, core := range cores {
			s.notes.failed("%s left a core: %s", n.Name, core)
			os.Rename(core, filepath.Join(dir, filepath.Base(core)))
		}
	}
	writeJSON(filepath.Join(s.dir, "notes.json"), &s.notes)
	writeJSON(filepath.Join(s.dir, "net.json"), s.notes.Links)
}

// keepData saves the data directories of a run that did not pass.
func keepData(dir, data string, verdict check.Verdict) error {
	defer os.RemoveAll(data)
	if verdict == check.Pass || data == "" {
		return nil
	}
	nodes, err := os.ReadDir(data)
	if err != nil {
		return nil // judged again: they are there already
	}
	for _, node := range nodes {
		tar := exec.Command("tar", "-cSf", filepath.Join(dir, "nodes", node.Name(), "data.tar"),
			"--exclude=*.sock", "-C", filepath.Join(data, node.Name()), "data")
		if out, err := tar.CombinedOutput(); err != nil {
			return fmt.Errorf("keep the data of %s: %w: %s", node.Name(), err,
				strings.TrimSpace(string(out)))
		}
	}
	return nil
}
