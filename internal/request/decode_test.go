package request_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/limit"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/request"
	"github.com/flowgate/flowgate/internal/telemetry"
)

func TestDecodingLimitsConcurrentLargeBodies(t *testing.T) {
	t.Parallel()
	const slots, bodies, large, small = 2, 8, 1 << 20, 1 << 10
	for size, wantConcurrent := range map[int]int32{large: slots, small: bodies} {
		synctest.Test(t, func(t *testing.T) {
			a := admit(t, &request.Front{Decoding: make(chan struct{}, slots)})
			var decoding sync.WaitGroup
			var current, maximum atomic.Int32
			for range bodies {
				decoding.Go(func() {
					err := a.Decode(t.Context(), size, func() error {
						maximum.Store(max(maximum.Load(), current.Add(1)))
						time.Sleep(time.Second)
						current.Add(-1)
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				})
			}
			time.Sleep(time.Second / 2)
			canceled, cancel := context.WithCancel(t.Context())
			cancel()
			expiring, stop := context.WithTimeout(t.Context(), time.Second/4)
			defer stop()
			for ctx, matches := range map[context.Context]func(error) bool{
				canceled: func(err error) bool { return problem.Is(err, problem.ClientClosedRequest) },
				expiring: func(err error) bool { return err == context.DeadlineExceeded }, //nolint:errorlint // must not be wrapped
			} {
				err := a.Decode(ctx, size, func() error { return nil })
				require.Equal(t, size == large, matches(err), "only a large body waits and so returns the error of its context: %d bytes: %v", size, err)
			}
			decoding.Wait()
			require.Equal(t, wantConcurrent, maximum.Load())
		})
	}
}

// admit returns a request that front has admitted.
func admit(t *testing.T, front *request.Front) *request.Admitted {
	t.Helper()
	front.Responses = limit.NewBytes(limit.BytesConfig{Total: 1, Share: 1}, &telemetry.Gauge{})
	ctx := auth.WithPrincipal(t.Context(), &auth.Principal{Name: "caller", Grants: []auth.Grant{{Namespace: "*", Role: auth.RoleRead}}})
	_, a, err := front.Admit(ctx, nil, request.Operation{
		Method: "/temporal.api.workflowservice.v1.WorkflowService/QueryWorkflow", NamespaceInMessage: true,
	})
	require.NoError(t, err)
	return a
}
