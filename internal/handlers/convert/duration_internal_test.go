package convert

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func TestTimesAndDurations(t *testing.T) {
	t.Parallel()
	for _, unset := range []*timestamppb.Timestamp{nil, {}, timestamppb.New(time.Time{})} {
		require.Empty(t, FormatTime(unset))
	}
	require.Equal(t, "2026-11-21T09:30:00.125Z", FormatTime(timestamppb.New(time.Date(2026, 11, 21, 10, 30, 0, 125e6, time.FixedZone("", 3600)))))
	require.Empty(t, FormatDuration(nil))
	require.Equal(t, "5400s", FormatDuration(durationpb.New(90*time.Minute)))
	require.Equal(t, "0.1s", FormatDuration(durationpb.New(100*time.Millisecond)))
}
