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
		openapi.StartBatchJSONRequestBody{},
		openapi.StopBatchJSONRequestBody{},
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
	}
}

// container is a list or a map somewhere in a request body.
type container struct {
	pointer string
	// values are the members around it, and itself.
	values int
	// Body is a request body with so many elements in the container.
	body func(elements int) string
}

// containers finds the lists and maps below t. The inside of a JSON is none.
func containers(t reflect.Type, c container) []container {
	switch {
	case t.Kind() == reflect.Pointer:
		return containers(t.Elem(), c)
	case t == reflect.TypeFor[openapi.JSON](), t == reflect.TypeFor[[]byte]():
		return nil
	case reflect.PointerTo(t).Implements(reflect.TypeFor[json.UnmarshalerFrom]()): // Change
		to, _ := t.FieldByName("To")
		return containers(to.Type, c)
	case t.Kind() == reflect.Slice, t.Kind() == reflect.Map:
		return append([]container{c.of(t)}, containers(t.Elem(), c.inside(t))...)
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

// member is c around the member of an object. The elements of a container are
// the text that stands in the innermost member.
func (c container) member(name string) container {
	return c.wrap("/"+name, `{"`+name+`":`, "}")
}

// inside is c around the only element of a container of type t.
func (c container) inside(t reflect.Type) container {
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

func (c container) of(t reflect.Type) container {
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
		of := reflect.TypeOf(body)
		decode := func(text string) error {
			return json.Unmarshal([]byte(text), reflect.New(of).Interface(), unmarshalOptions(len(text), limit))
		}
		for _, c := range containers(of, container{body: func(int) string { return "@" }}) {
			seen++
			room := limit - c.values
			require.NoError(t, decode(c.body(room)), "%s%s", of.Name(), c.pointer)
			err := jsonProblem(decode(c.body(room+1)), limit)
			require.True(t, problem.Is(err, problem.PayloadTooLarge), "%s%s: %v", of.Name(), c.pointer, err)
			e := problem.Of(err)
			require.Equal(t, "The request body has more than 10000 values.", e.Detail)
			require.Equal(t, c.pointer+"/"+strconv.Itoa(room), e.Members.Errors[0].Pointer, of.Name())
		}
	}
	t.Logf("%d lists and maps in %d types of body", seen, len(requestBodies()))
	require.GreaterOrEqual(t, seen, 40)
}

func TestTheInsideOfOneValueIsNotCounted(t *testing.T) {
	t.Parallel()
	big := "[" + strings.Repeat("0,", 1_000_000) + "0]"
	text := `{"workflowType":"T","args":[` + big + `],"memo":{"m":` + big + `},"argPayloads":[{"json":` + big + `}]}`
	var body openapi.StartWorkflowRequest
	require.NoError(t, json.Unmarshal([]byte(text), &body, unmarshalOptions(len(text), maxValues)))
	require.Len(t, body.Args[0], len(big))
	require.Len(t, body.Memo["m"], len(big))
}

// TestCountingValuesChangesNothingElse compares the errors of bodies that are
// counted with those of bodies that are too short for it.
func TestCountingValuesChangesNothingElse(t *testing.T) {
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

func TestSmallBodiesHaveRoomForEveryMember(t *testing.T) {
	t.Parallel()
	require.Equal(t, 10_000, valueLimit(4<<20))
	require.Equal(t, 1024, valueLimit(64<<10), "the message stays below twice the largest body")
	require.Equal(t, 100, valueLimit(1))
}

const smallStart = `{"workflowType":"Order","workflowId":"order-1","taskQueue":"orders","args":[{"orderId":"order-1","items":[1,2,3]}]}`

func BenchmarkDecodeSmall(b *testing.B) { benchmarkDecode(b, smallStart) }

// BenchmarkDecodeCounted has a body that is long enough to be counted.
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
		if err := a.decode(r, []byte(text), BodyRequired, new(openapi.StartWorkflowRequest)); err != nil {
			b.Fatal(err)
		}
	}
}
