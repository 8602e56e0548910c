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

// Limits for the conversion of a hostile mebibyte. They are far above the actual time and
// memory, and far below those of quadratic work.
const (
	mebibyte  = 1 << 20
	maxTime   = slowness * 2 * time.Second
	maxMemory = 256 * mebibyte
)

// requireBounded checks the CPU time and the memory that do uses. It counts all
// allocations and not the peak, which depends on the garbage collector, and CPU time, so
// that other work on the machine does not count. The tests that use it must not run in
// parallel.
func requireBounded(t *testing.T, do func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := cpuTime(t)
	do()
	used := cpuTime(t) - begin
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

// encoded returns a length-delimited field in wire form.
func encoded(number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), value)
}

// nested nests a message in itself the given number of times, each time with
// the same bytes after it.
func nested(times int, number protowire.Number, inner, after []byte) []byte {
	for range times {
		inner = append(encoded(number, inner), after...)
	}
	return inner
}

const (
	failureMessage, failureSource, failureCause = 1, 2, 4
	memoFields, entryKey, entryValue            = 1, 1, 2
	payloadMetadata, payloadData                = 1, 2
)

// hostileWire returns valid messages that no encoder writes.
func hostileWire() map[string]struct {
	message proto.Message
	wire    []byte
	fails   bool
} {
	text := bytes.Repeat([]byte("a"), mebibyte)
	entry := func(parts ...[]byte) []byte { return encoded(memoFields, bytes.Join(parts, nil)) }
	key, empty := encoded(entryKey, []byte("k")), encoded(entryValue, nil)
	return map[string]struct {
		message proto.Message
		wire    []byte
		fails   bool
	}{
		"messages 10,000 deep":            {&failure.Failure{}, nested(10_000, failureCause, nil, nil), true},
		"messages of the maximum depth":   {&failure.Failure{}, nested(999, failureCause, encoded(failureMessage, text), nil), false},
		"out of order at 900 levels":      {&failure.Failure{}, nested(900, failureCause, encoded(failureMessage, text), bytes.Join([][]byte{encoded(failureMessage, nil), encoded(failureSource, nil), encoded(failureMessage, nil)}, nil)), true},
		"repeated at 900 levels":          {&failure.Failure{}, nested(900, failureCause, encoded(failureMessage, text), encoded(failureCause, nil)), true},
		"out of order at 8 levels":        {&failure.Failure{}, nested(8, failureCause, encoded(failureMessage, text), encoded(failureMessage, nil)), false},
		"empty elements":                  {&history.History{}, bytes.Repeat(encoded(1, nil), mebibyte/2), false},
		"two alternating fields":          {&failure.Failure{}, bytes.Repeat(append(encoded(failureMessage, nil), encoded(failureSource, nil)...), mebibyte/4), false},
		"one message in many occurrences": {&failure.Failure{}, bytes.Repeat(encoded(failureCause, nil), mebibyte/2), false},
		"100,000 entries with one key":    {&common.Memo{}, bytes.Repeat(entry(key, encoded(entryValue, encoded(payloadData, []byte("1")))), 100_000), false},
		"an entry with many values":       {&common.Memo{}, entry(bytes.Repeat(encoded(entryValue, encoded(payloadData, nil)), mebibyte/4)), false},
		"an entry with many keys":         {&common.Memo{}, entry(bytes.Repeat(key, mebibyte/3), empty), false},
		"a payload of metadata only": {
			&common.Payload{}, bytes.Repeat(encoded(payloadMetadata, append(encoded(entryKey, []byte("a")), empty...)), mebibyte/7), false,
		},
		"unknown fields": {&failure.Failure{}, bytes.Repeat(encoded(9999, nil), mebibyte/3), false},
	}
}

func TestHostileWireIsBounded(t *testing.T) { //nolint:paralleltest // see requireBounded
	plans := transcode.NewPlans()
	for name, c := range hostileWire() { //nolint:paralleltest // see requireBounded
		t.Run(name, func(t *testing.T) {
			plan := plans.Message(c.message.ProtoReflect().Descriptor())
			for _, form := range []transcode.Form{longForm, {}} {
				var whole []byte
				var err error
				requireBounded(t, func() { whole, err = plan.AppendJSON(nil, c.wire, form, nil) })
				require.Equal(t, c.fails, err != nil, "%v", err)
				var streamed bytes.Buffer
				requireBounded(t, func() { err = plan.WriteJSON(&streamed, c.wire, form, nil) })
				require.Equal(t, c.fails, err != nil, "%v", err)
				if !c.fails {
					require.Equal(t, len(whole), streamed.Len())
					require.True(t, bytes.Equal(whole, streamed.Bytes()))
				}
			}
		})
	}
}

// hostileJSON returns the JSON that is most expensive to read.
func hostileJSON() map[string]struct {
	message proto.Message
	text    string
	fails   bool
} {
	var keys strings.Builder
	for i := range 100_000 {
		keys.WriteString(`"` + strconv.Itoa(i) + `":0,`)
	}
	anyWithin := func(times int) string {
		const begin = `{"@type":"a/temporal.api.protocol.v1.Message","body":`
		return `{"body":` + strings.Repeat(begin, times) + `{"@type":"a/temporal.api.protocol.v1.Message","id":"` +
			strings.Repeat("a", mebibyte) + `"}` + strings.Repeat("}", times) + `}`
	}
	arrays := func(deep int) string { return strings.Repeat("[", deep) + strings.Repeat("]", deep) }
	return map[string]struct {
		message proto.Message
		text    string
		fails   bool
	}{
		"messages 10,000 deep":             {&failure.Failure{}, strings.Repeat(`{"cause":`, 10_000) + "{}" + strings.Repeat("}", 10_000), true},
		"messages of the maximum depth":    {&failure.Failure{}, strings.Repeat(`{"cause":`, 99) + `{"message":"` + strings.Repeat("a", mebibyte) + `"}` + strings.Repeat("}", 99), false},
		"an array 10,000 deep":             {&common.Payload{}, arrays(10_000), false}, // a valid value of a payload
		"an array 500,000 deep":            {&common.Payload{}, arrays(mebibyte / 2), true},
		"an array without an end":          {&common.Payload{}, strings.Repeat("[", mebibyte), true},
		"empty elements":                   {&history.History{}, `{"events":[` + strings.Repeat("{},", mebibyte/3) + `{}]}`, false},
		"100,000 keys":                     {&common.Memo{}, `{"fields":{` + keys.String() + `"":0}}`, false},
		"100,000 equal keys":               {&common.Memo{}, `{"fields":{` + strings.Repeat(`"k":0,`, 100_000) + `"k":0}}`, true},
		"a value of 100,000 keys":          {&common.Payload{}, `{` + keys.String() + `"metadata":{}}`, false},
		"nested Any messages":              {&protocol.Message{}, anyWithin(45), false},
		"Any messages nested too deeply":   {&protocol.Message{}, anyWithin(5_000), true},
		"a number of a million digits":     {&common.Payload{}, strings.Repeat("1", mebibyte), false},
		"an integer of a million digits":   {&history.History{}, `{"events":[{"eventId":` + strings.Repeat("1", mebibyte) + `}]}`, true},
		"an integer with a large exponent": {&history.History{}, `{"events":[{"eventId":1e999999999}]}`, true},
		"escapes":                          {&failure.Failure{}, `{"message":"` + strings.Repeat(`\u00e4`, mebibyte/6) + `"}`, false},
	}
}

func TestHostileJSONIsBounded(t *testing.T) { //nolint:paralleltest // see requireBounded
	plans := transcode.NewPlans()
	for name, c := range hostileJSON() { //nolint:paralleltest // see requireBounded
		t.Run(name, func(t *testing.T) {
			plan := plans.Message(c.message.ProtoReflect().Descriptor())
			var wire []byte
			var err error
			requireBounded(t, func() { wire, err = plan.AppendWire(nil, []byte(c.text), transcode.Form{}) })
			require.Equal(t, c.fails, err != nil, "%v", err)
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
