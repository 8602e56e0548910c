package config

import (
	"slices"
	"strings"

	"github.com/flowgate/flowgate/internal/yamlnode"
)

// Problem is one error in the configuration. Its path is the path of the setting, such as limits.maxWait or
// auth.jwt[0].issuer, or the name of an unknown environment variable. The path of a problem that concerns the whole file
// is empty.
type Problem = yamlnode.Problem

// Problems is the error that [Load] and [Config.Validate] return. It lists every problem, sorted by path.
type Problems struct { //nolint:errname // a list that is an error when it is not empty
	List []Problem
}

// Error returns the problems, one per line.
func (p *Problems) Error() string {
	lines := make([]string, len(p.List))
	for i, problem := range p.List {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

func (p *Problems) add(path, message string) {
	p.List = append(p.List, Problem{Path: path, Message: message})
}

// err returns the problems sorted by path, or nil when there are none.
func (p *Problems) err() error {
	if len(p.List) == 0 {
		return nil
	}
	slices.SortStableFunc(p.List, func(a, b Problem) int { return strings.Compare(a.Path, b.Path) })
	return p
}

// covers reports whether there is a problem at path or below it.
func (p *Problems) covers(path string) bool {
	return slices.ContainsFunc(p.List, func(problem Problem) bool { return yamlnode.Covers(path, problem.Path) })
}

// addNew adds the problems of other whose paths have none yet. So a value that could not be read is not also reported
// as missing.
func (p *Problems) addNew(other []Problem) {
	known := Problems{List: p.List}
	for _, problem := range other {
		if !known.covers(problem.Path) {
			p.List = append(p.List, problem)
		}
	}
}
