package wire

import (
	"net"
	"os"
	"reflect"
	"testing"
	"time"

	"murder/jepsen/internal/gen"
)

func link(rule Rule) *Link {
	l := newLink(gen.NewSeed(7), Addr{10, 77, 0, 1}, Addr{10, 77, 0, 2})
	l.rule = rule
	return l
}

// passAll gives what becomes of that many packets of 1,000 octets.
func passAll(l *Link, count int) [][]time.Duration {
	var all [][]time.Duration
	for i := 0; i < count; i++ {
		all = append(all, l.pass(0, 1000))
	}
	return all
}

func TestALinkWithoutARulePassesAtOnce(t *testing.T) {
	l := link(Rule{})
	for _, copies := range passAll(l, 100) {
		if len(copies) != 1 || copies[0] != 0 {
			t.Fatalf("%v", copies)
		}
	}
	if l.count != (Counters{Passed: 100}) {
		t.Errorf("%+v", l.count)
	}
}

func TestACutLinkPassesNothing(t *testing.T) {
	l := link(Rule{Cut: true})
	for _, copies := range passAll(l, 100) {
		if len(copies) != 0 {
			t.Fatalf("%v", copies)
		}
	}
	if l.count.Cut != 100 || l.count.Felt() != 100 {
		t.Errorf("%+v", l.count)
	}
}

func TestLossAndDuplicatesAreAsOftenAsTheRuleSays(t *testing.T) {
	l := link(Rule{Loss: 0.2, Duplicate: 0.5})
	passAll(l, 10000)
	if l.count.Lost < 1800 || l.count.Lost > 2200 {
		t.Errorf("%d of 10,000 are lost", l.count.Lost)
	}
	if l.count.Duplicated < 3700 || l.count.Duplicated > 4300 {
		t.Errorf("%d of 10,000 come twice", l.count.Duplicated)
	}
}

func TestDelayJitterAndOrder(t *testing.T) {
	l := link(Rule{Delay: 10 * time.Millisecond, Jitter: 5 * time.Millisecond})
	for _, copies := range passAll(l, 1000) {
		if copies[0] < 10*time.Millisecond || copies[0] >= 15*time.Millisecond {
			t.Fatalf("%v", copies)
		}
	}
	l = link(Rule{Reorder: 1})
	if copies := l.pass(0, 1); copies[0] != ReorderBy {
		t.Errorf("%v", copies)
	}
}

func TestARateLetsPacketsWaitForOneAnother(t *testing.T) {
	l := link(Rule{Rate: 1000000})
	for i, copies := range passAll(l, 5) {
		if want := time.Duration(i+1) * time.Millisecond; copies[0] != want {
			t.Errorf("packet %d takes %s, not %s", i, copies[0], want)
		}
	}
	if copies := l.pass(time.Second, 1000); copies[0] != time.Millisecond {
		t.Errorf("after a pause: %v", copies)
	}
}

func TestAFullLinkLosesPackets(t *testing.T) {
	l := link(Rule{Delay: time.Second})
	l.queued = HeldMax
	if copies := l.pass(0, 1); len(copies) != 0 || l.count.Full != 1 {
		t.Errorf("%v %+v", copies, l.count)
	}
}

func TestEqualSeedsDrawEqually(t *testing.T) {
	rule := Rule{Loss: 0.3, Duplicate: 0.3, Jitter: time.Second, Reorder: 0.3}
	if !reflect.DeepEqual(passAll(link(rule), 100), passAll(link(rule), 100)) {
		t.Error("two links of one name draw differently")
	}
	other := newLink(gen.NewSeed(7), Addr{10, 77, 0, 2}, Addr{10, 77, 0, 1})
	other.rule = rule
	if reflect.DeepEqual(passAll(link(rule), 100), passAll(other, 100)) {
		t.Error("the two directions draw equally")
	}
}

func TestOnlyIPv4HasADestination(t *testing.T) {
	packet := make([]byte, 20)
	packet[0], packet[19] = 0x45, 9
	if to, ok := destination(packet); !ok || to != (Addr{0, 0, 0, 9}) {
		t.Errorf("%v %v", to, ok)
	}
	if _, ok := destination(packet[:19]); ok {
		t.Error("19 octets")
	}
	packet[0] = 0x60
	if _, ok := destination(packet); ok {
		t.Error("IPv6")
	}
}

// ---- with real namespaces ----

// pair is two namespaces with a switch between them and a server in the second
// that says what it hears.
func pair(t *testing.T) (*Switch, *Namespace, *Namespace) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("only root makes namespaces")
	}
	s := NewSwitch(gen.NewSeed(1))
	var both [2]*Namespace
	for i := range both {
		n, err := Open(Addr{10, 77, 9, byte(i + 1)})
		if err != nil {
			t.Skipf("no namespace: %v", err)
		}
		s.Attach(n)
		both[i] = n
	}
	var listener net.Listener
	err := both[1].Do(func() (err error) {
		listener, err = net.Listen("tcp4", "10.77.9.2:7")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				buffer := make([]byte, 1)
				for {
					if _, err := conn.Read(buffer); err != nil {
						conn.Close()
						return
					}
					conn.Write(buffer)
				}
			}()
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		both[0].Close()
		both[1].Close()
		s.Close()
	})
	return s, both[0], both[1]
}

// echo is how long one octet takes there and back.
func echo(conn net.Conn, limit time.Duration) (time.Duration, error) {
	start := time.Now()
	conn.SetDeadline(start.Add(limit))
	if _, err := conn.Write([]byte{1}); err != nil {
		return 0, err
	}
	_, err := conn.Read(make([]byte, 1))
	return time.Since(start), err
}

func TestTheSwitchIsTheWire(t *testing.T) {
	s, a, b := pair(t)
	conn, err := a.Dial(b.Addr, 7, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := echo(conn, time.Second); err != nil {
		t.Fatalf("without a rule: %v", err)
	}
	there, back := Key{a.Addr, b.Addr}, Key{b.Addr, a.Addr}
	s.Set(map[Key]Rule{back: {Delay: 30 * time.Millisecond}})
	if took, err := echo(conn, time.Second); err != nil || took < 30*time.Millisecond {
		t.Errorf("30 ms late: %s, %v", took, err)
	}
	s.Set(map[Key]Rule{back: {}, there: {Cut: true}})
	if took, err := echo(conn, 50*time.Millisecond); err == nil {
		t.Errorf("through a cut link in %s", took)
	}
	if s.Felt([]Key{there}) == 0 {
		t.Error("the cut was not felt")
	}
	if _, err := a.Dial(b.Addr, 7, 50*time.Millisecond); err == nil {
		t.Error("connected through a cut link")
	}
	s.Heal()
	if _, err := echo(conn, 2*time.Second); err != nil {
		t.Errorf("after healing: %v", err)
	}
}

func TestAClogHoldsAndReleases(t *testing.T) {
	s, a, b := pair(t)
	conn, err := a.Dial(b.Addr, 7, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	there := Key{a.Addr, b.Addr}
	s.Set(map[Key]Rule{there: {Clog: true}})
	if _, err := echo(conn, 50*time.Millisecond); err == nil {
		t.Error("through a clogged link")
	}
	s.Set(map[Key]Rule{there: {}})
	conn.SetDeadline(time.Now().Add(time.Second))
	if _, err := conn.Read(make([]byte, 1)); err != nil {
		t.Errorf("what was held did not come: %v", err)
	}
}
