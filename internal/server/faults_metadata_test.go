package server_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// Headers and trailers of the upstream's responses neither reach the caller nor affect the response.
func TestUpstreamMetadataIsNotForwarded(t *testing.T) {
	t.Parallel()
	many := metadata.MD{}
	for i := range 1000 {
		many.Set(fmt.Sprintf("x-internal-%d", i), upstreamAddress)
	}
	for name, md := range map[string]metadata.MD{
		"names of HTTP headers": metadata.Pairs(
			"set-cookie", "session="+upstreamAddress, "x-internal", upstreamAddress, "server", upstreamAddress, "location", "http://"+upstreamAddress,
			"x-request-id", upstreamAddress, "www-authenticate", upstreamAddress, "access-control-allow-origin", "*", "retry-after", "7",
			"cache-control", "public", "x-bin", upstreamAddress,
		),
		"64 KiB":       metadata.Pairs("x-internal", strings.Repeat(upstreamAddress, 64<<10/len(upstreamAddress))),
		"1,000 fields": many,
	} {
		for _, fails := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, failing %t", name, fails), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					f := startFaulty(t, nil)
					for _, o := range []op{readOp(), startOp(), terminateOp()} {
						good := f.Upstream.Handler(o.rpc)
						baseline := f.send(t, o)
						f.Upstream.Handle(o.rpc, func(ctx context.Context, request []byte) ([]byte, error) {
							_ = grpc.SetHeader(ctx, md)
							_ = grpc.SetTrailer(ctx, md)
							if fails {
								return nil, status.Error(codes.Unauthenticated, upstreamAddress)
							}
							return good(ctx, request)
						})
						if fails {
							resp := f.expect(t, o, failed(problem.UpstreamAuthFailed).after(about(0)))
							require.NotContains(t, resp.Header, "Www-Authenticate")
							require.NotContains(t, resp.Header, "Set-Cookie")
							continue
						}
						resp := f.expect(t, o, want{status: baseline.Status}.after(about(0)))
						require.Equal(t, baseline.Body, resp.Body)
						require.Equal(t, withoutIDAndDate(baseline.Header), withoutIDAndDate(resp.Header))
						f.Upstream.Handle(o.rpc, good)
					}
					f.requireIdle(t)
				})
			})
		}
	}
}

func withoutIDAndDate(header http.Header) http.Header {
	header = header.Clone()
	header.Del("X-Request-Id")
	header.Del("Date")
	return header
}

// The upstream call is cancelled as soon as the caller disconnects.
func TestACallerDisconnectsDuringACall(t *testing.T) {
	t.Parallel()
	for _, o := range []op{readOp(), startOp(), terminateOp(), waitOp()} {
		for name, http2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
			t.Run(o.name+" over "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					f := startFaulty(t, nil)
					if http2 {
						protocols := new(http.Protocols)
						protocols.SetUnencryptedHTTP2(true)
						f.Client = &http.Client{Transport: &http.Transport{
							DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return f.Listener.Dial(ctx) },
							Protocols:   protocols,
						}}
					}
					good := f.Upstream.Handler(o.rpc)
					ended := make(chan time.Time, 1)
					f.Upstream.Handle(o.rpc, func(ctx context.Context, request []byte) ([]byte, error) {
						<-ctx.Done()
						ended <- time.Now()
						return upstreamtest.Hang(ctx, request)
					})
					ctx, cancel := context.WithCancel(t.Context())
					var disconnected time.Time
					time.AfterFunc(time.Second, func() { disconnected = time.Now(); cancel() })
					_, err := f.Send(ctx, o.method, o.path, o.body)
					require.ErrorIs(t, err, context.Canceled)
					require.Less(t, (<-ended).Sub(disconnected), 50*time.Millisecond)
					synctest.Wait()
					require.Contains(t, f.Log.String(), `"status":499,"code":"client-closed-request"`)
					f.Upstream.Handle(o.rpc, good)
					f.requireWorking(t)
					f.requireIdle(t)
				})
			})
		}
	}
}

func TestACallerDisconnectsWhileTheUpstreamIsUnreachable(t *testing.T) {
	t.Parallel()
	for name, dial := range map[string]upstreamtest.Dialer{
		"refused": upstreamtest.Refused(upstreamAddress), "black hole": upstreamtest.BlackHole, "dial hangs": upstreamtest.Unreachable,
	} {
		for _, o := range []op{readOp(), startOp(), waitOp()} {
			t.Run(o.name+", "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					f := startFaulty(t, nil)
					f.connect(dial)
					ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
					defer cancel()
					_, err := f.Send(ctx, o.method, o.path, o.body)
					require.ErrorIs(t, err, context.DeadlineExceeded)
					synctest.Wait()
					require.Contains(t, f.Log.String(), `"status":499,"code":"client-closed-request"`)
					f.endFault(t)
				})
			})
		}
	}
}
