package servertest

import (
	"io"
	"net/http"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"
)

// Response is an HTTP response with its complete body.
type Response struct {
	Status int
	Header http.Header
	Body   string
	Close  bool // the server closes the connection after the response
}

// Field returns a member of the JSON body: the decoded value if it is a string, otherwise the JSON text. It returns an
// empty string if there is no such member.
func (r Response) Field(t *testing.T, name string) string {
	t.Helper()
	members := map[string]jsontext.Value{}
	require.NoError(t, json.Unmarshal([]byte(r.Body), &members), r.Body)
	var text string
	if json.Unmarshal(members[name], &text) == nil {
		return text
	}
	return string(members[name])
}

// ReadResponse reads a response to its end and closes the body.
func ReadResponse(t testing.TB, response *http.Response) Response {
	t.Helper()
	r, err := readResponse(response)
	require.NoError(t, err)
	return r
}

func readResponse(response *http.Response) (Response, error) {
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	return Response{Status: response.StatusCode, Header: response.Header, Body: string(text), Close: response.Close}, err
}
