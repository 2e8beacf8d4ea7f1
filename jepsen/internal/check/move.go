package check

import (
	"fmt"
	"sort"
	"strings"

	"murder/jepsen/internal/history"
)

// Tokens of the bank: "t0" to "t63".
const Tokens = 64

// Token is the id of the message that the token is.
func Token(n int) string { return fmt.Sprintf("t%d", n) }

// move is a call with its token.
type move struct {
	*history.Call
	in  MoveIn
	out MoveOut
}

// Move: each token is in exactly one mailbox, whatever died in between, and
// where COPYUID says; who reads the source and then the target finds it.
func Move(h *history.History, _ *Witness) Result {
	r := NewResult("move")
	moves := movesOf(h)
	r.Count["moves"] = len(moves)
	var first string
	for _, call := range h.Calls {
		switch {
		case call.F == FPair && call.Type == history.OK:
			checkPair(&r, call, moves)
		case call.F == FBankRead && call.Type == history.OK && call.Final:
			first = checkBank(&r, call, moves, first)
		}
	}
	if first == "" {
		r.Undecided("there is no final read of the bank")
	}
	return r
}

// movesOf gives all that may have happened, with a token.
func movesOf(h *history.History) []*move {
	var moves []*move
	for _, call := range h.Calls {
		if call.F != FMove || call.Type == history.Fail {
			continue
		}
		m := &move{Call: call}
		decode(call.In, &m.in)
		if len(call.Out) > 0 {
			decode(call.Out, &m.out)
		}
		moves = append(moves, m)
	}
	return moves
}

// checkBank looks at a final read; all of them must be equal.
func checkBank(r *Result, call *history.Call, moves []*move, first string) string {
	var out BankOut
	decode(call.Out, &out)
	one := []*history.Call{call}
	places := map[string][]string{}
	var text []string
	for box, rows := range out.Boxes {
		for _, row := range rows {
			places[row.ID] = append(places[row.ID], box)
			text = append(text, fmt.Sprintf("%s %s %d", row.ID, box, row.UID))
		}
	}
	for i := 0; i < Tokens; i++ {
		if boxes := places[Token(i)]; len(boxes) != 1 {
			r.Failed(one, "token %s is in %d mailboxes: %v", Token(i), len(boxes), boxes)
		}
		delete(places, Token(i))
	}
	for id := range places {
		r.Failed(one, "message %q is no token", id)
	}
	checkPlaces(r, call, out, moves)
	sort.Strings(text)
	all := strings.Join(text, "\n")
	if first != "" && first != all {
		r.Failed(one, "final reads differ")
	}
	return all
}

// checkPlaces: a token whose last move was acknowledged, with none of unknown
// end beside it, is where COPYUID says.
func checkPlaces(r *Result, call *history.Call, out BankOut, moves []*move) {
	for _, m := range moves {
		if m.Type != history.OK || m.out.UID == 0 || !isLast(m, moves) {
			continue
		}
		found := false
		for _, row := range out.Boxes[m.in.To] {
			found = found || (row.ID == m.out.Token && row.UID == m.out.UID)
		}
		r.Count["places"]++
		if !found {
			r.Failed([]*history.Call{m.Call, call}, "token %s is not where COPYUID says",
				m.out.Token)
		}
	}
}

func isLast(m *move, moves []*move) bool {
	for _, other := range moves {
		if other != m && other.out.Token == m.out.Token && !other.Before(m.Call) {
			return false
		}
	}
	return true
}

// checkPair: a token that was in one of the two before, and moved at most from
// the first to the second meanwhile, must have been met.
func checkPair(r *Result, call *history.Call, moves []*move) {
	var in MoveIn
	var out PairOut
	decode(call.In, &in)
	decode(call.Out, &out)
	r.Count["pairs"]++
	met := map[string]bool{}
	for _, token := range append(out.From, out.To...) {
		met[token] = true
	}
	for i := 0; i < Tokens; i++ {
		token := Token(i)
		if met[token] {
			continue
		}
		if last := mustBe(token, in, call, moves); last != nil {
			r.Failed([]*history.Call{last.Call, call}, "token %s is in neither %s nor %s",
				token, in.From, in.To)
		}
	}
}

// mustBe gives the move after which the token was surely in one of the two.
func mustBe(token string, in MoveIn, call *history.Call, moves []*move) *move {
	var last *move
	for _, m := range moves {
		if m.out.Token != token {
			continue
		}
		switch {
		case m.Before(call):
			if last == nil || last.Before(m.Call) {
				last = m
			} else if !m.Before(last.Call) {
				return nil // two at once: the order is not known
			}
		case call.Before(m.Call):
		case m.in != in || m.Type != history.OK:
			return nil // it may be on another way
		}
	}
	if last == nil || (last.in.To != in.From && last.in.To != in.To) {
		return nil
	}
	return last
}
