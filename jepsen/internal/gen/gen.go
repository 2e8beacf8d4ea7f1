package gen

import (
	"encoding/json"
	"fmt"
)

// Op is one operation that a client is to do: a function, a key, an argument.
type Op struct {
	F string
	K string
	V interface{} // goes into the history as JSON
}

// Gen says what a worker does next. It is pure: equal seeds, equal operations
// of each worker, whatever the others do. Safe for one goroutine per worker.
type Gen interface {
	Next(worker int) Op
}

// Limits of one key: what a checker can still decide (fault-testing.md 2).
const (
	KeyWorkers = 5   // clients of one key
	KeyOps     = 300 // operations, then the key is retired
)

// Keys gives each worker a key that it shares with KeyWorkers-1 others, and
// another one after its part of KeyOps.
type Keys struct {
	perWorker int
	workers   int // of one key
	done      []int
}

// NewKeys makes keys for that many workers in all, perKey of them on one key.
func NewKeys(workers, perKey int) *Keys {
	if perKey < 1 || perKey > KeyWorkers {
		panic("gen: too many workers for one key")
	}
	return &Keys{
		perWorker: KeyOps / perKey,
		workers:   perKey,
		done:      make([]int, workers),
	}
}

// Next is the key of the worker's next operation: "u<team>/k<generation>". The
// first part names a user, the second one of his mailboxes.
func (k *Keys) Next(worker int) string {
	generation := k.done[worker] / k.perWorker
	k.done[worker]++
	return fmt.Sprintf("u%d/k%d", worker/k.workers, generation)
}

// Teams is how many users Next can name.
func (k *Keys) Teams() int {
	return (len(k.done) + k.workers - 1) / k.workers
}

// JSON is v as JSON; what a history holds can always be written so.
func JSON(v interface{}) json.RawMessage {
	octets, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("gen: %T: %v", v, err))
	}
	return octets
}
