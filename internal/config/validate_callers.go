package config

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/flowgate/flowgate/internal/yamlnode"
)

// hosts rejects values that no Host header can match. The comparison is literal and ignores the port.
func (v *validator) hosts(path string, hosts []string) {
	for i, host := range hosts {
		_, err := netip.ParseAddr(host)
		v.check(yamlnode.ElementPath(path, i), host != "" && (err == nil || !strings.ContainsAny(host, "*:/[] ")),
			"must be a host name or an address, without scheme, port or wildcard")
	}
}

// trustedProxies rejects a network of all addresses: any client could then choose the client address that the gateway
// reads from X-Forwarded-For.
func (v *validator) trustedProxies(proxies []string) {
	for i, text := range proxies {
		network, err := ParseNetwork(text)
		path := yamlnode.ElementPath("listen.trustedProxies", i)
		if v.check(path, err == nil, "must be an address or a network, such as 10.0.0.0/8") {
			v.check(path, network.Bits() > 0, "must not match every address")
		}
	}
}

// ParseNetwork parses a network in CIDR notation or a single address.
func ParseNetwork(text string) (netip.Prefix, error) {
	if ip, err := netip.ParseAddr(text); err == nil {
		ip = ip.Unmap()
		return netip.PrefixFrom(ip, ip.BitLen()), nil
	}
	return netip.ParsePrefix(text)
}

// cors accepts origins as browsers send them (RFC 6454 section 6.2). Origins are compared as strings, so no other form
// could match.
func (v *validator) cors(c CORS) {
	for i, origin := range c.Origins {
		path := yamlnode.ElementPath("cors.origins", i)
		if !v.check(path, !strings.Contains(origin, "*"), "must be one origin: a wildcard would let any page call the gateway") {
			continue
		}
		u, err := url.Parse(origin)
		ok := err == nil && isHTTP(u) && u.Host != "" && u.Scheme+"://"+u.Host == origin &&
			strings.ToLower(origin) == origin
		ok = ok && u.Port() != map[string]string{"http": "80", "https": "443"}[u.Scheme]
		v.check(path, ok, "must be scheme://host or scheme://host:port in lower case, without a path or the scheme's default port")
		v.check(path, !slices.Contains(c.Origins[:i], origin), "is a duplicate")
	}
}

func (v *validator) inFlight(f InFlight) {
	for _, pool := range []struct {
		name string
		size int
	}{{"reads", f.Reads}, {"writes", f.Writes}, {"waits", f.Waits}, {"polls", f.Polls}} {
		v.check("limits.inFlight."+pool.name, pool.size >= 1, "must be at least 1")
	}
	v.check("limits.inFlight.queue", f.Queue >= 0, "must not be negative")
	v.positive("limits.inFlight.queueTime", f.QueueTime)
	v.check("limits.inFlight.callerShare", f.CallerShare > 0 && f.CallerShare <= 1, "must be above 0 and at most 1")
}

// bytesInFlight checks that the largest request and response bodies fit into the limits.
func (v *validator) bytesInFlight(c *Config) {
	bytes := c.Limits.BytesInFlight
	v.check("limits.bytesInFlight.requests", bytes.Requests > 0 && bytes.Requests >= c.Limits.MaxBodyBytes,
		"must be at least limits.maxBodyBytes")
	v.check("limits.bytesInFlight.responses", bytes.Responses > 0 && bytes.Responses >= int64(c.Upstream.MaxResponseBytes),
		"must be at least upstream.maxResponseBytes")
}
