package config

import (
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/flowgate/flowgate/internal/yamlnode"
)

func (v *validator) auth(a Auth, l ListenTLS) {
	some := a.APIKeys.File != "" || len(a.JWT) > 0 || len(a.Certificates) > 0
	v.check("auth", some || a.InsecureAnonymous,
		"no authentication configured: set auth.apiKeys.file, auth.jwt or auth.certificates, or auth.insecureAnonymous to serve everyone")
	v.check("auth.insecureAnonymous", a.APIKeys.File == "" || !a.InsecureAnonymous, "excludes auth.apiKeys.file")
	v.check("auth.insecureAnonymous", len(a.JWT) == 0 || !a.InsecureAnonymous, "excludes auth.jwt")
	v.check("auth.insecureAnonymous", len(a.Certificates) == 0 || !a.InsecureAnonymous, "excludes auth.certificates")
	v.file("auth.apiKeys.file", a.APIKeys.File)
	v.check("auth.apiKeys.reloadInterval", a.APIKeys.ReloadInterval >= 10*time.Millisecond, "must be at least 10ms")
	v.check("auth.failureLimit.burst", a.FailureLimit.Burst >= 1, "must be at least 1")
	v.check("auth.failureLimit.perSecond", a.FailureLimit.PerSecond > 0 && a.FailureLimit.PerSecond <= maxPerSecond,
		"must be above 0 and at most 1000000")
	v.issuers(a.JWT)
	v.certificates(a.Certificates, l)
}

// signatureAlgorithms are those of RFC 7518 and RFC 8037 that keep the key to one who signs: no shared secrets, no "none".
func signatureAlgorithms() []string {
	return []string{RS256, "RS384", "RS512", "PS256", "PS384", "PS512", ES256, "ES384", "EdDSA"}
}

// The longest that an issuer's settings may be.
const (
	maxLeeway   = 30 * time.Second
	maxLifetime = 7 * 24 * time.Hour
)

func (v *validator) issuers(issuers []Issuer) {
	for i, issuer := range issuers {
		path := yamlnode.Index("auth.jwt", i)
		v.check(path+".issuer", issuer.Issuer != "", "is missing")
		v.check(path+".issuer", !slices.ContainsFunc(issuers[:i], func(other Issuer) bool { return other.Issuer == issuer.Issuer }),
			"is there twice")
		v.callerName(path+".name", issuer.Name)
		v.check(path+".name", !slices.ContainsFunc(issuers[:i], func(other Issuer) bool { return other.Name == issuer.Name }),
			"is there twice: the callers of two issuers could not be told apart")
		v.check(path+".audience", len(issuer.Audience) > 0 && !slices.Contains(issuer.Audience, ""), "must name at least one")
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
		v.oneOf(path+".credential", issuer.Credential, "", CredentialNone, CredentialPassthrough, CredentialMint)
	}
}

// keySource wants exactly one, and none that somebody on the way could replace.
func (v *validator) keySource(path string, issuer Issuer) {
	sources := 0
	for _, given := range []bool{issuer.JWKSURL != "", issuer.Discovery, issuer.PublicKeyFile != ""} {
		if given {
			sources++
		}
	}
	v.check(path, sources == 1, "needs exactly one of jwksURL, discovery: true and publicKeyFile")
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
			port = "443"
		}
		v.check(path, u.Scheme == "https" || allowPlaintext || isLoopback(net.JoinHostPort(u.Hostname(), port)),
			"would fetch keys without TLS from another host: use https, or set allowPlaintextCredential to accept that")
	}
}

func (v *validator) claims(path string, c Claims) {
	v.check(path+".template", strings.Count(c.Template, "{role}") == 1, "must hold {role} once")
	places := strings.Count(c.Template, "{namespace}")
	v.check(path+".template", places <= 1, "must hold {namespace} once at most")
	v.check(path+".template", !strings.Contains(c.Template, "}{"), "must have something between {namespace} and {role}")
	v.check(path+".namespace", places == 0 == (c.Namespace != ""), "is needed where the template has no {namespace}, and only there")
}

// callerName is the part of a principal's name that tells its kind from others: it may not hold the colon behind it.
func (v *validator) callerName(path, name string) {
	odd := func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && !strings.ContainsRune("-._", r)
	}
	const longest = 64
	v.check(path, name != "" && len(name) <= longest && !strings.ContainsFunc(name, odd),
		"must be 1 to 64 letters, digits, '-', '.' and '_'")
	v.check(path, name != CertificateName && name != DelegatedName, "is what callers of another kind are called")
}

// CertificateName stands before the names of principals with a client certificate, and DelegatedName before those with a
// delegated token, as an issuer's before those of its tokens.
const (
	CertificateName = "cert"
	DelegatedName   = "delegated"
)

func (v *validator) certificates(certificates []Certificate, l ListenTLS) {
	v.check("auth.certificates", len(certificates) == 0 || l.ClientCAFile != "", "needs listen.tls.clientCAFile")
	for i, c := range certificates {
		path := yamlnode.Index("auth.certificates", i)
		v.callerName(path+".name", c.Name)
		v.check(path+".name", !slices.ContainsFunc(certificates[:i], func(other Certificate) bool { return other.Name == c.Name }),
			"is there twice")
		v.check(path, c.URI != "" || c.DNS != "" || c.Email != "" || c.CommonName != "", "must name a uri, dns, email or commonName")
		for j, grant := range c.Grants {
			at := yamlnode.Index(path+".grants", j)
			v.oneOf(at+".role", grant.Role, "read", "write", "admin")
			v.check(at+".namespace", grant.Namespace != "" && !strings.Contains(strings.TrimSuffix(grant.Namespace, "*"), "*"),
				"must be a namespace, or the start of one and a *")
		}
	}
}

func (v *validator) listenTLS(l ListenTLS) {
	const path = "listen.tls"
	v.check(path+".certFile", l.KeyFile == "" || l.CertFile != "", "is missing beside listen.tls.keyFile")
	v.check(path+".keyFile", l.CertFile == "" || l.KeyFile != "", "is missing beside listen.tls.certFile")
	v.keyPair(path, l.CertFile, l.KeyFile)
	v.check(path+".clientCAFile", l.ClientCAFile == "" || l.CertFile != "", "needs listen.tls.certFile")
	v.caCertificates(path+".clientCAFile", l.ClientCAFile)
}

func (v *validator) mint(c *Config) {
	const path = "upstream.credential.mint"
	m := c.Upstream.Credential.Mint
	if !v.check(path+".keyFile", m.KeyFile != "" || !c.usesMint(), "is missing with mode mint") || m.KeyFile == "" {
		return
	}
	v.file(path+".keyFile", m.KeyFile)
	v.oneOf(path+".algorithm", m.Algorithm, ES256, RS256)
	v.check(path+".issuer", m.Issuer != "", "is missing")
	v.check(path+".ttl", m.TTL >= 10*time.Second && m.TTL <= time.Hour, "must be from 10s to 1h")
	v.check(path+".publishAhead", m.PublishAhead >= 0, "must not be negative")
}

// callerCredentials checks what goes upstream in the names of an issuer's callers and, by the keys file, of keys that ask for
// a minted token: to any server, whichever namespace they call.
func (v *validator) callerCredentials(c *Config) {
	reason := c.PlaintextCredentialProblem()
	if reason == "" {
		return
	}
	for i, issuer := range c.Auth.JWT {
		sends := issuer.Credential == CredentialPassthrough || issuer.Credential == CredentialMint
		v.check(yamlnode.Index("auth.jwt", i)+".credential", !sends, reason)
	}
	v.check("upstream.credential.mint.keyFile", c.Upstream.Credential.Mint.KeyFile == "", reason)
}

// usesMint tells whether anything that is configured asks for a minted token. A key of the keys file may ask for one too.
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

// isHTTP tells the URLs that HTTP can fetch.
func isHTTP(u *url.URL) bool { return u.Scheme == "https" || u.Scheme == "http" }

// hostOf is the host of a URL, or nothing.
func hostOf(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Hostname()
}
