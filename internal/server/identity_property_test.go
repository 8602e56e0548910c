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
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// attempt is an operation as a request that is good, and what it takes.
type attempt struct {
	method, path, body string
	access             auth.Access
}

// documented are the operations of the client API, as it describes itself. What
// they take is what the RPCs take that they make for somebody who may.
func documented(t *testing.T, g *gateway) []attempt {
	t.Helper()
	type operation struct {
		OperationID string `json:"operationId"`
	}
	var document struct {
		Paths map[string]struct{ Get, Post, Put, Patch, Delete operation } `json:"paths"`
	}
	text := visit(t, g.client, "/v1/openapi.json").body
	require.NoError(t, json.Unmarshal([]byte(text), &document, json.MatchCaseInsensitiveNames(true)))
	var found []attempt
	for path, has := range document.Paths {
		for method, operation := range map[string]operation{
			http.MethodGet: has.Get, http.MethodPost: has.Post, http.MethodPut: has.Put, http.MethodPatch: has.Patch, http.MethodDelete: has.Delete,
		} {
			if operation.OperationID == "" || strings.HasPrefix(operation.OperationID, "getOpenAPI") { // which is for everybody
				continue
			}
			a := attempt{method: method, path: pathVariable.ReplaceAllString(strings.NewReplacer(
				"{namespace}", "default", "{workflowId}", "order").Replace(path), "id")}
			a.body = map[string]string{
				"startWorkflow": start1(""), "signalWorkflow": `{"signal":"s"}`, "queryWorkflow": `{"query":"q"}`, "createToken": `{"read":true}`,
			}[operation.OperationID]
			if operation.OperationID == "queryWorkflowByName" {
				a.path += "?query=q"
			}
			before := len(g.upstream.AllCalls())
			answer := g.do(t, a.method, a.path, a.body, bearer(rootKey)...)
			require.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusMethodNotAllowed}, answer.status, operation.OperationID)
			a.access = auth.Access{Role: auth.RoleRead, Scope: auth.ScopeNamespace}
			if method != http.MethodGet && answer.status >= http.StatusBadRequest { // for want of a body that is good
				a.access.Role = auth.RoleWrite
			}
			for _, call := range g.upstream.AllCalls()[before:] {
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

// bound are the operations of the Temporal HTTP API.
func bound(t *testing.T, _ *gateway) []attempt {
	t.Helper()
	var found []attempt
	for _, b := range linkedBindings(t) {
		found = append(found, attempt{b.verb, b.path("default"), b.message("default"), b.access(t)})
	}
	return found
}

// lesser are credentials of principals who may not do it, each in several ways.
func (a attempt) lesser(t *testing.T, g *gateway) map[string][]string {
	t.Helper()
	permitted := func(permissions ...string) string { return token(claim("permissions", permissions)) }
	found := map[string][]string{"nobody": {
		wrongKey, disabledKey, expiredKey, token(within("iat", -2*time.Hour), within("exp", -time.Hour)), token(claim("aud", "other")),
		token(signedBy("ec", gojwt.SigningMethodES256, forgerKey())), "fgt.AAAA",
	}}
	if a.access.Scope == auth.ScopeOpen {
		return found
	}
	found["elsewhere"] = []string{elsewhereKey, permitted("elsewhere:admin", "default-2:admin", "*:admin", "default*:admin"), permitted()}
	roles := map[auth.Role]string{auth.RoleRead: readerKey, auth.RoleWrite: writerKey}
	for role, key := range roles {
		if a.access.Role > role || a.access.Scope == auth.ScopeCluster {
			found["lesser role"] = append(found["lesser role"], key, permitted("default:"+role.String()))
		}
		if a.access.Role > role && a.access.Scope == auth.ScopeCluster {
			found["lesser role"] = append(found["lesser role"], permitted("temporal-system:"+role.String()))
		}
	}
	if a.access.Scope == auth.ScopeCluster {
		found["lesser role"] = append(found["lesser role"], permitted("default:admin"))
	}
	found["another workflow"] = []string{g.do(t, http.MethodPost, workflows+"/other/tokens", approval).field(t, "token")}
	return found
}

// TestWhoMayNotDoesNothing tries every operation of every door as everybody who
// may not do it: the upstream never hears of it.
func TestWhoMayNotDoesNothing(t *testing.T) {
	t.Parallel()
	for name, operations := range map[string]func(*testing.T, *gateway) []attempt{"/v1": documented, "the Temporal HTTP API": bound} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := start(t, startOptions{configure: changed(withTemporalKeys(t), trusting(t, ""), func(cfg *config.Config) {
					cfg.Auth.FailureLimit.Burst = 1_000_000
				}), keyTransport: newIssuer()})
				synctest.Wait()
				answerAll(t, g)
				attempts := operations(t, g)
				before, refused := len(g.upstream.AllCalls()), map[string]int{}
				for _, attempt := range attempts {
					for kind, credentials := range attempt.lesser(t, g) {
						for _, credential := range credentials {
							a := g.do(t, attempt.method, attempt.path, attempt.body, bearer(credential)...)
							status := http.StatusForbidden
							if kind == "nobody" {
								status = http.StatusUnauthorized
							}
							require.Equal(t, status, a.status, "%s %s as %s (%s): %s", attempt.method, attempt.path, kind, credential, a.body)
							refused[kind]++
						}
					}
					a := ask{method: attempt.method, path: attempt.path, body: attempt.body, stranger: true}.send(t, g)
					require.Equal(t, http.StatusUnauthorized, a.status, attempt.path)
					refused["no credential"]++
				}
				require.Len(t, g.upstream.AllCalls(), before)
				t.Logf("%d operations, refused: %v, 0 upstream calls", len(attempts), refused)
			})
		})
	}
}

// answerAll has the upstream answer every RPC of either door.
func answerAll(t *testing.T, g *gateway) {
	t.Helper()
	for method := range auth.Methods() {
		if name := method[strings.LastIndexByte(method, '/')+1:]; name != "GetSystemInfo" {
			g.upstream.Handle(name, upstreamtest.Unknown(0))
		}
	}
	newFakeWorkflow(g.upstream).close()
}
