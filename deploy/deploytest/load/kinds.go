package load

import (
	"fmt"
	"net/http"
	"sync/atomic"
)

func (l *Load) workflows() string { return "/v1/namespaces/" + l.stack.Namespace + "/workflows" }

func (l *Load) startCall(id, workflowType string) call {
	return call{
		method: http.MethodPost, path: l.workflows(), want: []int{http.StatusCreated},
		body: fmt.Sprintf(`{"workflowType":%q,"workflowId":%q,"taskQueue":%q,"args":[{"n":1}]}`, workflowType, id, l.stack.TaskQueue),
	}
}

// started numbers the workflows of all clients.
//
//nolint:gochecknoglobals // ids are unique in the process
var started atomic.Int64

// kinds returns the clients that repeat a call, by name. Call n of a client is the one that the function returns for n.
func (l *Load) kinds() map[string]func(n int) call {
	target := l.workflows() + "/" + l.target
	id := func() string { return fmt.Sprintf("%s-%d", l.target, started.Add(1)) }
	get := func(path string, want ...int) func(int) call {
		return func(int) call { return call{method: http.MethodGet, path: path, want: want} }
	}
	return map[string]func(int) call{
		"start": func(int) call { return l.startCall(id(), "EchoPayload") },
		"start and wait": func(int) call {
			c := l.startCall(id(), "EchoPayload")
			c.path += "?wait=30s"
			c.want = []int{http.StatusOK, http.StatusAccepted} // 202 at the end of the drain delay
			return c
		},
		// The workflow runs until the end of the test, so the wait always ends with 202.
		"wait":     get(target+"/result?wait=5s", http.StatusAccepted),
		"describe": get(target, http.StatusOK),
		"list":     get(l.workflows()+"?pageSize=20", http.StatusOK),
		"streamed list": func(int) call {
			return call{
				method: http.MethodGet, path: l.workflows() + "?limit=300&pageSize=100", want: []int{http.StatusOK},
				headers: accept("application/x-ndjson"),
			}
		},
		"signal": func(int) call {
			return call{method: http.MethodPost, path: target + "/signal", body: `{"signal":"poke"}`, want: []int{http.StatusNoContent}}
		},
	}
}

func accept(mediaType string) []string { return []string{"Accept", mediaType} }
