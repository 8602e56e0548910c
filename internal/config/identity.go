package config

import "time"

// Auth is how callers are told apart. At least one way must be chosen; there is no default.
type Auth struct {
	APIKeys           APIKeys       `yaml:"apiKeys"`
	JWT               []Issuer      `yaml:"jwt"`
	Certificates      []Certificate `yaml:"certificates"`
	InsecureAnonymous bool          `yaml:"insecureAnonymous" doc:"Serve everyone without authentication."`

	FailureLimit FailureLimit `yaml:"failureLimit"`
}

// APIKeys is the file of API keys, which holds hashes only.
type APIKeys struct {
	File           string        `yaml:"file" doc:"YAML file of the API keys."`
	ReloadInterval time.Duration `yaml:"reloadInterval" doc:"How often the keys file is looked at for changes."`
}

// FailureLimit is how often the callers of one network may send a wrong credential. Right ones are not counted, and pass
// whatever others have sent.
type FailureLimit struct {
	Burst     int     `yaml:"burst" doc:"Wrong credentials that one network (/24, or /64 for IPv6) may send at once."`
	PerSecond float64 `yaml:"perSecond" doc:"Wrong credentials a second that one network may send in the long run."`
}

// Issuer is one whose tokens (JWT, RFC 7519) are taken, by the rules of RFC 8725. Its zero values are completed by
// [Issuer.withDefaults].
type Issuer struct {
	// Name is what the principals of its tokens are called by, before their subject; by default the host of Issuer.
	Name string `yaml:"name"`
	// Issuer and Audience are what a token's iss must be exactly, and what one of its aud must be.
	Issuer   string   `yaml:"issuer"`
	Audience []string `yaml:"audience"`
	// Algorithms are those that a token may be signed by (RFC 7518, RFC 8037).
	Algorithms []string `yaml:"algorithms"`
	// Types are the values of typ that a token may have, in lower case and without "application/".
	Types []string `yaml:"types"`

	// The keys come from exactly one of these.
	JWKSURL       string `yaml:"jwksURL"`
	Discovery     bool   `yaml:"discovery"`
	PublicKeyFile string `yaml:"publicKeyFile"`
	// CAFile is PEM of the authorities to trust, instead of the system's, where keys are fetched.
	CAFile string `yaml:"caFile"`
	// AllowPlaintext takes keys over a connection without TLS from another host.
	AllowPlaintext bool `yaml:"allowPlaintextCredential"`

	// Leeway is by how much the clocks may differ, MaxLifetime the longest that a token may be good for, MaxStale how long
	// keys are used that could not be fetched again.
	Leeway      time.Duration `yaml:"leeway"`
	MaxLifetime time.Duration `yaml:"maxLifetime"`
	MaxStale    time.Duration `yaml:"maxStale"`

	Claims Claims `yaml:"claims"`
	// Credential is what goes upstream in the name of its callers: empty, none or passthrough or mint.
	Credential string `yaml:"credential"`
}

// Claims says where in a token stands who calls and what it may do.
type Claims struct {
	// Subject is the path of the claim that names the caller.
	Subject string `yaml:"subject"`
	// Permissions is the path of a claim that is a list of texts, or one text of words. Dots in it go into objects; a name
	// that holds dots itself is written whole.
	Permissions string `yaml:"permissions"`
	// Prefix is what the permissions for the gateway begin with; all others are left alone.
	Prefix string `yaml:"prefix"`
	// Template is the form of what follows, with {namespace} and {role}; without {namespace} it is for Namespace.
	Template  string `yaml:"template"`
	Namespace string `yaml:"namespace"`
}

// Certificate gives the bearer of a client certificate a name and grants. All that is named of the certificate must
// be so; it must name something.
type Certificate struct {
	Name       string  `yaml:"name"`
	URI        string  `yaml:"uri"`
	DNS        string  `yaml:"dns"`
	Email      string  `yaml:"email"`
	CommonName string  `yaml:"commonName"`
	Grants     []Grant `yaml:"grants"`
}

// Grant gives a role (read, write or admin) on a namespace, or on all whose names begin with what stands before a
// trailing "*".
type Grant struct {
	Namespace string `yaml:"namespace"`
	Role      string `yaml:"role"`
}

// The modes of [Credential].
const (
	CredentialNone        = "none"
	CredentialStatic      = "static"
	CredentialPassthrough = "passthrough"
	CredentialMint        = "mint"
)

// Credential is what the gateway shows the upstream.
type Credential struct {
	Mode           string `yaml:"mode" doc:"none, static (the token in the file), passthrough (the caller's own JWT) or mint (one that the gateway signs)."`
	File           string `yaml:"file" doc:"File that holds the token of mode static."`
	AllowPlaintext bool   `yaml:"allowPlaintextCredential" doc:"Send the token over a connection without TLS to another host."`
	Mint           Mint   `yaml:"mint"`
}

// The algorithms that a Temporal server's default authorizer takes (RFC 7518).
const (
	RS256 = "RS256"
	ES256 = "ES256"
)

// Mint is how the gateway signs tokens for the upstream: short, for one namespace and one role.
type Mint struct {
	KeyFile   string   `yaml:"keyFile" doc:"PEM file of private keys. All are published at /.well-known/jwks.json, the first signs."`
	Algorithm string   `yaml:"algorithm" doc:"ES256 (keys on P-256) or RS256 (RSA keys of at least 2048 bits)."`
	Issuer    string   `yaml:"issuer" doc:"The tokens' iss."`
	Audience  []string `yaml:"audience" doc:"The tokens' aud; none leaves it out."`

	TTL          time.Duration `yaml:"ttl" doc:"How long a token is good for."`
	PublishAhead time.Duration `yaml:"publishAhead" doc:"How long a new key is published before it signs: at least twice the server's refreshInterval."`
}

// NamespaceUpstream is another server on which a namespace lives.
type NamespaceUpstream struct {
	// Address is its frontend, host:port; empty is upstream.address.
	Address string `yaml:"address"`
	// Name is what the namespace is called there, when that differs.
	Name string `yaml:"name"`
	// TLS is how it is reached, when Address is given.
	TLS TLS `yaml:"tls"`
}

// ListenTLS is the public listener's side of TLS.
type ListenTLS struct {
	CertFile     string `yaml:"certFile" doc:"PEM file of the public listener's certificate; needs the key. Both are read again when they change."`
	KeyFile      string `yaml:"keyFile" doc:"PEM file of its key."`
	ClientCAFile string `yaml:"clientCAFile" doc:"PEM file of the authorities whose client certificates identify callers (auth.certificates)."`
}

// withDefaults completes the issuer.
func (i Issuer) withDefaults() Issuer {
	const (
		leeway      = 30 * time.Second
		maxLifetime = 24 * time.Hour
		maxStale    = 24 * time.Hour
	)
	if len(i.Algorithms) == 0 {
		i.Algorithms = []string{RS256, ES256, "EdDSA"}
	}
	if len(i.Types) == 0 {
		i.Types = []string{"jwt", "at+jwt"}
	}
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{{&i.Leeway, leeway}, {&i.MaxLifetime, maxLifetime}, {&i.MaxStale, maxStale}} {
		if *d.value == 0 {
			*d.value = d.standard
		}
	}
	if i.Name == "" {
		i.Name = hostOf(i.Issuer)
	}
	if i.Claims.Subject == "" {
		i.Claims.Subject = "sub"
	}
	if i.Claims.Permissions == "" {
		i.Claims.Permissions = "permissions"
	}
	if i.Claims.Template == "" {
		i.Claims.Template = "{namespace}:{role}"
	}
	return i
}
