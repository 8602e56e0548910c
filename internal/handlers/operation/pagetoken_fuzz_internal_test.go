package operation

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/seal"
)

// FuzzPageToken requires that openPage rejects an altered token, and a token that was
// sealed for another caller, namespace, operation or query.
func FuzzPageToken(f *testing.F) {
	keys, err := seal.New([]byte(strings.Repeat("n", 32)), []byte(strings.Repeat("o", 32)))
	require.NoError(f, err)
	own := tokenScope{principal: "dev", namespace: "default", operation: "listWorkflows", query: "A = 1"}
	genuine := sealPage(keys, own, []byte("upstream"))
	for _, token := range []string{
		"", "x", "!!!", genuine, genuine + "=", genuine + "A", genuine[:len(genuine)-1], genuine[1:], genuine + genuine, strings.ToUpper(genuine), " " + genuine, genuine + "\n",
		genuine[:5] + "\r\n" + genuine[5:], strings.ReplaceAll(genuine, "_", "/"), strings.Repeat("A", 22), strings.Repeat("A", 23), base64.StdEncoding.EncodeToString([]byte(genuine)),
	} {
		f.Add(token, own.principal, own.namespace, own.operation, own.query, []byte("upstream"))
		f.Add(token, "de", "vdefault", own.operation, own.query, []byte("upstream"))
		f.Add(token, "dev7:default", "", own.operation, own.query, []byte(""))
		f.Add(token, own.principal, own.namespace, own.operation, "", []byte("\x00"))
	}
	f.Fuzz(func(t *testing.T, token, principal, namespace, operation, query string, upstream []byte) {
		scope := tokenScope{principal: principal, namespace: namespace, operation: operation, query: query}
		opened, err := openPage(keys, own, token)
		switch token {
		case "":
			require.NoError(t, err)
			require.Nil(t, opened)
		case genuine:
			require.NoError(t, err)
			require.Equal(t, "upstream", string(opened))
		default:
			require.True(t, problem.Is(err, problem.InvalidPageToken), "%q", token)
			require.Nil(t, opened)
			require.True(t, len(token) < 16 || !strings.Contains(err.Error(), token))
		}

		sealed := sealPage(keys, scope, upstream)
		require.Equal(t, len(upstream) == 0, sealed == "")
		opened, err = openPage(keys, scope, sealed)
		require.NoError(t, err)
		require.Equal(t, string(upstream), string(opened))
		if _, err = openPage(keys, own, sealed); sealed != "" && scope != own {
			require.True(t, problem.Is(err, problem.InvalidPageToken), "%+v", scope)
		}
		if sealed == genuine {
			require.Equal(t, own, scope)
		}
	})
}
