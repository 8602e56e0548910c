package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

const scheduleAction = `"action":{"workflowType":"T","workflowId":"w","taskQueue":"q"}`

// manyRanges returns a request whose body has as many ranges as possible: two bytes are one range.
func manyRanges() servertest.Request {
	const perText = 500
	field := strings.Repeat("0,", perText-1) + "0"
	calendar := `{"second":"` + field + `","minute":"` + field + `","hour":"` + field + `"}`
	return servertest.Request{
		Method: http.MethodPost, Path: servertest.SchedulesPath,
		Body: `{"scheduleId":"s","schedule":{` + scheduleAction + `,"spec":{"calendars":` + listOf(calendar) + `}}}`,
	}
}

// deepPatch returns a merge patch of the maximum size, nested almost as deep as JSON can be.
func deepPatch() string {
	const depth = 9900
	return `{"schedule":{"spec":` + strings.Repeat(`{"a":`, depth) + `"` + strings.Repeat("x", maxText-7*depth) + `"` + strings.Repeat(`}`, depth+2)
}

// hostileSchedules returns the cases about schedules.
func hostileSchedules() []hostile {
	return []hostile{
		{
			number: 104, name: "as many ranges as fit into a body", request: manyRanges(), status: http.StatusBadRequest, code: "invalid-request",
			check: contains(`must have at most 60 ranges`),
		},
		{
			number: 105, name: "a large and deep merge patch", status: http.StatusBadRequest, code: "invalid-request", check: contains("must not be nested"),
			request: servertest.Request{Method: http.MethodPatch, Path: servertest.SchedulesPath + "/s", Body: deepPatch()},
		},
	}
}

func TestManyRangesUseLittleMemory(t *testing.T) { //nolint:paralleltest // it measures allocations
	const maxBytes = 64 << 20
	g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) { cfg.Listen.DrainDelay = 0 }})
	q := manyRanges()
	var resp servertest.Response
	size := allocated(func() { resp = q.Send(t, g) })
	t.Logf("%d bytes: %d, %d KiB allocated", len(q.Body), resp.Status, size>>10)
	require.Equal(t, http.StatusBadRequest, resp.Status, resp.Body)
	require.Less(t, size, uint64(maxBytes))
}
