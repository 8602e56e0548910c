package problem_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/problem"
)

// declaredCodes reads the codes from code.go, so that the tests cover all of them.
func declaredCodes(t *testing.T) []problem.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "code.go", nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	var codes []problem.Code
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if name, ok := spec.Type.(*ast.Ident); !ok || name.Name != "Code" {
			return true
		}
		for _, value := range spec.Values {
			literal, ok := value.(*ast.BasicLit)
			require.True(t, ok)
			text, err := strconv.Unquote(literal.Value)
			require.NoError(t, err)
			codes = append(codes, problem.Code(text))
		}
		return true
	})
	require.NotEmpty(t, codes)
	return codes
}

func TestEveryCodeHasARow(t *testing.T) {
	t.Parallel()
	kebab := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	internal, codes, titles := problem.Internal.Row(), map[problem.Code]bool{}, map[string]bool{}
	for _, code := range declaredCodes(t) {
		row := code.Row()
		require.Regexp(t, kebab, code)
		require.False(t, codes[code], "%s is declared twice", code)
		require.False(t, titles[row.Title], "%s shares its title with another code", code)
		codes[code], titles[row.Title] = true, true
		require.NotEmpty(t, row.Title, code)
		if code != problem.Internal {
			require.NotEqual(t, internal, row, "%s is not in the table", code)
		}
		require.False(t, row.RetryAfter > 0 && !row.Retryable, "%s has a Retry-After but is not retryable", code)
	}
}

func TestStatusOfEveryCode(t *testing.T) {
	t.Parallel()
	byStatus := map[int][]problem.Code{
		400: {
			"invalid-request", "invalid-json", "unknown-field", "invalid-page-token", "ambiguous-credentials",
			"namespace-mismatch", "metadata-not-allowed", "invalid-path",
		},
		401: {"unauthenticated", "invalid-credential", "invalid-token"},
		403: {"namespace-forbidden", "operation-forbidden", "permission-denied"},
		404: {
			"workflow-not-found", "update-not-found", "schedule-not-found", "batch-not-found", "deployment-not-found", "search-attribute-not-found", "namespace-not-found", "activity-not-found",
			"query-not-found", "route-not-found",
		},
		405: {"method-not-allowed"},
		406: {"not-acceptable"},
		408: {"request-timeout"},
		409: {
			"workflow-already-started", "schedule-already-exists", "workflow-completed", "run-chain-mismatch",
			"query-rejected", "workflow-not-ready", "activity-already-started", "activity-completed", "namespace-already-exists", "conflict",
		},
		412: {"schedule-changed", "deployment-changed"},
		413: {"payload-too-large"},
		415: {"unsupported-media-type"},
		421: {"misdirected-request"},
		422: {"query-failed", "idempotency-key-reused"},
		429: {"rate-limited", "too-many-failures"},
		431: {"headers-too-large"},
		499: {"client-closed-request"},
		500: {"internal"},
		501: {"not-offered-by-server"},
		502: {"upstream-error", "upstream-auth-failed", "upstream-response-too-large"},
		503: {
			"upstream-unavailable", "upstream-overloaded", "workflow-busy", "update-not-admitted", "jwks-unavailable",
			"overloaded", "draining",
		},
		504: {"deadline-exceeded", "query-timeout"},
	}
	want := map[problem.Code]int{}
	for status, codes := range byStatus {
		for _, code := range codes {
			want[code] = status
		}
	}
	for _, code := range declaredCodes(t) {
		require.Contains(t, want, code, "the test has no status for this code")
		require.Equal(t, want[code], code.Row().Status, code)
	}
}

func TestCodesWithStatus429And503HaveRetryAfter(t *testing.T) {
	t.Parallel()
	for _, code := range declaredCodes(t) {
		row := code.Row()
		if row.Status == 429 || row.Status == 503 {
			require.True(t, row.Retryable, code)
			require.GreaterOrEqual(t, row.RetryAfter, time.Second, code)
		}
	}
}

func TestUndeclaredCodeHasTheRowOfInternal(t *testing.T) {
	t.Parallel()
	require.Equal(t, problem.Internal.Row(), problem.Code("no-such-code").Row())
}
