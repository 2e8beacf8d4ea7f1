// Package wire is the network between clients and nodes: the harness is it.
//
// Each node, and all clients together, live in a network namespace whose only
// device is a TUN that the harness reads and writes. The switch passes packets
// on, or loses, delays, doubles and holds them, by rules and seed. No qdisc,
// no bridge and nothing of the machine's own network is touched, and nothing
// outlives the process: namespaces have no names, devices no owner but us.
package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Addr is an IPv4 address.
type Addr [4]byte

func (a Addr) String() string { return net.IP(a[:]).String() }

// Namespace is a network of its own, held by one thread.
type Namespace struct {
	Addr Addr
	work chan func()
	tun  *os.File
}

const device = "wire0"

// Open makes a namespace with that address on its one device.
func Open(addr Addr) (*Namespace, error) {
	n := &Namespace{Addr: addr, work: make(chan func())}
	started := make(chan error)
	go n.thread(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("make a network namespace: %w", err)
	}
	if err := n.Do(n.setUp); err != nil {
		n.Close()
		return nil, fmt.Errorf("network of %s: %w", addr, err)
	}
	return n, nil
}

// thread is never unlocked: it ends with the namespace, and so does what was
// started from it (Pdeathsig).
func (n *Namespace) thread(started chan<- error) {
	runtime.LockOSThread()
	err := unix.Unshare(unix.CLONE_NEWNET)
	started <- err
	if err != nil {
		return
	}
	for work := range n.work {
		work()
	}
}

// Do runs f on the namespace's thread: sockets and processes that it makes
// are in the namespace.
func (n *Namespace) Do(f func() error) error {
	done := make(chan error)
	n.work <- func() { done <- f() }
	return <-done
}

// Close ends the thread and the device. What still runs there is killed if it
// was started with Pdeathsig.
func (n *Namespace) Close() {
	if n.tun != nil {
		n.tun.Close()
	}
	close(n.work)
}

func (n *Namespace) setUp() error {
	tun, err := openTun()
	if err != nil {
		return err
	}
	n.tun = tun
	sock, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(sock)
	if err := setAddr(sock, unix.SIOCSIFADDR, n.Addr); err != nil {
		return fmt.Errorf("set the address: %w", err)
	}
	if err := setAddr(sock, unix.SIOCSIFNETMASK, Addr{255, 255, 0, 0}); err != nil {
		return fmt.Errorf("set the mask: %w", err)
	}
	if err := setUp(sock, "lo"); err != nil {
		return err
	}
	return setUp(sock, device)
}

// ifreq is struct ifreq of netdevice(7).
type ifreq struct {
	name [unix.IFNAMSIZ]byte
	data [24]byte
}

func newIfreq(name string) *ifreq {
	req := &ifreq{}
	copy(req.name[:unix.IFNAMSIZ-1], name)
	return req
}

func ioctl(fd int, request uintptr, req *ifreq) error {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request,
		uintptr(unsafe.Pointer(req)))
	if errno != 0 {
		return errno
	}
	return nil
}

func openTun() (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("/dev/net/tun: %w", err)
	}
	req := newIfreq(device)
	binary.LittleEndian.PutUint16(req.data[:], unix.IFF_TUN|unix.IFF_NO_PI)
	if err := ioctl(fd, unix.TUNSETIFF, req); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("TUNSETIFF: %w", err)
	}
	return os.NewFile(uintptr(fd), "tun"), nil
}

func setAddr(sock int, request uintptr, addr Addr) error {
	req := newIfreq(device)
	binary.LittleEndian.PutUint16(req.data[:], unix.AF_INET)
	copy(req.data[4:], addr[:])
	return ioctl(sock, request, req)
}

func setUp(sock int, name string) error {
	req := newIfreq(name)
	if err := ioctl(sock, unix.SIOCGIFFLAGS, req); err != nil {
		return fmt.Errorf("flags of %s: %w", name, err)
	}
	flags := binary.LittleEndian.Uint16(req.data[:])
	binary.LittleEndian.PutUint16(req.data[:], flags|unix.IFF_UP)
	if err := ioctl(sock, unix.SIOCSIFFLAGS, req); err != nil {
		return fmt.Errorf("switch %s on: %w", name, err)
	}
	return nil
}

// ErrTimeout is of a connection that was not made in time.
var ErrTimeout = errors.New("no connection in time")

// Dial makes a TCP connection out of the namespace.
func (n *Namespace) Dial(to Addr, port int, timeout time.Duration) (net.Conn, error) {
	fd := -1
	err := n.Do(func() (err error) {
		fd, err = unix.Socket(unix.AF_INET,
			unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	// The socket stays in its namespace; waiting needs no thread of it.
	file := os.NewFile(uintptr(fd), "socket")
	defer file.Close()
	if err := connect(fd, &unix.SockaddrInet4{Port: port, Addr: to}, timeout); err != nil {
		return nil, fmt.Errorf("connect to %s:%d: %w", to, port, err)
	}
	return net.FileConn(file)
}

func connect(fd int, to unix.Sockaddr, timeout time.Duration) error {
	err := unix.Connect(fd, to)
	if err != unix.EINPROGRESS {
		return err
	}
	if err := await(fd, timeout); err != nil {
		return err
	}
	errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && errno != 0 {
		err = unix.Errno(errno)
	}
	return err
}

// await waits until the descriptor is writable.
func await(fd int, timeout time.Duration) error {
	end := time.Now().Add(timeout)
	for {
		left := time.Until(end)
		if left <= 0 {
			return ErrTimeout
		}
		polls := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		count, err := unix.Poll(polls, int(left/time.Millisecond)+1)
		if err != nil && err != unix.EINTR {
			return err
		}
		if count > 0 {
			return nil
		}
	}
}
