package server_test

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

// issuerURL is the iss of the tests' tokens.
const issuerURL = "https://idp.example"

// trusting configures the issuer, with the defaults that a file gets. settings
// are further members of its entry, each with a comma in front.
func trusting(t testing.TB, settings string) func(*config.Config) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "flowgate.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`auth: {jwt: [{name: idp, issuer: "`+issuerURL+`", audience: [flowgate], jwksURL: "`+
		issuerURL+`/jwks"`+settings+`}]}`), 0o600))
	loaded, err := config.Load(config.LoadOptions{File: file})
	if settings == "" { // else the rest of the configuration may be needed too
		require.NoError(t, err)
	}
	return func(cfg *config.Config) { cfg.Auth.JWT = loaded.Auth.JWT }
}

// The key pairs of the issuer, and one of somebody else's.
//
//nolint:gochecknoglobals // made once, because that takes long
var (
	rsaKey    = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	ecKey     = sync.OnceValue(newECKey)
	laterKey  = sync.OnceValue(newECKey)
	forgerKey = sync.OnceValue(newECKey)
)

func newECKey() *ecdsa.PrivateKey { return must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)) }

func must[T any](made T, err error) T {
	if err != nil {
		panic(err) //nolint:forbidigo // of a test's own
	}
	return made
}

// issuer answers requests for its keys, as the transport of the gateway.
type issuer struct {
	mu      sync.Mutex
	asked   []string // the addresses
	keys    []jose.JSONWebKey
	answers func() (*http.Response, error) // instead of the keys
	takes   time.Duration
}

// newIssuer publishes rsaKey as "rsa" and ecKey as "ec".
func newIssuer() *issuer {
	i := &issuer{}
	i.publish(map[string]any{"rsa": rsaKey().Public(), "ec": ecKey().Public()})
	return i
}

// publish replaces the keys.
func (i *issuer) publish(keys map[string]any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = nil
	for kid, key := range keys {
		i.keys = append(i.keys, jose.JSONWebKey{KeyID: kid, Key: key, Use: "sig"})
	}
}

// answer replaces what is answered; nil stands for the keys.
func (i *issuer) answer(with func() (*http.Response, error)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answers = with
}

// fetches counts the requests so far.
func (i *issuer) fetches() int { return len(i.addresses()) }

func (i *issuer) addresses() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]string(nil), i.asked...)
}

func (i *issuer) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	i.asked = append(i.asked, r.URL.String())
	answers, keys, takes := i.answers, jose.JSONWebKeySet{Keys: i.keys}, i.takes
	i.mu.Unlock()
	time.Sleep(takes)
	if answers != nil {
		return answers()
	}
	return response(http.StatusOK, "application/json", string(must(json.Marshal(keys)))), nil
}

func response(status int, contentType, body string, headers ...string) *http.Response {
	r := &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body))}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// draft is a token before it is signed. Its zero fields are those of a token
// that is good.
type draft struct {
	header, claims map[string]any
	// text stands instead of the claims.
	text   string
	method gojwt.SigningMethod
	key    any
}

// token signs a token with what changes make of it: without any, it is alice's,
// who may write in the namespace default for an hour.
func token(changes ...func(*draft)) string {
	now := time.Now()
	d := &draft{
		header: map[string]any{"alg": "ES256", "kid": "ec", "typ": "JWT"},
		claims: map[string]any{
			"iss": issuerURL, "aud": "flowgate", "sub": "alice", "permissions": []string{"default:write"},
			"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
		},
		method: gojwt.SigningMethodES256, key: ecKey(),
	}
	for _, change := range changes {
		change(d)
	}
	if d.text == "" {
		d.text = string(must(json.Marshal(d.claims)))
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode(must(json.Marshal(d.header))) + "." + encode([]byte(d.text))
	return signed + "." + encode(must(d.method.Sign(signed, d.key)))
}

// claim sets a claim, and leaves it out when it is nil.
func claim(name string, value any) func(*draft) {
	return func(d *draft) { setOrDelete(d.claims, name, value) }
}

// parameter is claim for the header.
func parameter(name string, value any) func(*draft) {
	return func(d *draft) { setOrDelete(d.header, name, value) }
}

func setOrDelete(members map[string]any, name string, value any) {
	members[name] = value
	if value == nil {
		delete(members, name)
	}
}

// signedBy names the key and the algorithm, and signs so.
func signedBy(kid string, method gojwt.SigningMethod, key any) func(*draft) {
	return func(d *draft) {
		d.header["kid"], d.header["alg"] = kid, method.Alg()
		d.method, d.key = method, key
	}
}

// within sets a claim to a time from now on.
func within(name string, after time.Duration) func(*draft) {
	return func(d *draft) { d.claims[name] = time.Now().Add(after).Unix() }
}
