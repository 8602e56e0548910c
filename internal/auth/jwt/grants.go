package jwt

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/config"
)

// maxGrants is the maximum number of grants of a token. Every call searches all of them.
const maxGrants = 1000

// claimsReader reads the caller's name and grants from a token's claims.
type claimsReader struct {
	subject     string
	permissions string
	// permission matches one permission. It has the capture group "role" or "operation" and, if the template contains {namespace}, the
	// capture group "namespace".
	permission *regexp.Regexp
	// namespace is the namespace of all permissions if the template does not contain {namespace}.
	namespace string
}

// newClaimsReader compiles prefix and template to one regular expression. {namespace} matches as much as possible, so a
// namespace may contain the separator: in "a:b:read", the namespace is "a:b". {role} matches only read, write and
// admin, and {operation} only the names of operations, so "worker" and other roles of Temporal or the issuer are
// ignored. A template has either of them, because "read" is the name of a role and of an operation.
func newClaimsReader(claims config.Claims) (*claimsReader, error) {
	pattern := strings.NewReplacer(
		regexp.QuoteMeta("{namespace}"), `(?P<namespace>.+)`,
		regexp.QuoteMeta("{role}"), `(?P<role>(?i:read|write|admin))`,
		regexp.QuoteMeta("{operation}"), `(?P<operation>`+strings.Join(auth.OperationNames(), "|")+`)`,
	).Replace(regexp.QuoteMeta(claims.Prefix + claims.Template))
	permission, err := regexp.Compile(`^` + pattern + `$`)
	return &claimsReader{
		subject: claims.Subject, permissions: claims.Permissions, permission: permission, namespace: claims.Namespace,
	}, err
}

// grants returns a grant for each permission in the claims. Permissions that do not match the template are not for this
// gateway and are ignored.
func (r *claimsReader) grants(claims map[string]any) []auth.Grant {
	var grants []auth.Grant
	for _, text := range claimStrings(lookup(claims, r.permissions)) {
		if grant, ok := r.grant(text); ok && len(grants) < maxGrants {
			grants = append(grants, grant)
		}
	}
	return grants
}

func (r *claimsReader) grant(text string) (auth.Grant, bool) {
	match := r.permission.FindStringSubmatch(text)
	if match == nil {
		return auth.Grant{}, false
	}
	namespace := r.namespace
	if i := r.permission.SubexpIndex("namespace"); i > 0 {
		if namespace = match[i]; !isSingleNamespace(namespace) {
			return auth.Grant{}, false
		}
	}
	if i := r.permission.SubexpIndex("operation"); i > 0 {
		operation, err := auth.ParseOperation(match[i])
		return auth.Grant{Namespace: namespace, Operations: operation}, err == nil
	}
	role, err := auth.ParseRole(strings.ToLower(match[r.permission.SubexpIndex("role")]))
	return auth.Grant{Namespace: namespace, Role: role}, err == nil
}

// isSingleNamespace reports whether a namespace from a token denotes exactly one namespace. Only the operator may grant
// access to several at once, because some issuers let users choose texts that become claims.
func isSingleNamespace(namespace string) bool {
	return !strings.ContainsFunc(namespace, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune("*?%[]{}", r)
	})
}

// callerName returns the caller's name, or false if the claims have none that may appear in logs and workflow
// histories.
func (r *claimsReader) callerName(claims map[string]any) (string, bool) {
	const maxLength = 255
	subject, _ := lookup(claims, r.subject).(string)
	return subject, subject != "" && len(subject) <= maxLength && !strings.ContainsFunc(subject, unicode.IsControl)
}

// lookup returns the claim at a path, or nil if there is none. It first tries the path as a single name, because some
// issuers use URLs, which contain dots, as names of claims.
func lookup(claims map[string]any, path string) any {
	if claim, ok := claims[path]; ok {
		return claim
	}
	name, rest, nested := strings.Cut(path, ".")
	inner, ok := claims[name].(map[string]any)
	if !nested || !ok {
		return nil
	}
	return lookup(inner, rest)
}

// claimStrings returns the strings of a claim that is a list, or the words of a claim that is a string, such as scope
// (RFC 8693 section 4.2).
func claimStrings(claim any) []string {
	switch claim := claim.(type) {
	case string:
		return strings.Fields(claim)
	case []any:
		texts := make([]string, 0, len(claim))
		for _, element := range claim {
			if text, ok := element.(string); ok {
				texts = append(texts, text)
			}
		}
		return texts
	default:
		return nil
	}
}
