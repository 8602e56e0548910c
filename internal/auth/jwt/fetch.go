package jwt

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/yamlnode"
)

// The bounds of a fetch.
const (
	fetchTimeout = 5 * time.Second
	maxBody      = 512 << 10 // in bytes
	maxRedirects = 3
)

// fetcher fetches an issuer's key set over HTTP.
type fetcher struct {
	issuer         string
	jwksURL        string // empty if the issuer's metadata contains it (discovery)
	allowPlaintext bool
	client         *http.Client
}

// newFetcher returns a fetcher. Its error begins with the name of the invalid setting, relative to the issuer's
// settings.
func newFetcher(issuer config.Issuer, transport http.RoundTripper) (*fetcher, error) {
	f := &fetcher{issuer: issuer.Issuer, jwksURL: issuer.JWKSURL, allowPlaintext: issuer.AllowPlaintext}
	setting, address := "jwksURL", issuer.JWKSURL
	if issuer.Discovery {
		setting, address = "issuer", issuer.Issuer
	}
	if err := f.checkURL(address); err != nil {
		return nil, fmt.Errorf("%s: %w", setting, err)
	}
	if transport == nil {
		var err error
		if transport, err = newTransport(issuer.CAFile); err != nil {
			return nil, fmt.Errorf("caFile: %w", yamlnode.InFile(issuer.CAFile, err))
		}
	}
	f.client = &http.Client{Transport: transport, CheckRedirect: checkRedirect}
	return f, nil
}

// newTransport returns a transport without keep-alive, because fetches are minutes apart.
func newTransport(caFile string) (*http.Transport, error) {
	transport := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: fetchTimeout}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    fetchTimeout,
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: 64 << 10,
	}
	if caFile == "" {
		return transport, nil
	}
	certificates, err := os.ReadFile(caFile)
	if err != nil {
		return nil, errors.New("cannot be read")
	}
	transport.TLSClientConfig.RootCAs = x509.NewCertPool()
	if !transport.TLSClientConfig.RootCAs.AppendCertsFromPEM(certificates) {
		return nil, errors.New("contains no PEM certificate")
	}
	return transport, nil
}

// checkRedirect allows redirects on the issuer's own host and rejects all others. Otherwise an open redirect at the
// issuer could select whose keys are trusted.
func checkRedirect(next *http.Request, via []*http.Request) error {
	original := via[0].URL
	switch {
	case len(via) > maxRedirects:
		return errors.New("too many redirects")
	case next.URL.Host != original.Host || next.URL.User != nil:
		return errors.New("redirect to another host")
	case next.URL.Scheme != "https" && next.URL.Scheme != original.Scheme:
		return errors.New("redirect from https to http")
	default:
		return nil
	}
}

// fetch returns the content of the key set and the time until the next refresh.
func (f *fetcher) fetch(ctx context.Context) (content []byte, refreshIn time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	address := f.jwksURL
	if address == "" {
		if address, err = f.discover(ctx); err != nil {
			return nil, 0, fmt.Errorf("discovery: %w", err)
		}
	}
	content, header, err := f.get(ctx, address)
	return content, refreshInterval(header), err
}

// discover returns the address of the key set from the issuer's metadata (OpenID Connect Discovery section 4). The
// issuer in the document must be identical to the configured one, including a trailing slash (section 4.3).
func (f *fetcher) discover(ctx context.Context) (string, error) {
	content, _, err := f.get(ctx, strings.TrimSuffix(f.issuer, "/")+"/.well-known/openid-configuration")
	if err != nil {
		return "", err
	}
	var document struct {
		Issuer  string `json:"issuer"`
		JWKSURI string `json:"jwks_uri"` //nolint:tagliatelle // the name in the standard
	}
	if err = json.Unmarshal(content, &document); err != nil {
		return "", errors.New("the response is not a discovery document")
	}
	if document.Issuer != f.issuer {
		return "", errors.New("the document has a different issuer")
	}
	if err = f.checkURL(document.JWKSURI); err != nil {
		return "", fmt.Errorf("jwks_uri: %w", err)
	}
	return document.JWKSURI, nil
}

// checkURL rejects an address whose response an attacker on the network could forge.
func (f *fetcher) checkURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("must be a URL, such as https://idp.example/jwks")
	}
	if u.Scheme == "http" && !f.allowPlaintext && !isLoopback(u.Hostname()) {
		return errors.New("would fetch keys without TLS from another host")
	}
	return nil
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// get reads a small document. Its error does not contain the address, whose query may contain a secret.
func (f *fetcher) get(ctx context.Context, address string) ([]byte, http.Header, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, nil, errors.New("the address is not a URL")
	}
	request.Header.Set("Accept", "application/json, application/jwk-set+json")
	response, err := f.client.Do(request)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		return nil, nil, err
	}
	defer response.Body.Close() //nolint:errcheck // the body was only read
	if response.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("status %d", response.StatusCode)
	}
	content, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err == nil && len(content) > maxBody {
		err = fmt.Errorf("the response is larger than %d bytes", maxBody)
	}
	return content, response.Header, err
}

// refreshInterval returns the max-age of Cache-Control (RFC 9111 section 5.2.2.1), limited to minRefresh and
// maxRefresh: an issuer can neither make the gateway fetch constantly nor make it keep a revoked key for a day.
func refreshInterval(header http.Header) time.Duration {
	for directive := range strings.SplitSeq(strings.Join(header.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(directive), "=")
		seconds, err := strconv.ParseUint(strings.Trim(value, `"`), 10, 31)
		if strings.EqualFold(name, "max-age") && err == nil {
			return min(max(time.Duration(seconds)*time.Second, minRefresh), maxRefresh)
		}
	}
	return defaultRefresh
}
