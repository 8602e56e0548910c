package transcode_test

import (
	"bytes"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/protocol/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/transcode"
)

// The limits for the conversion of one mebibyte of hostile input. A linear conversion
// stays far below them, and a quadratic one exceeds them by far.
const (
	mebibyte  = 1 << 20
	maxTime   = slowness * 2 * time.Second
	maxMemory = 256 * mebibyte
)

// requireBounded runs convert and checks its CPU time and its total allocations. It does
// not check the elapsed time, which depends on other processes, nor the peak of memory,
// which depends on the garbage collector. Its tests must not run in parallel, because both
// values are those of the process.
func requireBounded(t *testing.T, convert func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	started := cpuTime(t)
	convert()
	used := cpuTime(t) - started
	runtime.ReadMemStats(&after)
	allocated := after.TotalAlloc - before.TotalAlloc
	t.Logf("%v, %d KiB allocated", used.Round(time.Microsecond), allocated>>10)
	require.Less(t, used, maxTime)
	require.Less(t, allocated, uint64(maxMemory))
}

// cpuTime returns the CPU time that the process has used.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// encodedField returns a length-delimited field in wire form.
func encodedField(number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), value)
}

// nested wraps a message the given number of times in a message of the same
// type. At each level, the bytes after follow the inner message.
func nested(times int, number protowire.Number, inner, after []byte) []byte {
	for range times {
		inner = append(encodedField(number, inner), after...)
	}
	return inner
}

// Field numbers of Failure, of Memo and its map entries, and of Payload.
const (
	failureMessage, failureSource, failureCause = 1, 2, 4
	memoFields, entryKey, entryValue            = 1, 1, 2
	payloadMetadata, payloadData                = 1, 2
)

// hostileWire returns wire bytes that are expensive to convert and that no encoder
// writes.
func hostileWire() map[string]struct {
	message proto.Message
	wire    []byte
	wantErr bool
} {
	text := bytes.Repeat([]byte("a"), mebibyte)
	entry := func(parts ...[]byte) []byte { return encodedField(memoFields, bytes.Join(parts, nil)) }
	key, empty := encodedField(entryKey, []byte("k")), encodedField(entryValue, nil)
	return map[string]struct {
		message proto.Message
		wire    []byte
		wantErr bool
	}{
		"10,000 levels of messages":                {&failure.Failure{}, nested(10_000, failureCause, nil, nil), true},
		"the maximum number of levels of messages": {&failure.Failure{}, nested(999, failureCause, encodedField(failureMessage, text), nil), false},
		"fields out of order at 900 levels":        {&failure.Failure{}, nested(900, failureCause, encodedField(failureMessage, text), bytes.Join([][]byte{encodedField(failureMessage, nil), encodedField(failureSource, nil), encodedField(failureMessage, nil)}, nil)), true},
		"a second occurrence at 900 levels":        {&failure.Failure{}, nested(900, failureCause, encodedField(failureMessage, text), encodedField(failureCause, nil)), true},
		"fields out of order at 8 levels":          {&failure.Failure{}, nested(8, failureCause, encodedField(failureMessage, text), encodedField(failureMessage, nil)), false},
		"a list of empty messages":                 {&history.History{}, bytes.Repeat(encodedField(1, nil), mebibyte/2), false},
		"two alternating fields":                   {&failure.Failure{}, bytes.Repeat(append(encodedField(failureMessage, nil), encodedField(failureSource, nil)...), mebibyte/4), false},
		"many occurrences of one message field":    {&failure.Failure{}, bytes.Repeat(encodedField(failureCause, nil), mebibyte/2), false},
		"100,000 map entries with one key":         {&common.Memo{}, bytes.Repeat(entry(key, encodedField(entryValue, encodedField(payloadData, []byte("1")))), 100_000), false},
		"a map entry with many values":             {&common.Memo{}, entry(bytes.Repeat(encodedField(entryValue, encodedField(payloadData, nil)), mebibyte/4)), false},
		"a map entry with many keys":               {&common.Memo{}, entry(bytes.Repeat(key, mebibyte/3), empty), false},
		"a payload with many metadata entries": {
			&common.Payload{}, bytes.Repeat(encodedField(payloadMetadata, append(encodedField(entryKey, []byte("a")), empty...)), mebibyte/7), false,
		},
		"unknown fields": {&failure.Failure{}, bytes.Repeat(encodedField(9999, nil), mebibyte/3), false},
	}
}

func TestHostileWireIsBounded(t *testing.T) { //nolint:paralleltest // see requireBounded
	plans := transcode.NewPlans()
	for name, c := range hostileWire() { //nolint:paralleltest // see requireBounded
		t.Run(name, func(t *testing.T) {
			plan := plans.Message(c.message.ProtoReflect().Descriptor())
			for _, form := range []transcode.Options{longForm, {}} {
				var whole []byte
				var err error
				requireBounded(t, func() { whole, err = plan.AppendJSON(nil, c.wire, form, nil) })
				require.Equal(t, c.wantErr, err != nil, "%v", err)
				var streamed bytes.Buffer
				requireBounded(t, func() { err = plan.WriteJSON(&streamed, c.wire, form, nil) })
				require.Equal(t, c.wantErr, err != nil, "%v", err)
				if !c.wantErr {
					require.Equal(t, len(whole), streamed.Len())
					require.True(t, bytes.Equal(whole, streamed.Bytes()))
				}
			}
		})
	}
}

// hostileJSON returns JSON that is expensive to convert.
func hostileJSON() map[string]struct {
	message proto.Message
	text    string
	wantErr bool
} {
	var keys strings.Builder
	for i := range 100_000 {
		keys.WriteString(`"` + strconv.Itoa(i) + `":0,`)
	}
	nestedAny := func(levels int) string {
		const begin = `{"@type":"a/temporal.api.protocol.v1.Message","body":`
		return `{"body":` + strings.Repeat(begin, levels) + `{"@type":"a/temporal.api.protocol.v1.Message","id":"` +
			strings.Repeat("a", mebibyte) + `"}` + strings.Repeat("}", levels) + `}`
	}
	nestedArrays := func(levels int) string { return strings.Repeat("[", levels) + strings.Repeat("]", levels) }
	return map[string]struct {
		message proto.Message
		text    string
		wantErr bool
	}{
		"10,000 levels of messages":                {&failure.Failure{}, strings.Repeat(`{"cause":`, 10_000) + "{}" + strings.Repeat("}", 10_000), true},
		"the maximum number of levels of messages": {&failure.Failure{}, strings.Repeat(`{"cause":`, 99) + `{"message":"` + strings.Repeat("a", mebibyte) + `"}` + strings.Repeat("}", 99), false},
		"10,000 levels of arrays":                  {&common.Payload{}, nestedArrays(10_000), false}, // any depth is valid in the data of a payload
		"500,000 levels of arrays":                 {&common.Payload{}, nestedArrays(mebibyte / 2), true},
		"unterminated arrays":                      {&common.Payload{}, strings.Repeat("[", mebibyte), true},
		"a list of empty messages":                 {&history.History{}, `{"events":[` + strings.Repeat("{},", mebibyte/3) + `{}]}`, false},
		"100,000 map keys":                         {&common.Memo{}, `{"fields":{` + keys.String() + `"":0}}`, false},
		"100,000 equal map keys":                   {&common.Memo{}, `{"fields":{` + strings.Repeat(`"k":0,`, 100_000) + `"k":0}}`, true},
		"a payload of 100,000 keys":                {&common.Payload{}, `{` + keys.String() + `"metadata":{}}`, false},
		"nested Any messages":                      {&protocol.Message{}, nestedAny(45), false},
		"Any messages nested too deeply":           {&protocol.Message{}, nestedAny(5_000), true},
		"a number of a million digits":             {&common.Payload{}, strings.Repeat("1", mebibyte), false},
		"an integer of a million digits":           {&history.History{}, `{"events":[{"eventId":` + strings.Repeat("1", mebibyte) + `}]}`, true},
		"an integer with a large exponent":         {&history.History{}, `{"events":[{"eventId":1e999999999}]}`, true},
		"a string of escapes":                      {&failure.Failure{}, `{"message":"` + strings.Repeat(`\u00e4`, mebibyte/6) + `"}`, false},
	}
}

func TestHostileJSONIsBounded(t *testing.T) { //nolint:paralleltest // see requireBounded
	plans := transcode.NewPlans()
	for name, c := range hostileJSON() { //nolint:paralleltest // see requireBounded
		t.Run(name, func(t *testing.T) {
			plan := plans.Message(c.message.ProtoReflect().Descriptor())
			var wire []byte
			var err error
			requireBounded(t, func() { wire, err = plan.AppendWire(nil, []byte(c.text), transcode.Options{}) })
			require.Equal(t, c.wantErr, err != nil, "%v", err)
			if err != nil {
				require.ErrorAs(t, err, new(*transcode.InputError))
				require.Less(t, len(err.(*transcode.InputError).Reason), 200) //nolint:errorlint,forcetypeassert // see ErrorAs
				return
			}
			require.NoError(t, proto.Unmarshal(wire, c.message.ProtoReflect().New().Interface()))
			require.Less(t, len(wire), 8*len(c.text))
		})
	}
}
