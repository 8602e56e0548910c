package transcode_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/transcode"
)

func query(t *testing.T, raw string) url.Values {
	t.Helper()
	values, err := url.ParseQuery(raw)
	require.NoError(t, err)
	return values
}

// The rules are those of google.api.http as grpc-gateway implements them,
// because Temporal's own HTTP API uses grpc-gateway.
func TestQueryFollowsGRPCGateway(t *testing.T) {
	t.Parallel()
	messageType := sampleType(t)
	plan := transcode.NewPlans().Message(messageType.Descriptor())
	for raw, want := range map[string]string{
		"": "", "plainText=a": `plain_text: "a"`, "plain_text=a": `plain_text: "a"`, "plainText=": "", "plain_text": "",
		"plainText=a%26b%3D%2B+c": `plain_text: "a&b=+ c"`,
		"plainText=null":          `plain_text: "null"`,
		"%70lainText=%C3%A4":      `plain_text: "ä"`,
		"%40custom=x":             `renamed: "x"`,
		"renamed=x":               `renamed: "x"`,
		"innerOne.plainText=a":    `inner_one { plain_text: "a" }`,
		"inner_one.plainText=a":   `inner_one { plain_text: "a" }`,
		"innerOne.plain_text=":    `inner_one { }`,
		"innerOne.i32=1&innerOne.innerOne.i32=2&inner_one.flag=true": `inner_one { i32: 1 flag: true inner_one { i32: 2 } }`,

		"color=COLOR_DARK_RED": "color: COLOR_DARK_RED", "color=1": "color: COLOR_DARK_RED", "color=-5": "color: COLOR_COLD", "color=0": "",
		"color=DarkRed": "color: COLOR_DARK_RED", // the name in older versions of Temporal

		"flag=true": "flag: true", "flag=1": "flag: true", "flag=t": "flag: true", "flag=False": "", "flag=0": "",
		"i32=-2147483648": "i32: -2147483648", "i32=%2B2": "i32: 2", "i32=02": "i32: 2", "i64=9223372036854775807": "i64: 9223372036854775807",
		"u32=4294967295": "u32: 4294967295", "u64=18446744073709551615": "u64: 18446744073709551615", "s32=-1": "s32: -1",
		"s64=-9223372036854775808": "s64: -9223372036854775808", "f32=7": "f32: 7", "f64=7": "f64: 7", "sf32=-7": "sf32: -7", "sf64=-7": "sf64: -7",
		"float=1.5": "float: 1.5", "float=-1e10": "float: -1e10", "double=1e300": "double: 1e300", "double=NaN": "double: nan", "double=-Infinity": "double: -inf",
		"maybe=0": "maybe: 0",

		"raw=AP8%3D": `raw: "\x00\xff"`, "raw=AP8": `raw: "\x00\xff"`, "raw=_-8": `raw: "\xff\xef"`, "raw=%2F%2B8%3D": `raw: "\xff\xef"`, "raw=": "",

		"texts=b&texts=a&texts=":                                `texts: "b" texts: "a" texts: ""`,
		"counts=3&counts=-1":                                    `counts: 3 counts: -1`,
		"colors=1&colors=COLOR_UNSPECIFIED":                     `colors: COLOR_DARK_RED colors: COLOR_UNSPECIFIED`,
		"times=1970-01-01T00:00:01Z&times=1970-01-01T00:00:00Z": `times { seconds: 1 } times { }`,

		"atTime=2026-01-31T12:00:00.5%2B01:00": "at_time { seconds: 1769857200 nanos: 500000000 }",
		"at_time=0001-01-01T00:00:00Z":         "at_time { seconds: -62135596800 }",
		"howLong=1.5s":                         "how_long { seconds: 1 nanos: 500000000 }",
		"how_long=-0.000000001s":               "how_long { nanos: -1 }",
		"howLong=1h30m":                        "how_long { seconds: 5400 }",
		"howLong=250ms":                        "how_long { nanos: 250000000 }",
		"howLong=-1.5m":                        "how_long { seconds: -90 }",

		"someText=":                              `some_text { }`,
		"someText=a":                             `some_text { value: "a" }`,
		"some_count=-3":                          "some_count { value: -3 }",
		"someFlag=false":                         "some_flag { }",
		"someBytes=YQ%3D%3D":                     `some_bytes { value: "a" }`,
		"mask=a,b_c.d":                           `mask { paths: "a" paths: "b_c.d" }`,
		"labels[k]=v&labels[]=":                  `labels { key: "k" value: "v" } labels { key: "" value: "" }`,
		"labels[a.b[c]]=v":                       `labels { key: "a.b[c]" value: "v" }`,
		"byNumber[-2]=1&by_number[3]=COLOR_COLD": `by_number { key: -2 value: COLOR_DARK_RED } by_number { key: 3 value: COLOR_COLD }`,
		"innerOne.labels%5Bk%5D=v":               `inner_one { labels { key: "k" value: "v" } }`,
		"left=a":                                 `left: "a"`,
		"right.i32=1&right.flag=1":               "right { i32: 1 flag: true }",
	} {
		wire, err := plan.AppendQuery([]byte{}, query(t, raw), nil)
		require.NoError(t, err, raw)
		got := messageType.New().Interface()
		require.NoError(t, proto.Unmarshal(wire, got), raw)
		expected := sample(t, messageType, want)
		require.Equal(t, canonicalWire(t, expected), canonicalWire(t, got), "%s: %v", raw, got)
	}
}

// canonicalWire returns the deterministic wire form of a message. Tests compare
// this form because NaN does not equal itself.
func canonicalWire(t *testing.T, m proto.Message) string {
	t.Helper()
	wire, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	require.NoError(t, err)
	return string(wire)
}

func TestUnknownQueryNamesAreIgnored(t *testing.T) {
	t.Parallel()
	plan := transcode.NewPlans().Message(sampleType(t).Descriptor())
	for _, name := range []string{
		"pretty", "noPayloadShorthand", "unknown", "plainText.x", "innerOne.unknown", "inners.i32", "labels", "labels.k", "labels[k", "labels[k]x",
		"plainText[k]", "texts[0]", "innerOne[k]", "plaintext", "PLAIN_TEXT", "", ".", "plainText.", ".plainText", "innerOne..i32", "inner_one.",
		"texts.0", "color.number", "i32\x00", "\xff", strings.Repeat("innerOne.", 10_000) + "unknown", "[", "]", "[]", "labels[k].v", "maybe.x",
	} {
		wire, err := plan.AppendQuery(nil, url.Values{name: {"1"}}, nil)
		require.NoError(t, err, "%q", name)
		require.Empty(t, wire, "%q", name)
	}
}

func TestInvalidQueryValuesAreRejected(t *testing.T) {
	t.Parallel()
	plan := transcode.NewPlans().Message(sampleType(t).Descriptor())
	for _, raw := range []string{
		"plainText=a&plainText=a", "innerOne.i32=1&innerOne.i32=2", "labels[a]=1&labels[a]=2", "atTime=1970-01-01T00:00:00Z&atTime=",
		"plainText=a&plain_text=b", "innerOne.i32=1&inner_one.i32=1", "byNumber[1]=1&by_number[1]=1", // one field by its proto name and by its JSON name
		"plainText=%FF", "texts=a&texts=%C3", "raw=*", "raw=A", "raw=AP%2F-", "flag=yes", "flag=", "flag=2",
		"color=RED", "color=7", "color=", "color=1.0", "color=4294967297", "colors=1&colors=x",
		"i32=2147483648", "i32=", "i32=a", "i32=1.5", "i32=0x10", "i32=1_000", "i32=+", "i64=9223372036854775808", "u32=-1", "u32=4294967296",
		"u64=18446744073709551616", "u64=-1", "s32=2147483648", "f32=-1", "sf64=a", "float=1e39", "float=a", "double=1e309", "double=0x1p-2", "double=",
		"double=--1", "double=inf", "counts=1&counts=", "maybe=",
		"atTime=", "atTime=2026-01-31", "atTime=10000-01-01T00:00:00Z", "atTime=1", "atTime=2026-13-01T00:00:00Z", "atTime=0000-12-31T23:59:59Z",
		"howLong=", "howLong=1", "howLong=s", "howLong=9999999999999s", "howLong=1.0000000001x",
		"someCount=a", "someCount=", "someFlag=2", "someBytes=*", "byNumber[a]=1", "byNumber[1]=x", "byNumber[]=1", "labels[%FF]=a",
		"innerOne=a", "innerOne=", "inners=a", "anything=a", "payload=a", "right=", "innerOne.innerOne=%7B%7D",
	} {
		_, err := plan.AppendQuery(nil, query(t, raw), nil)
		var input *transcode.InputError
		require.ErrorAs(t, err, &input, raw)
		require.True(t, strings.HasPrefix(input.Pointer, "?"), raw)
		require.NotEmpty(t, input.Reason, raw)
	}
}

func TestQueryDoesNotOverridePathParameters(t *testing.T) {
	t.Parallel()
	plan := transcode.NewPlans().Message((&workflowservice.DescribeWorkflowExecutionRequest{}).ProtoReflect().Descriptor())
	id, ok := plan.Parameter("execution.workflow_id")
	require.True(t, ok)
	namespace, ok := plan.Parameter("namespace")
	require.True(t, ok)
	bound := []transcode.Parameter{namespace, id}
	wire, err := plan.AppendQuery(nil, query(t, "namespace=other&namespace=x&execution.workflowId=w&execution.workflow_id=w&execution.runId=r"), bound)
	require.NoError(t, err)
	for i, p := range bound {
		wire, err = p.AppendValue(wire, []string{"default", "a/b"}[i])
		require.NoError(t, err)
	}
	got := &workflowservice.DescribeWorkflowExecutionRequest{}
	require.NoError(t, proto.Unmarshal(wire, got))
	require.Equal(t, "default", got.GetNamespace())
	require.Equal(t, "a/b", got.GetExecution().GetWorkflowId())
	require.Equal(t, "r", got.GetExecution().GetRunId())

	execution, ok := plan.Parameter("execution") // a bound message covers its fields
	require.True(t, ok)
	wire, err = plan.AppendQuery(nil, query(t, "execution.runId=r"), []transcode.Parameter{execution})
	require.NoError(t, err)
	require.Empty(t, wire)
}

func TestParameterFindsOnlyExistingFields(t *testing.T) {
	t.Parallel()
	plan := transcode.NewPlans().Message(sampleType(t).Descriptor())
	for path, want := range map[string]string{
		"plain_text": "plain_text", "plainText": "plain_text", "innerOne.inner_one.atTime": "inner_one.inner_one.at_time", "@custom": "renamed",
	} {
		p, ok := plan.Parameter(path)
		require.True(t, ok, path)
		require.Equal(t, want, p.Path)
	}
	for _, path := range []string{"", "x", "inners.i32", "labels", "labels.key", "plain_text.x", "inner_one.", ".inner_one"} {
		_, ok := plan.Parameter(path)
		require.False(t, ok, path)
	}
}

func TestParameterValuesAreValidated(t *testing.T) {
	t.Parallel()
	messageType := sampleType(t)
	plan := transcode.NewPlans().Message(messageType.Descriptor())
	begin := []byte("begin")
	for path, text := range map[string]string{"plain_text": "\xff", "inner_one.i32": "x", "color": "x", "inner_one": "x", "at_time": "x"} {
		p, ok := plan.Parameter(path)
		require.True(t, ok, path)
		got, err := p.AppendValue(begin, text)
		require.ErrorAs(t, err, new(*transcode.InputError), path)
		require.Equal(t, "begin", string(got), "after an error, dst must be unchanged")
	}
	p, _ := plan.Parameter("inner_one.plain_text")
	wire := []byte{}
	for _, text := range []string{"a", "b/%2F", ""} { // a decoder takes the last value
		var err error
		wire, err = p.AppendValue(wire, text)
		require.NoError(t, err)
	}
	got := messageType.New().Interface()
	require.NoError(t, proto.Unmarshal(wire, got))
	require.Equal(t, canonicalWire(t, sample(t, messageType, `inner_one { plain_text: "" }`)), canonicalWire(t, got))
}
