package docs

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flowgate/flowgate/internal/problem"
)

// problemGroup contains the problems with one HTTP status.
type problemGroup struct {
	Status   int
	Name     string
	Problems []problemEntry
}

// problemEntry describes a problem code on the page.
type problemEntry struct {
	Code       problem.Code
	Title      string
	Status     int
	Retryable  bool
	RetryAfter string
	problem.Explanation
}

// problemGroups returns the table of problems, grouped by status.
func problemGroups() []problemGroup {
	byStatus := map[int][]problemEntry{}
	for _, code := range problem.Codes() {
		row := code.Row()
		byStatus[row.Status] = append(byStatus[row.Status], problemEntry{
			Code: code, Title: row.Title, Status: row.Status, Retryable: row.Retryable,
			RetryAfter: formatSeconds(row.RetryAfter), Explanation: code.Explanation(),
		})
	}
	groups := make([]problemGroup, 0, len(byStatus))
	for _, status := range slices.Sorted(maps.Keys(byStatus)) {
		groups = append(groups, problemGroup{Status: status, Name: statusName(status), Problems: byStatus[status]})
	}
	return groups
}

// statusName returns the name of a status. The only status in the table that HTTP does not
// define is 499, which comes from nginx.
func statusName(status int) string {
	if name := http.StatusText(status); name != "" {
		return name
	}
	return "Client Closed Request"
}

// formatSeconds formats a duration for the page. It returns an empty text for zero.
func formatSeconds(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s"
}

// textPart is a part of a text. If Code is true, the page shows it as code.
type textPart struct {
	Code bool
	Text string
}

// splitCode splits a text into plain text and code, which backticks enclose.
func splitCode(text string) []textPart {
	var parts []textPart
	for i, segment := range strings.Split(text, "`") {
		if segment != "" {
			parts = append(parts, textPart{Code: i%2 == 1, Text: segment})
		}
	}
	return parts
}
