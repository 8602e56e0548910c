package e2e_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestContractIsStrict tests the contract check itself: each of these responses has one violation.
func TestContractIsStrict(t *testing.T) {
	t.Parallel()
	const (
		one  = workflows + "/w"
		good = `{"workflowId":"w","runId":"r","status":"FAILED","result":[1e400,null],` +
			`"failure":{"message":"m","kind":"activity","cause":{"message":"m","kind":"application","details":[1e400]}}}`
		head = `{"type":"/docs/problems#conflict","title":"t","retryable":false,"status":409,`
	)
	tests := map[string]struct {
		path, contentType, body string
		status                  int
		wrong                   string
	}{
		"nothing":                   {one + "/result", typeJSON, good, 200, ""},
		"no operation":              {"/v1/nothing", typeJSON, `{}`, 200, "in no operation"},
		"a member too many":         {one + "/result", typeJSON, `{"more":1,"workflowId":"w","runId":"r","status":"FAILED"}`, 200, "more"},
		"a member too few":          {one + "/result", typeJSON, `{"workflowId":"w","status":"FAILED"}`, 200, "runId"},
		"another case":              {one + "/result", typeJSON, `{"workflowID":"w","runId":"r","status":"FAILED"}`, 200, "workflowI"},
		"another type":              {one + "/result", typeJSON, `{"workflowId":1,"runId":"r","status":"FAILED"}`, 200, "workflowId"},
		"a cause's member too many": {one + "/result", typeJSON, `{"workflowId":"w","runId":"r","status":"FAILED","failure":{"message":"m","kind":"k","cause":{"message":"m","kind":"k","more":1}}}`, 200, "more"},
		"two documents":             {one + "/result", typeJSON, good + good, 200, "more than one"},
		"another media type":        {one + "/result", "text/plain", good, 200, "text/plain"},
		"an empty time":             {one, typeJSON, `{"workflowId":"w","runId":"r","workflowType":"x","taskQueue":"q","status":"s","startTime":"","historyLength":1}`, 200, "startTime"},
		"a bad line":                {workflows, typeNDJSON, `{"workflowId":"w","runId":"r","workflowType":"x","taskQueue":"q","status":"s","startTime":"2026-11-21T09:30:00Z","historyLength":1}` + "\n{}\n", 200, "workflowId"},
		"good events":               {one + "/history", typeEvents, "retry: 1000\n\n:\n\nid: r/1\ndata: {\"eventId\":\"1\",\"eventType\":\"x\",\"eventTime\":\"2026-11-21T09:30:00Z\"}\n\nevent: end\ndata: {}\n\n", 200, ""},
		"a bad event":               {one + "/history", typeEvents, "id: r/1\ndata: {\"eventId\":1}\n\n", 200, "eventId"},
		"an event of another type":  {one + "/history", typeEvents, "event: more\ndata: {}\n\n", 200, "more"},
		"half a field":              {one + "/history", typeEvents, "dat", 200, "dat"},
		"another status":            {one, typeProblem, head + `"code":"conflict","requestId":"id"}`, 404, "status is 409"},
		"another code":              {one, typeProblem, head + `"code":"other","requestId":"id"}`, 409, "code"},
		"another request":           {one, typeProblem, head + `"code":"conflict","requestId":"other"}`, 409, "X-Request-Id"},
		"a problem as JSON":         {one, typeJSON, head + `"code":"conflict","requestId":"id"}`, 409, "Content-Type"},
	}
	c, err := loadContract("../../api/openapi.yaml")
	require.NoError(t, err)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://gateway"+test.path, nil)
			require.NoError(t, err)
			header := http.Header{"X-Request-Id": {"id"}, "Content-Type": {test.contentType}}
			err = c.check(t.Context(), request, "", test.status, header, []byte(test.body))
			if test.wrong == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.wrong)
		})
	}
}
