// Package report draws what a run was like: for people, not for verdicts.
package report

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sort"
	"time"

	"murder/jepsen/internal/history"
)

// Band is a fault from its injection to its healing.
type Band struct {
	From, To time.Duration
	Name     string
	Text     string
	Nodes    []string
}

// Draw writes latency.svg, rate.svg and timeline.html.
func Draw(dir string, h *history.History, bands []Band, offending map[int]bool,
	verdict string) error {
	d := newDrawing(h, bands)
	for name, draw := range map[string]func(io.Writer){
		"latency.svg": d.latency,
		"rate.svg":    d.rate,
		"timeline.html": func(out io.Writer) {
			timeline(out, h, bands, offending, verdict)
		},
	} {
		if err := write(filepath.Join(dir, name), draw); err != nil {
			return err
		}
	}
	return nil
}

// Linear writes the drawings of a checker: linear/KEY.html.
func Linear(dir string, drawings map[string]func(io.Writer) error) error {
	for name, draw := range drawings {
		if err := os.MkdirAll(filepath.Join(dir, "linear"), 0o755); err != nil {
			return err
		}
		var failed error
		err := write(filepath.Join(dir, "linear", name+".html"), func(out io.Writer) {
			failed = draw(out)
		})
		if err == nil {
			err = failed
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func write(path string, draw func(io.Writer)) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(file)
	draw(out)
	err = out.Flush()
	if closed := file.Close(); err == nil {
		err = closed
	}
	return err
}

// Colours of faults; others are grey.
var colours = map[string]string{
	"kill": "#e34a33", "power": "#b30000", "stop": "#fdae6b", "pause": "#9e9ac8",
	"partition": "#3182bd", "packet": "#a1d99b", "member": "#fec44f",
}

func colourOf(name string) string {
	if colour, ok := colours[name]; ok {
		return colour
	}
	return "#bdbdbd"
}

var dotColours = map[history.Type]string{
	history.OK: "#1b9e77", history.Fail: "#d95f02", history.Info: "#7570b3",
}

// The drawing's size.
const (
	width, height   = 1200.0, 460.0
	left, right     = 60.0, 20.0
	top, bottom     = 50.0, 40.0
	lowest, highest = 1e-4, 100.0 // seconds, logarithmic
	dotsMax         = 50000
)

type drawing struct {
	h     *history.History
	bands []Band
	span  float64 // seconds
}

func newDrawing(h *history.History, bands []Band) *drawing {
	d := &drawing{h: h, bands: bands, span: 1}
	if n := len(h.Events); n > 0 {
		d.span = math.Max(1, float64(h.Events[n-1].T)/1e6)
	}
	return d
}

func (d *drawing) x(seconds float64) float64 {
	return left + (width-left-right)*math.Min(seconds, d.span)/d.span
}

// y of a value between low and high, logarithmic.
func yLog(value float64) float64 {
	value = math.Max(lowest, math.Min(highest, value))
	part := math.Log(value/lowest) / math.Log(highest/lowest)
	return height - bottom - (height-top-bottom)*part
}

func (d *drawing) begin(out io.Writer, title string) {
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" `+
		`font-family="sans-serif" font-size="11">`+"\n", width, height)
	fmt.Fprintf(out, `<rect width="100%%" height="100%%" fill="white"/>`+"\n"+
		`<text x="%.0f" y="16" font-size="14">%s</text>`+"\n", left, title)
	d.drawBands(out)
	step := math.Max(1, math.Ceil(d.span/20))
	for t := 0.0; t <= d.span; t += step {
		fmt.Fprintf(out, `<text x="%.1f" y="%.1f" text-anchor="middle">%.0f s</text>`+"\n",
			d.x(t), height-bottom+16, t)
	}
}

func (d *drawing) drawBands(out io.Writer) {
	met := map[string]bool{}
	for _, band := range d.bands {
		from, to := d.x(band.From.Seconds()), d.x(band.To.Seconds())
		fmt.Fprintf(out, `<rect x="%.1f" y="%.0f" width="%.1f" height="%.0f" fill="%s" `+
			`opacity="0.35"><title>%s %s %v</title></rect>`+"\n", from, top,
			math.Max(1, to-from), height-top-bottom, colourOf(band.Name),
			band.Name, band.Text, band.Nodes)
		met[band.Name] = true
	}
	names := make([]string, 0, len(met))
	for name := range met {
		names = append(names, name)
	}
	sort.Strings(names)
	for i, name := range names {
		x := left + float64(i)*100
		fmt.Fprintf(out, `<rect x="%.0f" y="24" width="12" height="12" fill="%s" opacity="0.5"/>`+
			`<text x="%.0f" y="34">%s</text>`+"\n", x, colourOf(name), x+16, name)
	}
}

// latency: each operation a dot, and how long half, most, nearly all took.
func (d *drawing) latency(out io.Writer) {
	d.begin(out, "latency of operations (green ok, orange fail, violet unknown; "+
		"lines: p50, p95, p99)")
	for value := lowest; value <= highest; value *= 10 {
		fmt.Fprintf(out, `<line x1="%.0f" x2="%.0f" y1="%.1f" y2="%.1f" stroke="#ddd"/>`+
			`<text x="%.0f" y="%.1f" text-anchor="end">%g s</text>`+"\n", left, width-right,
			yLog(value), yLog(value), left-4, yLog(value)+4, value)
	}
	every := 1 + len(d.h.Calls)/dotsMax
	for i, call := range d.h.Calls {
		if call.End.T == 0 || (i%every != 0 && call.Type == history.OK) {
			continue
		}
		fmt.Fprintf(out, `<circle cx="%.1f" cy="%.1f" r="1.5" fill="%s"/>`+"\n",
			d.x(float64(call.Begin.T)/1e6), yLog(seconds(call)), dotColours[call.Type])
	}
	for i, part := range []float64{0.5, 0.95, 0.99} {
		d.quantile(out, part, []string{"#444", "#888", "#bbb"}[i])
	}
	fmt.Fprintln(out, "</svg>")
}

func seconds(call *history.Call) float64 {
	return float64(call.End.T-call.Begin.T) / 1e6
}

// perSecond gives the calls with an OK by the second of their end.
func (d *drawing) perSecond() [][]float64 {
	buckets := make([][]float64, int(d.span)+1)
	for _, call := range d.h.Calls {
		if call.Type != history.OK {
			continue
		}
		at := int(float64(call.End.T) / 1e6)
		buckets[at] = append(buckets[at], seconds(call))
	}
	return buckets
}

func (d *drawing) quantile(out io.Writer, part float64, colour string) {
	fmt.Fprintf(out, `<polyline fill="none" stroke="%s" points="`, colour)
	for at, values := range d.perSecond() {
		if len(values) == 0 {
			continue
		}
		sort.Float64s(values)
		value := values[int(part*float64(len(values)-1))]
		fmt.Fprintf(out, "%.1f,%.1f ", d.x(float64(at)+0.5), yLog(value))
	}
	fmt.Fprintln(out, `"/>`)
}

// rate: operations with an OK each second.
func (d *drawing) rate(out io.Writer) {
	d.begin(out, "operations with an OK each second")
	buckets, most := d.perSecond(), 1
	for _, values := range buckets {
		if len(values) > most {
			most = len(values)
		}
	}
	y := func(count int) float64 {
		return height - bottom - (height-top-bottom)*float64(count)/float64(most)
	}
	fmt.Fprintf(out, `<text x="%.0f" y="%.1f" text-anchor="end">%d</text>`+"\n",
		left-4, y(most)+4, most)
	fmt.Fprint(out, `<polyline fill="none" stroke="#1b9e77" points="`)
	for at, values := range buckets {
		fmt.Fprintf(out, "%.1f,%.1f ", d.x(float64(at)+0.5), y(len(values)))
	}
	fmt.Fprintln(out, `"/>`+"\n</svg>")
}
