package workflow

import (
	"testing"
	"testing/quick"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/handlers/convert"
)

func TestSplitQuerySeparatesTheConditionFromTheClauses(t *testing.T) {
	t.Parallel()
	for query, want := range map[string][2]string{
		"":                               {"", ""},
		" \n":                            {" \n", ""},
		"A = 1":                          {"A = 1", ""},
		"A = 1 OR B = 'x'":               {"A = 1 OR B = 'x'", ""},
		"A = 1 GROUP BY ExecutionStatus": {"A = 1 ", "GROUP BY ExecutionStatus"},
		"group by ExecutionStatus":       {"", "group by ExecutionStatus"},
		"(A = 1 OR (B = 2))\norder by A": {"(A = 1 OR (B = 2))\n", "order by A"},
		"A = 'group by' AND `order` = 1": {"A = 'group by' AND `order` = 1", ""},
		`A = "it's" AND B = '\') OR (' GROUP BY C`: {`A = "it's" AND B = '\') OR (' `, "GROUP BY C"},
		"A = 'it''s (' AND B = \"\"\"(\"":          {"A = 'it''s (' AND B = \"\"\"(\"", ""},
		"`a``(` = 1":                               {"`a``(` = 1", ""},
		"Groups = 1 AND my_order = 2":              {"Groups = 1 AND my_order = 2", ""},
		"A = 1 - 2 AND B = 4 / 2":                  {"A = 1 - 2 AND B = 4 / 2", ""},
		"A = '--' AND B = '#' AND C = 'a@b'":       {"A = '--' AND B = '#' AND C = 'a@b'", ""},
	} {
		var v convert.Validation
		condition, clauses := splitQuery(&v, query)
		require.NoError(t, v.Err(), query)
		require.Equal(t, want, [2]string{condition, clauses}, query)
	}
}

func TestSplitQueryRejectsAQueryThatCouldEndItsParentheses(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]string{
		"A = 1) OR (B = 2":       "unbalanced",
		"A = 1)":                 "unbalanced",
		"(A = 1":                 "unbalanced",
		")(":                     "unbalanced",
		"A = 1) GROUP BY B":      "unbalanced",
		"A = 'x":                 "not closed",
		`A = 'x\'`:               "not closed",
		`A = "x'`:                "not closed",
		"`A = 1":                 "not closed",
		"A = 'x''":               "not closed",
		"A = 1 -- x":             "comment",
		"A = 1 #":                "comment",
		"A = 1 // x":             "comment",
		"A = 1 /* x":             "comment",
		"A = 1 /* ) */ OR B = 2": "comment",
		"@@a' OR '1":             "@",
		"a@'b":                   "@",
	} {
		var v convert.Validation
		splitQuery(&v, query)
		require.Len(t, v, 1, query)
		require.Equal(t, "?query", v[0].Pointer)
		require.Contains(t, v[0].Detail, want, query)
	}
}

// A string literal is one string for the reader of queries, whatever the value is.
func TestStringLiteralIsOneString(t *testing.T) {
	t.Parallel()
	require.NoError(t, quick.Check(func(value string) bool {
		literal := stringLiteral(new(convert.Validation), "", value)
		return endOfQuoted(literal, 0) == len(literal)
	}, nil))
	for value, want := range map[string]string{"": "''", "it's": "'it''s'", `a\`: `'a\\'`, `\'x`: `'\\''x'`, `"`: `'"'`} {
		require.Equal(t, want, stringLiteral(new(convert.Validation), "", value))
	}
}

// FuzzSplitQuery requires that an accepted query is split without a change, and that its condition can be enclosed in
// parentheses.
func FuzzSplitQuery(f *testing.F) {
	for _, query := range []string{"", "A = 'x' GROUP BY B", "((a))", `'\''`, "a) or (b", "`a``", "x -- y", "@@a'", "\x00(\x00)", "o'r'der by"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		var v convert.Validation
		condition, clauses := splitQuery(&v, query)
		if len(v) > 0 {
			require.Empty(t, condition+clauses)
			return
		}
		require.Equal(t, query, condition+clauses)
		enclosed, rest := splitQuery(&v, "("+condition+")")
		require.Empty(t, v)
		require.Equal(t, []string{"(" + condition + ")", ""}, []string{enclosed, rest})
	})
}
