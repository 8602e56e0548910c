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

// attempt is an operation as a request that is good, and what it takes.
type attempt struct {
	method, path, body string
	access             auth.Access
}

// documented are the operations of the client API, as it describes itself. What
// they take is what the RPCs take that they make for somebody who may.
func documented(t *testing.T, g *servertest.Gateway) []attempt {
	t.Helper()
	type operation struct {
		OperationID string `json:"operationId"`
	}
	var document struct {
		Paths map[string]struct{ Get, Post, Put, Patch, Delete operation } `json:"paths"`
	}
	text := visit(t, g.Client, "/v1/openapi.json").Body
	require.NoError(t, json.Unmarshal([]byte(text), &document, json.MatchCaseInsensitiveNames(true)))
	var found []attempt
	for path, has := range document.Paths {
		for method, operation := range map[string]operation{
			http.MethodGet: has.Get, http.MethodPost: has.Post, http.MethodPut: has.Put, http.MethodPatch: has.Patch, http.MethodDelete: has.Delete,
		} {
			if operation.OperationID == "" || strings.HasPrefix(operation.OperationID, "getOpenAPI") { // which is for everybody
				continue
			}
			a := attempt{method: method, path: servertest.PathVariable.ReplaceAllString(strings.NewReplacer(
				"{namespace}", "default", "{workflowId}", "order").Replace(path), "id")}
			a.body = map[string]string{
				"startWorkflow": servertest.StartBody(""), "signalWorkflow": `{"signal":"s"}`, "queryWorkflow": `{"query":"q"}`, "createToken": `{"read":true}`,
			}[operation.OperationID]
			if operation.OperationID == "queryWorkflowByName" {
				a.path += "?query=q"
			}
			before := len(g.Upstream.AllCalls())
			answer := g.Do(t, a.method, a.path, a.body, servertest.Bearer(servertest.RootKey)...)
			require.NotContains(t, []int{http.StatusUnauthorized, http.StatusForbidden, http.StatusMethodNotAllowed}, answer.Status, operation.OperationID)
			a.access = auth.Access{Role: auth.RoleRead, Scope: auth.ScopeNamespace}
			if method != http.MethodGet && answer.Status >= http.StatusBadRequest { // for want of a body that is good
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

// bound are the operations of the Temporal HTTP API.
func bound(t *testing.T, _ *servertest.Gateway) []attempt {
	t.Helper()
	var found []attempt
	for _, b := range servertest.Bindings(t) {
		found = append(found, attempt{b.Verb, b.Path("default"), b.Body("default"), b.Access(t)})
	}
	return found
}

// lesser are credentials of principals who may not do it, each in several ways.
func (a attempt) lesser(t *testing.T, g *servertest.Gateway) map[string][]string {
	t.Helper()
	permitted := func(permissions ...string) string {
		return servertest.NewJWT(servertest.WithClaim("permissions", permissions))
	}
	found := map[string][]string{"nobody": {
		wrongKey, servertest.DisabledKey, servertest.ExpiredKey, servertest.NewJWT(servertest.WithTimeClaim("iat", -2*time.Hour), servertest.WithTimeClaim("exp", -time.Hour)), servertest.NewJWT(servertest.WithClaim("aud", "other")),
		servertest.NewJWT(servertest.SignedBy("ec", gojwt.SigningMethodES256, servertest.ForgerKey())), "fgt.AAAA",
	}}
	if a.access.Scope == auth.ScopeOpen {
		return found
	}
	found["elsewhere"] = []string{servertest.ElsewhereKey, permitted("elsewhere:admin", "default-2:admin", "*:admin", "default*:admin"), permitted()}
	roles := map[auth.Role]string{auth.RoleRead: servertest.ReaderKey, auth.RoleWrite: servertest.WriterKey}
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
	found["another workflow"] = []string{g.Do(t, http.MethodPost, servertest.WorkflowsPath+"/other/tokens", servertest.TokenBody).Field(t, "token")}
	return found
}

// TestWhoMayNotDoesNothing tries every operation of every door as everybody who
// may not do it: the upstream never hears of it.
func TestWhoMayNotDoesNothing(t *testing.T) {
	t.Parallel()
	for name, operations := range map[string]func(*testing.T, *servertest.Gateway) []attempt{"/v1": documented, "the Temporal HTTP API": bound} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				g := servertest.Start(t, servertest.Options{Configure: servertest.Apply(servertest.WithTemporalKeys(t), servertest.TrustIssuer(t, ""), func(cfg *config.Config) {
					cfg.Auth.FailureLimit.Burst = 1_000_000
				}), KeyTransport: servertest.NewIssuer()})
				synctest.Wait()
				answerAll(t, g)
				attempts := operations(t, g)
				before, refused := len(g.Upstream.AllCalls()), map[string]int{}
				for _, attempt := range attempts {
					for kind, credentials := range attempt.lesser(t, g) {
						for _, credential := range credentials {
							a := g.Do(t, attempt.method, attempt.path, attempt.body, servertest.Bearer(credential)...)
							status := http.StatusForbidden
							if kind == "nobody" {
								status = http.StatusUnauthorized
							}
							require.Equal(t, status, a.Status, "%s %s as %s (%s): %s", attempt.method, attempt.path, kind, credential, a.Body)
							refused[kind]++
						}
					}
					a := servertest.Request{Method: attempt.method, Path: attempt.path, Body: attempt.body, Anonymous: true}.Send(t, g)
					require.Equal(t, http.StatusUnauthorized, a.Status, attempt.path)
					refused["no credential"]++
				}
				require.Len(t, g.Upstream.AllCalls(), before)
				t.Logf("%d operations, refused: %v, 0 upstream calls", len(attempts), refused)
			})
		})
	}
}

// answerAll has the upstream answer every RPC of either door.
func answerAll(t *testing.T, g *servertest.Gateway) {
	t.Helper()
	for method := range auth.AccessTable() {
		if name := method[strings.LastIndexByte(method, '/')+1:]; name != "GetSystemInfo" {
			g.Upstream.Handle(name, upstreamtest.Unknown(0))
		}
	}
	temporalfake.NewWorkflow(g.Upstream).Close()
}
