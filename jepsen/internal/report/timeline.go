package report

import (
	"fmt"
	"html"
	"io"
	"sort"
	"strings"

	"murder/jepsen/internal/history"
)

// timelineMax is how many operations a timeline shows: browsers stop there.
const timelineMax = 10000

const pageHead = `<!DOCTYPE html><html><head><meta charset="utf-8"><title>timeline</title><style>
body{font:11px sans-serif;margin:0} .op{position:absolute;width:%dpx;overflow:hidden;
border:1px solid #666;box-sizing:border-box;white-space:nowrap;font-size:9px}
.ok{background:#b6e3d4}.fail{background:#fdd0a2}.info{background:#cbc9e2}
.bad{outline:3px solid red;z-index:2}.fault{position:absolute;left:0;right:0;opacity:.3}
.fault span{position:absolute;right:4px}</style></head><body>
<h3 style="margin:8px">%s: %d of %d operations; time runs down, %d pixels a second</h3>
<div style="position:relative;width:%dpx;height:%.0fpx">
`

// Size of the drawing.
const (
	columnWidth  = 64
	perSecond    = 200
	shownText    = 400 // octets of values in a tooltip
	columnsShown = 400
)

// timeline: processes are columns; those that show a fault are there first.
func timeline(out io.Writer, h *history.History, bands []Band, offending map[int]bool,
	verdict string) {
	shown := choose(h, offending)
	columns := columnsOf(shown)
	end := 1.0
	for _, call := range shown {
		if at := float64(lastOf(call)) / 1e6; at > end {
			end = at
		}
	}
	fmt.Fprintf(out, pageHead, columnWidth-4, html.EscapeString(verdict), len(shown),
		len(h.Calls), perSecond, (len(columns)+1)*columnWidth, end*perSecond+40)
	for _, band := range bands {
		from, to := band.From.Seconds(), band.To.Seconds()
		fmt.Fprintf(out, `<div class="fault" style="top:%.0fpx;height:%.0fpx;background:%s">`+
			"<span>%s %s %s</span></div>\n", from*perSecond, (to-from)*perSecond,
			colourOf(band.Name), html.EscapeString(band.Name), html.EscapeString(band.Text),
			html.EscapeString(strings.Join(band.Nodes, " ")))
	}
	for _, call := range shown {
		drawCall(out, call, columns[call.Process], offending[call.Begin.I])
	}
	fmt.Fprintln(out, "</div></body></html>")
}

func lastOf(call *history.Call) int64 {
	if call.End.T > 0 {
		return call.End.T
	}
	return call.Begin.T
}

// choose takes the offending ones, those of their keys, and then the first.
func choose(h *history.History, offending map[int]bool) []*history.Call {
	keys := map[string]bool{}
	for _, call := range h.Calls {
		if offending[call.Begin.I] {
			keys[call.K] = true
		}
	}
	calls := append([]*history.Call(nil), h.Calls...)
	sort.SliceStable(calls, func(i, j int) bool {
		return keys[calls[i].K] && !keys[calls[j].K]
	})
	if len(calls) > timelineMax {
		calls = calls[:timelineMax]
	}
	return calls
}

func columnsOf(calls []*history.Call) map[history.Process]int {
	columns := map[history.Process]int{}
	var processes []int
	for _, call := range calls {
		if _, met := columns[call.Process]; !met {
			columns[call.Process] = 0
			processes = append(processes, int(call.Process))
		}
	}
	sort.Ints(processes)
	for i, process := range processes {
		columns[history.Process(process)] = i % columnsShown
	}
	return columns
}

func drawCall(out io.Writer, call *history.Call, column int, bad bool) {
	class := string(call.Type)
	if bad {
		class += " bad"
	}
	begin, end := float64(call.Begin.T)/1e6, float64(lastOf(call))/1e6
	tall := (end - begin) * perSecond
	if tall < 10 {
		tall = 10
	}
	fmt.Fprintf(out, `<div class="op %s" style="left:%dpx;top:%.1fpx;height:%.1fpx" `+
		`title="%s">%s</div>`+"\n", class, column*columnWidth, begin*perSecond, tall,
		html.EscapeString(fmt.Sprintf("process %d, event %d, %s, connection %d: %s %s %s -> %s %s",
			call.Process, call.Begin.I, call.End.Node, call.End.Conn, call.F, call.K,
			clip(string(call.In)), clip(string(call.Out)), call.End.Why)),
		html.EscapeString(call.F+" "+clip(string(call.In))))
}

func clip(text string) string {
	if len(text) > shownText {
		return text[:shownText] + ".."
	}
	return text
}
