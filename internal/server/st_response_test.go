package server_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"
)

// answered is an answer, read whole.
type answered struct {
	status int
	header http.Header
	body   string
	closes bool // the server closes the connection
}

// field gives a member of the JSON body.
func (a answered) field(t *testing.T, name string) string {
	t.Helper()
	members := map[string]jsontext.Value{}
	require.NoError(t, json.Unmarshal([]byte(a.body), &members), a.body)
	var text string
	if json.Unmarshal(members[name], &text) == nil {
		return text
	}
	return string(members[name])
}

// read takes an answer whole.
func read(t testing.TB, response *http.Response) answered {
	t.Helper()
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return answered{status: response.StatusCode, header: response.Header, body: string(text), closes: response.Close}
}
