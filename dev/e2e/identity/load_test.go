package identity_test

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
)

// load sends 100 requests per second with the API keys of the three callers in turn. All requests must succeed.
type load struct {
	stop    context.CancelFunc
	running sync.WaitGroup

	mu sync.Mutex
	// byStatus contains the number of requests by the status of the response. The status is 0 if there was no response.
	byStatus map[int]int
	// firstFailures describes the first failed requests. failures is the number of all failed requests.
	firstFailures []string
	failures      int
}

// startLoad sends requests until [load.stopAndCheck]. It omits requests while maxConcurrent are in flight, so that a
// busy machine is not overloaded.
func startLoad(t *testing.T) *load {
	t.Helper()
	const (
		pause         = 10 * time.Millisecond
		maxConcurrent = 50
	)
	ctx, stop := context.WithCancel(t.Context())
	l := &load{stop: stop, byStatus: map[int]int{}}
	slots := make(chan struct{}, maxConcurrent)
	l.running.Go(func() {
		ticker := time.NewTicker(pause)
		defer ticker.Stop()
		for i := 0; ; i++ {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			select {
			case slots <- struct{}{}:
				l.running.Go(func() {
					l.call(context.WithoutCancel(ctx), i)
					<-slots
				})
			default:
			}
		}
	})
	t.Cleanup(func() { stop(); l.running.Wait() })
	return l
}

// call sends request number i. Every fourth request starts a workflow. The others read.
func (l *load) call(ctx context.Context, i int) {
	const timeout = 30 * time.Second
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	calls := []func() (apiResponse, error){
		func() (apiResponse, error) {
			return bearer(writerKey).send(ctx, http.MethodPost, workflows(defaultNamespace), startBody(uuid.NewString()))
		},
		func() (apiResponse, error) {
			return bearer(otherWriterKey).send(ctx, http.MethodGet, workflows(otherNamespace)+":count", "")
		},
		func() (apiResponse, error) {
			return bearer(readerKey).send(ctx, http.MethodGet, workflows(defaultNamespace)+":count", "")
		},
		func() (apiResponse, error) {
			return bearer(writerKey).send(ctx, http.MethodGet, workflows(defaultNamespace)+"?pageSize=1", "")
		},
	}
	began := time.Now()
	response, err := calls[i%len(calls)]()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.byStatus[response.status]++
	if err != nil || response.status >= http.StatusMultipleChoices {
		l.failures++
		if len(l.firstFailures) < 10 {
			l.firstFailures = append(l.firstFailures, fmt.Sprintf("%s: request %d: %v %d %s", began.Format(time.StampMilli), i, err, response.status, response.body))
		}
	}
}

// stopAndCheck stops the load, waits for the requests in flight, and requires that all requests have succeeded.
func (l *load) stopAndCheck(t *testing.T) {
	t.Helper()
	l.stop()
	l.running.Wait()
	t.Logf("requests by status: %v", l.byStatus)
	require.Empty(t, l.firstFailures, "%d requests failed", l.failures)
	require.NotEmpty(t, l.byStatus[http.StatusOK])
	require.NotEmpty(t, l.byStatus[http.StatusCreated])
}
