package e2e_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/dev/temporal"
)

// workflowHistory is one page of a history. The events are not decoded.
type workflowHistory struct {
	Events        []json.RawMessage
	NextPageToken string
}

// event contains the members of an event that most tests need.
type event struct{ EventID, EventType string }

// historyPath returns the path of the history of a run. It has a query, to which parameters can be appended.
func historyPath(s started) string {
	return workflowPath(s.WorkflowID, "/history", runIDQuery(s.RunID))
}

func historyPage(t *testing.T, c caller, path string) workflowHistory {
	t.Helper()
	return as[workflowHistory](t, c.get(t, path).expect(t, http.StatusOK))
}

// eventTypes returns the types of events. Their ids must be consecutive, and the first id must be firstID.
func eventTypes(t *testing.T, firstID int, events []json.RawMessage) []string {
	t.Helper()
	types, ids := make([]string, len(events)), make([]string, len(events))
	for i, text := range events {
		e := as[event](t, apiResponse{body: text})
		types[i], ids[i] = e.EventType, e.EventID
	}
	requireConsecutive(t, firstID, len(events), ids)
	return types
}

// startSignalled starts a workflow without a worker and sends n signals to it. The history has n+2 events: one batch
// contains the start and the scheduled workflow task, and each signal has its own batch. The server never splits a
// batch between pages.
func startSignalled(t *testing.T, n int) started {
	t.Helper()
	s := startWithoutWorker(t)
	for range n {
		writer().post(t, workflowPath(s.WorkflowID, "/signal"), `{"signal":"poke"}`).expect(t, http.StatusNoContent)
	}
	return s
}

// TestPagesContainAllEvents sends the page tokens to alternating replicas, which share the key that signs the tokens.
// The server decides how many events a page has.
func TestPagesContainAllEvents(t *testing.T) {
	t.Parallel()
	const signals = 6
	s := startSignalled(t, signals)
	onePage := historyPage(t, writer(), historyPath(s))
	require.Empty(t, onePage.NextPageToken)
	types := eventTypes(t, 1, onePage.Events)
	require.Len(t, types, signals+2)
	require.Equal(t, []string{"EVENT_TYPE_WORKFLOW_EXECUTION_STARTED", "EVENT_TYPE_WORKFLOW_TASK_SCHEDULED", "EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED"}, types[:3])

	for _, size := range []string{"&pageSize=1", "&pageSize=3"} {
		var events []json.RawMessage
		pages := 0
		for token := ""; pages == 0 || token != ""; pages++ {
			page := historyPage(t, reader().onGateway(shared.replicas[pages%2]), historyPath(s)+size+"&pageToken="+token)
			events, token = append(events, page.Events...), page.NextPageToken
		}
		require.Equal(t, onePage.Events, events, size)
		require.Greater(t, pages, 1, size)
	}
	terminate(t, s.WorkflowID)
}

func TestHistoryOfTheLatestRunNeedsNoRunID(t *testing.T) {
	t.Parallel()
	first := startWithoutWorker(t)
	terminate(t, first.WorkflowID)
	second := startWithoutWorkerWithID(t, first.WorkflowID)
	for path, want := range map[string]int{historyPath(first): 3, historyPath(second): 2, workflowPath(first.WorkflowID, "/history"): 2} {
		require.Len(t, historyPage(t, writer(), path).Events, want, path)
	}
	terminate(t, first.WorkflowID)
}

func TestHistoryPageTokenIsBoundToRequest(t *testing.T) {
	t.Parallel()
	threeNamespacesWriter := bearer(threeNamespacesKey)
	s, other := startSignalled(t, 2), startSignalled(t, 2)
	path := historyPath(s)
	firstToken := func(c caller, path string) string {
		page := historyPage(t, c, path+"&pageSize=1")
		require.NotEmpty(t, page.NextPageToken)
		return "&pageSize=1&pageToken=" + page.NextPageToken
	}
	token, otherToken := firstToken(writer(), path), firstToken(threeNamespacesWriter, path)
	tampered := []byte(token)
	tampered[len(tampered)/2]++
	require.NotEqual(t, token, string(tampered))

	// A request may change the page size and the form of payloads between pages.
	for _, query := range []string{"", "&payloads=raw", "&waitNewEvent=false", "&skipArchival=false"} {
		require.NotEmpty(t, historyPage(t, writer(), path+query+token).Events, query)
	}
	list, _ := startListed(t, 2)
	listed := as[workflowList](t, writer().get(t, list+"&pageSize=1").expect(t, http.StatusOK)).NextPageToken
	require.NotEmpty(t, listed)
	for name, a := range map[string]apiResponse{
		"tampered":              writer().get(t, path+string(tampered)),
		"truncated":             writer().get(t, path+token[:len(token)-2]),
		"not sealed":            writer().get(t, path+"&pageToken=AAAA"),
		"not base64":            writer().get(t, path+"&pageToken=%25%25"),
		"token of a list":       writer().get(t, path+"&pageToken="+listed),
		"another run":           writer().get(t, workflowPath(s.WorkflowID, "/history?", token)),
		"another workflow":      writer().get(t, historyPath(other)+token),
		"waiting":               writer().get(t, path+"&waitNewEvent=true"+token),
		"only the close event":  writer().get(t, path+"&eventFilterType=CLOSE_EVENT"+token),
		"without the archive":   writer().get(t, path+"&skipArchival=true"+token),
		"as NDJSON":             writer().with("Accept", typeNDJSON).get(t, path+otherToken),
		"another principal":     reader().get(t, path+token),
		"token of another key":  writer().get(t, path+otherToken),
		"another namespace":     threeNamespacesWriter.get(t, "/v1/namespaces/"+otherNamespace+"/workflows/"+s.WorkflowID+"/history"+runIDQuery(s.RunID)+otherToken),
		"token of the server":   writer().get(t, path+"&pageToken="+base64.RawURLEncoding.EncodeToString(serverToken(t, s))),
		"the same with padding": writer().get(t, path+"&pageToken="+url.QueryEscape(base64.StdEncoding.EncodeToString(serverToken(t, s)))),
	} {
		require.Equal(t, http.StatusBadRequest, a.status, name)
		a.problem(t, http.StatusBadRequest, "invalid-page-token")
	}
	terminate(t, s.WorkflowID)
	terminate(t, other.WorkflowID)
}

// serverToken returns the token that the server itself issues for the second page of a history.
func serverToken(t *testing.T, s started) []byte {
	t.Helper()
	page, err := shared.server.GetWorkflowExecutionHistory(t.Context(), &workflowservice.GetWorkflowExecutionHistoryRequest{
		Namespace:       temporal.DefaultNamespace,
		Execution:       &common.WorkflowExecution{WorkflowId: s.WorkflowID, RunId: s.RunID},
		MaximumPageSize: 1,
	})
	require.NoError(t, err)
	require.NotEmpty(t, page.GetNextPageToken())
	return page.GetNextPageToken()
}

func TestHistoryStreamsEveryEventAsALine(t *testing.T) {
	t.Parallel()
	s := startSignalled(t, 6)
	path := historyPath(s)
	want := historyPage(t, writer(), path).Events
	firstPage := historyPage(t, writer(), path+"&pageSize=3")
	require.NotEmpty(t, firstPage.NextPageToken)
	remaining := want[len(firstPage.Events):]
	for query, want := range map[string][]json.RawMessage{
		"":                    want,
		"&pageSize=1":         want,
		"&pageSize=3":         want,
		"&limit=1":            want[:1], // fewer than the first batch has
		"&limit=5":            want[:5],
		"&limit=5&pageSize=2": want[:5],
		"&limit=8&pageSize=3": want,
		"&limit=100":          want,
		"&eventFilterType=ALL_EVENT&waitNewEvent=false": want,
		"&pageToken=" + firstPage.NextPageToken:         remaining,
		"&limit=2&pageToken=" + firstPage.NextPageToken: remaining[:2],
	} {
		a := writer().with("Accept", typeNDJSON).get(t, path+query).expect(t, http.StatusOK)
		require.Contains(t, a.header["Content-Type"], typeNDJSON)
		require.True(t, bytes.HasSuffix(a.body, []byte("\n")))
		var events []json.RawMessage
		for line := range bytes.Lines(a.body) {
			events = append(events, bytes.TrimSuffix(line, []byte("\n")))
		}
		require.Equal(t, want, events, query)
	}
	terminate(t, s.WorkflowID)
}

func TestHistoryRejectsUnsupportedParameters(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t)
	path := historyPath(s)
	lines := writer().with("Accept", typeNDJSON)
	for query, c := range map[string]caller{
		"&pageSize=0": writer(), "&pageSize=-1": writer(), "&pageSize=1001": writer(), "&pageSize=x": writer(), "&pageSize=": writer(),
		"&pageSize=1&pageSize=2": writer(), "&pagesize=1": writer(), "&wait=1s": writer(), "&query=a;b": writer(),
		"&waitNewEvent=perhaps": writer(), "&waitNewEvent=": writer(), "&skipArchival=2": writer(),
		"&eventFilterType=OPEN_EVENT": writer(), "&eventFilterType=close_event": writer(), "&eventFilterType=0": writer(),
		"&eventFilterType=HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT": writer(),
		"&payloads=shorthand": writer(), "&payloads=Raw": writer(),
		"&limit=0": lines, "&limit=-1": lines, "&limit=1.5": lines, "&pageSize=0&limit=1": lines,
		"&limit=1":           writer(), // limit applies only to NDJSON
		"&waitNewEvent=true": lines,    // NDJSON cannot wait for new events
	} {
		a := c.get(t, path+query)
		require.Equal(t, http.StatusBadRequest, a.status, "%s: %s", query, a.body)
		a.problem(t, http.StatusBadRequest, "invalid-request")
	}
	for _, name := range []string{"?runId=not-a-uuid", "?workflowId=" + s.WorkflowID} {
		writer().get(t, workflowPath(s.WorkflowID, "/history", name)).problem(t, http.StatusBadRequest, "invalid-request")
	}
	writer().with("Accept", "text/csv").get(t, path).problem(t, http.StatusNotAcceptable, "not-acceptable")
	terminate(t, s.WorkflowID)
}

func TestHistoryWithoutTheArchive(t *testing.T) {
	t.Parallel()
	s := startSignalled(t, 1)
	want := historyPage(t, writer(), historyPath(s)).Events
	for _, skip := range []string{"true", "false"} {
		require.Equal(t, want, historyPage(t, writer(), historyPath(s)+"&skipArchival="+skip).Events, skip)
	}
	terminate(t, s.WorkflowID)
}

func TestHistoryOfAbsentRunIsNotFound(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t)
	for _, query := range []string{"", "&waitNewEvent=true", "&eventFilterType=CLOSE_EVENT", "&payloads=raw"} {
		for workflowID, runID := range map[string]string{
			s.WorkflowID: "00000000-0000-4000-8000-000000000000",
			newID(t):     "", // no such workflow
		} {
			for _, mediaType := range []string{typeJSON, typeNDJSON} {
				if mediaType == typeNDJSON && query == "&waitNewEvent=true" {
					continue
				}
				p := writer().with("Accept", mediaType).get(t, workflowPath(workflowID, "/history", runIDQuery(runID), query)).
					problem(t, http.StatusNotFound, "workflow-not-found")
				require.Equal(t, workflowID, p.WorkflowID)
			}
		}
	}
	terminate(t, s.WorkflowID)
}

func TestHistoryIsFoundByAnyID(t *testing.T) {
	t.Parallel()
	for _, id := range unusualIDs(t) {
		s := startWithoutWorkerWithID(t, id)
		for form, path := range map[string]string{
			"in the path":    workflowPath(id, "/history"),
			"by a parameter": workflows + "/-/history?workflowId=" + url.QueryEscape(id),
			"fully escaped":  workflows + "/" + escapeAll(id) + "/history",
		} {
			events := historyPage(t, writer(), path).Events
			require.Len(t, events, 2, "%q %s", id, form)
			var first struct {
				WorkflowExecutionStartedEventAttributes struct{ WorkflowID, FirstExecutionRunID string }
			}
			require.NoError(t, json.Unmarshal(events[0], &first))
			require.Equal(t, id, first.WorkflowExecutionStartedEventAttributes.WorkflowID, form)
			require.Equal(t, s.RunID, first.WorkflowExecutionStartedEventAttributes.FirstExecutionRunID, form)
		}
		terminate(t, id)
	}
}
