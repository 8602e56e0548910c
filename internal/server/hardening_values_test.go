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

// manyValues returns requests with bodies of the maximum size that contain as many short
// values as possible.
func manyValues() []servertest.Request {
	zeros := listOf("0")
	objects := listOf("{}")
	start := `"workflowType":"T","workflowId":"w","taskQueue":"q"`
	postTo := func(path, begin, values, end string) servertest.Request {
		return servertest.Request{Method: http.MethodPost, Path: path, Body: begin + values + end}
	}
	return []servertest.Request{
		postTo(servertest.OrderPath+"/query", `{"query":"q","args":`, zeros, "}"),
		postTo(servertest.OrderPath+"/query", `{"query":"q","argPayloads":`, objects, "}"),
		postTo(servertest.WorkflowsPath, `{`+start+`,"args":`, zeros, "}"),
		postTo(servertest.WorkflowsPath, `{`+start+`,"memo":`, objectOf("0"), "}"),
		postTo(servertest.WorkflowsPath, `{`+start+`,"memoPayloads":`, objectOf("{}"), "}"),
		postTo(servertest.WorkflowsPath, `{`+start+`,"searchAttributes":`, objectOf("0"), "}"),
		postTo(servertest.WorkflowsPath, `{`+start+`,"startSignal":"s","startSignalArgs":`, zeros, "}"),
		postTo(servertest.WorkflowsPath, `{`+start+`,"retryPolicy":{"nonRetryableErrorTypes":`, listOf(`""`), "}}"),
		postTo(servertest.WorkflowsPath, `{`+start+`,"argPayloads":[{"metadata":`, objectOf(`""`), "}]}"),
		postTo(servertest.OrderPath+"/signal", `{"signal":"s","args":`, zeros, "}"),
		postTo(servertest.OrderPath+"/terminate", `{"details":`, zeros, "}"),
		postTo(servertest.OrderPath+"/updates", `{"update":"u","args":`, zeros, "}"),
		postTo(servertest.OrderPath+"/reset", `{"resetType":"LAST_WORKFLOW_TASK","reapplyExclude":`, listOf(`""`), "}"),
		postTo(servertest.WorkflowsPath+":updateWithStart", `{"start":{`+start+`},"update":{"update":"u","args":`, zeros, "}}"),
		postTo("/v1/namespaces/default/batches", `{"query":"q","operation":{"signal":{"signal":"s","args":`, zeros, "}}}"),
		postTo(servertest.OrderPath+"/tokens", `{"signals":`, listOf(`""`), "}"),
		postTo("/v1/namespaces/default/batches", `{"operation":{"terminate":{}},"executions":`, objects, "}"),
	}
}

// maxText is a size in bytes, a little less than the default of limits.maxBodyBytes.
const maxText = 4<<20 - 256

// listOf returns a list of as many elements as fit into maxText.
func listOf(element string) string {
	return "[" + strings.Repeat(element+",", maxText/(len(element)+1)-1) + element + "]"
}

// objectOf returns an object of as many members as fit into maxText.
func objectOf(element string) string {
	var text strings.Builder
	text.WriteByte('{')
	for i := 0; text.Len() < maxText-20; i++ {
		text.WriteString(`"` + strconv.FormatInt(int64(i), 36) + `":` + element + ",")
	}
	return strings.TrimSuffix(text.String(), ",") + "}"
}

// hostileValues returns the cases about bodies of many short values. They use four of the bodies of [manyValues];
// [TestManyShortValuesUseLittleMemory] uses all.
func hostileValues() []hostile {
	var rows []hostile
	for i, q := range manyValues()[:4] {
		rows = append(rows, hostile{
			number: 85, name: "as many values as fit, body " + strconv.Itoa(i), request: q, status: http.StatusRequestEntityTooLarge,
			code: "payload-too-large", check: contains(`"detail":"The request body has more than 10000 values."`),
		})
	}
	return rows
}

// The test counts all allocations of the process, including those of the client. The size of the heap would differ from
// run to run.
func TestManyShortValuesUseLittleMemory(t *testing.T) { //nolint:paralleltest // it measures allocations
	const maxBytes = 64 << 20
	g := servertest.Start(t, servertest.Options{Configure: func(cfg *config.Config) { cfg.Listen.DrainDelay = 0 }})
	temporalfake.NewWorkflow(g.Upstream)
	readToken := servertest.Bearer(g.CreateDelegatedToken(t, `{"read":true}`))
	for i, q := range manyValues() {
		if i < 2 { // the first two are queries, which a delegated token permits
			q.Headers = readToken
		}
		var resp servertest.Response
		size := allocated(func() { resp = q.Send(t, g) })
		t.Logf("%d bytes to %s: %d, %d KiB allocated", len(q.Body), q.Path, resp.Status, size>>10)
		require.Equal(t, http.StatusRequestEntityTooLarge, resp.Status, resp.Body)
		require.Less(t, size, uint64(maxBytes))
		require.Less(t, len(resp.Body), 1<<10)
	}
}

// allocated returns the number of bytes that the process allocates while do runs.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}
