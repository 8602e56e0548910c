package operation_test

import (
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

func TestBodiesAreDecodedStrictly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		for body, want := range map[string][3]string{
			``:                             {"invalid-request", "A request body is required."},
			`[]`:                           {"invalid-request", "The request body must be a JSON object."},
			`null`:                         {"invalid-request", "The request body must be a JSON object."},
			`{"args":[}`:                   {"invalid-json", "The request body is not valid JSON at byte 9.", "/args/0"},
			`{"memo":{"a":1,"a":2}}`:       {"invalid-json", "The request body has a duplicate member at byte 15.", "/memo/a"},
			`{} {}`:                        {"invalid-json", "The request body is not valid JSON at byte 3."},
			`{"workflowType":"T","x/y":1}`: {"unknown-field", "The request body has an unknown field at /x~1y.", "/x~1y"},
			`{"workflowType":1}`:           {"invalid-request", "/workflowType: must be a string", "/workflowType"},
			`{"requestEagerStart":1}`:      {"invalid-request", "/requestEagerStart: must be a boolean", "/requestEagerStart"},
			`{"args":1}`:                   {"invalid-request", "/args: must be an array", "/args"},
			`{"retryPolicy":1}`:            {"invalid-request", "/retryPolicy: must be an object", "/retryPolicy"},
			`{"retryPolicy":{"maximumAttempts":1.5}}`:    {"invalid-request", "/retryPolicy/maximumAttempts: must be an integer in range", "/retryPolicy/maximumAttempts"},
			`{"retryPolicy":{"backoffCoefficient":"x"}}`: {"invalid-request", "/retryPolicy/backoffCoefficient: must be a number", "/retryPolicy/backoffCoefficient"},
			`{"argPayloads":[{"data":1}]}`:               {"invalid-request", "/argPayloads/0/data: must be a base64 string", "/argPayloads/0/data"},
		} {
			resp := g.Do(t, http.MethodPost, servertest.WorkflowsPath, body, "Content-Type", "application/json")
			require.Equal(t, http.StatusBadRequest, resp.Status, body)
			require.Equal(t, want[0], resp.Field(t, "code"), body)
			require.Equal(t, want[1], resp.Field(t, "detail"), body)
			if want[2] != "" {
				require.Equal(t, []string{want[2]}, handlerstest.Pointers(t, resp), body)
			}
		}
		require.Empty(t, g.Upstream.Calls("StartWorkflowExecution"))
	})
}

func TestABodyMustBeJSONThatIsNotEncoded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		for _, headers := range [][]string{
			{"Content-Type", "text/plain"}, {"Content-Type", ""}, {"Content-Type", "application/json; charset=latin1"}, {"Content-Encoding", "gzip"},
		} {
			resp := g.Do(t, http.MethodPost, servertest.WorkflowsPath, servertest.StartBody(""), headers...)
			require.Equal(t, []any{http.StatusUnsupportedMediaType, "application/json"}, []any{resp.Status, resp.Header.Get("Accept-Post")}, headers)
		}
		for _, headers := range [][]string{{"Content-Type", "application/json; charset=UTF-8"}, {"Content-Encoding", "identity"}} {
			resp := g.Do(t, http.MethodPost, servertest.WorkflowsPath, "{}", headers...)
			require.Equal(t, []string{"/workflowType", "/workflowId", "/taskQueue"}, handlerstest.Pointers(t, resp), headers)
		}
	})
}
