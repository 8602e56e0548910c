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

// TestLargeBodiesAreDecodedAFewAtATime decodes many bodies at once.
func TestLargeBodiesAreDecodedAFewAtATime(t *testing.T) {
	t.Parallel()
	const places, bodies, large, small = 2, 8, 1 << 20, 1 << 10
	for size, want := range map[int]int32{large: places, small: bodies} {
		synctest.Test(t, func(t *testing.T) {
			a := admitted(t, &request.Front{Decoding: make(chan struct{}, places)})
			var decoding sync.WaitGroup
			var now, most atomic.Int32
			for range bodies {
				decoding.Go(func() {
					err := a.Decode(t.Context(), size, func() error {
						most.Store(max(most.Load(), now.Add(1)))
						time.Sleep(time.Second)
						now.Add(-1)
						return nil
					})
					if err != nil {
						t.Error(err)
					}
				})
			}
			time.Sleep(time.Second / 2)
			gone, leave := context.WithCancel(t.Context())
			leave()
			late, cancel := context.WithTimeout(t.Context(), time.Second/4)
			defer cancel()
			for ctx, is := range map[context.Context]func(error) bool{
				gone: func(err error) bool { return problem.Is(err, problem.ClientClosedRequest) },
				late: func(err error) bool { return err == context.DeadlineExceeded }, //nolint:errorlint // as it is
			} {
				err := a.Decode(ctx, size, func() error { return nil })
				require.Equal(t, size == large, is(err), "%d bytes: %v", size, err)
			}
			decoding.Wait()
			require.Equal(t, want, most.Load())
		})
	}
}

// admitted is a request that front has admitted.
func admitted(t *testing.T, front *request.Front) *request.Admitted {
	t.Helper()
	front.Responses = limit.NewBytes(limit.BytesSize{Total: 1, Share: 1}, &telemetry.Gauge{})
	ctx := auth.WithPrincipal(t.Context(), &auth.Principal{Name: "caller", Grants: []auth.Grant{{Namespace: "*", Role: auth.RoleRead}}})
	_, a, err := front.Admit(ctx, nil, request.Operation{
		Method: "/temporal.api.workflowservice.v1.WorkflowService/QueryWorkflow", NamespaceInMessage: true,
	})
	require.NoError(t, err)
	return a
}
