package e2e_test

import (
	"encoding/json"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
)

// filtered returns the ids of the workflows that match filter parameters. It requires that the count is the same.
func filtered(t *testing.T, c caller, filter url.Values) []string {
	t.Helper()
	ids := workflowIDs(as[workflowList](t, c.get(t, workflows+"?"+filter.Encode()).expect(t, http.StatusOK)).Workflows)
	require.Equal(t, len(ids), as[workflowCount](t, c.get(t, workflows+":count?"+filter.Encode()).expect(t, http.StatusOK)).Count, filter)
	return ids
}

// awaitListed waits until a filter selects exactly one workflow.
func awaitListed(t *testing.T, filter url.Values, workflowID string) {
	t.Helper()
	e2etest.Eventually(t, "the workflow is listed", func() bool {
		page := as[workflowList](t, writer().get(t, workflows+"?"+filter.Encode()).expect(t, http.StatusOK)).Workflows
		return len(page) == 1 && page[0].WorkflowID == workflowID
	})
}

func TestFilterParametersSelectByTypeStatusTimeAndAttribute(t *testing.T) {
	t.Parallel()
	customer := uuid.NewString()
	attributes, _ := attributesOfEveryType(customer)
	s := startWithoutWorker(t, searchAttributes(attributes, func(a attribute) string { return string(a.Value) }))
	started := parseTime(t, describe(t, s.WorkflowID).StartTime)
	all := url.Values{
		"query": {`TaskQueue != "x" OR TaskQueue = "x"`}, "workflowType": {"Unpolled"}, "status": {"RUNNING", "TIMED_OUT"},
		"startedAfter": {started.Add(-time.Second).Format(time.RFC3339Nano)}, "startedBefore": {started.Add(time.Second).Format(time.RFC3339Nano)},
		"searchAttribute.CustomerId": {customer}, "searchAttribute.Items": {"42"}, "searchAttribute.Amount": {"1.1"},
		"searchAttribute.Express": {"true"}, "searchAttribute.DueAt": {"2030-01-02T04:04:05.678+01:00"}, "searchAttribute.Tags": {"<&>"},
		"searchAttribute.Note": {"door"}, "searchAttribute.WorkflowId": {s.WorkflowID},
	}
	awaitListed(t, all, s.WorkflowID)
	require.Equal(t, []string{s.WorkflowID}, filtered(t, reader(), all), "the filters need no other role than the list")
	for name, value := range map[string]string{
		"query": `TaskQueue = "x" OR TaskQueue = "y"`, "workflowType": "Other", "status": "COMPLETED",
		"startedAfter": started.Add(time.Second).Format(time.RFC3339), "startedBefore": started.Add(-time.Second).Format(time.RFC3339),
		"searchAttribute.CustomerId": "other", "searchAttribute.Items": "41", "searchAttribute.Amount": "1.2", "searchAttribute.Express": "false",
		"searchAttribute.DueAt": "2030-01-02T03:04:05Z", "searchAttribute.Tags": "<", "searchAttribute.Note": "window", "searchAttribute.WorkflowId": "other",
	} {
		other := maps.Clone(all)
		other.Set(name, value)
		require.Empty(t, filtered(t, writer(), other), name)
	}
	groups := as[workflowCount](t, writer().get(t, workflows+":count?"+url.Values{
		"query": {"TaskQueue != 'x' GROUP BY ExecutionStatus"}, "searchAttribute.CustomerId": {customer},
	}.Encode()).expect(t, http.StatusOK)).Groups
	require.Len(t, groups, 1)
	require.Equal(t, []any{"Running", 1}, []any{groups[0].Values[0], groups[0].Count})
	terminate(t, s.WorkflowID)
}

// A value is compared as it is, whatever it contains.
func TestFilterValuesAreEscaped(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"it's", "a''b", "100%", "a_b", "(x", "x) OR (y", "c -- d", "# e", "/* f */", "é", "null", "true", "12", " ", "@@x", "`g`",
	} {
		customer := value + uuid.NewString()
		s := startWithoutWorker(t, `"searchAttributes":{"CustomerId":`+quote(customer)+`}`)
		awaitListed(t, url.Values{"searchAttribute.CustomerId": {customer}, "status": {"RUNNING"}}, s.WorkflowID)
		terminate(t, s.WorkflowID)
	}
}

// No value and no query can widen what the other filters select.
func TestFiltersCannotBeWidened(t *testing.T) {
	t.Parallel()
	customer := uuid.NewString()
	s := startWithoutWorker(t, `"searchAttributes":{"CustomerId":`+quote(customer)+`}`)
	awaitListed(t, url.Values{"searchAttribute.CustomerId": {customer}}, s.WorkflowID)
	for _, value := range []string{
		`Unpolled' OR 'a' = 'a`, `x' OR WorkflowType = 'Unpolled`, `x\' OR WorkflowType = "Unpolled" -- `, `x\`, `x\\' OR 1 = 1 -- a`, `x" OR "1" = "1`,
		"x') OR (WorkflowType = 'Unpolled", "%", "_npolled", "x' UNION SELECT * FROM y", "x' GROUP BY ExecutionStatus -- a", "x\\'' OR WorkflowType = 'Unpolled",
	} {
		require.Empty(t, filtered(t, writer(), url.Values{"workflowType": {value}}), value)
		require.Empty(t, filtered(t, writer(), url.Values{"searchAttribute.CustomerId": {value}, "query": {"WorkflowType = 'Unpolled'"}}), value)
	}

	const seed, queries = 7, 400
	random := rand.New(rand.NewPCG(seed, seed)) // a fixed seed makes failures reproducible
	parts := []string{
		"WorkflowType = 'Unpolled'", " OR ", " AND ", "(", ")", "'", `"`, "`", `\`, "--", "#", "/*", "*/", "\n", " GROUP BY ExecutionStatus", " ORDER BY StartTime",
		" LIMIT 1", "NOT ", "@@", "x'", ";", "CustomerId IS NOT NULL",
	}
	accepted := 0
	for range queries {
		query := "WorkflowType = 'Unpolled'"
		for range 1 + random.IntN(5) {
			query += parts[random.IntN(len(parts))]
		}
		filter := url.Values{"query": {query}, "searchAttribute.CustomerId": {"nobody"}}
		response := writer().get(t, workflows+"?"+filter.Encode())
		if response.status == http.StatusBadRequest {
			require.Equal(t, "?query", as[struct {
				Errors []struct{ Pointer string }
			}](t, response).Errors[0].Pointer, query)
			continue
		}
		accepted++
		require.Empty(t, as[workflowList](t, response.expect(t, http.StatusOK)).Workflows, query)
	}
	t.Logf("seed %d: %d queries, %d accepted", seed, queries, accepted)
	require.NotZero(t, accepted)
	terminate(t, s.WorkflowID)
}

// The server's errors have pointers to what it rejects.
func TestServerErrorsHavePointers(t *testing.T) {
	t.Parallel()
	pointers := func(response apiResponse) (found []string) {
		response.problem(t, http.StatusBadRequest, "invalid-request")
		var body struct{ Errors []struct{ Pointer string } }
		require.NoError(t, json.Unmarshal(response.body, &body))
		for _, e := range body.Errors {
			found = append(found, e.Pointer)
		}
		return found
	}
	for _, query := range []string{"NoSuchAttribute = 1", `"`, "Items = 'x'", "WorkflowType", "CustomerId = 1 LIMIT 2", "ExecutionStatus = 'RUNNING?'"} {
		for _, path := range []string{workflows, workflows + ":count"} {
			require.Equal(t, []string{"?query"}, pointers(writer().get(t, path+"?query="+url.QueryEscape(query))), query)
		}
		body := `{"operation":{"cancel":{}},"dryRun":true,"query":` + quote(query) + `}`
		require.Equal(t, []string{"/query"}, pointers(writer().post(t, strings.TrimSuffix(workflows, "workflows")+"batches", body)), query)
	}
	require.Equal(t, []string{"?searchAttribute.NoSuchAttribute"}, pointers(writer().get(t, workflows+"?searchAttribute.NoSuchAttribute=1")))
	for attribute, want := range map[string]string{
		`"NoSuchAttribute":"x"`: "/searchAttributes/NoSuchAttribute",
		`"Items":"x"`:           "/searchAttributes/Items",
		`"WorkflowType":"x"`:    "/searchAttributes/WorkflowType",
		`"CustomerId":` + quote(strings.Repeat("x", 3000)): "/searchAttributes/CustomerId",
	} {
		start := startBody("Unpolled", newID(t), "unpolled", `"searchAttributes":{"Express":true,`+attribute+`}`)
		require.Equal(t, []string{want}, pointers(writer().post(t, workflows, start)), attribute)
		signal := startBody("Unpolled", newID(t), "unpolled", `"startSignal":"go","searchAttributes":{`+attribute+`}`)
		require.Equal(t, []string{want}, pointers(writer().post(t, workflows, signal)), attribute)
		start = startBody("Unpolled", newID(t), "unpolled", `"idConflictPolicy":"FAIL","searchAttributes":{`+attribute+`}`)
		require.Equal(t, []string{"/start" + want}, pointers(writer().post(t, workflows+":updateWithStart", `{"update":{"update":"u"},"start":`+start+`}`)), attribute)
	}
}
