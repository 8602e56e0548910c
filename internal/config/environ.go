package config

import (
	"reflect"
	"regexp"
	"strings"
)

// variables reads the FLOWGATE_ variables into values by leaf; an unknown one is a problem, so that a typing error
// does not pass for a setting.
func variables(environ []string, problems *Problems) map[string]any {
	known := make(map[string]leaf)
	for _, l := range leavesOf(reflect.TypeFor[Config]()) {
		known[l.env()] = l
	}
	values := make(map[string]any)
	for _, entry := range environ {
		name, text, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) {
			continue
		}
		l, ok := known[name]
		if !ok {
			if !isServiceLink(name, text) {
				problems.add(name, "unknown environment variable")
			}
			continue
		}
		value, err := parseScalar(text, l.typ)
		if err != nil {
			problems.add(l.path(), err.Error()+" (in "+name+")")
			continue
		}
		values[l.merged()] = value
	}
	return values
}

// flags reads the overrides of the command line, by dotted path, into values by leaf.
func flags(overrides map[string]string, problems *Problems) map[string]any {
	known := make(map[string]leaf)
	for _, l := range leavesOf(reflect.TypeFor[Config]()) {
		known[l.path()] = l
	}
	values := make(map[string]any)
	for path, text := range overrides {
		l, ok := known[path]
		if !ok {
			problems.add(path, "unknown key (in a flag)")
			continue
		}
		value, err := parseScalar(text, l.typ)
		if err != nil {
			problems.add(path, err.Error()+" (in a flag)")
			continue
		}
		values[l.merged()] = value
	}
	return values
}

var serviceLink = regexp.MustCompile(
	`_SERVICE_HOST$|_SERVICE_PORT(_[A-Z0-9_]+)?$|_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$`)

// isServiceLink knows the variables that Kubernetes sets in every pod for a Service whose name starts with flowgate:
// FLOWGATE_SERVICE_HOST, FLOWGATE_SERVICE_PORT_HTTP, FLOWGATE_PORT=tcp://..., FLOWGATE_PORT_8080_TCP_ADDR.
func isServiceLink(name, text string) bool {
	return serviceLink.MatchString(name) || strings.HasSuffix(name, "_PORT") && strings.Contains(text, "://")
}
