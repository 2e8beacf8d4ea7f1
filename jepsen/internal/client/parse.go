package client

import (
	"fmt"
	"strconv"
	"strings"
)

// Value of a response: an atom or string, or a list.
type Value struct {
	Text string
	List []Value // nil: it is a text
}

// parser walks one response.
type parser struct {
	octets []byte
	at     int
	depth  int
}

// depthMax of lists: BODYSTRUCTURE nests, what we ask for hardly does.
const depthMax = 100

// parseUntagged takes what stands behind "* ".
func parseUntagged(octets []byte) (*Untagged, error) {
	u := &Untagged{Number: -1}
	p := &parser{octets: octets}
	word := p.word()
	if number, err := strconv.Atoi(word); err == nil {
		u.Number = number
		word = p.word()
	}
	u.Name = strings.ToUpper(word)
	switch u.Name {
	case "OK", "NO", "BAD", "BYE", "PREAUTH":
		_, u.Code, _ = splitStatus(u.Name + " " + string(p.octets[p.at:]))
		return u, nil
	}
	for p.at < len(p.octets) {
		value, err := p.value()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", u.Name, err)
		}
		u.Values = append(u.Values, value)
		p.space()
	}
	return u, nil
}

func (p *parser) space() {
	for p.at < len(p.octets) && p.octets[p.at] == ' ' {
		p.at++
	}
}

// word up to the next space.
func (p *parser) word() string {
	start := p.at
	for p.at < len(p.octets) && p.octets[p.at] != ' ' {
		p.at++
	}
	word := string(p.octets[start:p.at])
	p.space()
	return word
}

func (p *parser) value() (Value, error) {
	if p.at == len(p.octets) {
		return Value{}, fmt.Errorf("the response ends early")
	}
	switch p.octets[p.at] {
	case '(':
		return p.list()
	case '"':
		return p.quoted()
	case '{':
		return p.literal()
	}
	return p.atom()
}

func (p *parser) list() (Value, error) {
	if p.depth++; p.depth > depthMax {
		return Value{}, fmt.Errorf("lists nest too deep")
	}
	p.at++
	list := []Value{}
	for {
		p.space()
		if p.at == len(p.octets) {
			return Value{}, fmt.Errorf("a list has no end")
		}
		if p.octets[p.at] == ')' {
			p.at++
			p.depth--
			return Value{List: list}, nil
		}
		value, err := p.value()
		if err != nil {
			return Value{}, err
		}
		list = append(list, value)
	}
}

func (p *parser) quoted() (Value, error) {
	var text []byte
	for p.at++; p.at < len(p.octets); p.at++ {
		switch octet := p.octets[p.at]; octet {
		case '"':
			p.at++
			return Value{Text: string(text)}, nil
		case '\\':
			p.at++
			if p.at < len(p.octets) {
				text = append(text, p.octets[p.at])
			}
		default:
			text = append(text, octet)
		}
	}
	return Value{}, fmt.Errorf("a string has no end")
}

func (p *parser) literal() (Value, error) {
	rest := string(p.octets[p.at:])
	end := strings.Index(rest, "}\r\n")
	if end < 0 {
		return Value{}, fmt.Errorf("a literal has no size")
	}
	size, err := strconv.Atoi(rest[1:end])
	start := end + 3
	if err != nil || size < 0 || start+size > len(rest) {
		return Value{}, fmt.Errorf("a literal is cut short")
	}
	p.at += start + size
	return Value{Text: rest[start : start+size]}, nil
}

// atom, also with a section in brackets: BODY[HEADER.FIELDS (X)].
func (p *parser) atom() (Value, error) {
	start, inside := p.at, false
	for ; p.at < len(p.octets); p.at++ {
		octet := p.octets[p.at]
		if !inside && (octet == ' ' || octet == '(' || octet == ')') {
			break
		}
		inside = (inside || octet == '[') && octet != ']'
	}
	if p.at == start {
		return Value{}, fmt.Errorf("no value at %.20q", p.octets[start:])
	}
	return Value{Text: string(p.octets[start:p.at])}, nil
}

// Items of a FETCH: name -> value. A list of pairs is one in STATUS, too.
func Items(list Value) map[string]Value {
	items := map[string]Value{}
	for i := 0; i+1 < len(list.List); i += 2 {
		items[strings.ToUpper(list.List[i].Text)] = list.List[i+1]
	}
	return items
}

// Num is the number that a text is, or the one in a list of one; else 0.
func (v Value) Num() uint64 {
	if len(v.List) == 1 {
		return v.List[0].Num()
	}
	number, _ := strconv.ParseUint(v.Text, 10, 64)
	return number
}

// Texts of a list.
func (v Value) Texts() []string {
	texts := make([]string, len(v.List))
	for i, one := range v.List {
		texts[i] = one.Text
	}
	return texts
}

// CodeWords splits a response code: "APPENDUID 3 17".
func CodeWords(code string) []string { return strings.Fields(code) }

// setMax is how many numbers a set of UIDs may have here.
const setMax = 1 << 20

// ParseSet gives the numbers of "1:3,7".
func ParseSet(text string) ([]uint32, error) {
	var set []uint32
	for _, part := range strings.Split(text, ",") {
		first, last := cut(part, ":")
		if last == "" {
			last = first
		}
		low, err := strconv.ParseUint(first, 10, 32)
		if err != nil {
			return nil, err
		}
		high, err := strconv.ParseUint(last, 10, 32)
		if err != nil {
			return nil, err
		}
		if low > high {
			low, high = high, low
		}
		if high-low >= setMax || len(set) >= setMax {
			return nil, fmt.Errorf("a set of too many numbers: %s", text)
		}
		for n := low; n <= high; n++ {
			set = append(set, uint32(n))
		}
	}
	return set, nil
}
