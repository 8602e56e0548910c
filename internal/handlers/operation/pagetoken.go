package operation

import (
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/seal"
)

// tokenScope is the scope of a page token's seal. The server trusts its own tokens, so a
// caller must neither forge one nor use one for another namespace or operation. The
// query is part of the scope because the server's token continues one query only.
type tokenScope struct {
	principal, namespace, operation, query string
}

func (s tokenScope) seal() seal.Scope {
	return seal.Scope{"page", s.principal, s.namespace, s.operation, s.query}
}

// sealPage seals a page token of the server for the caller. An empty token, which is
// the end of the list, results in an empty string.
func sealPage(keys *seal.Keys, scope tokenScope, upstream []byte) string {
	if len(upstream) == 0 {
		return ""
	}
	return keys.Seal(scope.seal(), upstream)
}

// openPage verifies a page token, and returns the server's token that it contains.
func openPage(keys *seal.Keys, scope tokenScope, token string) ([]byte, error) {
	if token == "" {
		return nil, nil
	}
	upstream, ok := keys.Open(scope.seal(), token)
	if !ok {
		return nil, problem.New(problem.InvalidPageToken, "The page token was not made for this caller, namespace and query.")
	}
	return upstream, nil
}
