package server_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"
	gojwt "github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/temporalfake"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// attempt is a valid request for an operation, and the access that the operation requires.
type attempt struct {
	method, path, body string
	access             auth.Access
}

// documentedOperations returns the operations in the OpenAPI document of the client API. It calls each operation with
// RootKey, and takes the required access from the RPC with the highest role that the operation calls.
func documentedOperations(t *testing.T, g *servertest.Gateway) []attempt {
	t.Helper()
	type operation struct {
		OperationID string `json:"operationId"`
	}
	var document struct {
		Paths map[string]struct{ Get, Post, Put, Patch, Delete operation } `json:"paths"`
	}
	text := getAnonymously(t, g.Client, "/v1/openapi.json").Body
	require.NoError(t, json.Unmarshal([]byte(text), &document, json.MatchCaseInsensitiveNames(true)))
	var found []attempt
	for path, methods := range document.Paths {
		for method, operation := range map[string]operation{
			http.MethodGet: methods.Get, http.MethodPost: methods.Post, http.MethodPut: methods.Put, http.MethodPatch: methods.Patch,
			http.MethodDelete: methods.Delete,
		} {
			if operation.OperationID == "" || strings.HasPrefix(operation.OperationID, "getOpenApi") { // public
				continue
			}
			a := attempt{method: method, path: servertest.PathVariable.ReplaceAllString(strings.NewReplacer(
				"{namespace}", "default", "{workflowId}", "order").Replace(path), "id")}
			a.body = map[string]string{
				"startWorkflow": servertest.StartBody(""), "signalWorkflow": `{"signal":"s"}`, "queryWorkflow": `{"query":"q"}`, "createToken": `{"read":true}`,
				"registerNamespace":   `{"name":"default","retention":"24h"}`,
				"getTaskReachability": `{"buildIds":["7"]}`, // only the call shows that it is a read
			}[operation.OperationID]
			if operation.OperationID == "queryWorkflowByName" {
				a.path += "?query=q"
			}
			before := len(g.Upstream.AllCalls())
			resp := g.Do(t, a.method, a.path, a.body, servertest.Bearer(servertest.RootKey)...)
			require.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusMethodNotAllowed}, resp.Status, operation.OperationID)
			a.access = auth.Access{Role: auth.RoleRead, Scope: auth.ScopeNamespace}
			if method != http.MethodGet && resp.Status >= http.StatusBadRequest { // the body is not valid, so no RPC was called
				a.access.Role = auth.RoleWrite
			}
			for _, call := range g.Upstream.AllCalls()[before:] {
				access, _ := auth.AccessOf("/temporal.api.workflowservice.v1.WorkflowService/" + call.Method)
				if access.Role >= a.access.Role {
					a.access = access
				}
			}
			found = append(found, a)
		}
	}
	return found
}

// temporalOperations returns the operations of the Temporal HTTP API.
func temporalOperations(t *testing.T, _ *servertest.Gateway) []attempt {
	t.Helper()
	var found []attempt
	for _, b := range servertest.Bindings(t) {
		found = append(found, attempt{b.HTTPMethod, b.Path("default"), b.Body("default"), b.Access(t)})
	}
	return found
}

// insufficient returns credentials that do not permit the operation, grouped by the reason.
func (a attempt) insufficient(t *testing.T, g *servertest.Gateway) map[string][]string {
	t.Helper()
	permitted := func(permissions ...string) string {
		return servertest.NewJWT(servertest.WithClaim("permissions", permissions))
	}
	found := map[string][]string{"invalid": {
		wrongKey, servertest.DisabledKey, servertest.ExpiredKey, servertest.NewJWT(servertest.WithTimeClaim("iat", -2*time.Hour), servertest.WithTimeClaim("exp", -time.Hour)), servertest.NewJWT(servertest.WithClaim("aud", "other")),
		servertest.NewJWT(servertest.SignedBy("ec", gojwt.SigningMethodES256, servertest.ForgerKey())), "fgt.AAAA",
	}}
	if a.access.Scope == auth.ScopeNone {
		return found
	}
	found["elsewhere"] = []string{servertest.OtherNamespacesKey, permitted("elsewhere:admin", "default-2:admin", "*:admin", "default*:admin"), permitted()}
	roles := map[auth.Role]string{auth.RoleRead: servertest.ReaderKey, auth.RoleWrite: servertest.WriterKey}
	for role, key := range roles {
		if a.access.Role > role || a.access.Scope == auth.ScopeCluster {
			found["lower role"] = append(found["lower role"], key, permitted("default:"+role.String()))
		}
		if a.access.Role > role && a.access.Scope == auth.ScopeCluster {
			found["lower role"] = append(found["lower role"], permitted("temporal-system:"+role.String()))
		}
	}
	if a.access.Scope == auth.ScopeCluster {
		found["lower role"] = append(found["lower role"], permitted("default:admin"))
	}
	found["another workflow"] = []string{g.Do(t, http.MethodPost, servertest.WorkflowsPath+"/other/tokens", servertest.TokenBody).Field(t, "token")}
	return found
}

// The test sends a request for every operation of each door with every kind of insufficient credential. None of these
// requests makes an upstream call.
func TestForbiddenOperationsMakeNoUpstreamCall(t *testing.T) {
	t.Parallel()
	for name, operations := range map[string]func(*testing.T, *servertest.Gateway) []attempt{"/v1": documentedOperations, "the Temporal HTTP API": temporalOperations} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := servertest.Start(t, servertest.Options{Configure: servertest.Apply(servertest.WithTemporalKeys(t), servertest.TrustIssuer(t, ""), func(cfg *config.Config) {
					cfg.Auth.FailureLimit.Burst = 1_000_000
				}), KeyTransport: servertest.NewIssuer()})
				synctest.Wait()
				serveAll(t, g)
				attempts := operations(t, g)
				before, denied := len(g.Upstream.AllCalls()), map[string]int{}
				for _, attempt := range attempts {
					for reason, credentials := range attempt.insufficient(t, g) {
						for _, credential := range credentials {
							resp := g.Do(t, attempt.method, attempt.path, attempt.body, servertest.Bearer(credential)...)
							status := http.StatusForbidden
							if reason == "invalid" {
								status = http.StatusUnauthorized
							}
							require.Equal(t, status, resp.Status, "%s %s as %s (%s): %s", attempt.method, attempt.path, reason, credential, resp.Body)
							denied[reason]++
						}
					}
					resp := servertest.Request{Method: attempt.method, Path: attempt.path, Body: attempt.body, Anonymous: true}.Send(t, g)
					require.Equal(t, http.StatusUnauthorized, resp.Status, attempt.path)
					denied["no credential"]++
				}
				require.Len(t, g.Upstream.AllCalls(), before)
				t.Logf("%d operations, denied: %v, 0 upstream calls", len(attempts), denied)
			})
		})
	}
}

// serveAll makes the upstream respond to every RPC that a door can call.
func serveAll(t *testing.T, g *servertest.Gateway) {
	t.Helper()
	for method := range auth.AccessTable() {
		if name := method[strings.LastIndexByte(method, '/')+1:]; name != "GetSystemInfo" {
			g.Upstream.Handle(name, upstreamtest.RespondWithUnknownField(0))
		}
	}
	temporalfake.NewWorkflow(g.Upstream).Complete()
}
