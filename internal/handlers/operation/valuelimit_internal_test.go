package operation

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/request"
)

// requestBodies has a value of every type of request body.
func requestBodies() []any {
	return []any{
		openapi.PollActivityTaskJSONRequestBody{},
		openapi.UpdateBuildIDCompatibilityJSONRequestBody{},
		openapi.GetTaskReachabilityJSONRequestBody{},
		openapi.StartBatchJSONRequestBody{},
		openapi.StopBatchJSONRequestBody{},
		openapi.StartActivityJSONRequestBody{},
		openapi.CancelActivityJSONRequestBody{},
		openapi.TerminateActivityJSONRequestBody{},
		openapi.CompleteActivityJSONRequestBody{},
		openapi.FailActivityJSONRequestBody{},
		openapi.HeartbeatActivityJSONRequestBody{},
		openapi.ReportActivityCancellationJSONRequestBody{},
		openapi.SetDeploymentCurrentVersionJSONRequestBody{},
		openapi.SetDeploymentManagerJSONRequestBody{},
		openapi.SetDeploymentRampingVersionJSONRequestBody{},
		openapi.UpdateDeploymentVersionMetadataJSONRequestBody{},
		openapi.RegisterNamespaceJSONRequestBody{},
		openapi.UpdateNamespaceJSONRequestBody{},
		openapi.AddSearchAttributesJSONRequestBody{},
		openapi.StartWorkflowJSONRequestBody{},
		openapi.UpdateWorkflowOptionsJSONRequestBody{},
		openapi.CancelWorkflowJSONRequestBody{},
		openapi.PauseWorkflowJSONRequestBody{},
		openapi.QueryWorkflowJSONRequestBody{},
		openapi.ResetWorkflowJSONRequestBody{},
		openapi.SignalWorkflowJSONRequestBody{},
		openapi.TerminateWorkflowJSONRequestBody{},
		openapi.CreateTokenJSONRequestBody{},
		openapi.UnpauseWorkflowJSONRequestBody{},
		openapi.UpdateWorkflowJSONRequestBody{},
		openapi.UpdateWithStartJSONRequestBody{},
		openapi.CreateScheduleJSONRequestBody{},
		openapi.ReplaceScheduleJSONRequestBody{},
		openapi.PatchScheduleJSONRequestBody{},
		openapi.PatchScheduleApplicationMergePatchPlusJSONRequestBody{},
		openapi.PauseScheduleJSONRequestBody{},
		openapi.UnpauseScheduleJSONRequestBody{},
		openapi.TriggerScheduleJSONRequestBody{},
		openapi.BackfillScheduleJSONRequestBody{},
	}
}

// container is a list or a map somewhere in a request body.
type container struct {
	pointer string
	// values is the number of values in a body whose container is empty.
	values int
	// body returns a request body with the given number of elements in the container.
	// While containers builds c, "@" marks where the container will be inserted.
	body func(elements int) string
}

// containers returns every list and map in a value of type t. c has the mark in place of
// that value. An openapi.JSON has no lists or maps, because it is not decoded.
func containers(t reflect.Type, c container) []container {
	switch {
	case strings.Contains(c.pointer, "/cause/cause"): // a failure has the type of its cause
		return nil
	case t.Kind() == reflect.Pointer:
		return containers(t.Elem(), c)
	case t == reflect.TypeFor[openapi.JSON](), t == reflect.TypeFor[[]byte]():
		return nil
	case t == reflect.TypeFor[openapi.CalendarField]():
		return containers(reflect.TypeFor[[]openapi.ScheduleRange](), c)
	case t == reflect.TypeFor[openapi.MergePatch](): // at any depth
		once := containers(reflect.TypeFor[map[string]openapi.JSON](), c)
		return append(once, containers(reflect.TypeFor[map[string]openapi.JSON](), c.member("a"))...)
	case reflect.PointerTo(t).Implements(reflect.TypeFor[json.UnmarshalerFrom]()): // Change
		to, _ := t.FieldByName("To")
		return containers(to.Type, c)
	case t.Kind() == reflect.Slice, t.Kind() == reflect.Map:
		return append([]container{c.filled(t)}, containers(t.Elem(), c.element(t))...)
	case t.Kind() == reflect.Struct:
		var found []container
		for field := range t.Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			found = append(found, containers(field.Type, c.member(name))...)
		}
		return found
	default:
		return nil
	}
}

// member returns c extended by an object, with the mark in its member of this name.
func (c container) member(name string) container {
	return c.wrap("/"+name, `{"`+name+`":`, "}")
}

// element returns c extended by a list or map of type t, with the mark in its only
// element.
func (c container) element(t reflect.Type) container {
	if t.Kind() == reflect.Map {
		return c.member("a")
	}
	return c.wrap("/0", "[", "]")
}

func (c container) wrap(pointer, begin, end string) container {
	outer := c.body
	return container{pointer: c.pointer + pointer, values: c.values + 1, body: func(n int) string {
		text := outer(n)
		return strings.Replace(text, "@", begin+"@"+end, 1)
	}}
}

// filled returns c with a list or map of type t, with any number of elements, in place of
// the mark.
func (c container) filled(t reflect.Type) container {
	sample := map[reflect.Kind]string{reflect.String: `""`, reflect.Struct: `{}`, reflect.Slice: `""`}[t.Elem().Kind()]
	if t.Elem() == reflect.TypeFor[openapi.JSON]() {
		sample = "0"
	}
	outer := c.body
	c.body = func(n int) string {
		elements := make([]string, n)
		for i := range elements {
			elements[i] = sample
			if t.Kind() == reflect.Map {
				elements[i] = `"` + strconv.Itoa(i) + `":` + sample
			}
		}
		text := "[" + strings.Join(elements, ",") + "]"
		if t.Kind() == reflect.Map {
			text = "{" + strings.Join(elements, ",") + "}"
		}
		return strings.Replace(outer(n), "@", text, 1)
	}
	return c
}

func TestEveryListAndMapOfARequestIsBounded(t *testing.T) {
	t.Parallel()
	generated, err := os.ReadFile("../openapi/openapi.gen.go")
	require.NoError(t, err)
	require.Len(t, requestBodies(), bytes.Count(generated, []byte("JSONRequestBody = ")), "a type of body is missing here")
	const limit = maxValues
	seen := 0
	for _, body := range requestBodies() {
		bodyType := reflect.TypeOf(body)
		decode := func(text string) error {
			return json.Unmarshal([]byte(text), reflect.New(bodyType).Interface(), unmarshalOptions(len(text), limit))
		}
		for _, c := range containers(bodyType, container{body: func(int) string { return "@" }}) {
			seen++
			most := limit - c.values
			require.NoError(t, decode(c.body(most)), "%s%s", bodyType.Name(), c.pointer)
			err := jsonProblem(decode(c.body(most+1)), limit)
			require.True(t, problem.Is(err, problem.PayloadTooLarge), "%s%s: %v", bodyType.Name(), c.pointer, err)
			e := problem.Of(err)
			require.Equal(t, "The request body has more than 10000 values.", e.Detail)
			require.Equal(t, c.pointer+"/"+strconv.Itoa(most), e.Members.Errors[0].Pointer, bodyType.Name())
		}
	}
	t.Logf("%d lists and maps in %d types of body", seen, len(requestBodies()))
	require.GreaterOrEqual(t, seen, 40)
}

func TestValuesInsideAnArgumentAreNotCounted(t *testing.T) {
	t.Parallel()
	big := "[" + strings.Repeat("0,", 1_000_000) + "0]"
	text := `{"workflowType":"T","args":[` + big + `],"memo":{"m":` + big + `},"argPayloads":[{"json":` + big + `}]}`
	var body openapi.StartWorkflowRequest
	require.NoError(t, json.Unmarshal([]byte(text), &body, unmarshalOptions(len(text), maxValues)))
	require.Len(t, body.Args[0], len(big))
	require.Len(t, body.Memo["m"], len(big))
}

// TestCountingValuesKeepsResultsAndErrors decodes each body with and without counting.
func TestCountingValuesKeepsResultsAndErrors(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{}`, `{"args":[1,"a",null,{"b":[]}],"memo":{"m":1},"priority":{"priorityKey":2}}`, `{"args":null,"memo":null}`,
		`{"args":{}}`, `{"args":[1,1e400,]}`, `{"memo":{"a":1,"a":2}}`, `{"memo":{"a":{"b":1,"b":2}}}`, `{"x":1}`, `{"priority":{"y":1}}`,
		`{"argPayloads":[{"metadata":{"encoding":"?"}}]}`, `{"argPayloads":[{"metadata":{"a":"","a":""}}]}`, `{"workflowType":1}`,
		`{"workflowType":"a","workflowType":"b"}`, `{"retryPolicy":{"nonRetryableErrorTypes":["a",1]}}`, `{"args":[1]}}`, `[`, `{"memo":{"` + "\xff" + `":1}}`,
	} {
		var counted, plain openapi.StartWorkflowRequest
		got := json.Unmarshal([]byte(text), &counted, json.RejectUnknownMembers(true), json.WithUnmarshalers(countValues(maxValues)))
		want := json.Unmarshal([]byte(text), &plain, unmarshalOptions(len(text), maxValues))
		require.Equal(t, plain, counted, text)
		if want == nil {
			require.NoError(t, got, text)
			continue
		}
		require.Equal(t, jsonProblem(want, maxValues).(*problem.Error).Members, jsonProblem(got, maxValues).(*problem.Error).Members, text) //nolint:errorlint,forcetypeassert // it is one
		require.Equal(t, errors.As(want, new(*jsontext.SyntacticError)), errors.As(got, new(*jsontext.SyntacticError)), text)
	}
}

func TestTheValueLimitDependsOnTheMaximumBodySize(t *testing.T) {
	t.Parallel()
	require.Equal(t, 10_000, valueLimit(4<<20))
	require.Equal(t, 1024, valueLimit(64<<10), "the message to Temporal stays below twice 64 KB")
	require.Equal(t, 100, valueLimit(1))
}

const smallStart = `{"workflowType":"Order","workflowId":"order-1","taskQueue":"orders","args":[{"orderId":"order-1","items":[1,2,3]}]}`

func BenchmarkDecodeSmall(b *testing.B) { benchmarkDecode(b, smallStart) }

// BenchmarkDecodeCounted decodes a body that is long enough for its values to be counted.
func BenchmarkDecodeCounted(b *testing.B) {
	benchmarkDecode(b, strings.Replace(smallStart, `"args":[`, `"args":[`+strings.Repeat(`{"orderId":"order-1"},`, 1000), 1))
}

func benchmarkDecode(b *testing.B, text string) {
	b.Helper()
	a := &Adapter{Front: &request.Front{Bodies: &request.Bodies{Max: 4 << 20}}}
	r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/", nil)
	r.Header.Set("Content-Type", "application/json")
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if err := a.decode(r, []byte(text), &Spec{Body: BodyRequired}, new(openapi.StartWorkflowRequest)); err != nil {
			b.Fatal(err)
		}
	}
}
