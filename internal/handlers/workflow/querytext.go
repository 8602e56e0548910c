package workflow

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/flowgate/flowgate/internal/handlers/convert"
)

// The texts of this file are those of the server's visibility queries, whose grammar is
// that of github.com/temporalio/sqlparser.

// stringLiteral returns a string as a literal. A quote is doubled, and a backslash escaped.
// The server removes quotes from both ends of a string, so a value that has one there would
// match other workflows, and is rejected.
func stringLiteral(v *convert.Validation, pointer, value string) string {
	switch {
	case strings.ContainsFunc(value, unicode.IsControl):
		v.Add(pointer, "must not contain control characters")
	case strings.HasPrefix(value, "'") || strings.HasSuffix(value, "'"):
		v.Add(pointer, "must not begin or end with a single quote, which the Temporal server does not compare")
	}
	return "'" + strings.NewReplacer("'", "''", `\`, `\\`).Replace(value) + "'"
}

func timeLiteral(v *convert.Validation, pointer, value string) string {
	at, err := time.Parse(time.RFC3339Nano, value)
	if err != nil {
		v.Add(pointer, "must be a time in RFC 3339 format")
	}
	return "'" + at.UTC().Format(time.RFC3339Nano) + "'"
}

func intLiteral(v *convert.Validation, pointer, value string) string {
	number, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		v.Add(pointer, "must be an integer")
	}
	return strconv.FormatInt(number, 10)
}

func doubleLiteral(v *convert.Validation, pointer, value string) string {
	number, err := strconv.ParseFloat(value, 64)
	if err != nil || math.IsInf(number, 0) || math.IsNaN(number) {
		v.Add(pointer, "must be a number")
	}
	return strconv.FormatFloat(number, 'f', -1, 64)
}

func boolLiteral(v *convert.Validation, pointer, value string) string {
	if value != "true" && value != "false" {
		v.Add(pointer, "must be true or false")
	}
	return value
}

// splitQuery splits a query into its condition and the clauses after it, GROUP BY and ORDER
// BY, so that further conditions can be added to the condition in parentheses. It rejects
// every query that could end these parentheses: one with unbalanced parentheses, an open
// string or a comment. It reads strings, names and comments as the server does.
func splitQuery(v *convert.Validation, query string) (condition, clauses string) {
	const pointer = "?query"
	depth, i := 0, 0
	for i < len(query) && depth >= 0 {
		end := endOfToken(query, i)
		if end < 0 {
			v.Add(pointer, "has a quote that is not closed")
			return "", ""
		}
		switch token := query[i:end]; {
		case token == "(":
			depth++
		case token == ")":
			depth--
		case token == "#", token == "@", beginsComment(query[i:]):
			v.Add(pointer, "must have no comment and no @ outside a string if it is combined with other filters")
			return "", ""
		case depth == 0 && (strings.EqualFold(token, "GROUP") || strings.EqualFold(token, "ORDER")):
			return query[:i], query[i:]
		}
		i = end
	}
	if depth != 0 {
		v.Add(pointer, "has unbalanced parentheses")
		return "", ""
	}
	return query, ""
}

// endOfToken returns the index after the string, the name or the other character that
// begins at i, or -1 if a quote is not closed.
func endOfToken(query string, i int) int {
	switch c := query[i]; {
	case c == '\'' || c == '"' || c == '`':
		return endOfQuoted(query, i)
	case isLetter(c):
		for i++; i < len(query) && (isLetter(query[i]) || '0' <= query[i] && query[i] <= '9'); {
			i++
		}
		return i
	default:
		return i + 1
	}
}

// endOfQuoted returns the index after the string or quoted name that begins at i, or -1 if
// it is not closed. A doubled quote does not close it, nor does an escaped one in a string.
func endOfQuoted(query string, i int) int {
	quote := query[i]
	for i++; i < len(query); i++ {
		switch {
		case query[i] == '\\' && quote != '`':
			i++
		case query[i] != quote:
		case i+1 < len(query) && query[i+1] == quote:
			i++
		default:
			return i + 1
		}
	}
	return -1
}

func beginsComment(text string) bool {
	return strings.HasPrefix(text, "--") || strings.HasPrefix(text, "//") || strings.HasPrefix(text, "/*")
}

// isLetter reports whether a name can begin with c. The names that begin with @ may contain quotes, so splitQuery
// rejects them.
func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' }
