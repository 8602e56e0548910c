package server

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzClientIP compares clientIP with addressOf, a simpler implementation that splits the complete header first.
func FuzzClientIP(f *testing.F) {
	prefixes := []string{"10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32"}
	for _, xff := range []string{
		"", " ", ",", "203.0.113.7", "1.2.3.4, 203.0.113.7", "203.0.113.7, 10.0.0.2", "1.2.3.4, 203.0.113.7, 10.0.0.2, 10.0.0.3", "10.0.0.2, 10.0.0.3", "junk", "1.2.3.4, junk",
		"1.2.3.4, junk, 10.0.0.2", "203.0.113.7, 10.0.0.2,", "203.0.113.7,,10.0.0.2", "203.0.113.7:4711", "[2001:db9::1]:4711", "2001:db9::1", "2001:db8::1", "::ffff:10.0.0.2", "::ffff:203.0.113.7",
		"fe80::1%eth0", "2001:db8::1%x", "010.0.0.1", "10.1", "0x0a000001", "167772161", "10.0.0.1/8", "unknown", "_hidden", "for=1.2.3.4", "1.2.3.4\t", "1.2.3.4\x00", "\xff", "localhost",
		strings.Repeat("10.0.0.1,", 500) + "203.0.113.7", "203.0.113.7," + strings.Repeat("10.0.0.1,", 500),
	} {
		f.Add("10.0.0.1:80", "1.2.3.4", xff)
	}
	for _, remote := range []string{"[2001:db8::9]:80", "[2001:db8::9%eth0]:80", "[fe80::1%eth0]:80", "203.0.113.9:80", "[::ffff:10.0.0.1]:80", "memory"} {
		f.Add(remote, "1.2.3.4, 203.0.113.7", "10.0.0.2")
	}
	var trusted []netip.Prefix
	for _, prefix := range prefixes {
		trusted = append(trusted, netip.MustParsePrefix(prefix))
	}
	f.Fuzz(func(t *testing.T, remote, firstHeader, secondHeader string) {
		if _, err := netip.ParseAddrPort(remote); err != nil && remote != "memory" {
			return // net/http sets no such RemoteAddr
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr = remote
		r.Header["X-Forwarded-For"] = []string{firstHeader, secondHeader}
		before := r.Header.Clone()
		var got string
		trustForwardedFor(prefixes)(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = clientIP(r) })).ServeHTTP(nil, r)
		require.Equal(t, before, r.Header)
		require.Equal(t, addressOf(remote, trusted, firstHeader+","+secondHeader), got, "%q %q %q", remote, firstHeader, secondHeader)
	})
}

// addressOf returns the expected client address. remote is the address of the connection, and list is the value of
// X-Forwarded-For.
func addressOf(remote string, trusted []netip.Prefix, list string) string {
	remoteAddress, err := netip.ParseAddrPort(remote)
	host, _, _ := net.SplitHostPort(remote)
	isTrusted := func(ip netip.Addr) bool {
		return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(ip) })
	}
	normalize := func(ip netip.Addr) netip.Addr { return ip.Unmap().WithZone("") }
	switch {
	case err != nil:
		return remote
	case !isTrusted(normalize(remoteAddress.Addr())):
		return remoteAddress.Addr().Unmap().String() // the zone is kept, because it comes from the kernel
	}
	for _, entry := range slices.Backward(strings.Split(list, ",")) {
		if entry = strings.TrimSpace(entry); entry == "" {
			continue
		}
		ip, err := netip.ParseAddr(entry)
		if err != nil {
			return host // the entries to the left of an invalid one cannot be trusted
		}
		if !isTrusted(normalize(ip)) {
			return normalize(ip).String()
		}
	}
	return host
}
