package jwt

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/config"
)

// maxGrants is how many grants a token can give. Each call looks through them.
const maxGrants = 1000

// claimsReader finds in a token's claims who calls and what it may do.
type claimsReader struct {
	subject     string
	permissions string
	// permission is the form of one permission, with the group role and, unless all are for namespace, the group namespace.
	permission *regexp.Regexp
	namespace  string
}

// newClaimsReader makes one expression of prefix and template. {namespace} takes as much as it can, so that the last
// separator counts where the role comes last and a namespace may hold separators; {role} takes the roles only, which
// leaves out "worker" and whatever other roles Temporal or the issuer may have.
func newClaimsReader(claims config.Claims) (*claimsReader, error) {
	form := strings.NewReplacer(
		regexp.QuoteMeta("{namespace}"), `(?P<namespace>.+)`,
		regexp.QuoteMeta("{role}"), `(?P<role>(?i:read|write|admin))`,
	).Replace(regexp.QuoteMeta(claims.Prefix + claims.Template))
	permission, err := regexp.Compile(`^` + form + `$`)
	return &claimsReader{
		subject: claims.Subject, permissions: claims.Permissions, permission: permission, namespace: claims.Namespace,
	}, err
}

// grants reads the permissions. What is no permission for this gateway is another's affair and gives nothing.
func (r *claimsReader) grants(claims map[string]any) []auth.Grant {
	var grants []auth.Grant
	for _, text := range splitWords(lookup(claims, r.permissions)) {
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
	if at := r.permission.SubexpIndex("namespace"); at > 0 {
		if namespace = match[at]; !isSingleNamespace(namespace) {
			return auth.Grant{}, false
		}
	}
	role, err := auth.ParseRole(strings.ToLower(match[r.permission.SubexpIndex("role")]))
	return auth.Grant{Namespace: namespace, Role: role}, err == nil
}

// isSingleNamespace tells whether a namespace out of a token means one namespace. Only the operator gives more than one at a time:
// at many issuers users can choose texts that end up in claims.
func isSingleNamespace(namespace string) bool {
	return !strings.ContainsFunc(namespace, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune("*?%[]{}", r)
	})
}

// callerName gives the text that names the caller. It goes into logs and into the histories of workflows.
func (r *claimsReader) callerName(claims map[string]any) (string, bool) {
	const longest = 255
	subject, _ := lookup(claims, r.subject).(string)
	return subject, subject != "" && len(subject) <= longest && !strings.ContainsFunc(subject, unicode.IsControl)
}

// lookup gives the claim at a path, nil when there is none. The whole path is one name first, because names that are
// URLs hold dots themselves.
func lookup(claims map[string]any, path string) any {
	if claim, ok := claims[path]; ok {
		return claim
	}
	name, rest, deeper := strings.Cut(path, ".")
	inner, ok := claims[name].(map[string]any)
	if !deeper || !ok {
		return nil
	}
	return lookup(inner, rest)
}

// splitWords gives the texts of a claim that is a list, or the words of one that is a text, as scope is (RFC 8693 section 4.2).
func splitWords(claim any) []string {
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
