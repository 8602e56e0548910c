package config

import "time"

// Auth configures how callers authenticate. At least one method is required; there is no default.
type Auth struct {
	APIKeys APIKeys `yaml:"apiKeys"`
	File    string  `yaml:"file" doc:"YAML file with the lists jwt and certificates, in place of auth.jwt and auth.certificates. It is loaded again when it changes."`

	JWT               []Issuer      `yaml:"jwt"`
	Certificates      []Certificate `yaml:"certificates"`
	InsecureAnonymous bool          `yaml:"insecureAnonymous" doc:"Serve all callers without authentication."`

	FailureLimit FailureLimit `yaml:"failureLimit"`
}

// APIKeys configures the file of API keys, which contains only hashes.
type APIKeys struct {
	File           string        `yaml:"file" doc:"YAML file of the API keys."`
	ReloadInterval time.Duration `yaml:"reloadInterval" doc:"How often the keys file is checked for changes."`
}

// FailureLimit limits how often the callers in one network may send an invalid credential. Valid credentials do not
// count towards the limit and are always accepted.
type FailureLimit struct {
	Burst     int     `yaml:"burst" doc:"Number of invalid credentials that one network (/24, or /64 for IPv6) may send in a burst."`
	PerSecond float64 `yaml:"perSecond" doc:"Number of invalid credentials per second that one network may send on average."`
}

// Issuer configures an issuer whose tokens (JWT, RFC 7519) are accepted by the rules of RFC 8725. [Issuer.withDefaults]
// replaces its zero values.
type Issuer struct {
	// Name is the prefix of the names of the issuer's principals; the subject follows it. The default is the host in
	// Issuer.
	Name string `yaml:"name"`
	// Issuer is the exact value of the claim iss. At least one value of the claim aud must be in Audience.
	Issuer   string   `yaml:"issuer"`
	Audience []string `yaml:"audience"`
	// Algorithms are the allowed signature algorithms (RFC 7518, RFC 8037).
	Algorithms []string `yaml:"algorithms"`
	// Types are the allowed values of the header parameter typ, in lower case and without "application/".
	Types []string `yaml:"types"`

	// Exactly one of the following sources provides the keys.
	JWKSURL       string `yaml:"jwksURL"`
	Discovery     bool   `yaml:"discovery"`
	PublicKeyFile string `yaml:"publicKeyFile"`
	// CAFile is a PEM file of CA certificates for fetching keys, instead of the system's.
	CAFile string `yaml:"caFile"`
	// AllowPlaintext permits fetching keys without TLS from a host that is not a loopback address. It has the name of the
	// setting in [Credential], because it accepts the same risk: authentication that TLS does not protect.
	AllowPlaintext bool `yaml:"allowPlaintextCredential"`

	// Leeway is the tolerated clock difference, MaxLifetime the maximum lifetime of a token, and MaxStale how long keys
	// stay in use when they cannot be fetched again.
	Leeway      time.Duration `yaml:"leeway"`
	MaxLifetime time.Duration `yaml:"maxLifetime"`
	MaxStale    time.Duration `yaml:"maxStale"`

	Claims Claims `yaml:"claims"`
	// Rate limits the requests of each caller, by its name.
	Rate Rate `yaml:"rate"`
	// Credential is the mode of the credential that is sent to the upstream for the issuer's callers: none,
	// passthrough, mint, or empty for the upstream's own mode.
	Credential string `yaml:"credential"`
}

// Claims configures which claims contain the caller's name and permissions.
type Claims struct {
	// Subject is the path of the claim with the caller's name.
	Subject string `yaml:"subject"`
	// Permissions is the path of a claim that is a list of strings or a space-separated string. Dots separate the
	// names of nested members. A claim whose name itself contains dots is also found.
	Permissions string `yaml:"permissions"`
	// Prefix is the prefix of permissions for the gateway. Permissions without it are ignored.
	Prefix string `yaml:"prefix"`
	// Template is the form of a permission after the prefix, with {namespace}, and with {role} or {operation}. If it has no {namespace}, all
	// permissions are for Namespace.
	Template  string `yaml:"template"`
	Namespace string `yaml:"namespace"`
}

// Certificate maps a client certificate to a name and grants. At least one of URI, DNS, Email and CommonName is
// required, and the certificate must match all that are set.
type Certificate struct {
	Name       string  `yaml:"name"`
	URI        string  `yaml:"uri"`
	DNS        string  `yaml:"dns"`
	Email      string  `yaml:"email"`
	CommonName string  `yaml:"commonName"`
	Grants     []Grant `yaml:"grants"`
	// Rate limits the requests of all connections with the name together.
	Rate Rate `yaml:"rate"`
}

// Rate is a sustained rate in requests per second, and the maximum burst. Zero PerSecond means no limit, and zero Burst
// the number of requests that the rate permits in one second.
type Rate struct {
	PerSecond float64 `yaml:"perSecond"`
	Burst     int     `yaml:"burst"`
}

// Grant is a role (read, write or admin), or a list of operations, on a namespace. A trailing "*" makes it a grant on all
// namespaces with the prefix before it.
type Grant struct {
	Namespace  string   `yaml:"namespace"`
	Role       string   `yaml:"role"`
	Operations []string `yaml:"operations"`
}

// The modes of [Credential].
const (
	CredentialNone        = "none"
	CredentialStatic      = "static"
	CredentialPassthrough = "passthrough"
	CredentialMint        = "mint"
)

// Credential configures the credential that the gateway sends to the upstream.
type Credential struct {
	Mode           string `yaml:"mode" doc:"Credential for Temporal: none, static (the token in the file), passthrough (the caller's JWT) or mint (a token that the gateway signs)."`
	File           string `yaml:"file" doc:"File that contains the token for mode static."`
	AllowPlaintext bool   `yaml:"allowPlaintextCredential" doc:"Allow sending the credential without TLS to a Temporal server that is not at a loopback address."`
	Mint           Mint   `yaml:"mint"`
}

// The algorithms (RFC 7518) that the default claim mapper of a Temporal server accepts.
const (
	RS256 = "RS256"
	ES256 = "ES256"
)

// Mint configures how the gateway signs short-lived tokens for the upstream, each for one namespace and one role.
type Mint struct {
	KeyFile   string   `yaml:"keyFile" doc:"PEM file of private keys. All keys are published at /.well-known/jwks.json. The first key signs: immediately at startup, and after publishAhead if it is new."`
	Algorithm string   `yaml:"algorithm" doc:"Signature algorithm: ES256 (P-256 keys) or RS256 (RSA keys of at least 2048 bits)."`
	Issuer    string   `yaml:"issuer" doc:"The iss claim of the tokens."`
	Audience  []string `yaml:"audience" doc:"The aud claim of the tokens. Empty omits it."`

	TTL          time.Duration `yaml:"ttl" doc:"Lifetime of a signed token."`
	PublishAhead time.Duration `yaml:"publishAhead" doc:"How long a key that is added while the gateway runs is published before it signs. Use at least twice the refreshInterval in the Temporal server's jwtKeyProvider."`
}

// NamespaceUpstream configures the server of one namespace.
type NamespaceUpstream struct {
	// Address is the host:port of the server's frontend. Empty means upstream.address.
	Address string `yaml:"address"`
	// Name is the name of the namespace on that server, if it differs.
	Name string `yaml:"name"`
	// TLS configures the connection if Address is set.
	TLS TLS `yaml:"tls"`
}

// ListenTLS configures TLS on the public listener.
type ListenTLS struct {
	CertFile     string `yaml:"certFile" doc:"PEM file of the public listener's certificate. Requires keyFile. Both files are read again when certFile changes, and then until they match."`
	KeyFile      string `yaml:"keyFile" doc:"PEM file of the certificate's private key."`
	ClientCAFile string `yaml:"clientCAFile" doc:"PEM file of the CA certificates that verify client certificates. auth.certificates maps client certificates to grants."`
}

// withDefaults returns the issuer with defaults in place of zero values.
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
		fallback time.Duration
	}{{&i.Leeway, leeway}, {&i.MaxLifetime, maxLifetime}, {&i.MaxStale, maxStale}} {
		if *d.value == 0 {
			*d.value = d.fallback
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
