package apikey

import (
	"math"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/yamlnode"
)

// names reads the exact names of workflow types, task queues or endpoints. An empty
// list is an error: it would mean "any", but looks like "none".
func (f *fileReader) names(path string, node *yaml.Node) []string {
	var names []string
	f.List(path, node, func(path string, node *yaml.Node) {
		name := f.Text(path, node)
		if name == "" || slices.Contains(names, name) {
			f.Reportf(path, "must be a name that occurs once")
		}
		names = append(names, name)
	})
	if len(names) == 0 {
		f.Reportf(path, "must have at least one; leave the field out to set no limit")
	}
	return names
}

// override reads whether the caller may send its own authorization to the upstream.
// It reports a problem if the gateway must send no credential at all, because the
// connection to the upstream is in plaintext.
func (f *fileReader) override(path string, node *yaml.Node) bool {
	allowed := f.Bool(path, node)
	if reason := f.tokens.options.CredentialProblem; allowed && reason != "" {
		f.Reportf(path, "%s", reason)
	}
	return allowed
}

// rate reads a rate in calls per second and its burst. The default burst is the number
// of calls that the rate permits in one second.
func (f *fileReader) rate(path string, node *yaml.Node) auth.Rate {
	rate := auth.Rate{}
	f.Object(path, node, map[string]yamlnode.Field{
		"perSecond": func(path string, node *yaml.Node) {
			perSecond, err := strconv.ParseFloat(f.Text(path, node), 64)
			if err != nil || !(perSecond >= minPerSecond && perSecond <= maxPerSecond) { // the negation also rejects NaN
				f.Reportf(path, "must be from 0.001 to %d", maxPerSecond)
			}
			rate.PerSecond = perSecond
		},
		"burst": func(path string, node *yaml.Node) {
			burst, err := strconv.Atoi(f.Text(path, node))
			if err != nil || burst < 1 || burst > maxPerSecond {
				f.Reportf(path, "must be from 1 to %d", maxPerSecond)
			}
			rate.Burst = burst
		},
	})
	f.Require(path, node, "perSecond")
	if rate.Burst == 0 {
		rate.Burst = max(1, int(math.Ceil(rate.PerSecond)))
	}
	return rate
}

// The bounds of a rate. A higher rate would not be a limit, and a lower one would
// disable the key.
const (
	minPerSecond = 0.001
	maxPerSecond = 1_000_000
)

// share reads the part of each pool's slots that the key may hold at once.
func (f *fileReader) share(path string, node *yaml.Node) float64 {
	share, err := strconv.ParseFloat(f.Text(path, node), 64)
	if err != nil || !(share > 0 && share <= 1) {
		f.Reportf(path, "must be above 0 and at most 1")
	}
	return share
}
