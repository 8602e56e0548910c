package soak

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// Tally counts what traffic met.
type Tally struct {
	mu sync.Mutex
	// Answers are the statuses by kind of traffic, Violations the broken promises by what they were.
	Answers    map[string]map[int]int
	Violations map[string]int
}

// NewTally has counted nothing yet.
func NewTally() *Tally {
	return &Tally{Answers: map[string]map[int]int{}, Violations: map[string]int{}}
}

// record notes an answer. A failure of the gateway must be a problem of its table, and never its own.
func (t *Tally) record(kind string, status int, contentType, body string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.Answers[kind] == nil {
		t.Answers[kind] = map[int]int{}
	}
	t.Answers[kind][status]++
	if status < http.StatusInternalServerError || status == http.StatusNotImplemented && contentType != problemType {
		return // the second is net/http's own, for an unknown transfer coding
	}
	if contentType != problemType || strings.Contains(body, `"code":"internal"`) {
		t.Violations[fmt.Sprintf("%s: %d %s", kind, status, firstLine(body))]++
	}
}

// violatedf notes a broken promise.
func (t *Tally) violatedf(format string, arguments ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Violations[fmt.Sprintf(format, arguments...)]++
}

// merge adds what another tally counted, which counts no more.
func (t *Tally) merge(other *Tally) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for kind, statuses := range other.Answers {
		if t.Answers[kind] == nil {
			t.Answers[kind] = map[int]int{}
		}
		for status, times := range statuses {
			t.Answers[kind][status] += times
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
