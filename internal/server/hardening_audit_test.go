package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/server/servertest"
)

// hostileAudit returns the cases about text from callers in the audit log.
func hostileAudit() []hostile {
	return []hostile{{number: 93, name: "a namespace of 12 KB in a rejected write", act: longNamespaces}}
}

func longNamespaces(t *testing.T, g *servertest.Gateway) string {
	t.Helper()
	longest := 0
	for _, namespace := range []string{strings.Repeat("n", 12_000), strings.Repeat("%22", 4_000), strings.Repeat("%E2%82%AC", 1_300)} {
		for _, path := range []string{"/v1/namespaces/" + namespace + "/workflows", "/api/v1/namespaces/" + namespace + "/workflows/w"} {
			before := len(g.Log.String())
			resp := g.Do(t, http.MethodPost, path, `{}`)
			require.Equal(t, http.StatusForbidden, resp.Status, resp.Body)
			logged := g.Log.String()[before:]
			require.Contains(t, logged, `"msg":"audit"`)
			for line := range strings.Lines(logged) {
				require.Less(t, len(line), 1024, "bytes of a line")
				longest = max(longest, len(line))
			}
		}
	}
	return fmt.Sprintf("lines of %d bytes at most", longest)
}
