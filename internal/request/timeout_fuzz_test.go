package request_test

import (
	"math"
	"math/big"
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/request"
)

// grpcTimeout matches the grammar of Grpc-Timeout in PROTOCOL-HTTP2.md.
var grpcTimeout = regexp.MustCompile(`^([0-9]{1,8})([HMSmun])$`)

// FuzzTimeout compares request.Timeout with a computation in big integers. A valid timeout
// is positive and does not overflow a Duration.
func FuzzTimeout(f *testing.F) {
	for _, value := range []string{
		"", "0", "-1", "abc", "1e9", "1e9s", "0s", "-0s", "-1s", "+1s", "500ms", "1h30m", "1.5s", ".5s", "1.s", "1µs", "1us", "10 s", " 10s", "10s ", "9223372036854775807ns",
		"9223372036854775808ns", "2562047h47m16.854775807s", "2562048h", "99999999999999999999h", "0.0000000001s", "1d", "5",
		"1H", "2M", "3S", "500m", "7u", "9n", "99999999H", "00000000H", "00000001n", "123456789S", "1s", "S", "-5S", "+5S", "5 S", "0S", "\u0661S", "1\x00", "\xff",
	} {
		f.Add(value, "")
		f.Add("", value)
	}
	f.Add("1s", "1S")
	f.Add("abc", "1S")
	f.Fuzz(func(t *testing.T, requestTimeout, grpc string) {
		h := http.Header{"Grpc-Timeout": {grpc}}
		if requestTimeout != "" {
			h.Set("Request-Timeout", requestTimeout)
		}
		got, err := request.Timeout(h)
		want := big.NewInt(0)
		switch parsed, parseErr := time.ParseDuration(requestTimeout); {
		case requestTimeout != "" && grpc == "" && parseErr == nil:
			want.SetInt64(int64(parsed))
		case requestTimeout == "" && grpcTimeout.MatchString(grpc):
			parts := grpcTimeout.FindStringSubmatch(grpc)
			want.SetString(parts[1], 10)
			unit := map[string]time.Duration{"H": time.Hour, "M": time.Minute, "S": time.Second, "m": time.Millisecond, "u": time.Microsecond, "n": 1}[parts[2]]
			if want.Mul(want, big.NewInt(int64(unit))); !want.IsInt64() {
				want.SetInt64(math.MaxInt64 - math.MaxInt64%int64(unit)) // the largest multiple of the unit
			}
		}
		if requestTimeout == "" && grpc == "" {
			require.NoError(t, err)
			require.Zero(t, got, "no timeout is set")
			return
		}
		if want.Sign() <= 0 {
			require.True(t, problem.Is(err, problem.InvalidRequest), "%q %q", requestTimeout, grpc)
			require.Zero(t, got)
			requireNoEcho(t, err, requestTimeout, grpc)
			return
		}
		require.NoError(t, err, "%q %q", requestTimeout, grpc)
		require.Positive(t, got)
		require.Equal(t, want.Int64(), int64(got), "%q %q", requestTimeout, grpc)
	})
}

// requireNoEcho requires that an error does not contain text that the caller sent. It
// ignores short texts, which the error may contain by chance.
func requireNoEcho(t *testing.T, err error, sent ...string) {
	t.Helper()
	for _, text := range sent {
		if len(text) > 8 && text != "Grpc-Timeout" && text != "Request-Timeout" {
			require.NotContains(t, err.Error(), text)
		}
	}
}
