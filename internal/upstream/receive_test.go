package upstream_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// room reserves all that it is asked for, until err is set.
type room struct {
	reserved int
	asked    []int
	err      error
}

func (r *room) Reserved() int { return r.reserved }

func (r *room) Reserve(_ context.Context, bytes int) error {
	r.asked = append(r.asked, bytes)
	if r.err == nil {
		r.reserved = bytes
	}
	return r.err
}

// sized responds to a query with as many bytes as are given, and a few more.
func sized(bytes int) upstreamtest.Handler {
	return upstreamtest.Respond(&workflowservice.ListWorkflowExecutionsResponse{NextPageToken: []byte(strings.Repeat("x", bytes))})
}

const (
	listing = workflowservice.WorkflowService_ListWorkflowExecutions_FullMethodName
	mega    = 1 << 20
)

// listIn makes a call that reads, with room for its response.
func listIn(t *testing.T, client *upstream.Client, r upstream.Room) (int, error) {
	t.Helper()
	got, err := client.Call(as(t.Context(), upstream.CallOptions{Namespace: orders, Retry: true, Room: r}), listing,
		&workflowservice.ListWorkflowExecutionsRequest{Namespace: orders})
	defer got.Release()
	return len(got.Bytes()), err
}

func TestALargeResponseIsReceivedWhenItHasRoom(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name       string
		reserved   int
		sizes      []int // of the response, call after call
		calls      int
		wants      int // bytes that are reserved
		withoutOne bool
	}{
		{name: "small", sizes: []int{mega / 2}, calls: 1},
		{name: "large", sizes: []int{4 * mega}, calls: 2, wants: 4*mega + mega/4},
		{name: "a little too large", sizes: []int{mega + 1}, calls: 2, wants: 2 * mega},
		{name: "one that grows", sizes: []int{2 * mega, 5 * mega}, calls: 3, wants: 5*mega + 5*mega/16},
		{name: "one that has room", reserved: 5 * mega, sizes: []int{4 * mega}, calls: 1, wants: 5 * mega},
		{name: "one that no room is kept for", sizes: []int{4 * mega}, calls: 1, withoutOne: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			server := upstreamtest.New(t)
			client := newClient(t, server, func(o *upstream.Options) { o.Breaker = upstream.Breaker{Failures: 1} })
			handlers := make([]upstreamtest.Handler, len(row.sizes))
			for i, size := range row.sizes {
				handlers[i] = sized(size)
			}
			server.Handle("ListWorkflowExecutions", upstreamtest.InTurn(handlers...))
			r := &room{reserved: row.reserved}
			var given upstream.Room = r
			if row.withoutOne {
				given = nil
			}
			n, err := listIn(t, client, given)
			require.NoError(t, err)
			require.Greater(t, n, row.sizes[len(row.sizes)-1])
			require.Len(t, server.Calls("ListWorkflowExecutions"), row.calls)
			require.InDelta(t, row.wants, r.reserved, 16)
		})
	}
}

// TestAResponseWithoutRoom is neither a failure of the server nor retried.
func TestAResponseWithoutRoom(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	server.Handle("ListWorkflowExecutions", sized(4*mega))
	none := errors.New("no room")
	_, err := listIn(t, client, &room{err: none})
	require.ErrorIs(t, err, none)
	require.Len(t, server.Calls("ListWorkflowExecutions"), 1)
}

func TestAResponseThatIsLargerThanAll(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server, func(o *upstream.Options) { o.MaxResponseBytes = 3 * mega })
	server.Handle("ListWorkflowExecutions", upstreamtest.InTurn(sized(4*mega), sized(2*mega), sized(4*mega)))
	r := &room{}
	_, err := listIn(t, client, r)
	requireProblem(t, problem.UpstreamResponseTooLarge, err)
	require.Empty(t, r.asked)
	_, err = listIn(t, client, r)
	requireProblem(t, problem.UpstreamResponseTooLarge, err)
	require.Len(t, r.asked, 1)
	require.Len(t, server.Calls("ListWorkflowExecutions"), 3)
}

// TestAResponseOfUnknownSize is one that is compressed.
func TestAResponseOfUnknownSize(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server, func(o *upstream.Options) { o.MaxResponseBytes = 8 * mega })
	server.Handle("ListWorkflowExecutions", upstreamtest.InTurn(
		upstreamtest.Fail(codes.ResourceExhausted, "grpc: received message after decompression larger than max 1048576"), sized(mega/2),
	))
	r := &room{}
	_, err := listIn(t, client, r)
	require.NoError(t, err)
	require.Equal(t, []int{8 * mega}, r.asked)
}

// TestAWriteIsMadeOnce has a response that is larger than any other.
func TestAWriteIsMadeOnce(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	server.Handle("StartWorkflowExecution", upstreamtest.Respond(&workflowservice.StartWorkflowExecutionResponse{RunId: strings.Repeat("r", 2*mega)}))
	r := &room{}
	err := client.Do(as(t.Context(), upstream.CallOptions{Namespace: orders, Room: r}), start,
		&workflowservice.StartWorkflowExecutionRequest{Namespace: orders}, &workflowservice.StartWorkflowExecutionResponse{})
	require.NoError(t, err)
	require.Empty(t, r.asked)
	require.Len(t, server.Calls("StartWorkflowExecution"), 1)
}

// TestARepeatedLargeReadReservesFirst counts the calls of equal reads: only the first one is sent without room for its
// large response.
func TestARepeatedLargeReadReservesFirst(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	server.Handle("ListWorkflowExecutions", upstreamtest.InTurn(
		sized(4*mega), sized(4*mega), // the first read
		sized(4*mega),                // the second, in the room of the first
		sized(6*mega), sized(6*mega), // the third, whose response has grown
		sized(mega/2), // the fourth, whose response has become small
		sized(mega/2), // the fifth, without a reservation
	))
	for read, want := range []struct{ calls, reservations int }{{2, 1}, {3, 1}, {5, 2}, {6, 1}, {7, 0}} {
		r := &room{}
		_, err := listIn(t, client, r)
		require.NoError(t, err)
		require.Len(t, server.Calls("ListWorkflowExecutions"), want.calls, "read %d", read)
		require.Len(t, r.asked, want.reservations, "read %d", read)
	}
}

// TestALargeReadWithoutRoomIsNotSentAgain repeats a large read of a caller that has no room left.
func TestALargeReadWithoutRoomIsNotSentAgain(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	server.Handle("ListWorkflowExecutions", sized(4*mega))
	none := errors.New("no room")
	for range 3 {
		_, err := listIn(t, client, &room{err: none})
		require.ErrorIs(t, err, none)
	}
	require.Len(t, server.Calls("ListWorkflowExecutions"), 1)
}
