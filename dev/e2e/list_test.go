package e2e_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
)

// startListed starts n workflows and waits until the server lists them. It returns the sorted ids of these workflows, and
// the path of a list that contains only them. The path has a query, so that a test can append "&name=value".
func startListed(t *testing.T, n int) (path string, ids []string) {
	t.Helper()
	customer := uuid.NewString()
	for range n {
		s := startWithoutWorker(t, `"searchAttributes":{"CustomerId":`+quote(customer)+`}`)
		ids = append(ids, s.WorkflowID)
	}
	slices.Sort(ids)
	path = workflows + "?query=" + url.QueryEscape(`CustomerId = "`+customer+`"`)
	e2etest.Eventually(t, fmt.Sprintf("%d workflows are listed", n), func() bool {
		return len(as[workflowList](t, writer().get(t, path).expect(t, http.StatusOK)).Workflows) == n
	})
	return path, ids
}

func workflowIDs(page []workflow) []string {
	ids := make([]string, len(page))
	for i, w := range page {
		ids[i] = w.WorkflowID
	}
	slices.Sort(ids)
	return ids
}

func TestPagesOfListContainEachWorkflowOnce(t *testing.T) {
	t.Parallel()
	path, ids := startListed(t, 5)
	all := as[workflowList](t, writer().get(t, path).expect(t, http.StatusOK))
	require.Equal(t, ids, workflowIDs(all.Workflows))
	require.Empty(t, all.NextPageToken)

	var received []workflow
	var sizes []int
	next := path + "&pageSize=2"
	for token := "not empty"; token != ""; {
		// The requests go to alternating replicas, which share the key that signs page tokens.
		page := as[workflowList](t, writer().onGateway(shared.replicas[len(sizes)%2]).get(t, next).expect(t, http.StatusOK))
		received, sizes = append(received, page.Workflows...), append(sizes, len(page.Workflows))
		token = page.NextPageToken
		next = path + "&pageSize=2&pageToken=" + token
	}
	require.Equal(t, ids, workflowIDs(received))
	require.Equal(t, []int{2, 2, 1}, sizes)
}

func TestListedWorkflowsEqualDescriptions(t *testing.T) {
	t.Parallel()
	path, ids := startListed(t, 1)
	listed := as[workflowList](t, writer().get(t, path).expect(t, http.StatusOK)).Workflows[0]
	w := describe(t, ids[0])
	require.Equal(t, []string{w.WorkflowID, w.RunID, w.WorkflowType, w.TaskQueue, w.Status},
		[]string{listed.WorkflowID, listed.RunID, listed.WorkflowType, listed.TaskQueue, listed.Status})
	// The visibility store has a precision of microseconds.
	require.WithinDuration(t, parseTime(t, w.StartTime), parseTime(t, listed.StartTime), time.Microsecond)
	require.Equal(t, w.SearchAttributes["CustomerId"], listed.SearchAttributes["CustomerId"])
}

func TestPageTokenIsBoundToRequest(t *testing.T) {
	t.Parallel()
	threeNamespacesWriter := bearer(threeNamespacesKey)
	path, _ := startListed(t, 3)
	query := strings.TrimPrefix(path, workflows)
	firstToken := func(c caller) string {
		page := as[workflowList](t, c.get(t, path+"&pageSize=1").expect(t, http.StatusOK))
		require.NotEmpty(t, page.NextPageToken)
		return "&pageSize=1&pageToken=" + page.NextPageToken
	}
	token, otherToken := firstToken(writer()), firstToken(threeNamespacesWriter)
	tampered := []byte(token)
	tampered[len(tampered)/2]++
	require.NotEqual(t, token, string(tampered))

	writer().get(t, path+token).expect(t, http.StatusOK)
	writer().onGateway(shared.replicas[1]).get(t, path+token).expect(t, http.StatusOK)
	for name, a := range map[string]apiResponse{
		"tampered":                   writer().get(t, path+string(tampered)),
		"truncated":                  writer().get(t, path+token[:len(token)-2]),
		"not sealed":                 writer().get(t, path+"&pageToken=AAAA"),
		"not base64":                 writer().get(t, path+"&pageToken=%25%25"),
		"another query":              writer().get(t, workflows+"?query="+url.QueryEscape(`WorkflowType = "Unpolled"`)+token),
		"no query":                   writer().get(t, workflows+"?"+strings.TrimPrefix(token, "&")),
		"sent by another principal":  reader().get(t, path+token),
		"token of another principal": writer().get(t, path+otherToken),
		"another namespace":          threeNamespacesWriter.get(t, "/v1/namespaces/"+otherNamespace+"/workflows"+query+otherToken),
		"token of the server":        writer().get(t, path+"&pageToken=eyJDbG9zZVRpbWUiOiIwMDAxLTAxLTAxVDAwOjAwOjAwWiJ9"),
	} {
		require.Equal(t, http.StatusBadRequest, a.status, name)
		a.problem(t, http.StatusBadRequest, "invalid-page-token")
	}
}

func TestListStreamsEveryWorkflowAsALine(t *testing.T) {
	t.Parallel()
	path, ids := startListed(t, 5)
	stream := writer().with("Accept", "application/x-ndjson")
	for query, want := range map[string]int{"": 5, "&pageSize=2": 5, "&limit=3": 3, "&limit=3&pageSize=2": 3, "&limit=9": 5, "&limit=2&pageSize=2": 2} {
		a := stream.get(t, path+query).expect(t, http.StatusOK)
		require.Contains(t, a.header["Content-Type"], typeNDJSON)
		require.True(t, bytes.HasSuffix(a.body, []byte("\n")))
		var received []workflow
		for line := range bytes.Lines(a.body) {
			received = append(received, as[workflow](t, apiResponse{body: line}))
		}
		require.Len(t, received, want, query)
		require.Subset(t, ids, workflowIDs(received), query)
		require.Len(t, slices.Compact(workflowIDs(received)), want, "%s: the list contains each workflow once", query)
	}
}

func TestListWithoutMatchesIsEmpty(t *testing.T) {
	t.Parallel()
	path := workflows + "?query=" + url.QueryEscape(`WorkflowId = "`+newID(t)+`"`)
	a := writer().get(t, path).expect(t, http.StatusOK)
	require.JSONEq(t, `{"workflows":[]}`, string(a.body))
	require.Empty(t, writer().with("Accept", typeNDJSON).get(t, path).expect(t, http.StatusOK).body)
}

func TestListRejectsUnsupportedParameters(t *testing.T) {
	t.Parallel()
	for _, query := range []string{
		"?query=" + url.QueryEscape("NoSuchAttribute = 1"), "?query=%22", "?pageSize=0", "?pageSize=1001", "?pageSize=x",
		"?limit=0", "?pagesize=1", "?pageSize=1&pageSize=2", "?query=a;b", "?query=%zz",
	} {
		a := writer().get(t, workflows+query)
		require.Equal(t, http.StatusBadRequest, a.status, "%s: %s", query, a.body)
		a.problem(t, http.StatusBadRequest, "invalid-request")
	}
	writer().with("Accept", "text/csv").get(t, workflows).problem(t, http.StatusNotAcceptable, "not-acceptable")
}

func TestCountGroupsByStatus(t *testing.T) {
	t.Parallel()
	path, ids := startListed(t, 3)
	terminate(t, ids[0])
	count := strings.Replace(path, workflows, workflows+":count", 1)
	var c workflowCount
	e2etest.Eventually(t, "the count includes the terminated workflow", func() bool {
		c = as[workflowCount](t, writer().get(t, count+url.QueryEscape(" GROUP BY ExecutionStatus")).expect(t, http.StatusOK))
		return len(c.Groups) == 2
	})
	require.Equal(t, 3, c.Count)
	groups := map[string]int{}
	for _, group := range c.Groups {
		require.Len(t, group.Values, 1)
		groups[group.Values[0]] = group.Count
	}
	require.Equal(t, map[string]int{"Running": 2, "Terminated": 1}, groups)

	plain := as[workflowCount](t, writer().get(t, count).expect(t, http.StatusOK))
	require.Equal(t, 3, plain.Count)
	require.Empty(t, plain.Groups)
}

// A change of any single character makes a token invalid.
func TestModifiedPageTokenIsRejected(t *testing.T) {
	t.Parallel()
	list, _ := startListed(t, 2)
	s := startSignalled(t, 1)
	for path, token := range map[string]string{
		list + "&pageSize=1":           as[workflowList](t, writer().get(t, list+"&pageSize=1").expect(t, http.StatusOK)).NextPageToken,
		historyPath(s) + "&pageSize=1": historyPage(t, writer(), historyPath(s)+"&pageSize=1").NextPageToken,
	} {
		require.NotEmpty(t, token)
		writer().get(t, path+"&pageToken="+token).expect(t, http.StatusOK)
		for i := range token {
			tampered := []byte(token)
			tampered[i] = 'A'
			if token[i] == 'A' {
				tampered[i] = 'Q' // any other character of base64
			}
			writer().get(t, path+"&pageToken="+string(tampered)).problem(t, http.StatusBadRequest, "invalid-page-token")
		}
	}
	terminate(t, s.WorkflowID)
}

func TestTamperedPageTokenIsNotForwarded(t *testing.T) {
	t.Parallel()
	gateway := startGatewayForTest(t)
	list, _ := startListed(t, 2)
	token := as[workflowList](t, writer().get(t, list+"&pageSize=1").expect(t, http.StatusOK)).NextPageToken
	calls := func() int {
		return int(e2etest.Metric(t, gateway, "rpc_client_call_duration_seconds_count", `rpc_method="ListWorkflowExecutions"`))
	}
	before := calls()
	writer().onGateway(gateway).get(t, list+"&pageToken="+token[1:]).problem(t, http.StatusBadRequest, "invalid-page-token")
	require.Equal(t, before, calls())
	writer().onGateway(gateway).get(t, list+"&pageSize=1&pageToken="+token).expect(t, http.StatusOK)
	require.Equal(t, before+1, calls())
}
