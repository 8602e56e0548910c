package server

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/upstream"
)

// The bounds of [CheckConnections].
const (
	connectTimeout    = 10 * time.Second // of each check
	maxNamespaceCheck = 50               // namespaces
)

// ConnectionCheck is the result of one check of [CheckConnections].
type ConnectionCheck struct {
	// Target is what was checked, such as "namespace orders".
	Target string
	// Err is why the check failed. It may contain internal names, but no secret.
	Err error
	// Skipped is why the check could not be made; otherwise it is empty.
	Skipped string
}

// CheckConnections builds the gateway without running it, and checks concurrently that it can reach what it needs: each
// Temporal server (with GetSystemInfo), the namespaces that the configuration and the exact grants of API keys name (with
// DescribeNamespace, which also proves the credential), and the issuers of JWTs, from which it fetches the keys. Each check
// takes up to ten seconds. The error is that of [Check].
func CheckConnections(ctx context.Context, cfg *config.Config, options Options) ([]ConnectionCheck, error) {
	g, err := assemble(ctx, cfg, options)
	if err != nil {
		return nil, err
	}
	defer g.close()
	checks := g.connectionChecks()
	results := make([]ConnectionCheck, len(checks))
	var running sync.WaitGroup
	for i, check := range checks {
		running.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, connectTimeout)
			defer cancel()
			results[i] = ConnectionCheck{Target: check.target, Skipped: check.skip}
			if check.skip == "" {
				results[i].Err = check.run(ctx)
			}
		})
	}
	running.Wait()
	return results, nil
}

type connectionCheck struct {
	target, skip string
	run          func(context.Context) error
}

func (g *gateway) connectionChecks() []connectionCheck {
	upstream := g.cfg.Upstream
	checks := []connectionCheck{{target: "Temporal server " + upstream.Address, run: func(ctx context.Context) error { return g.systemInfo(ctx, "") }}}
	names := slices.Sorted(maps.Keys(g.cfg.Namespaces))
	for _, name := range names {
		if address := g.cfg.Namespaces[name].Upstream.Address; address != "" {
			checks = append(checks, connectionCheck{
				target: "Temporal server " + address + " of namespace " + name,
				run:    func(ctx context.Context) error { return g.systemInfo(ctx, name) },
			})
		}
	}
	for _, name := range g.namespacesToCheck(names) {
		check := connectionCheck{target: "namespace " + name, run: func(ctx context.Context) error { return g.describeNamespace(ctx, name) }}
		if g.upstream.CredentialMode(connectPrincipal(), name) == config.CredentialPassthrough {
			check.skip = "its credential is the JWT of a caller"
		}
		checks = append(checks, check)
	}
	for _, issuer := range g.identity.callers().settings.JWT {
		checks = append(checks, connectionCheck{
			target: "keys of the issuer " + issuer.Name, run: func(ctx context.Context) error { return g.identity.callers().tokens.Fetch(ctx, issuer.Issuer) },
		})
	}
	return checks
}

// namespacesToCheck returns the configured namespaces, and those of the API keys' exact grants.
func (g *gateway) namespacesToCheck(configured []string) []string {
	names := slices.Clone(configured)
	if g.identity.keys != nil {
		names = append(names, g.identity.keys.Namespaces()...)
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	return names[:min(len(names), maxNamespaceCheck)]
}

// connectPrincipal is the caller in the tokens that the gateway mints for its checks.
func connectPrincipal() *auth.Principal {
	return &auth.Principal{Name: "flowgate-check", Grants: []auth.Grant{{Namespace: "*", Role: auth.RoleRead}}}
}

func (g *gateway) systemInfo(ctx context.Context, namespace string) error {
	return g.call(ctx, namespace, workflowservice.WorkflowService_GetSystemInfo_FullMethodName,
		&workflowservice.GetSystemInfoRequest{}, &workflowservice.GetSystemInfoResponse{})
}

func (g *gateway) describeNamespace(ctx context.Context, namespace string) error {
	return g.call(ctx, namespace, workflowservice.WorkflowService_DescribeNamespace_FullMethodName,
		&workflowservice.DescribeNamespaceRequest{Namespace: namespace}, &workflowservice.DescribeNamespaceResponse{})
}

func (g *gateway) call(ctx context.Context, namespace, method string, request, response proto.Message) error {
	ctx = upstream.WithOptions(auth.WithPrincipal(ctx, connectPrincipal()), &upstream.CallOptions{Namespace: namespace, Timeout: connectTimeout})
	return g.upstream.Do(ctx, method, request, response)
}
