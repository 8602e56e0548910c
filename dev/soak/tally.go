package soak

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// Tally counts responses and violations.
type Tally struct {
	mu sync.Mutex
	// Responses counts the statuses by kind of traffic, Violations the violations by description.
	Responses  map[string]map[int]int
	Violations map[string]int
}

// NewTally returns an empty Tally.
func NewTally() *Tally {
	return &Tally{Responses: map[string]map[int]int{}, Violations: map[string]int{}}
}

// record counts a response. A 5xx status must be a documented problem and must not be internal.
func (t *Tally) record(kind string, status int, contentType, body string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.Responses[kind] == nil {
		t.Responses[kind] = map[int]int{}
	}
	t.Responses[kind][status]++
	if status < http.StatusInternalServerError || status == http.StatusNotImplemented && contentType != problemType {
		return // net/http responds with the second for an unknown transfer coding
	}
	if contentType != problemType || strings.Contains(body, `"code":"internal"`) {
		t.Violations[fmt.Sprintf("%s: %d %s", kind, status, firstLine(body))]++
	}
}

// violatedf counts a violation.
func (t *Tally) violatedf(format string, arguments ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Violations[fmt.Sprintf(format, arguments...)]++
}

// merge adds the counts of another tally, which must no longer change.
func (t *Tally) merge(other *Tally) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for kind, statuses := range other.Responses {
		if t.Responses[kind] == nil {
			t.Responses[kind] = map[int]int{}
		}
		for status, times := range statuses {
			t.Responses[kind][status] += times
		}
	}
	for what, times := range other.Violations {
		t.Violations[what] += times
	}
}

const problemType = "application/problem+json"

func firstLine(text string) string {
	const most = 120
	text, _, _ = strings.Cut(text, "\n")
	return text[:min(len(text), most)]
}
