package server

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/yamlnode"
)

// maxNamed is the number of callers that a warning names.
const maxNamed = 20

// warnings returns what the configuration will reject although it is valid: with the mode passthrough, the calls of
// callers that have no JWT.
func (g *gateway) warnings() []string {
	without := g.callersWithoutJWT()
	if len(without) == 0 {
		return nil
	}
	var warnings []string
	warn := func(path string) {
		warnings = append(warnings, fmt.Sprintf("%s.mode: passthrough sends the caller's JWT; calls without one get 502 upstream-auth-failed: %s",
			path, strings.Join(without, ", ")))
	}
	if g.cfg.Upstream.Credential.Mode == config.CredentialPassthrough {
		warn("upstream.credential")
	}
	for _, name := range slices.Sorted(maps.Keys(g.cfg.Namespaces)) {
		if g.cfg.Namespaces[name].Credential.Mode == config.CredentialPassthrough {
			warn(yamlnode.FieldPath("namespaces", name) + ".credential")
		}
	}
	return warnings
}

// callersWithoutJWT describes the callers that have neither a JWT nor an upstream credential of their own.
func (g *gateway) callersWithoutJWT() []string {
	var callers []string
	if g.identity.keys != nil {
		for _, id := range g.identity.keys.WithoutCredential() {
			callers = append(callers, "API key "+id)
		}
	}
	for _, certificate := range g.identity.callers().settings.Certificates {
		callers = append(callers, "client certificate "+certificate.Name)
	}
	if g.cfg.Auth.InsecureAnonymous {
		callers = append(callers, "anonymous callers")
	}
	if more := len(callers) - maxNamed; more > 0 {
		callers = append(callers[:maxNamed], fmt.Sprintf("and %d more", more))
	}
	return callers
}
