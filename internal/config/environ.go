package config

import (
	"reflect"
	"regexp"
	"strings"

	"github.com/flowgate/flowgate/internal/yamlnode"
)

// readEnviron applies the FLOWGATE_ variables to cfg. It reports unknown ones, because they may be typos.
func readEnviron(environ []string, cfg *Config, sources Sources, problems *Problems) {
	known := make(map[string]leaf)
	for _, l := range leavesOf(reflect.TypeFor[Config]()) {
		known[l.env()] = l
	}
	for _, entry := range environ {
		name, text, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) {
			continue
		}
		l, ok := known[name]
		switch {
		case ok:
			l.set(cfg, text, "in "+name, problems)
			sources[l.path()] = name
		case !isServiceLink(name, text):
			problems.add(name, "unknown environment variable")
		}
	}
}

// readFlags applies the values of command-line flags to cfg, by path.
func readFlags(overrides map[string]string, cfg *Config, sources Sources, problems *Problems) {
	known := make(map[string]leaf)
	for _, l := range leavesOf(reflect.TypeFor[Config]()) {
		known[l.path()] = l
	}
	for path, text := range overrides {
		if l, ok := known[path]; ok {
			l.set(cfg, text, "in a flag", problems)
			sources[path] = sourceFlag
			continue
		}
		problems.add(path, yamlnode.UnknownField+" (in a flag)")
	}
}

var serviceLink = regexp.MustCompile(
	`_SERVICE_HOST$|_SERVICE_PORT(_[A-Z0-9_]+)?$|_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$`)

// isServiceLink reports whether Kubernetes set the variable, as it does in every pod for a Service whose name starts
// with flowgate: FLOWGATE_SERVICE_HOST, FLOWGATE_SERVICE_PORT_HTTP, FLOWGATE_PORT=tcp://...,
// FLOWGATE_PORT_8080_TCP_ADDR.
func isServiceLink(name, text string) bool {
	return serviceLink.MatchString(name) || strings.HasSuffix(name, "_PORT") && strings.Contains(text, "://")
}
