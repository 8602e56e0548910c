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

// fakeRoom is an [upstream.MemoryReserver] that records reservations. It grants all of them unless
// err is set.
type fakeRoom struct {
	reserved int   // in bytes
	calls    []int // the arguments of Reserve, in bytes
	err      error // what Reserve returns
}

func (r *fakeRoom) Reserved() int { return r.reserved }

func (r *fakeRoom) Reserve(_ context.Context, bytes int) error {
	r.calls = append(r.calls, bytes)
	if r.err == nil {
		r.reserved = bytes
	}
	return r.err
}

// respondWithSize returns a handler for ListWorkflowExecutions whose response is a few bytes
// larger than given.
func respondWithSize(bytes int) upstreamtest.Handler {
	return upstreamtest.Respond(&workflowservice.ListWorkflowExecutionsResponse{NextPageToken: []byte(strings.Repeat("x", bytes))})
}

const (
	listMethod = workflowservice.WorkflowService_ListWorkflowExecutions_FullMethodName
	mebibyte   = 1 << 20
)

// list calls ListWorkflowExecutions with the given room, and returns the size of the
// response in bytes.
func list(t *testing.T, client *upstream.Client, r upstream.MemoryReserver) (int, error) {
	t.Helper()
	got, err := client.Call(withOptions(t.Context(), upstream.CallOptions{Namespace: orders, Retry: true, Memory: r}), listMethod,
		&workflowservice.ListWorkflowExecutionsRequest{Namespace: orders})
	defer got.Release()
	return len(got.Bytes()), err
}

func TestALargeResponseIsReceivedAfterAReservation(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		reserved int   // bytes reserved before the call
		sizes    []int // sizes of the responses to successive calls, in bytes
		calls    int   // expected number of calls
		want     int   // bytes reserved after the call: the size and a 16th, but at least twice the previous limit
		nilRoom  bool  // the call has no room
	}{
		{name: "small", sizes: []int{mebibyte / 2}, calls: 1},
		{name: "large", sizes: []int{4 * mebibyte}, calls: 2, want: 4*mebibyte + mebibyte/4},
		{name: "a little too large", sizes: []int{mebibyte + 1}, calls: 2, want: 2 * mebibyte},
		{name: "growing between calls", sizes: []int{2 * mebibyte, 5 * mebibyte}, calls: 3, want: 5*mebibyte + 5*mebibyte/16},
		{name: "large, within the reservation", reserved: 5 * mebibyte, sizes: []int{4 * mebibyte}, calls: 1, want: 5 * mebibyte},
		{name: "large, without a room", sizes: []int{4 * mebibyte}, calls: 1, nilRoom: true},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			server := upstreamtest.New(t)
			client := newClient(t, server, func(o *upstream.Options) { o.Breaker = upstream.Breaker{Failures: 1} })
			handlers := make([]upstreamtest.Handler, len(row.sizes))
			for i, size := range row.sizes {
				handlers[i] = respondWithSize(size)
			}
			server.Handle("ListWorkflowExecutions", upstreamtest.InTurn(handlers...))
			r := &fakeRoom{reserved: row.reserved}
			var option upstream.MemoryReserver = r
			if row.nilRoom {
				option = nil
			}
			n, err := list(t, client, option)
			require.NoError(t, err)
			require.Greater(t, n, row.sizes[len(row.sizes)-1])
			require.Len(t, server.Calls("ListWorkflowExecutions"), row.calls)
			require.InDelta(t, row.want, r.reserved, 16)
		})
	}
}

// A failed reservation is not an error of the server, so the call is not retried.
func TestAFailedReservationEndsTheCall(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	server.Handle("ListWorkflowExecutions", respondWithSize(4*mebibyte))
	noRoom := errors.New("no room")
	_, err := list(t, client, &fakeRoom{err: noRoom})
	require.ErrorIs(t, err, noRoom)
	require.Len(t, server.Calls("ListWorkflowExecutions"), 1)
}

func TestAResponseAboveTheMaximumIsAnError(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server, func(o *upstream.Options) { o.MaxResponseBytes = 3 * mebibyte })
	server.Handle("ListWorkflowExecutions", upstreamtest.InTurn(respondWithSize(4*mebibyte), respondWithSize(2*mebibyte), respondWithSize(4*mebibyte)))
	r := &fakeRoom{}
	_, err := list(t, client, r) // 4 MiB: too large for any reservation
	upstreamtest.RequireProblem(t, problem.UpstreamResponseTooLarge, err)
	require.Empty(t, r.calls)
	_, err = list(t, client, r) // 2 MiB, and 4 MiB after the reservation
	upstreamtest.RequireProblem(t, problem.UpstreamResponseTooLarge, err)
	require.Len(t, r.calls, 1)
	require.Len(t, server.Calls("ListWorkflowExecutions"), 3)
}

// gRPC does not report the size of a compressed response.
func TestAResponseOfUnknownSizeNeedsTheMaximumReservation(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server, func(o *upstream.Options) { o.MaxResponseBytes = 8 * mebibyte })
	server.Handle("ListWorkflowExecutions", upstreamtest.InTurn(
		upstreamtest.Fail(codes.ResourceExhausted, "grpc: received message after decompression larger than max 1048576"), respondWithSize(mebibyte/2),
	))
	r := &fakeRoom{}
	_, err := list(t, client, r)
	require.NoError(t, err)
	require.Equal(t, []int{8 * mebibyte}, r.calls)
}

func TestAWriteIsNotRepeatedToReceiveALargeResponse(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	server.Handle("StartWorkflowExecution", upstreamtest.Respond(&workflowservice.StartWorkflowExecutionResponse{RunId: strings.Repeat("r", 2*mebibyte)}))
	r := &fakeRoom{}
	err := client.Do(withOptions(t.Context(), upstream.CallOptions{Namespace: orders, Memory: r}), start,
		&workflowservice.StartWorkflowExecutionRequest{Namespace: orders}, &workflowservice.StartWorkflowExecutionResponse{})
	require.NoError(t, err)
	require.Empty(t, r.calls)
	require.Len(t, server.Calls("StartWorkflowExecution"), 1)
}

// The client remembers the size of a large response. So an equal read reserves that size before its call, and needs
// only one call unless the response has grown.
func TestARepeatedLargeReadReservesBeforeTheCall(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	server.Handle("ListWorkflowExecutions", upstreamtest.InTurn(
		respondWithSize(4*mebibyte), respondWithSize(4*mebibyte), // the first read
		respondWithSize(4*mebibyte),                              // the second, which first reserves the size of the first
		respondWithSize(6*mebibyte), respondWithSize(6*mebibyte), // the third, whose response has grown
		respondWithSize(mebibyte/2), // the fourth, whose response has become small
		respondWithSize(mebibyte/2), // the fifth, without a reservation
	))
	for read, want := range []struct {
		calls        int // of all reads so far
		reservations int // of this read
	}{{2, 1}, {3, 1}, {5, 2}, {6, 1}, {7, 0}} {
		r := &fakeRoom{}
		_, err := list(t, client, r)
		require.NoError(t, err)
		require.Len(t, server.Calls("ListWorkflowExecutions"), want.calls, "read %d", read)
		require.Len(t, r.calls, want.reservations, "read %d", read)
	}
}

// If the reservation fails, an equal read fails before its call, so that a caller at its memory limit does not make the
// server prepare responses that are never received.
func TestALargeReadIsNotSentAgainWhileItsReservationFails(t *testing.T) {
	t.Parallel()
	server := upstreamtest.New(t)
	client := newClient(t, server)
	server.Handle("ListWorkflowExecutions", respondWithSize(4*mebibyte))
	noRoom := errors.New("no room")
	for range 3 {
		_, err := list(t, client, &fakeRoom{err: noRoom})
		require.ErrorIs(t, err, noRoom)
	}
	require.Len(t, server.Calls("ListWorkflowExecutions"), 1)
}
