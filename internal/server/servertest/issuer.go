package servertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-json-experiment/json"
	gojwt "github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/config"
)

// IssuerURL is the claim "iss" of the tokens that [NewJWT] returns.
const IssuerURL = "https://idp.example"

// TrustIssuer returns a change of the configuration that adds IssuerURL as a trusted issuer. settings holds additional
// members of the issuer's YAML entry, each preceded by a comma. Other settings have their defaults.
func TrustIssuer(t testing.TB, settings string) func(*config.Config) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "flowgate.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`auth: {jwt: [{name: idp, issuer: "`+IssuerURL+`", audience: [flowgate], jwksURL: "`+
		IssuerURL+`/jwks"`+settings+`}]}`), 0o600))
	loaded, err := config.Load(config.LoadOptions{File: file})
	if settings == "" { // some settings are valid only together with the rest of the test's configuration
		require.NoError(t, err)
	}
	return func(cfg *config.Config) { cfg.Auth.JWT = loaded.Auth.JWT }
}

// The issuer's key pairs. [NewIssuer] publishes RSAKey and ECKey. RotatedKey is for
// tests of rotations, and ForgerKey is never published.
//
//nolint:gochecknoglobals // generated once, because that is slow
var (
	RSAKey     = sync.OnceValue(func() *rsa.PrivateKey { return Must(rsa.GenerateKey(rand.Reader, 2048)) })
	ECKey      = sync.OnceValue(NewECKey)
	RotatedKey = sync.OnceValue(NewECKey)
	ForgerKey  = sync.OnceValue(NewECKey)
)

// NewECKey generates a key for ES256.
func NewECKey() *ecdsa.PrivateKey { return Must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

// Must returns value, and panics if err is not nil.
func Must[T any](value T, err error) T {
	if err != nil {
		panic(err) //nolint:forbidigo // for tests only
	}
	return value
}

// Issuer responds to the gateway's fetches of a key set, as Options.KeyTransport. It is safe for concurrent use, except
// that Latency must be set before the gateway starts.
type Issuer struct {
	mu        sync.Mutex
	requested []string // URLs
	keys      []jose.JSONWebKey
	response  func() (*http.Response, error) // replaces the response with the key set, unless it is nil
	Latency   time.Duration                  // of each response
}

// NewIssuer returns an issuer that publishes RSAKey with the kid "rsa" and ECKey with the
// kid "ec".
func NewIssuer() *Issuer {
	i := &Issuer{}
	i.Publish(map[string]any{"rsa": RSAKey().Public(), "ec": ECKey().Public()})
	return i
}

// Publish replaces the key set. keys are public keys by their kid.
func (i *Issuer) Publish(keys map[string]any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = nil
	for kid, key := range keys {
		i.keys = append(i.keys, jose.JSONWebKey{KeyID: kid, Key: key, Use: "sig"})
	}
}

// RespondWith replaces the response to each fetch. A nil function restores the key set.
func (i *Issuer) RespondWith(response func() (*http.Response, error)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.response = response
}

// Fetches returns the number of fetches of the key set so far.
func (i *Issuer) Fetches() int { return len(i.Addresses()) }

// Addresses returns the URLs of the fetches so far.
func (i *Issuer) Addresses() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]string(nil), i.requested...)
}

// RoundTrip responds to a fetch after Latency.
func (i *Issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	i.requested = append(i.requested, r.URL.String())
	respond, keys, latency := i.response, jose.JSONWebKeySet{Keys: i.keys}, i.Latency
	i.mu.Unlock()
	time.Sleep(latency)
	if respond != nil {
		return respond()
	}
	return HTTPResponse(http.StatusOK, "application/json", string(Must(json.Marshal(keys)))), nil
}

// HTTPResponse returns a response for an http.RoundTripper. headers are pairs of name and value.
func HTTPResponse(status int, contentType, body string, headers ...string) *http.Response {
	r := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body))}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// JWTDraft is a JWT before it is signed.
type JWTDraft struct {
	header, claims map[string]any
	// Text replaces the JSON of the claims unless it is empty.
	Text string
	// Method and Key sign the token. They do not change the header.
	Method gojwt.SigningMethod
	Key    any
}

// NewJWT returns a signed token. Without changes it is valid for an hour, with the
// subject "alice" and the role write on the namespace "default".
func NewJWT(changes ...func(*JWTDraft)) string {
	now := time.Now()
	d := &JWTDraft{
		header: map[string]any{"alg": "ES256", "kid": "ec", "typ": "JWT"},
		claims: map[string]any{
			"iss": IssuerURL, "aud": "flowgate", "sub": "alice", "permissions": []string{"default:write"},
			"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		},
		Method: gojwt.SigningMethodES256, Key: ECKey(),
	}
	for _, change := range changes {
		change(d)
	}
	if d.Text == "" {
		d.Text = string(Must(json.Marshal(d.claims)))
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode(Must(json.Marshal(d.header))) + "." + encode([]byte(d.Text))
	return signed + "." + encode(Must(d.Method.Sign(signed, d.Key)))
}

// WithClaim sets a claim, or removes it if the value is nil.
func WithClaim(name string, value any) func(*JWTDraft) {
	return func(d *JWTDraft) { setOrDelete(d.claims, name, value) }
}

// WithHeader sets a header parameter, or removes it if the value is nil.
func WithHeader(name string, value any) func(*JWTDraft) {
	return func(d *JWTDraft) { setOrDelete(d.header, name, value) }
}

func setOrDelete(members map[string]any, name string, value any) {
	members[name] = value
	if value == nil {
		delete(members, name)
	}
}

// SignedBy signs the token with the given key, and sets the header parameters "kid" and "alg" accordingly.
func SignedBy(kid string, method gojwt.SigningMethod, key any) func(*JWTDraft) {
	return func(d *JWTDraft) {
		d.header["kid"], d.header["alg"] = kid, method.Alg()
		d.Method, d.Key = method, key
	}
}

// WithTimeClaim sets a claim to the current time plus after, which may be negative.
func WithTimeClaim(name string, after time.Duration) func(*JWTDraft) {
	return func(d *JWTDraft) { d.claims[name] = time.Now().Add(after).Unix() }
}
