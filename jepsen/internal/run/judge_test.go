package run

import (
	"strings"
	"testing"
	"time"

	"murder/jepsen/internal/check"
	"murder/jepsen/internal/history"
	"murder/jepsen/internal/nemesis"
	"murder/jepsen/internal/workload"
)

// judgedAt has an acknowledged append at each of these seconds, and as many
// of unknown end.
func judgedAt(t *testing.T, infos int, seconds ...float64) *judged {
	t.Helper()
	var events []history.Event
	add := func(process int, kind history.Type, at float64) {
		events = append(events, history.Event{I: len(events), T: int64(at * 1e6),
			P: history.Process(process), Type: kind, F: check.FAppend, K: "k"})
	}
	for i := 0; i < infos; i++ {
		add(1000+i, history.Invoke, 0)
		add(1000+i, history.Info, 0)
	}
	for _, at := range seconds {
		add(1, history.Invoke, at)
		add(1, history.OK, at)
	}
	h, err := history.New(events)
	if err != nil {
		t.Fatal(err)
	}
	work, err := workload.Find("append")
	if err != nil {
		t.Fatal(err)
	}
	return &judged{history: h, work: work, o: Options{Mode: "short", Nodes: 3,
		Time: 60 * time.Second, Nemeses: []string{"kill"}}}
}

func fault(at, held float64, acted string, down ...string) Scripted {
	return Scripted{At: time.Duration(at * 1e9), Held: time.Duration(held * 1e9), Acted: acted,
		Fault: nemesis.Fault{Nemesis: "kill", Down: down}}
}

func fresh() *Verdict {
	return &Verdict{Verdict: check.Pass, Faults: map[string]int{}, Without: map[string]int{}}
}

// often is an append every so many seconds.
func often(from, to, every float64) []float64 {
	var at []float64
	for ; from < to; from += every {
		at = append(at, from)
	}
	return at
}

func expect(t *testing.T, v *Verdict, verdict check.Verdict, why string) {
	t.Helper()
	if v.Verdict != verdict || !strings.Contains(strings.Join(v.Why, "\n"), why) {
		t.Errorf("%s (%v), not %s because of %q", v.Verdict, v.Why, verdict, why)
	}
}

func TestWritesMustGoOnWhileAMajorityIsThere(t *testing.T) {
	steady := often(0, 60, 1)
	gap := append(often(0, 20, 1), often(40, 60, 1)...)
	tests := []struct {
		name    string
		at      []float64
		script  []Scripted
		verdict check.Verdict
	}{
		{"steady", steady, nil, check.Pass},
		{"a gap without a fault", gap, nil, check.Fail},
		{"a gap with one of three down", gap, []Scripted{fault(20, 20, "", "n1")}, check.Fail},
		{"a gap with two of three down", gap, []Scripted{fault(20, 20, "", "n1", "n2")}, check.Pass},
		{"two faults together", gap, []Scripted{fault(20, 18, "", "n1"), fault(21, 19, "", "n2")},
			check.Pass},
		{"the majority is back for long", gap, []Scripted{fault(19, 2, "", "n1", "n2")}, check.Fail},
		{"nothing at the end", often(0, 40, 1), nil, check.Fail},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			j, v := judgedAt(t, 0, test.at...), fresh()
			j.script = test.script
			j.progress(v)
			expect(t, v, test.verdict, "")
		})
	}
}

func TestAFaultThatNobodyFeltProvesNothing(t *testing.T) {
	j, v := judgedAt(t, 0), fresh()
	j.faults(v)
	expect(t, v, check.Void, "no fault of kill")
	j.script, v = []Scripted{fault(1, 1, "nobody felt it")}, fresh()
	j.faults(v)
	expect(t, v, check.Void, "no fault of kill")
	j.script, v = append(j.script, fault(3, 1, "")), fresh()
	j.faults(v)
	expect(t, v, check.Pass, "")
	j.notes.Skipped, v = map[string]string{"kill": "no knife"}, fresh()
	j.faults(v)
	expect(t, v, check.Void, "no knife")
}

func TestTooLittleWorkProvesNothing(t *testing.T) {
	j, v := judgedAt(t, 0, often(0, 3, 0.5)...), fresh()
	j.calm(v)
	expect(t, v, check.Void, "a second before the first fault")
	j, v = judgedAt(t, 0, often(0, 3, 0.01)...), fresh()
	j.calm(v)
	expect(t, v, check.Pass, "")
}

func TestTooManyUnknownsProveNothing(t *testing.T) {
	j, v := judgedAt(t, 10, often(0, 60, 1)...), fresh()
	j.count(v)
	expect(t, v, check.Void, "no known end")
	j, v = judgedAt(t, 2, often(0, 60, 1)...), fresh()
	j.count(v)
	expect(t, v, check.Pass, "")
}

func TestTheWorstCounts(t *testing.T) {
	v := fresh()
	v.worsen(check.Void, "a")
	v.worsen(check.Fail, "b")
	v.worsen(check.Unknown, "c")
	if v.Verdict != check.Fail || v.Status() != 1 || len(v.Why) != 3 {
		t.Errorf("%+v", v)
	}
}

func TestLogsGiveAwayWhatIsBroken(t *testing.T) {
	var notes Notes
	notes.readLog("n1", []byte("INFO all is well\n"))
	if len(notes.Failed) != 0 {
		t.Errorf("%v", notes.Failed)
	}
	notes.readLog("n1", []byte("x\nPANIC at wal.c:7\ny\n==1==ERROR: AddressSanitizer: boom\n"))
	if len(notes.Failed) != 2 {
		t.Errorf("%v", notes.Failed)
	}
}
