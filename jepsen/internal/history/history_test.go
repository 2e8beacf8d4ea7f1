package history

import (
	"reflect"
	"strings"
	"testing"
)

const good = `{"i":0,"t":5,"p":1,"type":"invoke","f":"append","k":"u0/k0","v":{"id":"a"}}
{"i":1,"t":6,"p":"nemesis","type":"invoke","f":"kill","v":{"nodes":["n1"]}}
{"i":2,"t":7,"p":2,"type":"invoke","f":"read","k":"u0/k0"}
{"i":3,"t":9,"p":1,"type":"ok","f":"append","k":"u0/k0","v":{"uid":4},"node":"n1","conn":3}
{"i":4,"t":9,"p":2,"type":"info","f":"read","k":"u0/k0"}
{"i":5,"t":10,"p":"nemesis","type":"ok","f":"final"}
{"i":6,"t":11,"p":3,"type":"invoke","f":"read","k":"u0/k1"}
`

func TestReadPairsEvents(t *testing.T) {
	h, err := Read(strings.NewReader(good))
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Calls) != 3 {
		t.Fatalf("%d calls", len(h.Calls))
	}
	a, b, c := h.Calls[0], h.Calls[1], h.Calls[2]
	if a.Type != OK || string(a.Out) != `{"uid":4}` || a.End.Node != "n1" || a.Final {
		t.Errorf("%+v", a)
	}
	if b.Type != Info || b.Before(c) {
		t.Errorf("what nobody heard of has no end: %+v", b)
	}
	if c.Type != Info || c.End.I != 0 || !c.Final || !a.Before(c) || a.Before(b) {
		t.Errorf("%+v", c)
	}
	if keys := h.ByKey(); len(keys["u0/k0"]) != 2 || len(keys["u0/k1"]) != 1 {
		t.Errorf("%v", keys)
	}
}

func TestWhatNoRunCanHaveWrittenIsRefused(t *testing.T) {
	lines := strings.SplitAfter(strings.TrimSpace(good), "\n")
	bad := map[string]string{
		"no JSON":                 "{\n",
		"a number is left out":    lines[0] + lines[2],
		"time goes back":          lines[0] + strings.Replace(lines[1], `"t":6`, `"t":4`, 1),
		"two things at once":      lines[0] + strings.Replace(lines[0], `"i":0`, `"i":1`, 1),
		"an end without a begin":  strings.Replace(lines[3], `"i":3`, `"i":0`, 1),
		"an end of another thing": lines[0] + `{"i":1,"t":9,"p":1,"type":"ok","f":"read","k":"u0/k0"}`,
		"an unknown type":         lines[0] + `{"i":1,"t":9,"p":1,"type":"done","f":"append","k":"u0/k0"}`,
		"a negative process":      `{"i":0,"t":5,"p":-1,"type":"invoke","f":"append"}`,
		"life after an info": lines[0] +
			`{"i":1,"t":9,"p":1,"type":"info","f":"append","k":"u0/k0"}` + "\n" +
			`{"i":2,"t":9,"p":1,"type":"invoke","f":"append","k":"u0/k0"}`,
	}
	for name, text := range bad {
		if _, err := Read(strings.NewReader(text)); err == nil {
			t.Errorf("%s: is read", name)
		}
	}
}

func TestWriterAndReaderAgree(t *testing.T) {
	dir := t.TempDir()
	w, err := NewWriter(dir)
	if err != nil {
		t.Fatal(err)
	}
	w.Write(Event{P: 1, Type: Invoke, F: "append", K: "k", V: []byte(`{"id":"a"}`)})
	w.Write(Event{P: Nemesis, Type: Invoke, F: "kill"})
	w.Write(Event{P: 1, Type: Fail, F: "append", K: "k", Why: "NO"})
	wrote, err := w.Close()
	if err != nil {
		t.Fatal(err)
	}
	read, err := ReadFile(dir + "/history.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(wrote, read) {
		t.Errorf("%+v\n%+v", wrote, read)
	}
}

func TestEDNIsJepsens(t *testing.T) {
	event := Event{I: 3, T: 12, P: 4, Type: OK, F: "read", K: "u0/k0",
		V: []byte(`{"uid":7,"rows":["a",true,null,1.5]}`)}
	want := `{:index 3, :time 12000, :process 4, :type :ok, :f :read, ` +
		`:value ["u0/k0" {:rows ["a" true nil 1.5], :uid 7}]}`
	if got := EDN(&event); got != want {
		t.Errorf("%s", got)
	}
	event = Event{P: Nemesis, Type: Invoke, F: "kill"}
	want = `{:index 0, :time 0, :process :nemesis, :type :invoke, :f :kill, :value nil}`
	if got := EDN(&event); got != want {
		t.Errorf("%s", got)
	}
}
