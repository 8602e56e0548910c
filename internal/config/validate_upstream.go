package config

import (
	"maps"
	"math"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/flowgate/flowgate/internal/yamlnode"
)

// minKeepAlive is the minimum interval between pings. A Temporal server closes connections that ping more often.
const minKeepAlive = 10 * time.Second

func (v *validator) upstream(u Upstream) {
	v.address("upstream.address", u.Address, false)
	v.metadata("upstream.metadata", u.Metadata)
	v.callerMetadata(u.CallerMetadata)
	v.tls("upstream.tls", u.TLS)
	v.check("upstream.keepAlive.interval", u.KeepAlive.Interval >= minKeepAlive, "must be at least 10s")
	v.positive("upstream.keepAlive.timeout", u.KeepAlive.Timeout)
	v.retry(u.Retry)
	v.breaker(u.Breaker)
	v.check("upstream.maxResponseBytes", u.MaxResponseBytes > 0 && u.MaxResponseBytes <= math.MaxInt32,
		"must be above 0 and below 2 GiB")
	v.proxy(u.Proxy)
	v.credential(u)
}

func (v *validator) metadata(path string, metadata Metadata) {
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		keyPath := yamlnode.FieldPath(path, key)
		err := CheckMetadataKey(key)
		if err == nil {
			_, err = DecodeMetadata(key, metadata[key])
		}
		if err != nil {
			v.add(keyPath, err.Error())
		}
	}
}

func (v *validator) callerMetadata(keys []string) {
	for i, key := range keys {
		path := yamlnode.ElementPath("upstream.callerMetadata", i)
		if err := CheckMetadataKey(key); err != nil {
			v.add(path, err.Error())
		}
		v.check(path, !slices.Contains(keys[:i], key), "is a duplicate")
	}
}

func (v *validator) tls(path string, t TLS) {
	for _, setting := range []struct{ name, value string }{
		{"caFile", t.CAFile}, {"certFile", t.CertFile}, {"keyFile", t.KeyFile}, {"serverName", t.ServerName},
	} {
		v.check(path+"."+setting.name, t.Enabled || setting.value == "", "requires "+path+".enabled: true")
	}
	v.check(path+".certFile", t.KeyFile == "" || t.CertFile != "", "is required with "+path+".keyFile")
	v.check(path+".keyFile", t.CertFile == "" || t.KeyFile != "", "is required with "+path+".certFile")
	v.caCertificates(path+".caFile", t.CAFile)
	v.keyPair(path, t.CertFile, t.KeyFile)
}

func (v *validator) retry(r Retry) {
	v.positive("upstream.retry.initialInterval", r.InitialInterval)
	v.check("upstream.retry.multiplier", r.Multiplier >= 1 && !math.IsInf(r.Multiplier, 1), "must be at least 1")
	v.check("upstream.retry.maxInterval", r.MaxInterval >= r.InitialInterval && r.MaxInterval > 0,
		"must be at least upstream.retry.initialInterval")
	v.positive("upstream.retry.maxElapsed", r.MaxElapsed)
	v.check("upstream.retry.maxAttempts", r.MaxAttempts >= 1, "must be at least 1")
}

func (v *validator) breaker(b Breaker) {
	v.check("upstream.breaker.failures", b.Failures >= 0, "must not be negative")
	v.positive("upstream.breaker.window", b.Window)
	v.positive("upstream.breaker.pause", b.Pause)
}

func (v *validator) proxy(p Proxy) {
	if p.Address != "" {
		v.address("upstream.proxy.address", p.Address, false)
	}
	v.check("upstream.proxy.basicAuthFile", p.BasicAuthFile == "" || p.Address != "", "requires upstream.proxy.address")
	if secret, ok := v.secret("upstream.proxy.basicAuthFile", p.BasicAuthFile); ok {
		v.check("upstream.proxy.basicAuthFile", strings.Contains(secret, ":"), p.BasicAuthFile+" must contain user:password")
	}
}

func (v *validator) credential(u Upstream) {
	const path = "upstream.credential"
	c := u.Credential
	v.oneOf(path+".mode", c.Mode, CredentialNone, CredentialStatic, CredentialPassthrough, CredentialMint)
	v.credentialFile(path, c.Mode, c.File)
	if reason := u.PlaintextCredentialProblem(); reason != "" && c.Mode != CredentialNone {
		v.add(path, reason)
	}
}

func (v *validator) credentialFile(path, mode, file string) {
	if mode != CredentialStatic {
		v.check(path+".file", file == "", "requires "+path+".mode: static")
		return
	}
	v.check(path+".file", file != "", "is required with mode static")
	v.secret(path+".file", file)
}

// namespaceUpstream checks the upstream of one namespace and the credential that is sent to it.
func (v *validator) namespaceUpstream(path string, n Namespace, u Upstream) {
	c := n.Credential
	v.oneOf(path+".credential.mode", c.Mode, "", CredentialNone, CredentialStatic, CredentialPassthrough, CredentialMint)
	v.credentialFile(path+".credential", c.Mode, c.File)
	if n.Upstream.Address == "" {
		v.check(path+".upstream.tls", n.Upstream.TLS == TLS{}, "requires "+path+".upstream.address")
	} else {
		v.address(path+".upstream.address", n.Upstream.Address, false)
		v.tls(path+".upstream.tls", n.Upstream.TLS)
	}
	mode := c.Mode
	if mode == "" {
		mode = u.Credential.Mode
	}
	if reason := u.ForNamespace(n).PlaintextCredentialProblem(); reason != "" && mode != CredentialNone {
		v.add(path+".credential", reason)
	}
}

// ForNamespace returns the upstream that a namespace uses.
func (u Upstream) ForNamespace(n Namespace) Upstream {
	if n.Upstream.Address != "" {
		u.Address, u.TLS = n.Upstream.Address, n.Upstream.TLS
	}
	return u
}

// PlaintextCredentialProblem returns a message if the connection to at least one upstream must not carry credentials,
// because it has no TLS. The message is empty if all connections may.
func (c *Config) PlaintextCredentialProblem() string {
	reason := c.Upstream.PlaintextCredentialProblem()
	for _, namespace := range c.Namespaces {
		if reason == "" {
			reason = c.Upstream.ForNamespace(namespace).PlaintextCredentialProblem()
		}
	}
	return reason
}

// PlaintextCredentialProblem returns a message if the connection to the upstream must not carry credentials, because it
// has no TLS. The message is empty if it may.
func (u Upstream) PlaintextCredentialProblem() string {
	if u.TLS.Enabled || u.Credential.AllowPlaintext || isLoopback(u.Address) {
		return ""
	}
	return "would be sent without TLS to another host: set upstream.tls.enabled, " +
		"or upstream.credential.allowPlaintextCredential to accept that"
}

// address checks host:port. The address of a listener may omit the host, and may have port 0 for any free port.
func (v *validator) address(path, address string, listener bool) {
	if strings.Contains(address, "://") {
		v.add(path, "must be host:port without a scheme")
		return
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		v.add(path, "must be host:port")
		return
	}
	v.check(path, listener || host != "", "must contain a host")
	n, err := strconv.ParseUint(port, 10, 16)
	v.check(path, err == nil && (listener || n > 0), "must contain a port from 1 to 65535")
	v.check(path, !strings.ContainsAny(host, " /@?#"), "must be host:port")
}

// isLoopback reports whether the address is on this host. Names other than localhost are not resolved: their addresses
// may change.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}
