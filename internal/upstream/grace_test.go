package upstream_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

func TestAResponseThatArrivesWithinTheGraceIsReceived(t *testing.T) {
	t.Parallel()
	for grace, wait := range map[time.Duration]time.Duration{0: 2 * time.Second, 3 * time.Second: 4 * time.Second, time.Second: 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			server := upstreamtest.New(t)
			raw := upstreamtest.NewRaw(t, server)
			raw.Handle("DescribeWorkflowExecution", func(s *upstreamtest.Stream) {
				time.Sleep(4 * time.Second)
				s.Respond(nil)
			})
			client := newClient(t, server, func(options *upstream.Options) { options.Dial = raw.Dial })
			begin := time.Now()
			err := describeWorkflow(withOptions(t.Context(), upstream.CallOptions{Namespace: orders, Timeout: 2 * time.Second, Grace: grace}), client)
			require.Equal(t, wait, time.Since(begin))
			if wait == 4*time.Second {
				require.NoError(t, err)
			} else {
				require.True(t, problem.Is(err, problem.DeadlineExceeded), err)
			}
			require.Equal(t, []string{"2000000u"}, server.Calls("DescribeWorkflowExecution")[0].Metadata["grpc-timeout"], "the server knows the timeout only")
			time.Sleep(4 * time.Second) // until the script ends
		})
	}
}
