package identity_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

// The gateway sets the identity of the request to the name of the caller, and the server adds the subject of the minted
// token to the event.
func TestHistoryContainsCaller(t *testing.T) {
	for _, c := range []struct{ key, name, namespace string }{
		{writerKey, "writer", defaultNamespace}, {otherWriterKey, "other-writer", otherNamespace},
	} {
		response, id := bearer(c.key).start(t, c.namespace)
		response.expect(t, http.StatusCreated)
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
