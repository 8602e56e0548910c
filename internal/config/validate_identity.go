package config

import (
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/flowgate/flowgate/internal/yamlnode"
)

func (v *validator) auth(c *Config) {
	a := c.Auth
	configured := a.APIKeys.File != "" || a.File != "" || len(a.JWT) > 0 || len(a.Certificates) > 0
	v.check("auth", configured || a.InsecureAnonymous,
		"no authentication configured: set auth.apiKeys.file, auth.jwt or auth.certificates, or auth.insecureAnonymous to serve all callers")
	v.check("auth.insecureAnonymous", a.APIKeys.File == "" || !a.InsecureAnonymous, "cannot be combined with auth.apiKeys.file")
	v.check("auth.insecureAnonymous", a.File == "" || !a.InsecureAnonymous, "cannot be combined with auth.file")
	v.check("auth.insecureAnonymous", len(a.JWT) == 0 || !a.InsecureAnonymous, "cannot be combined with auth.jwt")
	v.check("auth.insecureAnonymous", len(a.Certificates) == 0 || !a.InsecureAnonymous, "cannot be combined with auth.certificates")
	v.file("auth.apiKeys.file", a.APIKeys.File)
	v.check("auth.apiKeys.reloadInterval", a.APIKeys.ReloadInterval >= 10*time.Millisecond, "must be at least 10ms")
	v.check("auth.failureLimit.burst", a.FailureLimit.Burst >= 1, "must be at least 1")
	v.check("auth.failureLimit.perSecond", a.FailureLimit.PerSecond > 0 && a.FailureLimit.PerSecond <= maxPerSecond,
		"must be above 0 and at most 1000000")
	v.check("auth.file", a.File == "" || len(a.JWT)+len(a.Certificates) == 0, "cannot be combined with auth.jwt or auth.certificates")
	v.callersFile(c)
	v.List = append(v.List, c.callerProblems("auth", c.Callers())...)
}

// signatureAlgorithms returns the asymmetric algorithms of RFC 7518 and RFC 8037. Algorithms with a shared secret and
// "none" are not allowed.
func signatureAlgorithms() []string {
	return []string{RS256, "RS384", "RS512", "PS256", "PS384", "PS512", ES256, "ES384", "EdDSA"}
}

// The maximum values of an issuer's settings.
const (
	maxLeeway   = 30 * time.Second
	maxLifetime = 7 * 24 * time.Hour
)

func (v *validator) issuers(list string, issuers []Issuer) {
	for i, issuer := range issuers {
		path := yamlnode.ElementPath(list, i)
		v.check(path+".issuer", issuer.Issuer != "", "is missing")
		v.check(path+".issuer", !slices.ContainsFunc(issuers[:i], func(other Issuer) bool { return other.Issuer == issuer.Issuer }),
			"is a duplicate")
		v.namePart(path+".name", issuer.Name)
		v.check(path+".name", !slices.ContainsFunc(issuers[:i], func(other Issuer) bool { return other.Name == issuer.Name }),
			"is a duplicate: the callers of two issuers would have the same names")
		v.check(path+".audience", len(issuer.Audience) > 0 && !slices.Contains(issuer.Audience, ""),
			"must contain at least one value, and no empty value")
		for _, algorithm := range issuer.Algorithms {
			v.oneOf(path+".algorithms", algorithm, signatureAlgorithms()...)
		}
		for _, typ := range issuer.Types {
			v.check(path+".types", typ != "" && typ == strings.ToLower(typ) && !strings.HasPrefix(typ, "application/"),
				"must be in lower case, without application/")
		}
		v.keySource(path, issuer)
		v.check(path+".leeway", issuer.Leeway >= 0 && issuer.Leeway <= maxLeeway, "must be at most 30s")
		v.check(path+".maxLifetime", issuer.MaxLifetime > 0 && issuer.MaxLifetime <= maxLifetime, "must be above 0 and at most 168h")
		v.positive(path+".maxStale", issuer.MaxStale)
		v.claims(path+".claims", issuer.Claims)
		v.rate(path+".rate", issuer.Rate)
		v.oneOf(path+".credential", issuer.Credential, "", CredentialNone, CredentialPassthrough, CredentialMint)
	}
}

// keySource requires exactly one source of keys. It rejects a source whose keys an attacker on the network could
// replace.
func (v *validator) keySource(path string, issuer Issuer) {
	sources := 0
	for _, set := range []bool{issuer.JWKSURL != "", issuer.Discovery, issuer.PublicKeyFile != ""} {
		if set {
			sources++
		}
	}
	v.check(path, sources == 1, "requires exactly one of jwksURL, discovery: true and publicKeyFile")
	v.file(path+".publicKeyFile", issuer.PublicKeyFile)
	v.caCertificates(path+".caFile", issuer.CAFile)
	if issuer.JWKSURL != "" {
		v.keyURL(path+".jwksURL", issuer.JWKSURL, issuer.AllowPlaintext)
	}
	if issuer.Discovery {
		v.keyURL(path+".issuer", issuer.Issuer, issuer.AllowPlaintext)
	}
}

func (v *validator) keyURL(path, text string, allowPlaintext bool) {
	u, err := url.Parse(text)
	ok := err == nil && isHTTP(u) && u.Host != "" && u.User == nil && u.Fragment == ""
	if v.check(path, ok, "must be a URL, such as https://idp.example/jwks") {
		port := u.Port()
		if port == "" {
			port = "443" // isLoopback needs one, and ignores it
		}
		v.check(path, u.Scheme == "https" || allowPlaintext || isLoopback(net.JoinHostPort(u.Hostname(), port)),
			"would fetch keys without TLS from another host: use https, or set allowPlaintextCredential to accept that")
	}
}

func (v *validator) claims(path string, c Claims) {
	v.check(path+".template", strings.Count(c.Template, "{role}")+strings.Count(c.Template, "{operation}") == 1,
		"must contain {role} once, or {operation} once")
	placeholders := strings.Count(c.Template, "{namespace}")
	v.check(path+".template", placeholders <= 1, "must contain {namespace} at most once")
	v.check(path+".template", !strings.Contains(c.Template, "}{"), "must have something between {namespace} and {role}")
	v.check(path+".namespace", placeholders == 0 == (c.Namespace != ""), "is required if the template has no {namespace}, and not allowed otherwise")
}

// namePart checks the name of an issuer or of a client certificate, which becomes a part of the names of principals. It
// must not contain a colon, because a colon separates the parts.
func (v *validator) namePart(path, name string) {
	invalid := func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("-._", r)
	}
	const maxLength = 64
	v.check(path, name != "" && len(name) <= maxLength && !strings.ContainsFunc(name, invalid),
		"must be 1 to 64 letters, digits, '-', '.' and '_'")
	v.check(path, name != CertificateName && name != DelegatedName, "is reserved for callers of another kind")
}

// CertificateName is the first part of the names of principals with a client certificate, and DelegatedName the first
// part of the names of principals with a delegated token. The names of an issuer's principals begin with the issuer's
// name.
const (
	CertificateName = "cert"
	DelegatedName   = "delegated"
)

func (v *validator) certificates(list string, certificates []Certificate, l ListenTLS) {
	v.check(list, len(certificates) == 0 || l.ClientCAFile != "", "requires listen.tls.clientCAFile")
	for i, c := range certificates {
		path := yamlnode.ElementPath(list, i)
		v.namePart(path+".name", c.Name)
		v.check(path+".name", !slices.ContainsFunc(certificates[:i], func(other Certificate) bool { return other.Name == c.Name }),
			"is a duplicate")
		v.check(path, c.URI != "" || c.DNS != "" || c.Email != "" || c.CommonName != "", "must contain a uri, dns, email or commonName")
		v.rate(path+".rate", c.Rate)
		for j, grant := range c.Grants {
			grantPath := yamlnode.ElementPath(path+".grants", j)
			v.check(grantPath, (grant.Role == "") != (len(grant.Operations) == 0), "must have either role or operations")
			v.oneOf(grantPath+".role", grant.Role, "", "read", "write", "admin") // package auth checks the operations
			v.check(grantPath+".namespace", grant.Namespace != "" && !strings.Contains(strings.TrimSuffix(grant.Namespace, "*"), "*"),
				"must be a namespace, or a prefix followed by *")
		}
	}
}

// rate accepts the rates that the keys file accepts, and the zero value.
func (v *validator) rate(path string, r Rate) {
	const minPerSecond = 0.001
	v.check(path+".perSecond", r == Rate{} || r.PerSecond >= minPerSecond && r.PerSecond <= maxPerSecond, "must be from 0.001 to 1000000")
	v.check(path+".burst", r.Burst >= 0 && r.Burst <= maxPerSecond, "must be from 1 to 1000000")
}

func (v *validator) listenTLS(l ListenTLS) {
	const path = "listen.tls"
	v.check(path+".certFile", l.KeyFile == "" || l.CertFile != "", "is required with listen.tls.keyFile")
	v.check(path+".keyFile", l.CertFile == "" || l.KeyFile != "", "is required with listen.tls.certFile")
	v.keyPair(path, l.CertFile, l.KeyFile)
	v.check(path+".clientCAFile", l.ClientCAFile == "" || l.CertFile != "", "requires listen.tls.certFile")
	v.caCertificates(path+".clientCAFile", l.ClientCAFile)
}

func (v *validator) mint(c *Config) {
	const path = "upstream.credential.mint"
	m := c.Upstream.Credential.Mint
	if !v.check(path+".keyFile", m.KeyFile != "" || !c.usesMint(), "is required with mode mint") || m.KeyFile == "" {
		return
	}
	v.file(path+".keyFile", m.KeyFile)
	reason := c.PlaintextCredentialProblem() // minted tokens are sent to the upstream of any namespace
	v.check(path+".keyFile", reason == "", reason)
	v.oneOf(path+".algorithm", m.Algorithm, ES256, RS256)
	v.check(path+".issuer", m.Issuer != "", "is missing")
	v.check(path+".ttl", m.TTL >= 10*time.Second && m.TTL <= time.Hour, "must be from 10s to 1h")
	v.check(path+".publishAhead", m.PublishAhead >= 0, "must not be negative")
}

// issuerCredentials checks the credentials that are sent for an issuer's callers. The namespace of a call determines the
// upstream that receives them, so no upstream may have a plaintext connection. If one has, reason is the problem;
// otherwise it is empty.
func (v *validator) issuerCredentials(list string, issuers []Issuer, reason string) {
	for i, issuer := range issuers {
		sends := issuer.Credential == CredentialPassthrough || issuer.Credential == CredentialMint
		v.check(yamlnode.ElementPath(list, i)+".credential", !sends || reason == "", reason)
	}
}

// usesMint reports whether a setting requires minted tokens. An entry of the keys file may require them too.
func (c *Config) usesMint() bool {
	if c.Upstream.Credential.Mode == CredentialMint {
		return true
	}
	for _, namespace := range c.Namespaces {
		if namespace.Credential.Mode == CredentialMint {
			return true
		}
	}
	return slices.ContainsFunc(c.Auth.JWT, func(i Issuer) bool { return i.Credential == CredentialMint })
}

// isHTTP reports whether u has the scheme http or https.
func isHTTP(u *url.URL) bool { return u.Scheme == "https" || u.Scheme == "http" }

// hostOf returns the host of a URL. It is empty if text is not a URL.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
