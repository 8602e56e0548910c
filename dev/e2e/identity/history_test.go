package identity_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// The gateway writes the caller's name into the request, and the server, which takes it from the token's signature, writes
// it beside.
func TestTheCallerStandsInTheHistory(t *testing.T) {
	for _, c := range []struct{ key, name, namespace string }{
		{writerKey, "writer", defaultNamespace}, {strangerKey, "stranger", otherNamespace},
	} {
		a, id := bearer(c.key).start(t, c.namespace)
		a.expect(t, http.StatusCreated)
		history := as[struct {
			Events []struct {
				Principal  struct{ Type, Name string }
				Attributes struct{ Identity string } `json:"workflowExecutionStartedEventAttributes"`
			}
		}](t, bearer(c.key).get(t, workflows(c.namespace)+"/"+id+"/history?payloads=raw").expect(t, http.StatusOK))
		require.NotEmpty(t, history.Events)
		require.Equal(t, c.name, history.Events[0].Attributes.Identity)
		require.Equal(t, struct{ Type, Name string }{"jwt", c.name}, history.Events[0].Principal)
	}
}
