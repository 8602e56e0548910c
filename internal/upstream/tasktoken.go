package upstream

import (
	"context"
	"sync"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
)

// namespaceIDRefresh is the age from which the known id of a namespace is fetched again if
// a task token does not match it. The id changes only if the namespace is deleted and
// registered again. The age bounds the calls that forged tokens can cause.
const namespaceIDRefresh = 10 * time.Second

// namespaceIDs has the ids of the namespaces whose task tokens were checked, by name. Only
// namespaces that exist are in it, so its size is bounded. It is safe for concurrent use.
type namespaceIDs struct {
	mu    sync.Mutex
	known map[string]namespaceID
}

type namespaceID struct {
	id      string
	fetched time.Time
}

func (n *namespaceIDs) get(namespace string) namespaceID {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.known[namespace]
}

func (n *namespaceIDs) set(namespace, id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.known == nil {
		n.known = map[string]namespaceID{}
	}
	n.known[namespace] = namespaceID{id, time.Now()}
}

// checkTaskTokens rejects a request with a task token of another namespace than the
// authorised one. The token has the namespace's id instead of its name, and is not signed.
// The server compares the two only if its setting frontend.enableTokenNamespaceEnforcement
// is on. Without this check, the gateway would rely on that setting of every server.
//
// The id is known after the first call of DescribeNamespace for the namespace. If that call
// fails, the request fails.
func (c *Client) checkTaskTokens(ctx context.Context, principal *auth.Principal, options *CallOptions, rpc rpcCall) error {
	ids := c.methods[rpc.method].TaskTokenNamespaceIDs(rpc.request)
	if len(ids) == 0 {
		return nil
	}
	known := c.namespaceIDs.get(options.Namespace)
	if !allEqual(ids, known.id) && time.Since(known.fetched) >= namespaceIDRefresh {
		id, err := c.describeNamespaceID(ctx, principal, options)
		if err != nil {
			return err
		}
		c.namespaceIDs.set(options.Namespace, id)
		known.id = id
	}
	if !allEqual(ids, known.id) {
		return problem.New(problem.NamespaceMismatch, "The task token belongs to a namespace other than the one that the request is sent to.")
	}
	return nil
}

func (c *Client) describeNamespaceID(ctx context.Context, principal *auth.Principal, options *CallOptions) (string, error) {
	const method = workflowservice.WorkflowService_DescribeNamespace_FullMethodName
	request, err := proto.Marshal(&workflowservice.DescribeNamespaceRequest{Namespace: options.Namespace})
	if err != nil {
		return "", problem.New(problem.InvalidRequest, "The namespace is not valid UTF-8.").WithCause(err)
	}
	rpc := rpcCall{method: method, request: request}
	rpc.access, rpc.known = auth.AccessOf(method)
	internal := *options
	internal.Internal = true
	received, err := c.invoke(ctx, principal, &internal, rpc)
	if err != nil {
		return "", err
	}
	defer received.Release()
	response := &workflowservice.DescribeNamespaceResponse{}
	if err := proto.Unmarshal(received.Bytes(), response); err != nil {
		return "", problem.UnreadableResponse(err)
	}
	if response.GetNamespaceInfo().GetId() == "" {
		return "", problem.UnreadableResponse(nil)
	}
	return response.GetNamespaceInfo().GetId(), nil
}

func allEqual(values []string, want string) bool {
	for _, value := range values {
		if value != want {
			return false
		}
	}
	return true
}
