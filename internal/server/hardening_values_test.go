package server_test

import (
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
)

// manyValues has bodies of the largest size that hold as many short values as
// fit.
func manyValues() []servertest.Request {
	zeros := listOf("0")
	raw := listOf("{}")
	start := `"workflowType":"T","workflowId":"w","taskQueue":"q"`
	to := func(path, begin, values, end string) servertest.Request {
		return servertest.Request{Method: http.MethodPost, Path: path, Body: begin + values + end}
	}
	return []servertest.Request{
		to(servertest.OrderPath+"/query", `{"query":"q","args":`, zeros, "}"),
		to(servertest.OrderPath+"/query", `{"query":"q","argPayloads":`, raw, "}"),
		to(servertest.WorkflowsPath, `{`+start+`,"args":`, zeros, "}"),
		to(servertest.WorkflowsPath, `{`+start+`,"memo":`, objectOf("0"), "}"),
		to(servertest.WorkflowsPath, `{`+start+`,"memoPayloads":`, objectOf("{}"), "}"),
		to(servertest.WorkflowsPath, `{`+start+`,"searchAttributes":`, objectOf("0"), "}"),
		to(servertest.WorkflowsPath, `{`+start+`,"startSignal":"s","startSignalArgs":`, zeros, "}"),
		to(servertest.WorkflowsPath, `{`+start+`,"retryPolicy":{"nonRetryableErrorTypes":`, listOf(`""`), "}}"),
		to(servertest.WorkflowsPath, `{`+start+`,"argPayloads":[{"metadata":`, objectOf(`""`), "}]}"),
		to(servertest.OrderPath+"/signal", `{"signal":"s","args":`, zeros, "}"),
		to(servertest.OrderPath+"/terminate", `{"details":`, zeros, "}"),
		to(servertest.OrderPath+"/updates", `{"update":"u","args":`, zeros, "}"),
		to(servertest.OrderPath+"/reset", `{"resetType":"LAST_WORKFLOW_TASK","reapplyExclude":`, listOf(`""`), "}"),
		to(servertest.WorkflowsPath+":updateWithStart", `{"start":{`+start+`},"update":{"update":"u","args":`, zeros, "}}"),
		to("/v1/namespaces/default/batches", `{"query":"q","operation":{"signal":{"signal":"s","args":`, zeros, "}}}"),
		to(servertest.OrderPath+"/tokens", `{"signals":`, listOf(`""`), "}"),
		to("/v1/namespaces/default/batches", `{"operation":{"terminate":{}},"executions":`, raw, "}"),
	}
}

// mostText is a little less than the default of limits.maxBodyBytes.
const mostText = 4<<20 - 256

// listOf is a list of as many elements as fit.
func listOf(element string) string {
	return "[" + strings.Repeat(element+",", mostText/(len(element)+1)-1) + element + "]"
}

// objectOf is an object of as many members as fit.
func objectOf(element string) string {
	var text strings.Builder
	text.WriteByte('{')
	for i := 0; text.Len() < mostText-20; i++ {
		text.WriteString(`"` + strconv.FormatInt(int64(i), 36) + `":` + element + ",")
	}
	return strings.TrimSuffix(text.String(), ",") + "}"
}

// hostileValues are the cases about bodies of many short values; the others are
// those of [TestManyShortValuesCostLittle].
func hostileValues() []hostile {
	var rows []hostile
	for i, q := range manyValues()[:4] {
		rows = append(rows, hostile{
			number: 85, name: "as many values as fit, body " + strconv.Itoa(i), ask: q, status: http.StatusRequestEntityTooLarge,
			code: "payload-too-large", check: contains(`"detail":"The request body has more than 10000 values."`),
		})
	}
	return rows
}

// TestManyShortValuesCostLittle sends the largest bodies of short values. All
// that is allocated counts, on both sides of the connection, and not only what
// is there at one time, so that it is the same in each run.
func TestManyShortValuesCostLittle(t *testing.T) { //nolint:paralleltest // it measures
	const bound = 64 << 20
	g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) { cfg.Listen.DrainDelay = 0 }})
	temporalfake.NewWorkflow(g.Upstream)
	reading := servertest.Bearer(g.DelegateToken(t, `{"read":true}`))
	for i, q := range manyValues() {
		if i < 2 {
			q.Headers = reading
		}
		var a servertest.Response
		took := allocated(func() { a = q.Send(t, g) })
		t.Logf("%d bytes to %s: %d, %d KiB allocated", len(q.Body), q.Path, a.Status, took>>10)
		require.Equal(t, http.StatusRequestEntityTooLarge, a.Status, a.Body)
		require.Less(t, took, uint64(bound))
		require.Less(t, len(a.Body), 1<<10)
	}
}

// allocated is how many bytes do allocates, and all else meanwhile.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
