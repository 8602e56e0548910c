package server_test

import (
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
)

// manyValues has bodies of the largest size that hold as many short values as
// fit.
func manyValues() []ask {
	zeros := listOf("0")
	raw := listOf("{}")
	start := `"workflowType":"T","workflowId":"w","taskQueue":"q"`
	to := func(path, begin, values, end string) ask {
		return ask{method: http.MethodPost, path: path, body: begin + values + end}
	}
	return []ask{
		to(order+"/query", `{"query":"q","args":`, zeros, "}"),
		to(order+"/query", `{"query":"q","argPayloads":`, raw, "}"),
		to(workflows, `{`+start+`,"args":`, zeros, "}"),
		to(workflows, `{`+start+`,"memo":`, objectOf("0"), "}"),
		to(workflows, `{`+start+`,"memoPayloads":`, objectOf("{}"), "}"),
		to(workflows, `{`+start+`,"searchAttributes":`, objectOf("0"), "}"),
		to(workflows, `{`+start+`,"startSignal":"s","startSignalArgs":`, zeros, "}"),
		to(workflows, `{`+start+`,"retryPolicy":{"nonRetryableErrorTypes":`, listOf(`""`), "}}"),
		to(workflows, `{`+start+`,"argPayloads":[{"metadata":`, objectOf(`""`), "}]}"),
		to(order+"/signal", `{"signal":"s","args":`, zeros, "}"),
		to(order+"/terminate", `{"details":`, zeros, "}"),
		to(order+"/updates", `{"update":"u","args":`, zeros, "}"),
		to(order+"/reset", `{"resetType":"LAST_WORKFLOW_TASK","reapplyExclude":`, listOf(`""`), "}"),
		to(workflows+":updateWithStart", `{"start":{`+start+`},"update":{"update":"u","args":`, zeros, "}}"),
		to("/v1/namespaces/default/batches", `{"query":"q","operation":{"signal":{"signal":"s","args":`, zeros, "}}}"),
		to(order+"/tokens", `{"signals":`, listOf(`""`), "}"),
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
	g := start(t, startOptions{configure: func(cfg *config.Config) { cfg.Listen.DrainDelay = 0 }})
	newFakeWorkflow(g.upstream)
	reading := bearer(g.delegate(t, `{"read":true}`))
	for i, q := range manyValues() {
		if i < 2 {
			q.headers = reading
		}
		var a answered
		took := allocated(func() { a = q.send(t, g) })
		t.Logf("%d bytes to %s: %d, %d KiB allocated", len(q.body), q.path, a.status, took>>10)
		require.Equal(t, http.StatusRequestEntityTooLarge, a.status, a.body)
		require.Less(t, took, uint64(bound))
		require.Less(t, len(a.body), 1<<10)
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
