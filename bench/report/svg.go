package report

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/flowgate/flowgate/bench/calls"
)

// The dimensions of the chart.
const (
	width, height         = 900, 420
	left, right           = 50, 20
	top, bottom           = 70, 50
	plotWidth, plotHeight = width - left - right, height - top - bottom
	barWidth, barGap      = 32, 5
)

// colours returns the colours of the bars by target.
func colours() map[Target]string {
	return map[Target]string{Plain: "#9aa5b1", PlainTemporal: "#616e7c", TemporalAPI: "#0b7285", V1: "#3bc9db"}
}

// WriteSVG writes a bar chart of the ratios, with a group of bars for each call and a line at 1, the ratio of the
// floor.
func (r *Results) WriteSVG(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui, sans-serif" font-size="13" role="img">
<title>CPU time per request, as a ratio to the floor</title>
<rect width="100%%" height="100%%" fill="#fff"/>
<text x="%d" y="26" font-size="16" font-weight="600" fill="#1f2933">CPU time per request, as a ratio to the floor (less is better)</text>
`, width, height, left)
	highest := r.scaleMax()
	r.legend(&b)
	scale(&b, highest)
	for i, call := range calls.Measured() {
		r.group(&b, i, call, highest)
	}
	b.WriteString("</svg>\n")
	_, err := io.WriteString(out, b.String())
	return err
}

// scaleMax returns the largest ratio on the vertical axis.
func (r *Results) scaleMax() float64 {
	highest := 2.0
	for _, target := range Targets() {
		for _, call := range calls.Measured() {
			highest = max(highest, r.Ratio(target, call))
		}
	}
	return math.Ceil(highest)
}

func (r *Results) legend(b *strings.Builder) {
	x := left
	for _, target := range Targets()[1:] {
		fmt.Fprintf(b, `<rect x="%d" y="38" width="12" height="12" fill="%s"/><text x="%d" y="49" fill="#1f2933">%s</text>`+"\n",
			x, colours()[target], x+18, target)
		x += 60 + 7*len(target)
	}
}

// scale draws the horizontal lines of the vertical axis and the line of the floor.
func scale(b *strings.Builder, highest float64) {
	step := math.Ceil(highest / 10)
	for n := 0.0; n <= highest; n += step {
		fmt.Fprintf(b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#e4e7eb"/><text x="%d" y="%.1f" text-anchor="end" fill="#52606d">%.0f</text>`+"\n",
			left, width-right, y(n, highest), y(n, highest), left-8, y(n, highest)+4, n)
	}
	fmt.Fprintf(b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#c92a2a" stroke-dasharray="6 4"/>`+
		`<text x="%d" y="%.1f" text-anchor="end" font-size="11" fill="#c92a2a">floor</text>`+"\n",
		left, width-right, y(1, highest), y(1, highest), width-right, y(1, highest)-4)
}

// group draws the bars of one call.
func (r *Results) group(b *strings.Builder, index int, call calls.Call, highest float64) {
	targets := Targets()[1:]
	centre := left + plotWidth*(2*index+1)/(2*len(calls.Measured()))
	x := centre - (len(targets)*(barWidth+barGap)-barGap)/2
	for _, target := range targets {
		ratio := r.Ratio(target, call)
		if ratio > 0 {
			fmt.Fprintf(b, `<rect x="%d" y="%.1f" width="%d" height="%.1f" fill="%s"/>`+
				`<text x="%d" y="%.1f" text-anchor="middle" font-size="11" fill="#1f2933" stroke="#fff" stroke-width="3" paint-order="stroke">%.2f</text>`+"\n",
				x, y(ratio, highest), barWidth, y(0, highest)-y(ratio, highest), colours()[target], x+barWidth/2, y(ratio, highest)-4, ratio)
		}
		x += barWidth + barGap
	}
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="middle" fill="#1f2933">%s</text>`+"\n", centre, height-bottom+22, call)
}

// y returns the y coordinate of a ratio. highest is the result of scaleMax.
func y(ratio, highest float64) float64 { return top + plotHeight*(1-ratio/highest) }
