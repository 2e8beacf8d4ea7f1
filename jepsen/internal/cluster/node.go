// Package cluster starts, ends and asks the nodes under test.
//
// A node is a murderd in a network namespace of its own with a directory of
// its own. The harness talks to it by its admin socket, never through the wire
// that it breaks.
package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	wire "murder/jepsen/internal/net"
)

// Ports of every node: it is alone in its namespace.
const (
	IMAPPort = 143
	LMTPPort = 24
	LinkPort = 3906
)

// StartTimeout is how long a node may take to answer after its start.
const StartTimeout = 60 * time.Second

// StopTimeout is how long a clean stop may take.
const StopTimeout = 30 * time.Second

// Node is one murderd, running or not. Its methods may be called from one
// goroutine at a time; those that only look, from any.
type Node struct {
	ID   int
	Name string
	Addr wire.Addr
	Dir  string // log, configuration and data

	options *Options
	network *wire.Namespace

	lock    sync.Mutex
	process *process // NULL: not running
	paused  bool
	starts  int
}

// process is one life of murderd.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it is gone
	err   error         // of Wait; read after ended
}

// Data is the node's data directory.
func (n *Node) Data() string { return filepath.Join(n.Dir, "data") }

// LogPath is where its standard error goes.
func (n *Node) LogPath() string { return filepath.Join(n.Dir, "log") }

func (n *Node) socket() string { return filepath.Join(n.Data(), "admin.sock") }

const configuration = `data = "%s";
hostname = "%s";
listen = {
	imap = [ "%s:%d" ];
	lmtp = [ "%s:%d" ];
};
login = { plain_without_tls = true; delay = "10ms"; };
store = { wal_segment = "1M"; wal_keep = "1T"; };
%s`

func (n *Node) writeConfig() error {
	text := fmt.Sprintf(configuration, n.Data(), n.Name, n.Addr, IMAPPort,
		n.Addr, LMTPPort, n.options.Settings)
	return os.WriteFile(filepath.Join(n.Dir, "murderd.conf"), []byte(text), 0o600)
}

func (n *Node) environment() []string {
	env := append(os.Environ(), n.options.Env...)
	if n.options.Shim != "" {
		preload := append(append([]string(nil), n.options.Sanitizers...), n.options.Shim)
		env = append(env, "LD_PRELOAD="+strings.Join(preload, " "),
			"MURDER_SHIM_DIR="+n.Data())
	}
	return env
}

// Start starts murderd and waits until it answers. A node that is running is
// left alone.
func (n *Node) Start(ctx context.Context) error {
	if n.Running() {
		return nil
	}
	if err := n.launch(); err != nil {
		return fmt.Errorf("start %s: %w", n.Name, err)
	}
	return n.awaitAnswer(ctx)
}

func (n *Node) launch() error {
	log, err := os.OpenFile(n.LogPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(n.options.Build, "murderd"),
		"--config", filepath.Join(n.Dir, "murderd.conf"))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Dir = n.Dir // cores
	cmd.Env = n.environment()
	// Its own group: an interrupt at the terminal is for the harness alone.
	// The death signal comes when the namespace's thread ends, however.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := n.network.Do(cmd.Start); err != nil {
		return err
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	go func() {
		p.err = cmd.Wait()
		close(p.ended)
	}()
	n.lock.Lock()
	n.process, n.paused = p, false
	n.starts++
	n.lock.Unlock()
	return nil
}

func (n *Node) awaitAnswer(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, StartTimeout)
	defer cancel()
	for {
		_, err := n.Status(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer after its start: %w", n.Name, err)
		case <-n.now().ended:
			n.forget()
			return fmt.Errorf("%s ended at its start: see %s", n.Name, n.LogPath())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (n *Node) now() *process {
	n.lock.Lock()
	defer n.lock.Unlock()
	return n.process
}

func (n *Node) forget() {
	n.lock.Lock()
	defer n.lock.Unlock()
	n.process, n.paused = nil, false
}

// Running is whether murderd was started and has not ended.
func (n *Node) Running() bool {
	p := n.now()
	if p == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Starts is how often murderd was started.
func (n *Node) Starts() int {
	n.lock.Lock()
	defer n.lock.Unlock()
	return n.starts
}

// Paused is whether Pause was the last word.
func (n *Node) Paused() bool {
	n.lock.Lock()
	defer n.lock.Unlock()
	return n.paused
}

func (n *Node) signal(number syscall.Signal) error {
	p := n.now()
	if p == nil {
		return fmt.Errorf("%s does not run", n.Name)
	}
	return p.cmd.Process.Signal(number)
}

// Kill ends murderd at once; without one there is nothing to do.
func (n *Node) Kill() {
	p := n.now()
	if p == nil {
		return
	}
	p.cmd.Process.Kill()
	<-p.ended
	n.forget()
}

// Stop ends murderd cleanly; anything else than status 0 is an error.
func (n *Node) Stop() error {
	p := n.now()
	if p == nil {
		return nil
	}
	if err := n.signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended:
		n.forget()
	case <-time.After(StopTimeout):
		return fmt.Errorf("%s does not stop", n.Name)
	}
	if p.err != nil {
		return fmt.Errorf("%s: clean stop: %w", n.Name, p.err)
	}
	return nil
}

// Pause stops all its threads (SIGSTOP).
func (n *Node) Pause() error { return n.setPaused(syscall.SIGSTOP, true) }

// Continue lets them go on.
func (n *Node) Continue() error { return n.setPaused(syscall.SIGCONT, false) }

func (n *Node) setPaused(number syscall.Signal, paused bool) error {
	if err := n.signal(number); err != nil {
		return err
	}
	n.lock.Lock()
	n.paused = paused
	n.lock.Unlock()
	return nil
}

// State is the letter of the process's state in proc(5), or 0.
func (n *Node) State() byte {
	p := n.now()
	if p == nil {
		return 0
	}
	octets, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	at := bytes.LastIndexByte(octets, ')') // the name may hold anything
	if at < 0 || at+2 >= len(octets) {
		return 0
	}
	return octets[at+2]
}

// ---- murderctl ----

// Group is the state of one replica.
type Group struct {
	Group   int    `json:"group"`
	Leader  bool   `json:"leader"`
	Parked  bool   `json:"parked"`
	Why     string `json:"parked_why"`
	Term    uint64 `json:"term"`
	Last    uint64 `json:"last_index"`
	Applied uint64 `json:"applied_index"`
}

// Status is what `murderctl status` says.
type Status struct {
	Initialised bool    `json:"initialised"`
	Node        int     `json:"node"`
	Groups      []Group `json:"groups"`
}

// Status asks the node.
func (n *Node) Status(ctx context.Context) (*Status, error) {
	octets, err := n.Ctl(ctx, "", "status")
	if err != nil {
		return nil, err
	}
	status := &Status{}
	if err := json.Unmarshal(octets, status); err != nil {
		return nil, fmt.Errorf("%s: status: %w", n.Name, err)
	}
	return status, nil
}

// CtlTimeout is how long one command of murderctl may take.
const CtlTimeout = 20 * time.Second

// Ctl runs murderctl with that input and gives what it prints.
func (n *Node) Ctl(ctx context.Context, input string, words ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, CtlTimeout)
	defer cancel()
	var out bytes.Buffer
	err := n.ctlTo(ctx, &out, input, words...)
	return out.Bytes(), err
}

// CtlTo writes what murderctl prints to `out`, however long it takes.
func (n *Node) CtlTo(ctx context.Context, out io.Writer, words ...string) error {
	return n.ctlTo(ctx, out, "", words...)
}

func (n *Node) ctlTo(ctx context.Context, out io.Writer, input string, words ...string) error {
	words = append([]string{"--socket", n.socket(), "--json"}, words...)
	cmd := exec.CommandContext(ctx, filepath.Join(n.options.Build, "murderctl"), words...)
	var text bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), out, &text
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: murderctl %s: %w: %s", n.Name,
			strings.Join(words[3:], " "), err, strings.TrimSpace(text.String()))
	}
	return nil
}
