package soak

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	workflows = "/v1/namespaces/default/workflows"
	// steadyWorkflow is the id of a workflow that requests read and wait for. It stays open, because nothing signals it to
	// finish.
	steadyWorkflow = "soak-steady"
)

// prepare starts the workflows that the requests refer to.
func (r *run) prepare(ctx context.Context) error {
	body := `{"workflowType":"Wait","workflowId":"` + steadyWorkflow + `","taskQueue":"` + r.TaskQueue + `","idConflictPolicy":"USE_EXISTING"}`
	response, err := r.do(ctx, http.MethodPost, workflows, r.RegularKey, body)
	if err == nil && response.status >= http.StatusMultipleChoices {
		err = fmt.Errorf("start %s: %d %s", steadyWorkflow, response.status, response.text)
	}
	if err != nil {
		return err
	}
	return r.makeLargeHistory(ctx)
}

// apiResponse is a response whose body has been read.
type apiResponse struct {
	status            int
	contentType, text string
}

// do sends one request and reads the response.
func (r *run) do(ctx context.Context, method, path, key, body string) (apiResponse, error) {
	request, err := http.NewRequestWithContext(ctx, method, r.URL+path, strings.NewReader(body))
	if err != nil {
		return apiResponse{}, err
	}
	request.Header.Set("Authorization", "Bearer "+key)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := r.client.Do(request)
	if err != nil {
		return apiResponse{}, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return apiResponse{response.StatusCode, response.Header.Get("Content-Type"), string(text)}, err
}

// operation is one request of the regular caller.
type operation struct {
	name         string
	method, path string
	body         string
}

// regularOperation returns the operation of request n. Of ten requests, one executes a workflow and nine are reads.
func (r *run) regularOperation(n int) operation {
	switch n % 10 {
	case 0:
		return operation{"execute", http.MethodPost, workflows + "?wait=20s", fmt.Sprintf(
			`{"workflowType":"Echo","workflowId":"soak-%d-%d","taskQueue":%q,"args":[{"n":12345678901234567890}]}`,
			time.Now().UnixNano(), n, r.TaskQueue)}
	case 1:
		return operation{"list", http.MethodGet, workflows + "?pageSize=10", ""}
	case 2:
		return operation{"result", http.MethodGet, workflows + "/" + steadyWorkflow + "/result", ""}
	default:
		return operation{"describe", http.MethodGet, workflows + "/" + steadyWorkflow, ""}
	}
}

// regularTraffic sends the requests of the regular caller for the given duration. The rate is fixed: a request does not
// wait for the response to the previous one.
func (r *run) regularTraffic(ctx context.Context, duration time.Duration) Latencies {
	latencies := Latencies{}
	var mu sync.Mutex
	var requests sync.WaitGroup
	defer requests.Wait()
	ticker := time.NewTicker(time.Second / time.Duration(r.RegularRate))
	defer ticker.Stop()
	end := time.NewTimer(duration)
	defer end.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return latencies
		case <-end.C:
			requests.Wait()
			return latencies
		case <-ticker.C:
		}
		requests.Go(func() {
			op := r.regularOperation(n)
			begin := time.Now()
			response, err := r.do(ctx, op.method, op.path, r.RegularKey, op.body)
			latency := time.Since(begin)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				r.addViolationf("%s by the regular caller: %v", op.name, err)
				return
			}
			r.record("regular "+op.name, response.status, response.contentType, response.text)
			if response.status >= http.StatusMultipleChoices {
				r.addViolationf("%s by the regular caller: %d %s", op.name, response.status, firstLine(response.text))
			}
			mu.Lock()
			defer mu.Unlock()
			latencies[op.name] = append(latencies[op.name], latency)
		})
	}
}
