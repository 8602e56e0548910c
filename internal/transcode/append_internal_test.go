package transcode

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/flowgate/flowgate/internal/payload"
)

func TestNumbersAreWrittenAsStrconvDoes(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{0, 9, 10, 99, 100, 12345, math.MaxInt64, math.MinInt64, -1, -10} {
		require.Equal(t, strconv.FormatInt(n, 10), string(appendInt(nil, n)))
	}
	for bits := range 64 {
		for range 100 {
			n := rand.Uint64() >> bits
			require.Equal(t, strconv.FormatUint(n, 10), string(appendUint(nil, n)))
		}
	}
	for power := uint64(1); power < 1e19; power *= 10 {
		for _, n := range []uint64{power - 1, power, power + 1} {
			require.Equal(t, strconv.FormatUint(n, 10), string(appendUint(nil, n)))
		}
	}
}

func TestWholeFloatsAreWrittenAsStrconvDoes(t *testing.T) {
	t.Parallel()
	for _, f := range []float64{0, math.Copysign(0, -1), 1, -1, 2, 1.5, 1<<24 - 1, 1 << 24, 1<<24 + 2, 123456792, -123456792, 1 << 53, 1e20} {
		require.Equal(t, strconv.FormatFloat(f, 'f', -1, 64), string(appendFloat(nil, f, 64)))
		require.Equal(t, strconv.FormatFloat(f, 'f', -1, 32), string(appendFloat(nil, f, 32)))
	}
}

func TestAClockGivesEachTimeItsOwn(t *testing.T) {
	t.Parallel()
	var c clock
	at := time.Date(2026, 11, 21, 23, 58, 58, 0, time.UTC)
	for range 1000 {
		at = at.Add(time.Duration(rand.IntN(200)-60) * time.Second)
		text, err := c.append(nil, at.Unix(), 0, appendNanos)
		require.NoError(t, err)
		require.Equal(t, `"`+at.Format(time.RFC3339)+`"`, string(text))
	}
	text, err := c.append(nil, minTimestamp, 0, appendNanos)
	require.NoError(t, err)
	require.Equal(t, `"0001-01-01T00:00:00Z"`, string(text))
}

// FuzzReadPayload holds the short cut against what it is one of.
func FuzzReadPayload(f *testing.F) {
	field := func(number protowire.Number, content string) []byte {
		return protowire.AppendString(protowire.AppendTag(nil, number, protowire.BytesType), content)
	}
	entry := func(key, value string) []byte {
		return field(1, string(append(field(1, key), field(2, value)...)))
	}
	json, typed, data := entry("encoding", "json/plain"), entry("type", "Int"), field(2, "1")
	for _, parts := range [][][]byte{
		{}, {json, data}, {typed, json, data}, {data, json}, {json, json, data}, {entry("messageType", ""), data, data}, {entry("other", "x"), json},
		{field(1, ""), data}, {json, field(3, "x")}, {json, {0x10, 1}}, {field(1, string(field(2, "json/plain")))}, {json, {0x12}},
	} {
		var wire []byte
		for _, part := range parts {
			wire = append(wire, part...)
		}
		f.Add(wire)
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		want, valid := payload.Read(wire)
		got, ok := readPayload(wire)
		require.Equal(t, valid, ok)
		require.Equal(t, want, got)
	})
}
