package auth

import (
	"math"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"

	"github.com/flowgate/flowgate/internal/yamlnode"
)

// names reads the names of types, queues or endpoints, each exactly as workflows
// have it. An empty list would read as "none" and mean "any".
func (f *keysFile) names(path string, node *yaml.Node) []string {
	var names []string
	f.List(path, node, func(path string, node *yaml.Node) {
		name := f.Text(path, node)
		if name == "" || slices.Contains(names, name) {
			f.Reportf(path, "must be a name that is not there twice")
		}
		names = append(names, name)
	})
	if len(names) == 0 {
		f.Reportf(path, "must have at least one; leave the field out to set no limit")
	}
	return names
}

// override reads whether the callers may send an authorization of their own,
// which is a credential like any other and goes where credentials may go.
func (f *keysFile) override(path string, node *yaml.Node) bool {
	may := f.Bool(path, node)
	if reason := f.tokens.options.Refusal; may && reason != "" {
		f.Reportf(path, "%s", reason)
	}
	return may
}

// rate reads calls a second, and how many may come at once: by default those of
// a second.
func (f *keysFile) rate(path string, node *yaml.Node) Rate {
	rate := Rate{}
	f.Object(path, node, map[string]yamlnode.Field{
		"perSecond": func(path string, node *yaml.Node) {
			perSecond, err := strconv.ParseFloat(f.Text(path, node), 64)
			if err != nil || !(perSecond >= minPerSecond && perSecond <= maxPerSecond) {
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

// The rates that mean a limit: what is far above is none, and what is far below
// is a key that is disabled.
const (
	minPerSecond = 0.001
	maxPerSecond = 1_000_000
)

func (f *keysFile) share(path string, node *yaml.Node) float64 {
	share, err := strconv.ParseFloat(f.Text(path, node), 64)
	if err != nil || !(share > 0 && share <= 1) {
		f.Reportf(path, "must be above 0 and at most 1")
	}
	return share
}
