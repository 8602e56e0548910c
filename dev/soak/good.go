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
	// steadyWorkflow is the id of the workflow that is read. It does not complete by itself.
	steadyWorkflow = "soak-steady"
)

// prepare starts the workflows that the traffic needs.
func (r *run) prepare(ctx context.Context) error {
	body := `{"workflowType":"Wait","workflowId":"` + steadyWorkflow + `","taskQueue":"` + r.TaskQueue + `","idConflictPolicy":"USE_EXISTING"}`
	a, err := r.do(ctx, http.MethodPost, workflows, r.GoodKey, body)
	if err == nil && a.status >= http.StatusMultipleChoices {
		err = fmt.Errorf("start %s: %d %s", steadyWorkflow, a.status, a.text)
	}
	if err != nil {
		return err
	}
	return r.makeLargeHistory(ctx)
}

// apiResponse is a complete response.
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
	read, err := io.ReadAll(response.Body)
	return apiResponse{response.StatusCode, response.Header.Get("Content-Type"), string(read)}, err
}

// action is one operation of the regular caller.
type action struct {
	name         string
	method, path string
	body         string
}

// nextAction returns the action of request n: mostly reads, and sometimes a whole workflow.
func (r *run) nextAction(n int) action {
	switch n % 10 {
	case 0:
		return action{"execute", http.MethodPost, workflows + "?wait=20s", fmt.Sprintf(
			`{"workflowType":"Echo","workflowId":"soak-%d-%d","taskQueue":%q,"args":[{"n":12345678901234567890}]}`,
			time.Now().UnixNano(), n, r.TaskQueue)}
	case 1:
		return action{"list", http.MethodGet, workflows + "?pageSize=10", ""}
	case 2:
		return action{"result", http.MethodGet, workflows + "/" + steadyWorkflow + "/result", ""}
	default:
		return action{"describe", http.MethodGet, workflows + "/" + steadyWorkflow, ""}
	}
}

// goodTraffic sends the requests of the regular caller at a fixed rate, regardless of the latency of responses.
func (r *run) goodTraffic(ctx context.Context, length time.Duration) Latencies {
	latencies := Latencies{}
	var mu sync.Mutex
	var requests sync.WaitGroup
	defer requests.Wait()
	ticker := time.NewTicker(time.Second / time.Duration(r.GoodRate))
	defer ticker.Stop()
	end := time.NewTimer(length)
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
			what := r.nextAction(n)
			begin := time.Now()
			a, err := r.do(ctx, what.method, what.path, r.GoodKey, what.body)
			took := time.Since(begin)
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				r.violatedf("the regular caller's %s: %v", what.name, err)
				return
			}
			r.record("good "+what.name, a.status, a.contentType, a.text)
			if a.status >= http.StatusMultipleChoices {
				r.violatedf("the regular caller's %s: %d %s", what.name, a.status, firstLine(a.text))
			}
			mu.Lock()
			defer mu.Unlock()
			latencies[what.name] = append(latencies[what.name], took)
		})
	}
}
