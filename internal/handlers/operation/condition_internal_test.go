package operation

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/problem"
)

func TestIfMatchIsOneEntityTag(t *testing.T) {
	t.Parallel()
	ifMatch := func(pairs ...string) (string, bool, error) {
		return (&Request{HTTP: &http.Request{Header: header(pairs...)}}).IfMatch()
	}
	for value, want := range map[string]string{`"a b"`: "a b", `""`: "", `W/"a"`: `W/"a"`, `"W/a"`: "W/a", `"a,b"`: "a,b"} {
		tag, conditional, err := ifMatch("If-Match", value)
		require.NoError(t, err, value)
		require.Equal(t, []any{want, true}, []any{tag, conditional})
	}
	for _, pairs := range [][]string{nil, {"If-Match", "*"}} {
		_, conditional, err := ifMatch(pairs...)
		require.NoError(t, err)
		require.False(t, conditional)
	}
	for _, pairs := range [][]string{
		{"If-Match", ""},
		{"If-Match", `a`},
		{"If-Match", `"`},
		{"If-Match", `"a", "b"`},
		{"If-Match", `w/"a"`},
		{"If-Match", `W/a`},
		{"If-Match", `"a"`, "If-Match", `"b"`},
	} {
		_, _, err := ifMatch(pairs...)
		require.True(t, problem.Is(err, problem.InvalidRequest), pairs)
	}
}

func TestTheTagOfAResponseIsAcceptedAsACondition(t *testing.T) {
	t.Parallel()
	recorder := httptest.NewRecorder()
	require.NoError(t, NoContent().WithETag("a-b_1").write(recorder))
	require.Equal(t, `"a-b_1"`, recorder.Header().Get("ETag"))
	tag, conditional, err := (&Request{HTTP: &http.Request{Header: header("If-Match", recorder.Header().Get("ETag"))}}).IfMatch()
	require.NoError(t, err)
	require.Equal(t, []any{"a-b_1", true}, []any{tag, conditional})
}
