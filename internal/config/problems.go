package config

import (
	"slices"
	"strings"

	"github.com/flowgate/flowgate/internal/yamlnode"
)

// Problem is one fault of the configuration. Its path is that of the setting, such as limits.maxWait or
// auth.jwt[0].issuer, or the name of an environment variable that is unknown. It is empty when the file as a whole is at
// fault.
type Problem = yamlnode.Problem

// Problems is the error of [Load] and [Config.Validate]: everything that is wrong, sorted by path.
type Problems struct { //nolint:errname // it is a list, and an error when it is not empty
	List []Problem
}

// Error lists the problems, one a line.
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

// err sorts the problems; it is nil when there is none.
func (p *Problems) err() error {
	if len(p.List) == 0 {
		return nil
	}
	slices.SortStableFunc(p.List, func(a, b Problem) int { return strings.Compare(a.Path, b.Path) })
	return p
}

// covers reports whether there is a problem at path, or at a path below it.
func (p *Problems) covers(path string) bool {
	return slices.ContainsFunc(p.List, func(problem Problem) bool { return yamlnode.Covers(path, problem.Path) })
}

// addNew adds the problems of other whose paths have none yet, so that a value that could not be read is not also
// reported as missing.
func (p *Problems) addNew(other []Problem) {
	known := Problems{List: p.List}
	for _, problem := range other {
		if !known.covers(problem.Path) {
			p.List = append(p.List, problem)
		}
	}
}
