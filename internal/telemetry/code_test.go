package telemetry_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/flowgate/flowgate/internal/telemetry"
)

// grpc-go parses the canonical names, so it can check these.
func TestCodeNamesAreCanonical(t *testing.T) {
	t.Parallel()
	for code := codes.OK; code <= codes.Unauthenticated; code++ {
		var parsed codes.Code
		require.NoError(t, parsed.UnmarshalJSON([]byte(`"`+telemetry.CodeName(code)+`"`)))
		require.Equal(t, code, parsed)
	}
	require.Equal(t, "UNKNOWN", telemetry.CodeName(17))
}
