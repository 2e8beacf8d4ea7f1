package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"murder/jepsen/internal/gen"
	wire "murder/jepsen/internal/net"
)

// NodesMax is how many nodes a cluster may have: so many have an address.
const NodesMax = 99

// ClientAddr is where all clients come from.
var ClientAddr = wire.Addr{10, 77, 1, 1}

// Options of a cluster.
type Options struct {
	Dir        string   // of the nodes; made if absent
	Build      string   // where murderd and murderctl are
	Nodes      int      // at first
	Shim       string   // faultshim.so; "": disks lose nothing
	Tools      string   // the folder of powercut.py
	Settings   string   // more of murderd.conf
	Env        []string // more of the environment
	Sanitizers []string // libraries that must stand before the shim
}

// Cluster is the nodes, their network and their clients'.
type Cluster struct {
	Nodes   []*Node
	Switch  *wire.Switch
	Clients *wire.Namespace
	options Options
	closed  sync.Once
}

// New makes the network and what nodes need, but starts none.
func New(options Options, seed *gen.Seed) (*Cluster, error) {
	if options.Nodes < 1 || options.Nodes > NodesMax {
		return nil, fmt.Errorf("%d nodes: 1 to %d are possible", options.Nodes, NodesMax)
	}
	if options.Shim != "" {
		libraries, err := sanitizers(options.Build)
		if err != nil {
			return nil, err
		}
		options.Sanitizers = libraries
	}
	c := &Cluster{Switch: wire.NewSwitch(seed), options: options}
	clients, err := wire.Open(ClientAddr)
	if err != nil {
		c.Close()
		return nil, err
	}
	c.Clients = clients
	c.Switch.Attach(clients)
	for id := 1; id <= options.Nodes; id++ {
		if err := c.add(id); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

var sanitizerLine = regexp.MustCompile(`lib[at]san\S* => (\S+)`)

// sanitizers finds the runtime that must be loaded before any shim.
func sanitizers(build string) ([]string, error) {
	out, err := exec.Command("ldd", filepath.Join(build, "murderd")).Output()
	if err != nil {
		return nil, fmt.Errorf("ldd murderd: %w", err)
	}
	var paths []string
	for _, found := range sanitizerLine.FindAllSubmatch(out, -1) {
		paths = append(paths, string(found[1]))
	}
	return paths, nil
}

// add makes the node's directory and namespace.
func (c *Cluster) add(id int) error {
	n := &Node{
		ID: id, Name: fmt.Sprintf("n%d", id), Addr: wire.Addr{10, 77, 0, byte(id)},
		options: &c.options,
	}
	n.Dir = filepath.Join(c.options.Dir, n.Name)
	if err := os.MkdirAll(n.Dir, 0o700); err != nil {
		return err
	}
	if err := n.writeConfig(); err != nil {
		return err
	}
	network, err := wire.Open(n.Addr)
	if err != nil {
		return err
	}
	n.network = network
	c.Switch.Attach(network)
	c.Nodes = append(c.Nodes, n)
	return nil
}

// Start starts all nodes and makes a cluster of them.
func (c *Cluster) Start(ctx context.Context) error {
	for i, n := range c.Nodes {
		if err := n.Start(ctx); err != nil {
			return err
		}
		if err := c.admit(ctx, n, i == 0); err != nil {
			return err
		}
	}
	return c.AwaitLeaders(ctx)
}

// admit makes a fresh node part of the cluster: the first by `init`, others by
// a token that a member makes for them.
func (c *Cluster) admit(ctx context.Context, n *Node, first bool) error {
	if first {
		_, err := n.Ctl(ctx, "", "init", n.Name)
		return err
	}
	member, err := c.other(n)
	if err != nil {
		return err
	}
	out, err := member.Ctl(ctx, "", "token", "create", n.Name)
	if err != nil {
		return err
	}
	token, err := tokenOf(out)
	if err != nil {
		return err
	}
	_, err = n.Ctl(ctx, "", "join", fmt.Sprintf("%s:%d", member.Addr, LinkPort), token)
	return err
}

// leaveTimeout: replicas and leaderships are handed over before.
const leaveTimeout = 2 * time.Minute

// Leave takes a node out of the cluster, regularly, and its disk away.
func (c *Cluster) Leave(ctx context.Context, n *Node) error {
	ctx, cancel := context.WithTimeout(ctx, leaveTimeout)
	defer cancel()
	if err := n.CtlTo(ctx, io.Discard, "leave"); err != nil {
		return err
	}
	n.Kill()
	return os.RemoveAll(n.Data())
}

// Join starts an empty node and makes it a member.
func (c *Cluster) Join(ctx context.Context, n *Node) error {
	if err := n.Start(ctx); err != nil {
		return err
	}
	return c.admit(ctx, n, false)
}

// other is a running node that is not n.
func (c *Cluster) other(n *Node) (*Node, error) {
	for _, member := range c.Nodes {
		if member != n && member.Running() && !member.Paused() {
			return member, nil
		}
	}
	return nil, errors.New("no other node runs")
}

// Caps are what a machine and a cluster can do.
type Caps struct {
	Shim    bool // disks that lose power
	Members int  // nodes
}

// Caps of this cluster.
func (c *Cluster) Caps() Caps {
	return Caps{Shim: c.options.Shim != "", Members: len(c.Nodes)}
}

// Node by name; it must be there.
func (c *Cluster) Node(name string) *Node {
	for _, n := range c.Nodes {
		if n.Name == name {
			return n
		}
	}
	panic("cluster: no node " + name)
}

// Names of all nodes.
func (c *Cluster) Names() []string {
	names := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		names[i] = n.Name
	}
	return names
}

// AwaitLeaders waits until each group has a leader and nothing is parked.
func (c *Cluster) AwaitLeaders(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, StartTimeout)
	defer cancel()
	for {
		why := c.lacking(ctx)
		if why == "" {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the cluster does not come up: %s", why)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// lacking says what keeps the cluster from serving; "": nothing.
func (c *Cluster) lacking(ctx context.Context) string {
	led := map[int]bool{}
	for _, n := range c.Nodes {
		status, err := n.Status(ctx)
		if err != nil {
			return err.Error()
		}
		if len(status.Groups) == 0 {
			return n.Name + " serves no group"
		}
		for _, g := range status.Groups {
			if g.Parked {
				return fmt.Sprintf("%s: group %d is parked: %s", n.Name, g.Group, g.Why)
			}
			led[g.Group] = led[g.Group] || g.Leader
		}
	}
	for group, leader := range led {
		if !leader {
			return fmt.Sprintf("group %d has no leader", group)
		}
	}
	return ""
}

// Leader of a group as the nodes see it now, or nil.
func (c *Cluster) Leader(ctx context.Context, group int) *Node {
	var leader *Node
	var term uint64
	for _, n := range c.Nodes {
		if !n.Running() || n.Paused() {
			continue
		}
		status, err := n.Status(ctx)
		if err != nil {
			continue
		}
		for _, g := range status.Groups {
			if g.Group == group && g.Leader && g.Term >= term {
				leader, term = n, g.Term
			}
		}
	}
	return leader
}

// Password of every user.
const Password = "jepsen-pass-word"

// AddUser makes a user; one that exists is none the worse.
func (c *Cluster) AddUser(ctx context.Context, name string) error {
	_, err := c.Nodes[0].Ctl(ctx, Password+"\n", "user", "add", name)
	if err != nil {
		return fmt.Errorf("add user %s: %w", name, err)
	}
	return nil
}

// Dial connects a client to a node's port.
func (c *Cluster) Dial(n *Node, port int, timeout time.Duration) (conn Conn, err error) {
	return c.Clients.Dial(n.Addr, port, timeout)
}

// PowerCut takes back what a killed node had not synced; says what it did.
func (c *Cluster) PowerCut(n *Node, mode string, seed int64) (string, error) {
	if n.Running() {
		return "", fmt.Errorf("%s still runs", n.Name)
	}
	out, err := exec.Command("python3", filepath.Join(c.options.Tools, "powercut.py"),
		"--mode", mode, "--seed", fmt.Sprint(seed), n.Data()).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("power cut of %s: %w: %s", n.Name, err, out)
	}
	return strings.TrimSpace(string(out)), nil
}

// Close kills what runs and takes the network away; twice is once.
func (c *Cluster) Close() { c.closed.Do(c.close) }

func (c *Cluster) close() {
	for _, n := range c.Nodes {
		n.Kill()
		n.network.Close()
	}
	if c.Clients != nil {
		c.Clients.Close()
	}
	c.Switch.Close()
}
