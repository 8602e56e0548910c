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

// room records reservations. It permits all of them unless err is set.
type room struct {
	reserved int
	requests []int
	err      error
}

func (r *room) Reserved() int { return r.reserved }

func (r *room) Reserve(_ context.Context, bytes int) error {
	r.requests = append(r.requests, bytes)
	if r.err == nil {
		r.reserved = bytes
	}
	return r.err
}

// sized returns a handler whose list response is a few bytes larger than given.
func sized(bytes int) upstreamtest.Handler {
	return upstreamtest.Respond(&workflowservice.ListWorkflowExecutionsResponse{NextPageToken: []byte(strings.Repeat("x", bytes))})
}

const (
	listMethod = workflowservice.WorkflowService_ListWorkflowExecutions_FullMethodName
	mebibyte   = 1 << 20
)

// listIn makes a list call with the given room, and returns the size of its response.
func listIn(t *testing.T, client *upstream.Client, r upstream.Room) (int, error) {
	t.Helper()
	got, err := client.Call(withCall(t.Context(), upstream.CallOptions{Namespace: orders, Retry: true, Room: r}), listMethod,
		&workflowservice.ListWorkflowExecutionsRequest{Namespace: orders})
	defer got.Release()
	return len(got.Bytes()), err
}

func TestALargeResponseIsReceivedAfterReservingRoom(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		reserved int
		sizes    []int // of the responses to successive calls
		calls    int
		want     int // reserved bytes
		noRoom   bool
	}{
		{name: "small", sizes: []int{mebibyte / 2}, calls: 1},
		{name: "large", sizes: []int{4 * mebibyte}, calls: 2, want: 4*mebibyte + mebibyte/4},
		{name: "a little too large", sizes: []int{mebibyte + 1}, calls: 2, want: 2 * mebibyte},
		{name: "growing between calls", sizes: []int{2 * mebibyte, 5 * mebibyte}, calls: 3, want: 5*mebibyte + 5*mebibyte/16},
		{name: "large, with a reservation", reserved: 5 * mebibyte, sizes: []int{4 * mebibyte}, calls: 1, want: 5 * mebibyte},
		{name: "large, without a room", sizes: []int{4 * mebibyte}, calls: 1, noRoom: true},
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
			if row.noRoom {
				given = nil
			}
			n, err := listIn(t, client, given)
			require.NoError(t, err)
			require.Greater(t, n, row.sizes[len(row.sizes)-1])
			require.Len(t, server.Calls("ListWorkflowExecutions"), row.calls)
			require.InDelta(t, row.want, r.reserved, 16)
		})
	}
}

// A response without room is not a failure of the server, and is not retried.
func TestAResponseWithoutRoom(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	server.Handle("ListWorkflowExecutions", sized(4*mebibyte))
	noRoom := errors.New("no room")
	_, err := listIn(t, client, &room{err: noRoom})
	require.ErrorIs(t, err, noRoom)
	require.Len(t, server.Calls("ListWorkflowExecutions"), 1)
}

func TestAResponseAboveTheMaximum(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server, func(o *upstream.Options) { o.MaxResponseBytes = 3 * mebibyte })
	server.Handle("ListWorkflowExecutions", upstreamtest.InTurn(sized(4*mebibyte), sized(2*mebibyte), sized(4*mebibyte)))
	r := &room{}
	_, err := listIn(t, client, r)
	upstreamtest.RequireProblem(t, problem.UpstreamResponseTooLarge, err)
	require.Empty(t, r.requests)
	_, err = listIn(t, client, r)
	upstreamtest.RequireProblem(t, problem.UpstreamResponseTooLarge, err)
	require.Len(t, r.requests, 1)
	require.Len(t, server.Calls("ListWorkflowExecutions"), 3)
}

// The size of a compressed response is not known before it is decompressed.
func TestAResponseOfUnknownSize(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server, func(o *upstream.Options) { o.MaxResponseBytes = 8 * mebibyte })
	server.Handle("ListWorkflowExecutions", upstreamtest.InTurn(
		upstreamtest.Fail(codes.ResourceExhausted, "grpc: received message after decompression larger than max 1048576"), sized(mebibyte/2),
	))
	r := &room{}
	_, err := listIn(t, client, r)
	require.NoError(t, err)
	require.Equal(t, []int{8 * mebibyte}, r.requests)
}

func TestAWriteIsNotRepeatedForItsResponse(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	server.Handle("StartWorkflowExecution", upstreamtest.Respond(&workflowservice.StartWorkflowExecutionResponse{RunId: strings.Repeat("r", 2*mebibyte)}))
	r := &room{}
	err := client.Do(withCall(t.Context(), upstream.CallOptions{Namespace: orders, Room: r}), start,
		&workflowservice.StartWorkflowExecutionRequest{Namespace: orders}, &workflowservice.StartWorkflowExecutionResponse{})
	require.NoError(t, err)
	require.Empty(t, r.requests)
	require.Len(t, server.Calls("StartWorkflowExecution"), 1)
}

// TestARepeatedLargeReadReservesFirst counts the calls of equal reads: only the first one is sent without room for its
// large response.
func TestARepeatedLargeReadReservesFirst(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	server.Handle("ListWorkflowExecutions", upstreamtest.InTurn(
		sized(4*mebibyte), sized(4*mebibyte), // the first read
		sized(4*mebibyte),                    // the second, in the room of the first
		sized(6*mebibyte), sized(6*mebibyte), // the third, whose response has grown
		sized(mebibyte/2), // the fourth, whose response has become small
		sized(mebibyte/2), // the fifth, without a reservation
	))
	for read, want := range []struct{ calls, reservations int }{{2, 1}, {3, 1}, {5, 2}, {6, 1}, {7, 0}} {
		r := &room{}
		_, err := listIn(t, client, r)
		require.NoError(t, err)
		require.Len(t, server.Calls("ListWorkflowExecutions"), want.calls, "read %d", read)
		require.Len(t, r.requests, want.reservations, "read %d", read)
	}
}

// TestALargeReadWithoutRoomIsNotSentAgain repeats a large read of a caller that has no room left.
func TestALargeReadWithoutRoomIsNotSentAgain(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	server.Handle("ListWorkflowExecutions", sized(4*mebibyte))
	none := errors.New("no room")
	for range 3 {
		_, err := listIn(t, client, &room{err: none})
		require.ErrorIs(t, err, none)
	}
	require.Len(t, server.Calls("ListWorkflowExecutions"), 1)
}
