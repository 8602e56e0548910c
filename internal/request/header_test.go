package request_test

import (
	"math"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/metadata"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/request"
)

// header returns a header with the given names and values in turn.
func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

func TestTimeoutAcceptsBothSyntaxes(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]time.Duration{"500ms": 500 * time.Millisecond, "1m30s": 90 * time.Second} {
		got, err := request.Timeout(header("Request-Timeout", value))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for value, want := range map[string]time.Duration{
		"1H": time.Hour, "2M": 2 * time.Minute, "3S": 3 * time.Second, "500m": 500 * time.Millisecond,
		"7u": 7 * time.Microsecond, "9n": 9,
		"99999999H": math.MaxInt64 - math.MaxInt64%time.Hour, // the most hours that a Duration can represent
	} {
		got, err := request.Timeout(header("Grpc-Timeout", value))
		require.NoError(t, err, value)
		require.Equal(t, want, got, value)
	}
	got, err := request.Timeout(header())
	require.NoError(t, err)
	require.Zero(t, got)
}

func TestInvalidTimeoutsAreRejected(t *testing.T) {
	t.Parallel()
	for _, h := range []http.Header{
		header("Request-Timeout", "5"), header("Request-Timeout", "0s"), header("Request-Timeout", "-1s"),
		header("Request-Timeout", "abc"), header("Request-Timeout", "1e9s"),
		header("Request-Timeout", ""), header("Request-Timeout", "", "Grpc-Timeout", "1S"),
		header("Request-Timeout", "1s", "Request-Timeout", "2s"),
		header("Request-Timeout", "1s", "Grpc-Timeout", "1S"),
		header("Grpc-Timeout", "1s"), header("Grpc-Timeout", "S"), header("Grpc-Timeout", "123456789S"),
		header("Grpc-Timeout", "-5S"), header("Grpc-Timeout", "0S"), header("Grpc-Timeout", "+5S"),
	} {
		_, err := request.Timeout(h)
		require.True(t, problem.Is(err, problem.InvalidRequest), "%v", h)
	}
}

func TestOnlyAllowedMetadataIsAccepted(t *testing.T) {
	t.Parallel()
	allowed := request.Allowed([]string{"x-tenant", "trace-bin"}, &auth.Principal{CallerMetadata: []string{"x-own"}})
	require.Equal(t, []string{"trace-bin", "x-own", "x-tenant"}, allowed.Names())
	md, err := request.Metadata(header(
		"Grpc-Metadata-X-Tenant", "blue", "Grpc-Metadata-X-Own", "1", "Grpc-Metadata-X-Own", "2",
		"Grpc-Metadata-Trace-Bin", "AP8=", "X-Other", "ignored"), allowed)
	require.NoError(t, err)
	require.Equal(t, metadata.MD{"x-tenant": {"blue"}, "x-own": {"1", "2"}, "trace-bin": {"\x00\xff"}}, md)

	for _, name := range []string{"Authorization", "Temporal-Namespace", "Client-Name", "Grpc-Timeout", "X-Unknown", ""} {
		_, err := request.Metadata(header("Grpc-Metadata-"+name, "v"), allowed)
		require.True(t, problem.Is(err, problem.MetadataNotAllowed), name)
	}
	_, err = request.Metadata(header("Grpc-Metadata-Trace-Bin", "***"), allowed)
	require.True(t, problem.Is(err, problem.InvalidRequest))
}

// The Temporal HTTP API drops metadata that is not allowed, and never accepts a reserved key. The client API rejects such
// requests: see the other tests.
func TestAllowedMetadataDropsOtherKeys(t *testing.T) {
	t.Parallel()
	md, err := request.AllowedMetadata(header("Grpc-Metadata-X-Tenant", "blue", "Grpc-Metadata-Authorization", "Bearer evil",
		"Grpc-Metadata-Caller-Type", "operator"), request.Allowed([]string{"x-tenant", "authorization"}, &auth.Principal{}))
	require.NoError(t, err)
	require.Equal(t, metadata.MD{"x-tenant": {"blue"}}, md)
}

func TestAuthorizationIsRejectedEvenIfListedAsAllowed(t *testing.T) {
	t.Parallel()
	_, err := request.Metadata(header("Grpc-Metadata-Authorization", "Bearer evil"), request.Allowed([]string{"authorization"}, &auth.Principal{}))
	require.True(t, problem.Is(err, problem.MetadataNotAllowed))
}

func TestAuthorizationRequiresPermissionToOverride(t *testing.T) {
	t.Parallel()
	allowed := request.Allowed(nil, &auth.Principal{OverridesAuthorization: true})
	md, err := request.Metadata(header("Grpc-Metadata-Authorization", "Bearer own"), allowed)
	require.NoError(t, err)
	require.Equal(t, metadata.MD{"authorization": {"Bearer own"}}, md)
	require.Equal(t, []string{"authorization"}, allowed.Names())
	_, err = request.Metadata(header("Grpc-Metadata-Temporal-Namespace", "other"), allowed)
	require.True(t, problem.Is(err, problem.MetadataNotAllowed))
}
