package e2e_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestContractIsStrict tests the check itself. Each response has one violation of the document, except the valid ones.
func TestContractIsStrict(t *testing.T) {
	t.Parallel()
	const (
		path  = workflows + "/w"
		valid = `{"workflowId":"w","runId":"r","status":"FAILED","result":[1e400,null],` +
			`"failure":{"message":"m","kind":"activity","cause":{"message":"m","kind":"application","details":[1e400]}}}`
		conflict = `{"type":"/docs/problems#conflict","title":"t","retryable":false,"status":409,`
	)
	tests := map[string]struct {
		path, contentType, body string
		status                  int
		wantError               string
	}{
		"valid response":                      {path + "/result", typeJSON, valid, 200, ""},
		"unknown path":                        {"/v1/nothing", typeJSON, `{}`, 200, "no operation"},
		"undocumented member":                 {path + "/result", typeJSON, `{"more":1,"workflowId":"w","runId":"r","status":"FAILED"}`, 200, "more"},
		"missing member":                      {path + "/result", typeJSON, `{"workflowId":"w","status":"FAILED"}`, 200, "runId"},
		"member in another case":              {path + "/result", typeJSON, `{"workflowID":"w","runId":"r","status":"FAILED"}`, 200, "workflowI"},
		"member of another type":              {path + "/result", typeJSON, `{"workflowId":1,"runId":"r","status":"FAILED"}`, 200, "workflowId"},
		"undocumented member of a cause":      {path + "/result", typeJSON, `{"workflowId":"w","runId":"r","status":"FAILED","failure":{"message":"m","kind":"k","cause":{"message":"m","kind":"k","more":1}}}`, 200, "more"},
		"two JSON values":                     {path + "/result", typeJSON, valid + valid, 200, "more than one"},
		"undocumented media type":             {path + "/result", "text/plain", valid, 200, "text/plain"},
		"empty time":                          {path, typeJSON, `{"workflowId":"w","runId":"r","workflowType":"x","taskQueue":"q","status":"s","startTime":"","historyLength":1}`, 200, "startTime"},
		"invalid NDJSON line":                 {workflows, typeNDJSON, `{"workflowId":"w","runId":"r","workflowType":"x","taskQueue":"q","status":"s","startTime":"2026-11-21T09:30:00Z","historyLength":1}` + "\n{}\n", 200, "workflowId"},
		"valid events":                        {path + "/history", typeEvents, ":\nretry: 1000\nid: r/1\ndata: {\"eventId\":\"1\",\"eventType\":\"x\",\"eventTime\":\"2026-11-21T09:30:00Z\"}\n\nevent: end\ndata: {}\n\n", 200, ""},
		"block without data":                  {path + "/history", typeEvents, "retry: 1000\n\nevent: end\ndata: {}\n\n", 200, "without data"},
		"invalid event":                       {path + "/history", typeEvents, "id: r/1\ndata: {\"eventId\":1}\n\n", 200, "eventId"},
		"undocumented event type":             {path + "/history", typeEvents, "event: more\ndata: {}\n\n", 200, "more"},
		"truncated field":                     {path + "/history", typeEvents, "dat", 200, "dat"},
		"status differs from the response":    {path, typeProblem, conflict + `"code":"conflict","requestId":"id"}`, 404, "status is 409"},
		"code differs from the type":          {path, typeProblem, conflict + `"code":"other","requestId":"id"}`, 409, "code"},
		"request id differs from the header":  {path, typeProblem, conflict + `"code":"conflict","requestId":"other"}`, 409, "X-Request-Id"},
		"problem with the media type of JSON": {path, typeJSON, conflict + `"code":"conflict","requestId":"id"}`, 409, "Content-Type"},
	}
	c, err := loadContract("../../api/openapi.json")
	require.NoError(t, err)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://gateway"+test.path, nil)
			require.NoError(t, err)
			header := http.Header{"X-Request-Id": {"id"}, "Content-Type": {test.contentType}}
			err = c.check(t.Context(), request, "", test.status, header, []byte(test.body))
			if test.wantError == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.wantError)
		})
	}
}
