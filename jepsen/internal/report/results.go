package report

import (
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
	"time"
)

// Run is what a row of RESULTS.md adds up.
type Run struct {
	Pair    string // append+power
	Verdict string
	Time    time.Duration
	OK      int
	Fail    int
	Info    int
	Faults  map[string]int
	Outage  float64 // seconds, the longest in the run
}

// Piece is the runs of one commit on one machine: a row.
type Piece struct {
	Date, Commit, Machine, Build string
	Runs                         []Run
}

// ResultsHead is what a new RESULTS.md begins with.
const ResultsHead = `# What the fault tester has seen

A row is a piece of ` + "`make jepsen TIME=..`" + ` (README.md here); the runs of a row are
one after the other, so the hours of all rows add up. "Unknown" is the part of
operations whose end no client heard; "waits" is the longest time without an
acknowledged write in each run, whatever was broken then: median, the highest.

| date | commit | machine, build | pairs | runs | hours | operations | unknown | faults that acted | waits | verdicts |
|---|---|---|---|---|---|---|---|---|---|---|
`

// Row is the piece as a line of the table.
func (p *Piece) Row() string {
	var total time.Duration
	operations, unknown := 0, 0
	faults, verdicts, pairs := map[string]int{}, map[string]int{}, map[string]int{}
	var waits []float64
	for _, run := range p.Runs {
		total += run.Time
		operations += run.OK + run.Fail + run.Info
		unknown += run.Info
		waits = append(waits, run.Outage)
		pairs[run.Pair]++
		verdicts[run.Verdict]++
		for name, count := range run.Faults {
			faults[name] += count
		}
	}
	sort.Float64s(waits)
	return fmt.Sprintf("| %s | %s | %s, %s | %s | %d | %.2f | %d | %.2f %% | %s | %.1f s, %.1f s | %s |\n",
		p.Date, p.Commit, p.Machine, p.Build, counts(pairs), len(p.Runs), total.Hours(),
		operations, percent(unknown, operations), counts(faults), waits[len(waits)/2],
		waits[len(waits)-1], counts(verdicts))
}

func percent(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}

// counts is "kill 3, power 4".
func counts(of map[string]int) string {
	var parts []string
	for name, count := range of {
		parts = append(parts, fmt.Sprintf("%s %d", name, count))
	}
	sort.Strings(parts)
	return strings.Join(parts, ", ")
}

// Record appends the row to the file; a new one gets its head.
func Record(path string, p *Piece) error {
	if len(p.Runs) == 0 {
		return nil
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	text := p.Row()
	if err == nil && info.Size() == 0 {
		text = ResultsHead + text
	}
	if err == nil {
		_, err = io.WriteString(file, text)
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}
