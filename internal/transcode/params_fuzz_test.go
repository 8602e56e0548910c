package transcode_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/flowgate/flowgate/internal/transcode"
	"github.com/flowgate/flowgate/internal/transcode/transcodetest"
)

// FuzzQuery converts query strings to messages of all types. The result is an
// InputError, or a valid message without unknown fields. The size of the message
// is at most proportional to that of the query string.
func FuzzQuery(f *testing.F) {
	plans, all := transcode.NewPlans(), append([]protoreflect.MessageType{sampleType(f)}, transcodetest.LinkedMessageTypes(f)...)
	for _, raw := range []string{
		"", "plainText=a&color=1&texts=a&texts=b", "innerOne.innerOne.labels[k]=v&byNumber[1]=1", "atTime=2026-01-31T12:00:00Z&howLong=1h", "raw=AP8",
		"double=1e300&f64=1&sf32=-1&u64=18446744073709551615", "someText=&someCount=1&mask=a,b", "namespace=n&execution.workflowId=w&pageSize=1",
		"left=a&right.i32=1", "labels[]=&labels[a]=&labels[a.b]=%FF", strings.Repeat("innerOne.", 300) + "i32=1", "a;b=c", "%zz=1&i32=1", "[=]&.=.&a[=1",
	} {
		f.Add(raw, uint16(0))
	}
	for i, messageType := range all { // a query string with each field of the message
		values := url.Values{}
		for j := range messageType.Descriptor().Fields().Len() {
			values.Add(messageType.Descriptor().Fields().Get(j).JSONName(), "1")
		}
		f.Add(values.Encode(), uint16(i))
	}
	f.Fuzz(func(t *testing.T, raw string, index uint16) {
		messageType := all[int(index)%len(all)]
		plan := plans.Message(messageType.Descriptor())
		values, _ := url.ParseQuery(raw) // the valid part of raw
		wire, err := plan.AppendQuery(nil, values, nil)
		again, errAgain := plan.AppendQuery(nil, values, nil)
		require.Equal(t, err, errAgain, "the result depends on the order of map iteration")
		require.Equal(t, wire, again)
		if err != nil {
			require.ErrorAs(t, err, new(*transcode.InputError))
			return
		}
		require.LessOrEqual(t, len(wire), 16*len(raw)+16)
		if strings.Count(raw, ".") > 5_000 {
			return // nested too deeply for a decoder
		}
		m := messageType.New()
		require.NoError(t, proto.Unmarshal(wire, m.Interface()))
		require.Empty(t, m.GetUnknown())
		for name := range values {
			bound, ok := plan.Parameter(name)
			if !ok {
				continue
			}
			without, err := plan.AppendQuery(nil, values, []transcode.Parameter{bound})
			require.NoError(t, err)
			m := messageType.New()
			require.NoError(t, proto.Unmarshal(without, m.Interface()))
			require.False(t, isSet(m, bound.Path), "the query string set %s, which the path sets", name)
			break
		}
	})
}

// isSet reports whether the field at a path is set.
func isSet(m protoreflect.Message, path string) bool {
	name, rest, more := strings.Cut(path, ".")
	field := m.Descriptor().Fields().ByName(protoreflect.Name(name))
	if !m.Has(field) || !more {
		return m.Has(field)
	}
	return isSet(m.Get(field).Message(), rest)
}
