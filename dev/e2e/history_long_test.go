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

// The gateway's peak memory may exceed its memory at the start by maxPages times the largest page, and by maxWarmUp
// bytes for its first requests. From one read to the next it may grow by growthPages pages and growthBytes bytes,
// because the garbage collector may run late.
const (
	maxPages    = 5
	maxWarmUp   = 24 << 20
	growthPages = 2
	growthBytes = 8 << 20
)

// TestMemoryIsBoundedForLongHistory reads a history repeatedly by each method and reads the gateway's peak memory from
// the kernel after each. It does not run in parallel with other tests, because creating the history keeps the server
// busy.
func TestMemoryIsBoundedForLongHistory(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes 20 s")
	}
	const events = 50_000
	t.Run("of many small slices", func(t *testing.T) {
		pages := readRepeatedly(t, makeHistory(t, events, 20), events)
		require.Greater(t, pages, 1, "this history must have several pages")
	})
	// The server counts batches and never splits one: this history is one page, regardless of its size.
	t.Run("of few large slices", func(t *testing.T) {
		readRepeatedly(t, makeHistory(t, events, 4000), events)
	})
}

// readRepeatedly reads a history by all methods and returns its number of pages.
func readRepeatedly(t *testing.T, s started, events int) (pages int) {
	t.Helper()
	const rounds = 3
	gateway := ownGateway(t)
	atStart := residentBytes(t, gateway, "VmRSS")
	var first, highest, largest int
	for round := range rounds {
		for name, readAll := range readMethods() {
			resetPeak(t, gateway)
			began := time.Now()
			read := readAll(t, writer().onGateway(gateway), s)
			elapsed, peak := time.Since(began), residentBytes(t, gateway, "VmHWM")
			t.Logf("%s: %d events in %d responses, the largest of %s, in %s, with a peak memory of %s", name, len(read.ids),
				read.responses, mebibytes(read.largest), elapsed.Round(time.Millisecond), mebibytes(peak))
			requireInOrder(t, 1, events, read.ids)
			highest, pages = max(highest, peak), max(pages, read.responses)
			if name != ndjson {
				largest = max(largest, read.largest)
			}
		}
		if round == 0 {
			first = highest
		}
	}
	t.Logf("resident memory: %s at the start, at most %s in the first round and %s in all; the largest page has %s",
		mebibytes(atStart), mebibytes(first), mebibytes(highest), mebibytes(largest))
	require.LessOrEqual(t, highest, atStart+maxWarmUp+maxPages*largest, "memory is bounded by a few pages")
	require.LessOrEqual(t, highest, first+growthBytes+growthPages*largest, "memory does not grow")
	return pages
}

// ndjson is the method without pages.
const ndjson = "lines"

// readMethods returns the methods to read a history through the gateway.
func readMethods() map[string]func(*testing.T, caller, started) historyRead {
	return map[string]func(*testing.T, caller, started) historyRead{
		ndjson:                  readLines,
		"pages of 1,000":        readPages,
		"Temporal's HTTP pages": readTemporalPages,
	}
}

// historyRead is the result of reading a whole history.
type historyRead struct {
	ids       []string
	responses int
	largest   int // size of the largest response, in bytes
}

// eventID decodes only the id of an event.
type eventID struct {
	EventID string `json:"eventId"`
}

func (r *historyRead) add(events []eventID) {
	for _, event := range events {
		r.ids = append(r.ids, event.EventID)
	}
}

func readLines(t *testing.T, c caller, s started) historyRead {
	t.Helper()
	var read historyRead
	read.get(t, c.with("Accept", typeNDJSON), workflowPath(s.WorkflowID, "/history", runQuery(s.RunID)), func(body *json.Decoder) {
		var event eventID
		for body.More() {
			require.NoError(t, body.Decode(&event))
			read.add([]eventID{event})
		}
	})
	return read
}

func readPages(t *testing.T, c caller, s started) historyRead {
	t.Helper()
	var read historyRead
	for query := ""; ; {
		var page struct {
			Events        []eventID
			NextPageToken string
		}
		read.get(t, c, workflowPath(s.WorkflowID, "/history", runQuery(s.RunID), "&pageSize=1000", query), func(body *json.Decoder) {
			require.NoError(t, body.Decode(&page))
		})
		read.add(page.Events)
		if page.NextPageToken == "" {
			return read
		}
		query = "&pageToken=" + url.QueryEscape(page.NextPageToken)
	}
}

func readTemporalPages(t *testing.T, c caller, s started) historyRead {
	t.Helper()
	path := "/api" + workflowPath(s.WorkflowID, "/history?maximumPageSize=1000&execution.runId=", s.RunID)
	var read historyRead
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

// get decodes one response while it arrives. Storing it and checking it against the OpenAPI document, as other tests
// do, would dominate the duration of this test.
func (r *historyRead) get(t *testing.T, c caller, path string, decode func(*json.Decoder)) {
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

// requireInOrder requires the n events from first on in order, each once.
func requireInOrder(t *testing.T, first, n int, ids []string) {
	t.Helper()
	require.Len(t, ids, n)
	for i, id := range ids {
		if want := strconv.Itoa(first + i); id != want {
			require.Equal(t, want, id)
		}
	}
}

// residentBytes returns VmRSS, the resident memory of a process, or VmHWM, its peak, in bytes.
func residentBytes(t *testing.T, gateway *stack.Gateway, name string) int {
	t.Helper()
	kilobytes, err := strconv.Atoi(strings.TrimSuffix(residentMemory(t, gateway)[name], " kB"))
	require.NoError(t, err)
	return kilobytes << 10
}

// resetPeak resets VmHWM. Sampling VmRSS instead would miss short peaks.
func resetPeak(t *testing.T, gateway *stack.Gateway) {
	t.Helper()
	const peak = "5" // proc(5)
	err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", gateway.PID()), []byte(peak), 0)
	require.NoError(t, err)
}

func mebibytes(bytes int) string {
	return fmt.Sprintf("%.1f MiB", float64(bytes)/(1<<20))
}
