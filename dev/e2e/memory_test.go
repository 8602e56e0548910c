package e2e_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/sample"
	"github.com/flowgate/flowgate/dev/stack"
)

// TestMemoryUsage logs the memory of a gateway before and after 1,000 calls. It has no limit and checks only the calls.
func TestMemoryUsage(t *testing.T) {
	t.Parallel()
	const clients, rounds = 10, 25 // of four calls each
	gateway := startGatewayForTest(t)
	before := residentMemory(t, gateway)
	prefix := newID(t)
	errs := make([]error, clients)
	var calling sync.WaitGroup
	for i := range clients {
		calling.Go(func() {
			for round := range rounds {
				if errs[i] = fourCalls(t.Context(), gateway, fmt.Sprintf("%s-%d-%d", prefix, i, round)); errs[i] != nil {
					return
				}
			}
		})
	}
	calling.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	t.Logf("resident memory: %s at the start, %s after %d calls, at most %s",
		before["VmRSS"], residentMemory(t, gateway)["VmRSS"], clients*rounds*4, residentMemory(t, gateway)["VmHWM"])
}

// fourCalls starts a workflow, describes it, sends it a signal and waits for its outcome.
func fourCalls(ctx context.Context, gateway *stack.Gateway, id string) error {
	c := writer().onGateway(gateway)
	for _, call := range []struct {
		method, path, body string
		status             int
	}{
		{http.MethodPost, workflows, startBody("Wait", id, sample.TaskQueue), http.StatusCreated},
		{http.MethodGet, workflowPath(id), "", http.StatusOK},
		{http.MethodPost, workflowPath(id, "/signal"), `{"signal":"finish","args":[` + unusualValue + `]}`, http.StatusNoContent},
		{http.MethodGet, workflowPath(id, "/result?wait=50s"), "", http.StatusOK},
	} {
		a, err := c.send(ctx, call.method, call.path, call.body)
		if err != nil {
			return err
		}
		if a.status != call.status {
			return fmt.Errorf("%s %s: %d: %s", call.method, call.path, a.status, a.body)
		}
	}
	return nil
}

// residentMemory returns the fields of /proc/PID/status of the gateway, such as VmRSS, by name.
func residentMemory(t *testing.T, gateway *stack.Gateway) map[string]string {
	t.Helper()
	file, err := os.Open(fmt.Sprintf("/proc/%d/status", gateway.PID()))
	if os.IsNotExist(err) {
		t.Skip("there is no /proc")
	}
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	values := map[string]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		values[name] = strings.TrimSpace(value)
	}
	return values
}
