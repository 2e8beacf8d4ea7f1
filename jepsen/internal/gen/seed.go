// Package gen draws: which operations, which faults, what becomes of a packet.
//
// Everything that is drawn in a run comes from one number, the seed, through
// streams that have names. A stream belongs to one client, one link or one
// nemesis, so that leaving one of them out does not shift the others.
package gen

import (
	"hash/fnv"
	"math/rand"
	"time"
)

// Seed is the root of all streams of a run.
type Seed struct{ root uint64 }

// NewSeed gives the root for a number.
func NewSeed(number uint64) *Seed { return &Seed{root: number} }

// Stream gives the stream of that name: equal names, equal draws. It is for
// one goroutine.
func (s *Seed) Stream(name string) *Stream {
	hash := fnv.New64a()
	hash.Write([]byte(name))
	source := rand.NewSource(int64(mix(s.root ^ mix(hash.Sum64()))))
	return &Stream{Rand: rand.New(source)}
}

// mix is the finaliser of SplitMix64: near numbers give far ones.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Stream is one sequence of draws.
type Stream struct{ *rand.Rand }

// Chance is true with that probability.
func (s *Stream) Chance(p float64) bool { return s.Float64() < p }

// Between draws a duration of [low, high).
func (s *Stream) Between(low, high time.Duration) time.Duration {
	if high <= low {
		return low
	}
	return low + time.Duration(s.Int63n(int64(high-low)))
}

// Number draws of [low, high].
func (s *Stream) Number(low, high int) int { return low + s.Intn(high-low+1) }

// Think draws a pause of that mean, exponential, at most ten times the mean.
func (s *Stream) Think(mean time.Duration) time.Duration {
	pause := time.Duration(s.ExpFloat64() * float64(mean))
	if pause > 10*mean {
		return 10 * mean
	}
	return pause
}

// Pick draws one of them by weight; weights are at least 0, one is above.
func (s *Stream) Pick(weights ...int) int {
	sum := 0
	for _, weight := range weights {
		sum += weight
	}
	at := s.Intn(sum)
	for i, weight := range weights {
		if at < weight {
			return i
		}
		at -= weight
	}
	panic("gen: weights are negative")
}
