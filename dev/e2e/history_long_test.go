package e2e_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/stack"
)

// Limits of the peak memory of the gateway while clients read a history. Sizes are in bytes.
//
//   - In all rounds, the peak exceeds the memory at the start by at most maxWarmUp, which the first requests need, plus
//     maxPagesInMemory times the largest page.
//   - After the first round, the peak increases by at most maxGrowth plus growthPagesInMemory times the largest page,
//     because the garbage collector may run late.
const (
	maxPagesInMemory    = 5
	maxWarmUp           = 24 << 20
	growthPagesInMemory = 2
	maxGrowth           = 8 << 20
)

// TestMemoryIsBoundedForLongHistory reads a long history several times in each of the ways in readMethods, and obtains
// the peak memory of the gateway from the kernel after each read. It does not run in parallel with other tests, because
// the server is busy while the history is created.
func TestMemoryIsBoundedForLongHistory(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes 20 s")
	}
	const events = 50_000
	t.Run("many small batches", func(t *testing.T) {
		pages := readRepeatedly(t, makeHistory(t, events, 20), events)
		require.Greater(t, pages, 1, "this history must have several pages")
	})
	// A page size counts batches, not events, and the server never splits a batch. This history has 13 batches of markers,
	// so it has one page.
	t.Run("few large batches", func(t *testing.T) {
		readRepeatedly(t, makeHistory(t, events, 4000), events)
	})
}

// readRepeatedly reads a history three times in each of the ways in readMethods, checks the memory of the gateway, and
// returns the number of pages of the history.
func readRepeatedly(t *testing.T, s started, events int) (pages int) {
	t.Helper()
	const rounds = 3
	gateway := startGatewayForTest(t)
	atStart := residentBytes(t, gateway, "VmRSS")
	var firstRoundPeak, highestPeak, largestPage int
	for round := range rounds {
		for method, readAll := range readMethods() {
			resetPeak(t, gateway)
			began := time.Now()
			read := readAll(t, writer().onGateway(gateway), s)
			elapsed, peak := time.Since(began), residentBytes(t, gateway, "VmHWM")
			t.Logf("%s: %d events in %d responses, the largest of %s, in %s, with a peak memory of %s", method, len(read.ids),
				read.responses, mebibytes(read.largest), elapsed.Round(time.Millisecond), mebibytes(peak))
			requireConsecutive(t, 1, events, read.ids)
			highestPeak, pages = max(highestPeak, peak), max(pages, read.responses)
			if method != methodNDJSON {
				largestPage = max(largestPage, read.largest)
			}
		}
		if round == 0 {
			firstRoundPeak = highestPeak
		}
	}
	t.Logf("resident memory: %s at the start, at most %s in the first round and %s in all rounds; the largest page has %s",
		mebibytes(atStart), mebibytes(firstRoundPeak), mebibytes(highestPeak), mebibytes(largestPage))
	require.LessOrEqual(t, highestPeak, atStart+maxWarmUp+maxPagesInMemory*largestPage, "memory is bounded by a few pages")
	require.LessOrEqual(t, highestPeak, firstRoundPeak+maxGrowth+growthPagesInMemory*largestPage, "memory does not grow")
	return pages
}

// methodNDJSON is the way whose only response contains all events. The size of that response is not the size of a page.
const methodNDJSON = "NDJSON"

// readMethods returns the ways in which a client can read a history, by name.
func readMethods() map[string]func(*testing.T, caller, started) readResult {
	return map[string]func(*testing.T, caller, started) readResult{
		methodNDJSON:                     readNDJSON,
		"pages of the client API":        readPages,
		"pages of the Temporal HTTP API": readTemporalPages,
	}
}

// readResult describes one complete read of a history.
type readResult struct {
	ids       []string
	responses int
	largest   int // size of the largest response, in bytes
}

// eventID decodes only the id of an event.
type eventID struct {
	EventID string `json:"eventId"`
}

func (r *readResult) add(events []eventID) {
	for _, event := range events {
		r.ids = append(r.ids, event.EventID)
	}
}

func readNDJSON(t *testing.T, c caller, s started) readResult {
	t.Helper()
	var read readResult
	read.get(t, c.with("Accept", typeNDJSON), workflowPath(s.WorkflowID, "/history", runIDQuery(s.RunID)), func(body *json.Decoder) {
		var event eventID
		for body.More() {
			require.NoError(t, body.Decode(&event))
			read.add([]eventID{event})
		}
	})
	return read
}

func readPages(t *testing.T, c caller, s started) readResult {
	t.Helper()
	var read readResult
	for query := ""; ; {
		var page struct {
			Events        []eventID
			NextPageToken string
		}
		read.get(t, c, workflowPath(s.WorkflowID, "/history", runIDQuery(s.RunID), "&pageSize=1000", query), func(body *json.Decoder) {
			require.NoError(t, body.Decode(&page))
		})
		read.add(page.Events)
		if page.NextPageToken == "" {
			return read
		}
		query = "&pageToken=" + url.QueryEscape(page.NextPageToken)
	}
}

func readTemporalPages(t *testing.T, c caller, s started) readResult {
	t.Helper()
	path := "/api" + workflowPath(s.WorkflowID, "/history?maximumPageSize=1000&execution.runId=", s.RunID)
	var read readResult
	for query := ""; ; {
		var page struct {
			History       struct{ Events []eventID }
			NextPageToken string
		}
		read.get(t, c, path+query, func(body *json.Decoder) { require.NoError(t, body.Decode(&page)) })
		read.add(page.History.Events)
		if page.NextPageToken == "" {
			return read
		}
		query = "&nextPageToken=" + url.QueryEscape(page.NextPageToken)
	}
}

// get decodes one response while it arrives. It does not check the response against the OpenAPI document as other tests
// do, because that would take most of the time of this test.
func (r *readResult) get(t *testing.T, c caller, path string, decode func(*json.Decoder)) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, c.url+path, nil)
	require.NoError(t, err)
	request.Header = c.header.Clone()
	response, err := c.client.Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	require.Equal(t, http.StatusOK, response.StatusCode)
	body := &countedReader{Reader: response.Body}
	decode(json.NewDecoder(body))
	_, err = io.Copy(io.Discard, body)
	require.NoError(t, err)
	r.responses++
	r.largest = max(r.largest, body.bytes)
}

// countedReader counts the bytes read.
type countedReader struct {
	io.Reader
	bytes int
}

func (r *countedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.bytes += n
	return n, err
}

// requireConsecutive requires that ids are n consecutive event ids in ascending order, beginning with firstID.
func requireConsecutive(t *testing.T, firstID, n int, ids []string) {
	t.Helper()
	require.Len(t, ids, n)
	for i, id := range ids {
		if want := strconv.Itoa(firstID + i); id != want {
			require.Equal(t, want, id)
		}
	}
}

// residentBytes returns the resident memory of the gateway (VmRSS) or its peak (VmHWM), in bytes.
func residentBytes(t *testing.T, gateway *stack.Gateway, name string) int {
	t.Helper()
	kilobytes, err := strconv.Atoi(strings.TrimSuffix(residentMemory(t, gateway)[name], " kB"))
	require.NoError(t, err)
	return kilobytes << 10
}

// resetPeak resets VmHWM, the peak of the resident memory. Sampling VmRSS instead would miss short peaks.
func resetPeak(t *testing.T, gateway *stack.Gateway) {
	t.Helper()
	const peak = "5" // the value that resets the peak, see proc(5)
	err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", gateway.PID()), []byte(peak), 0)
	require.NoError(t, err)
}

func mebibytes(bytes int) string {
	return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
}
