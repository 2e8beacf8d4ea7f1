package history

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// Writer writes a history while it happens; safe from any goroutine.
type Writer struct {
	lock   sync.Mutex
	start  time.Time
	events []Event
	lines  *file
	edn    *file
	err    error // the first that a file gave
}

// file is a buffered one.
type file struct {
	*bufio.Writer
	under *os.File
}

func create(path string) (*file, error) {
	under, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &file{bufio.NewWriter(under), under}, nil
}

func (f *file) close() error {
	err := f.Flush()
	if closed := f.under.Close(); err == nil {
		err = closed
	}
	return err
}

// NewWriter makes both files in the directory; T counts from now.
func NewWriter(dir string) (*Writer, error) {
	lines, err := create(filepath.Join(dir, "history.jsonl"))
	if err != nil {
		return nil, err
	}
	edn, err := create(filepath.Join(dir, "history.edn"))
	if err != nil {
		lines.close()
		return nil, err
	}
	return &Writer{start: time.Now(), lines: lines, edn: edn}, nil
}

// Now is the time since the run began.
func (w *Writer) Now() time.Duration { return time.Since(w.start) }

// Write gives the event its place and time.
func (w *Writer) Write(event Event) Event {
	w.lock.Lock()
	defer w.lock.Unlock()
	event.I = len(w.events)
	event.T = time.Since(w.start).Microseconds()
	w.events = append(w.events, event)
	octets, err := json.Marshal(event)
	if err != nil {
		panic(fmt.Sprintf("history: %v", err)) // a V that is no JSON
	}
	w.note(w.lines.Write(append(octets, '\n')))
	w.note(w.edn.WriteString(EDN(&event) + "\n"))
	return event
}

func (w *Writer) note(_ int, err error) {
	if w.err == nil {
		w.err = err
	}
}

// Close writes what is left and gives the whole history.
func (w *Writer) Close() (*History, error) {
	w.lock.Lock()
	defer w.lock.Unlock()
	w.note(0, w.lines.close())
	w.note(0, w.edn.close())
	if w.err != nil {
		return nil, fmt.Errorf("write the history: %w", w.err)
	}
	return New(w.events)
}
