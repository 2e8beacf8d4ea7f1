// Package model says what a sequential server would do, for porcupine.
package model

import (
	"fmt"

	"github.com/anishathalye/porcupine"
)

// FlagOp is one operation on the flags of a message.
type FlagOp struct {
	Kind  string // read, write, cas, set, clear
	Value string // of a write, cas
	Bits  uint8
	Since uint64 // of a cas
}

// FlagSeen is how it ended.
type FlagSeen struct {
	Unknown  bool // nobody heard
	Value    string
	Bits     uint8
	Modseq   uint64 // 0: not told
	Modified bool   // a cas that was refused, as the message had changed
}

// register is a keyword and a MODSEQ. Who writes is not always told the
// MODSEQ: then it is only known to be above that of before.
type register struct {
	value  string
	modseq uint64
	exact  bool
}

// Register is STORE FLAGS, UNCHANGEDSINCE and FETCH FLAGS MODSEQ of one
// message: MODSEQ grows with each change and never otherwise.
var Register = porcupine.Model{
	Init: func() interface{} { return register{} },
	Step: func(state, input, output interface{}) (bool, interface{}) {
		s, next := state.(register), register{}
		var ok bool
		switch in, out := input.(FlagOp), output.(FlagSeen); in.Kind {
		case "read":
			ok, next = s.read(out)
		case "cas":
			ok, next = s.cas(in, out)
		default:
			ok, next = s.write(in.Value, out.Modseq)
		}
		return ok, next
	},
	Equal:             func(a, b interface{}) bool { return a == b },
	DescribeOperation: describe,
}

func (s register) read(out FlagSeen) (bool, register) {
	if out.Value != s.value {
		return false, s
	}
	if s.exact {
		return out.Modseq == s.modseq, s
	}
	return out.Modseq > s.modseq, register{s.value, out.Modseq, true}
}

func (s register) write(value string, modseq uint64) (bool, register) {
	if modseq == 0 {
		return true, register{value, s.modseq, false}
	}
	return modseq > s.modseq, register{value, modseq, true}
}

func (s register) cas(in FlagOp, out FlagSeen) (bool, register) {
	if out.Unknown { // it may also have been refused: then it comes last
		return s.write(in.Value, 0)
	}
	if out.Modified {
		return !s.exact || s.modseq > in.Since, s
	}
	possible := s.modseq <= in.Since
	if !s.exact {
		possible = s.modseq < in.Since
	}
	if !possible {
		return false, s
	}
	return s.write(in.Value, out.Modseq)
}

// Bits is +FLAGS and -FLAGS of four keywords of one message: no update is
// lost.
var Bits = porcupine.Model{
	Init: func() interface{} { return uint8(0) },
	Step: func(state, input, output interface{}) (bool, interface{}) {
		s, in, out := state.(uint8), input.(FlagOp), output.(FlagSeen)
		switch in.Kind {
		case "read":
			return out.Bits == s, s
		case "set":
			return true, s | in.Bits
		}
		return true, s &^ in.Bits
	},
	Equal:             func(a, b interface{}) bool { return a == b },
	DescribeOperation: describe,
}

func describe(input, output interface{}) string {
	in, out := input.(FlagOp), output.(FlagSeen)
	end := fmt.Sprintf("%s %x (%d)", out.Value, out.Bits, out.Modseq)
	switch {
	case out.Unknown:
		end = "?"
	case out.Modified:
		end = "modified"
	}
	switch in.Kind {
	case "read":
		return "read -> " + end
	case "cas":
		return fmt.Sprintf("%s if <= %d -> %s", in.Value, in.Since, end)
	case "write":
		return in.Value + " -> " + end
	}
	return fmt.Sprintf("%s %x -> %s", in.Kind, in.Bits, end)
}
