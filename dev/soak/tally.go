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
	// Responses contains the number of responses by kind of traffic and status.
	Responses map[string]map[int]int
	// Violations contains the number of violations by description.
	Violations map[string]int
}

// NewTally returns an empty Tally.
func NewTally() *Tally {
	return &Tally{Responses: map[string]map[int]int{}, Violations: map[string]int{}}
}

// record counts a response. A response with a 5xx status is a violation unless it is a problem document with a code
// other than "internal".
func (t *Tally) record(kind string, status int, contentType, body string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.Responses[kind] == nil {
		t.Responses[kind] = map[int]int{}
	}
	t.Responses[kind][status]++
	if status < http.StatusInternalServerError || status == http.StatusNotImplemented && contentType != problemType {
		return // net/http itself responds with 501 to an unknown transfer coding
	}
	if contentType != problemType || strings.Contains(body, `"code":"internal"`) {
		t.Violations[fmt.Sprintf("%s: %d %s", kind, status, firstLine(body))]++
	}
}

// addViolationf counts a violation.
func (t *Tally) addViolationf(format string, arguments ...any) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Violations[fmt.Sprintf(format, arguments...)]++
}

// merge adds the counts of other, which no goroutine may change concurrently.
func (t *Tally) merge(other *Tally) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for kind, statuses := range other.Responses {
		if t.Responses[kind] == nil {
			t.Responses[kind] = map[int]int{}
		}
		for status, count := range statuses {
			t.Responses[kind][status] += count
		}
	}
	for violation, count := range other.Violations {
		t.Violations[violation] += count
	}
}

const problemType = "application/problem+json"

// firstLine returns the first line of text, truncated for an error message.
func firstLine(text string) string {
	const maxBytes = 120
	text, _, _ = strings.Cut(text, "\n")
	return text[:min(len(text), maxBytes)]
}
