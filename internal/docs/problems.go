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

// group has the problems of one status.
type group struct {
	Status   int
	Name     string
	Problems []problemEntry
}

// problemEntry is a code on the page.
type problemEntry struct {
	Code       problem.Code
	Title      string
	Status     int
	Retryable  bool
	RetryAfter string
	problem.Explanation
}

// problemGroups returns the table of problems, grouped by status.
func problemGroups() []group {
	byStatus := map[int][]problemEntry{}
	for _, code := range problem.Codes() {
		row := code.Row()
		byStatus[row.Status] = append(byStatus[row.Status], problemEntry{
			Code: code, Title: row.Title, Status: row.Status, Retryable: row.Retryable,
			RetryAfter: seconds(row.RetryAfter), Explanation: code.Explanation(),
		})
	}
	groups := make([]group, 0, len(byStatus))
	for _, status := range slices.Sorted(maps.Keys(byStatus)) {
		groups = append(groups, group{Status: status, Name: statusName(status), Problems: byStatus[status]})
	}
	return groups
}

// statusName returns the name of a status. The status 499 is defined by nginx
// and not by HTTP.
func statusName(status int) string {
	if name := http.StatusText(status); name != "" {
		return name
	}
	return "Client Closed Request"
}

// seconds formats a duration for the page. Zero is the empty text.
func seconds(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s"
}

// textPart is a part of a text. Code selects the font of code.
type textPart struct {
	Code bool
	Text string
}

// inline splits a text at its backticks, which enclose code.
func inline(text string) []textPart {
	var parts []textPart
	for i, segment := range strings.Split(text, "`") {
		if segment != "" {
			parts = append(parts, textPart{Code: i%2 == 1, Text: segment})
		}
	}
	return parts
}
