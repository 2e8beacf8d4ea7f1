package wire

import (
	"container/heap"
	"sync"
	"time"

	"murder/jepsen/internal/gen"
)

// Key names a direction between two addresses.
type Key struct{ From, To Addr }

// Switch carries the packets of all namespaces.
type Switch struct {
	lock  sync.Mutex
	seed  *gen.Seed
	start time.Time
	ports map[Addr]*Namespace
	links map[Key]*Link
	late  queue
	count uint64 // of queued packets: equal times keep their order
	wake  chan struct{}
	stop  chan struct{}
	ended sync.WaitGroup
}

// NewSwitch starts a switch without ports.
func NewSwitch(seed *gen.Seed) *Switch {
	s := &Switch{
		seed:  seed,
		start: time.Now(),
		ports: map[Addr]*Namespace{},
		links: map[Key]*Link{},
		wake:  make(chan struct{}, 1),
		stop:  make(chan struct{}),
	}
	s.ended.Add(1)
	go s.deliverLate()
	return s
}

// packetMax is the MTU of a TUN, and slack.
const packetMax = 2048

// Attach carries the namespace's packets from now on, until it is closed.
func (s *Switch) Attach(n *Namespace) {
	s.lock.Lock()
	s.ports[n.Addr] = n
	s.lock.Unlock()
	s.ended.Add(1)
	go s.read(n)
}

// Close ends the switch; close the namespaces before.
func (s *Switch) Close() {
	close(s.stop)
	s.ended.Wait()
}

func (s *Switch) read(n *Namespace) {
	defer s.ended.Done()
	buffer := make([]byte, packetMax)
	for {
		size, err := n.tun.Read(buffer)
		if err != nil {
			return // closed
		}
		to, ok := destination(buffer[:size])
		if !ok {
			continue
		}
		s.forward(Key{n.Addr, to}, buffer[:size])
	}
}

// destination of an IPv4 packet; others are nobody's.
func destination(packet []byte) (to Addr, ok bool) {
	if len(packet) < 20 || packet[0]>>4 != 4 {
		return to, false
	}
	copy(to[:], packet[16:20])
	return to, true
}

// link of that key; the lock is held.
func (s *Switch) link(key Key) *Link {
	link := s.links[key]
	if link == nil {
		link = newLink(s.seed, key.From, key.To)
		s.links[key] = link
	}
	return link
}

// forward borrows the packet.
func (s *Switch) forward(key Key, packet []byte) {
	s.lock.Lock()
	port := s.ports[key.To]
	if port == nil {
		s.lock.Unlock()
		return
	}
	link := s.link(key)
	if link.rule.Clog {
		link.hold(append([]byte(nil), packet...))
		s.lock.Unlock()
		return
	}
	now := time.Since(s.start)
	atOnce := 0
	for _, delay := range link.pass(now, len(packet)) {
		if delay == 0 {
			atOnce++
			continue
		}
		s.queue(link, port, now+delay, append([]byte(nil), packet...))
	}
	s.lock.Unlock()
	for ; atOnce > 0; atOnce-- {
		port.tun.Write(packet) // a full queue is a lost packet
	}
}

// queue takes the packet over; the lock is held.
func (s *Switch) queue(link *Link, port *Namespace, at time.Duration, packet []byte) {
	link.queued++
	s.count++
	heap.Push(&s.late, &delayed{at, s.count, packet, port, link})
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// deliverLate is the goroutine of delayed packets.
func (s *Switch) deliverLate() {
	defer s.ended.Done()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(s.deliverDue())
		select {
		case <-s.stop:
			return
		case <-s.wake:
		case <-timer.C:
		}
	}
}

// deliverDue writes what is due and says when the next one is.
func (s *Switch) deliverDue() time.Duration {
	for {
		s.lock.Lock()
		if len(s.late) == 0 {
			s.lock.Unlock()
			return time.Hour
		}
		wait := s.late[0].at - time.Since(s.start)
		if wait > 0 {
			s.lock.Unlock()
			return wait
		}
		next := heap.Pop(&s.late).(*delayed)
		next.link.queued--
		s.lock.Unlock()
		next.port.tun.Write(next.packet)
	}
}

// Set gives links their rules; those that are not named keep theirs. What a
// clogged link holds goes on its way when the clog goes.
func (s *Switch) Set(rules map[Key]Rule) {
	s.lock.Lock()
	defer s.lock.Unlock()
	for key, rule := range rules {
		link := s.link(key)
		link.rule = rule
		if rule.Clog || len(link.held) == 0 {
			continue
		}
		for _, packet := range link.held {
			if port := s.ports[key.To]; port != nil {
				s.queue(link, port, time.Since(s.start), packet)
			}
		}
		link.held = nil
	}
}

// Heal takes all rules away.
func (s *Switch) Heal() {
	s.lock.Lock()
	rules := map[Key]Rule{}
	for key := range s.links {
		rules[key] = Rule{}
	}
	s.lock.Unlock()
	s.Set(rules)
}

// Count gives the counters of all links, by "from>to".
func (s *Switch) Count() map[string]Counters {
	s.lock.Lock()
	defer s.lock.Unlock()
	counts := map[string]Counters{}
	for key, link := range s.links {
		counts[key.From.String()+">"+key.To.String()] = link.count
	}
	return counts
}

// Felt is how many packets of these links did not just pass so far.
func (s *Switch) Felt(keys []Key) int {
	s.lock.Lock()
	defer s.lock.Unlock()
	felt := 0
	for _, key := range keys {
		felt += s.link(key).count.Felt()
	}
	return felt
}

// delayed is a packet under way.
type delayed struct {
	at     time.Duration
	number uint64
	packet []byte
	port   *Namespace
	link   *Link
}

// queue is a heap by time.
type queue []*delayed

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if q[i].at != q[j].at {
		return q[i].at < q[j].at
	}
	return q[i].number < q[j].number
}
func (q queue) Swap(i, j int)       { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x interface{}) { *q = append(*q, x.(*delayed)) }
func (q *queue) Pop() interface{} {
	old := *q
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return last
}
