package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
)

func TestInvalidValues(t *testing.T) {
	t.Parallel()
	for yaml, want := range map[string]string{
		`listen: {public: "8080"}`:                            "listen.public: must be host:port",
		`listen: {public: ":99999"}`:                          "listen.public: must contain a port from 1 to 65535",
		`listen: {admin: "http://x:1"}`:                       "listen.admin: must be host:port without a scheme",
		`listen: {admin: ":8080"}`:                            "listen.admin: must differ from listen.public",
		`listen: {drainDelay: -1s}`:                           "listen.drainDelay: must not be negative",
		`listen: {drainTimeout: 0s}`:                          "listen.drainTimeout: must be greater than zero",
		`listen: {timeouts: {readHeader: 0s}}`:                "listen.timeouts.readHeader: must be greater than zero",
		`listen: {timeouts: {readBody: 0s}}`:                  "listen.timeouts.readBody: must be greater than zero",
		`listen: {timeouts: {write: -1s}}`:                    "listen.timeouts.write: must be greater than zero",
		`listen: {timeouts: {idle: 0s}}`:                      "listen.timeouts.idle: must be greater than zero",
		`listen: {maxHeaderBytes: 0}`:                         "listen.maxHeaderBytes: must be at least 1024",
		`listen: {trustedProxies: [lb]}`:                      "listen.trustedProxies[0]: must be an address or a network, such as 10.0.0.0/8",
		`listen: {trustedProxies: [10.0.0.1, 0.0.0.0/0]}`:     "listen.trustedProxies[1]: must not match every address",
		`listen: {trustedProxies: ["::/0"]}`:                  "listen.trustedProxies[0]: must not match every address",
		`listen: {hosts: ["*"]}`:                              "listen.hosts[0]: must be a host name or an address, without scheme, port or wildcard",
		`listen: {adminHosts: ["*"]}`:                         "listen.adminHosts[0]: must be a host name or an address, without scheme, port or wildcard",
		`listen: {hosts: [a, "b:80"]}`:                        "listen.hosts[1]: must be a host name or an address, without scheme, port or wildcard",
		`cors: {origins: ["https://a.example:443"]}`:          "cors.origins[0]: must be scheme://host or scheme://host:port in lower case, without a path or the scheme's default port",
		`cors: {origins: ["*"]}`:                              "cors.origins[0]: must be one origin: a wildcard would let any page call the gateway",
		`cors: {origins: ["https://*.example"]}`:              "cors.origins[0]: must be one origin: a wildcard would let any page call the gateway",
		`cors: {origins: ["null"]}`:                           "cors.origins[0]: must be scheme://host or scheme://host:port in lower case, without a path or the scheme's default port",
		`cors: {origins: ["https://a.example/"]}`:             "cors.origins[0]: must be scheme://host or scheme://host:port in lower case, without a path or the scheme's default port",
		`cors: {origins: ["https://A.example"]}`:              "cors.origins[0]: must be scheme://host or scheme://host:port in lower case, without a path or the scheme's default port",
		`cors: {origins: ["https://u@a.example"]}`:            "cors.origins[0]: must be scheme://host or scheme://host:port in lower case, without a path or the scheme's default port",
		`cors: {origins: ["http://a", "http://a"]}`:           "cors.origins[1]: is a duplicate",
		`auth: {failureLimit: {burst: 0}}`:                    "auth.failureLimit.burst: must be at least 1",
		`auth: {failureLimit: {perSecond: 0}}`:                "auth.failureLimit.perSecond: must be above 0 and at most 1000000",
		`auth: {failureLimit: {perSecond: .nan}}`:             "auth.failureLimit.perSecond: must be above 0 and at most 1000000",
		`limits: {inFlight: {reads: 0}}`:                      "limits.inFlight.reads: must be at least 1",
		`limits: {inFlight: {writes: -1}}`:                    "limits.inFlight.writes: must be at least 1",
		`limits: {inFlight: {waits: 0}}`:                      "limits.inFlight.waits: must be at least 1",
		`limits: {inFlight: {queue: -1}}`:                     "limits.inFlight.queue: must not be negative",
		`limits: {inFlight: {queueTime: 0s}}`:                 "limits.inFlight.queueTime: must be greater than zero",
		`limits: {inFlight: {callerShare: 1.5}}`:              "limits.inFlight.callerShare: must be above 0 and at most 1",
		`upstream: {breaker: {failures: -1}}`:                 "upstream.breaker.failures: must not be negative",
		`upstream: {breaker: {window: 0s}}`:                   "upstream.breaker.window: must be greater than zero",
		`upstream: {breaker: {pause: 0s}}`:                    "upstream.breaker.pause: must be greater than zero",
		`upstream: {maxResponseBytes: 0}`:                     "upstream.maxResponseBytes: must be above 0 and below 2 GiB",
		`upstream: {address: temporal}`:                       "upstream.address: must be host:port",
		`upstream: {address: ":7233"}`:                        "upstream.address: must contain a host",
		`upstream: {address: "a:0"}`:                          "upstream.address: must contain a port from 1 to 65535",
		`upstream: {address: "dns:///a:7233"}`:                "upstream.address: must be host:port without a scheme",
		`upstream: {address: "u@a:7233"}`:                     "upstream.address: must be host:port",
		`upstream: {metadata: {authorization: a}}`:            "upstream.metadata.authorization: this key is reserved",
		`upstream: {metadata: {x-bin: "!"}}`:                  "upstream.metadata.x-bin: the value of a -bin key must be base64",
		`upstream: {callerMetadata: [X]}`:                     "upstream.callerMetadata[0]: keys may contain only lower-case letters, digits, '-', '_' and '.'",
		`upstream: {callerMetadata: [x, x]}`:                  "upstream.callerMetadata[1]: is a duplicate",
		`upstream: {tls: {serverName: a}}`:                    "upstream.tls.serverName: requires upstream.tls.enabled: true",
		`upstream: {tls: {caFile: a}}`:                        "upstream.tls.caFile: requires upstream.tls.enabled: true",
		`upstream: {tls: {enabled: true, caFile: a}}`:         "upstream.tls.caFile: a cannot be read: no such file or directory",
		`upstream: {tls: {enabled: true, keyFile: a}}`:        "upstream.tls.certFile: is required with upstream.tls.keyFile",
		`upstream: {tls: {enabled: true, certFile: a}}`:       "upstream.tls.keyFile: is required with upstream.tls.certFile",
		`upstream: {keepAlive: {interval: 9s}}`:               "upstream.keepAlive.interval: must be at least 10s",
		`upstream: {keepAlive: {timeout: 0s}}`:                "upstream.keepAlive.timeout: must be greater than zero",
		`upstream: {retry: {initialInterval: 0s}}`:            "upstream.retry.initialInterval: must be greater than zero",
		`upstream: {retry: {multiplier: 0.9}}`:                "upstream.retry.multiplier: must be at least 1",
		`upstream: {retry: {multiplier: .nan}}`:               "upstream.retry.multiplier: must be at least 1",
		`upstream: {retry: {multiplier: .inf}}`:               "upstream.retry.multiplier: must be at least 1",
		`upstream: {retry: {maxInterval: 1ms}}`:               "upstream.retry.maxInterval: must be at least upstream.retry.initialInterval",
		`upstream: {retry: {maxElapsed: 0s}}`:                 "upstream.retry.maxElapsed: must be greater than zero",
		`upstream: {retry: {maxAttempts: 0}}`:                 "upstream.retry.maxAttempts: must be at least 1",
		`upstream: {proxy: {address: "http://p:1"}}`:          "upstream.proxy.address: must be host:port without a scheme",
		`upstream: {proxy: {basicAuthFile: a}}`:               "upstream.proxy.basicAuthFile: requires upstream.proxy.address",
		`upstream: {credential: {mode: mint}}`:                "upstream.credential.mint.keyFile: is required with mode mint",
		`upstream: {credential: {file: a}}`:                   "upstream.credential.file: requires upstream.credential.mode: static",
		`upstream: {credential: {mode: static}}`:              "upstream.credential.file: is required with mode static",
		`namespaces: {a: {queryRejectCondition: OPEN}}`:       "namespaces.a.queryRejectCondition: must be one of NONE, NOT_OPEN, NOT_COMPLETED_CLEANLY",
		`namespaces: {"a b": {}}`:                             "namespaces.a b: is not a valid namespace name",
		`namespaces: {a.b: {metadata: {te: x}}}`:              "namespaces.a.b.metadata.te: this key is reserved",
		`auth: {apiKeys: {file: absent.yaml}}`:                "auth.apiKeys.file: absent.yaml cannot be read: no such file or directory",
		`auth: {apiKeys: {reloadInterval: 0s}}`:               "auth.apiKeys.reloadInterval: must be at least 10ms",
		`tokens: {keyFiles: [""]}`:                            "tokens.keyFiles[0]: is empty",
		`tokens: {keyFiles: [absent]}`:                        "tokens.keyFiles[0]: the file cannot be read: no such file or directory",
		`limits: {maxWait: 0s}`:                               "limits.maxWait: must be greater than zero",
		`limits: {requestBudget: 55s}`:                        "limits.requestBudget: must be greater than limits.maxWait",
		`limits: {maxBodyBytes: -1}`:                          "limits.maxBodyBytes: must be greater than zero",
		`limits: {timeouts: {default: 0s}}`:                   "limits.timeouts.default: must be at least 1ms",
		`limits: {timeouts: {default: 6m}}`:                   "limits.timeouts.default: must not exceed limits.timeouts.max",
		`limits: {timeouts: {longPoll: 6m}}`:                  "limits.timeouts.longPoll: must not exceed limits.timeouts.max",
		`docs: {folder: absent}`:                              "docs.folder: absent cannot be read: no such file or directory",
		`docs: {folder: flowgate.yaml}`:                       "docs.folder: flowgate.yaml is not a directory",
		`metrics: {callers: -1}`:                              "metrics.callers: must be from 0 to 1000",
		`metrics: {callers: 1001}`:                            "metrics.callers: must be from 0 to 1000",
		`log: {level: loud}`:                                  "log.level: must be one of debug, info, warn, error",
		`log: {format: xml}`:                                  "log.format: must be one of json, text",
		`auth: {insecureAnonymous: true, apiKeys: {file: a}}`: "auth.insecureAnonymous: cannot be combined with auth.apiKeys.file",
	} {
		t.Run(yaml, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, problemsOf(t, yaml), want)
		})
	}
}

func TestBothListenersMayUsePortZero(t *testing.T) {
	t.Parallel()
	_, err := load(t, `
listen: {public: "127.0.0.1:0", admin: "127.0.0.1:0"}
auth: {insecureAnonymous: true}`)
	require.NoError(t, err)
}

func TestCredentialOverPlaintext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret := write(t, dir, "api.key", " token\n")
	for name, tc := range map[string]struct {
		address string
		tls     bool
		allow   bool // allowPlaintextCredential
		ok      bool
	}{
		"localhost":     {address: "localhost:7233", ok: true},
		"IPv4 loopback": {address: "127.1.2.3:7233", ok: true},
		"IPv6 loopback": {address: "[::1]:7233", ok: true},
		"IPv4-mapped":   {address: "[::ffff:127.0.0.1]:7233", ok: true},
		"another host":  {address: "temporal:7233"},
		"longer name":   {address: "localhost.example:7233"},
		"unspecified":   {address: "0.0.0.0:7233"},
		"TLS":           {address: "temporal:7233", tls: true, ok: true},
		"allowed":       {address: "temporal:7233", allow: true, ok: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config.Default()
			cfg.Auth.InsecureAnonymous = true
			cfg.Upstream.Address, cfg.Upstream.TLS.Enabled = tc.address, tc.tls
			cfg.Upstream.Credential = config.Credential{Mode: config.CredentialStatic, File: secret, AllowPlaintext: tc.allow}
			require.Equal(t, tc.ok, cfg.Upstream.PlaintextCredentialProblem() == "", "regardless of the credential")
			if tc.ok {
				require.NoError(t, cfg.Validate())
				return
			}
			require.Len(t, lines(t, cfg.Validate()), 1)
			require.ErrorContains(t, cfg.Validate(), "upstream.credential: would be sent without TLS")
		})
	}
}

func TestSecretFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	blank := write(t, dir, "blank", " \n")
	twoLines := write(t, dir, "two-lines", "first\nsecond")
	short := write(t, dir, "short", strings.Repeat("a", 31))

	cfg := config.Default()
	cfg.Auth.InsecureAnonymous = true
	cfg.Upstream.Credential = config.Credential{Mode: config.CredentialStatic, File: blank}
	cfg.Upstream.Proxy = config.Proxy{Address: "proxy:3128", BasicAuthFile: twoLines}
	cfg.Tokens.KeyFiles = []string{short}
	require.Equal(t, []string{
		"tokens.keyFiles[0]: " + short + " must contain at least 32 bytes",
		"upstream.credential.file: " + blank + " is empty",
		"upstream.proxy.basicAuthFile: " + twoLines + " must contain one line",
	}, lines(t, cfg.Validate()))

	// If no file with the name exists, the name may be the secret itself.
	cfg.Upstream.Credential.File, cfg.Upstream.Proxy.BasicAuthFile, cfg.Tokens.KeyFiles = "S3CRET", "S3CRET", []string{"S3CRET"}
	require.NotContains(t, cfg.Validate().Error(), "S3CRET")

	cfg.Upstream.Proxy.BasicAuthFile = short
	require.Contains(t, lines(t, cfg.Validate()), "upstream.proxy.basicAuthFile: "+short+" must contain user:password")
}

func TestTLSFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certPEM, keyPEM := certificate(t)
	_, otherKey := certificate(t)
	cert, key := write(t, dir, "cert.pem", certPEM), write(t, dir, "key.pem", keyPEM)

	cfg := config.Default()
	cfg.Auth.InsecureAnonymous = true
	cfg.Upstream.TLS = config.TLS{Enabled: true, CAFile: cert, CertFile: cert, KeyFile: key}
	require.NoError(t, cfg.Validate())

	cfg.Upstream.TLS.CAFile = key
	cfg.Upstream.TLS.KeyFile = write(t, dir, "other.pem", otherKey)
	require.Equal(t, []string{
		"upstream.tls.caFile: " + key + " contains no PEM certificate",
		"upstream.tls.certFile: " + cert + " and " + cfg.Upstream.TLS.KeyFile + " cannot be parsed or do not match",
	}, lines(t, cfg.Validate()))
}

// certificate returns a new self-signed certificate and its key in PEM.
func certificate(t *testing.T) (certPEM, keyPEM string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
