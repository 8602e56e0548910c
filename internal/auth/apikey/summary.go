package apikey

import (
	"fmt"
	"strings"
	"time"
)

// summary describes the entry in one line. It leaves out limits that the entry does not
// have.
func (e *entry) summary(now time.Time) string {
	if e.disabled {
		return "disabled"
	}
	p := e.principal
	grants := make([]string, len(p.Grants))
	for i, grant := range p.Grants {
		grants[i] = grant.String()
	}
	if len(grants) == 0 {
		grants = []string{"no grants"}
	}
	parts := []string{strings.Join(grants, ", "), e.summaryOfSecrets(now)}
	for _, list := range []struct {
		name  string
		items []string
	}{{"workflow types", p.WorkflowTypes}, {"task queues", p.TaskQueues}, {"Nexus endpoints", p.NexusEndpoints}} {
		if len(list.items) > 0 {
			parts = append(parts, list.name+" "+strings.Join(list.items, ", "))
		}
	}
	if p.Rate.PerSecond > 0 {
		parts = append(parts, fmt.Sprintf("rate %g per second, burst %d", p.Rate.PerSecond, p.Rate.Burst))
	}
	if p.Share > 0 {
		parts = append(parts, fmt.Sprintf("share %g", p.Share))
	}
	if p.Credential != nil {
		parts = append(parts, "credential "+p.Credential.Mode())
	}
	for _, right := range []struct {
		name string
		has  bool
	}{{"completion callbacks", p.CompletionCallbacks}, {"overrides authorization", p.OverridesAuthorization}} {
		if right.has {
			parts = append(parts, right.name)
		}
	}
	return strings.Join(parts, "; ")
}

// summaryOfSecrets returns the number of active secrets, and when each of them expires.
func (e *entry) summaryOfSecrets(now time.Time) string {
	active := e.activeSecrets(now)
	parts := []string{fmt.Sprintf("%d active secrets", active)}
	if active == 1 {
		parts[0] = "1 active secret"
	}
	for i := range e.secrets {
		if s := &e.secrets[i]; !s.notAfter.IsZero() && !s.expired(now) {
			parts = append(parts, "until "+s.notAfter.UTC().Format(time.RFC3339))
		}
	}
	if expired := len(e.secrets) - active; expired > 0 {
		parts = append(parts, fmt.Sprintf("%d expired", expired))
	}
	return strings.Join(parts, ", ")
}
