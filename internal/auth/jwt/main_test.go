package jwt_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"math/big"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/jwt"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/testlog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	issuerURL = "https://idp.example/realm"
	jwksURL   = "https://idp.example/jwks"
	audience  = "flowgate"
	// marker is part of every token, so that a test can detect a text that contains a token.
	marker = "MARKER"
)

// jsonObject is a JSON object: a header, claims or a key.
type jsonObject = map[string]any

// issuerSettings returns valid settings of an issuer, which are mostly the defaults.
func issuerSettings() config.Issuer {
	return config.Issuer{
		Name: "idp", Issuer: issuerURL, Audience: []string{audience},
		Algorithms: []string{"RS256", "ES256", "EdDSA"}, Types: []string{"jwt", "at+jwt"},
		JWKSURL: jwksURL, Leeway: 30 * time.Second, MaxLifetime: 24 * time.Hour, MaxStale: 24 * time.Hour,
		Claims: config.Claims{Subject: "sub", Permissions: "permissions", Template: "{namespace}:{role}"},
	}
}

// signer signs tokens with its key pair.
type signer struct {
	kid     string
	method  gojwt.SigningMethod
	private crypto.Signer
}

func newEd25519(t testing.TB, kid string) *signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	return &signer{kid: kid, method: gojwt.SigningMethodEdDSA, private: private}
}

func newEC(t testing.TB, kid string, curve elliptic.Curve) *signer {
	t.Helper()
	private, err := ecdsa.GenerateKey(curve, rand.Reader)
	require.NoError(t, err)
	method := gojwt.SigningMethodES256
	if curve == elliptic.P384() {
		method = gojwt.SigningMethodES384
	}
	return &signer{kid: kid, method: method, private: private}
}

func newRSA(t testing.TB, kid string, bits int) *signer {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, bits)
	require.NoError(t, err)
	return &signer{kid: kid, method: gojwt.SigningMethodRS256, private: private}
}

// jwk returns the public key as an issuer publishes it. Members in other are added, or removed if their value is nil.
func (s *signer) jwk(other jsonObject) jsonObject {
	encode := base64.RawURLEncoding.EncodeToString
	key := jsonObject{"kid": s.kid, "use": "sig"}
	switch public := s.private.Public().(type) {
	case *rsa.PublicKey:
		maps.Copy(key, jsonObject{"kty": "RSA", "n": encode(public.N.Bytes()), "e": encode(big.NewInt(int64(public.E)).Bytes())})
	case *ecdsa.PublicKey:
		point, _ := public.Bytes()
		half := len(point) / 2
		maps.Copy(key, jsonObject{
			"kty": "EC", "crv": public.Params().Name, "x": encode(point[1 : 1+half]), "y": encode(point[1+half:]),
		})
	case ed25519.PublicKey:
		maps.Copy(key, jsonObject{"kty": "OKP", "crv": "Ed25519", "x": encode(public)})
	}
	maps.Copy(key, other)
	maps.DeleteFunc(key, func(_ string, value any) bool { return value == nil })
	return key
}

// claims returns valid claims. Claims in other are added, or removed if their value is nil.
func claims(now time.Time, other jsonObject) jsonObject {
	all := jsonObject{
		"iss": issuerURL, "aud": audience, "sub": "alice", "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(),
		"permissions": []string{"orders:read"}, "secret": marker,
	}
	maps.Copy(all, other)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	return all
}

// header returns a valid header. Parameters in other are added, or removed if their value is nil.
func (s *signer) header(other jsonObject) jsonObject {
	all := jsonObject{"alg": s.method.Alg(), "kid": s.kid, "typ": "JWT"}
	maps.Copy(all, other)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	return all
}

func (s *signer) validToken(t testing.TB) string {
	t.Helper()
	return s.sign(t, s.header(nil), claims(time.Now(), nil))
}

func (s *signer) sign(t testing.TB, header, claims jsonObject) string {
	t.Helper()
	return s.signText(t, jsonOf(t, header), jsonOf(t, claims))
}

// signText signs a token with arbitrary header and claims.
func (s *signer) signText(t testing.TB, header, claims string) string {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	input := encode([]byte(header)) + "." + encode([]byte(claims))
	signature, err := s.method.Sign(input, s.private)
	require.NoError(t, err)
	return input + "." + encode(signature)
}

func jsonOf(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}

// idp is an issuer that responds without a network: as a transport, or as a handler of a test server.
type idp struct {
	mu       sync.Mutex
	handler  http.HandlerFunc
	requests []string
}

func newIDP(keys ...jsonObject) *idp {
	i := &idp{}
	i.publish(keys...)
	return i
}

// publish makes the issuer respond with a key set of these keys.
func (i *idp) publish(keys ...jsonObject) {
	i.respond(func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string][]jsonObject{"keys": append([]jsonObject{}, keys...)})
	})
}

func (i *idp) respond(handler http.HandlerFunc) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.handler = handler
}

// fetches returns the requested addresses, in order.
func (i *idp) fetches() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]string{}, i.requests...)
}

func (i *idp) RoundTrip(r *http.Request) (*http.Response, error) {
	i.mu.Lock()
	handler := i.handler
	i.requests = append(i.requests, r.URL.String())
	i.mu.Unlock()
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	handler(w, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	if w.status == statusBroken {
		return nil, io.ErrUnexpectedEOF
	}
	return &http.Response{StatusCode: w.status, Header: w.header, Body: io.NopCloser(&w.body), Request: r}, nil
}

// statusBroken makes RoundTrip fail as for a broken connection.
const statusBroken = 0

// breakConnection is a handler that breaks the connection.
func breakConnection(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(statusBroken) }

type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header               { return r.header }
func (r *recorder) WriteHeader(status int)            { r.status = status }
func (r *recorder) Write(content []byte) (int, error) { return r.body.Write(content) }

// fixture is a verifier with one or more issuers, and a record of what it reports.
type fixture struct {
	*jwt.Verifier

	idp *idp
	log *testlog.Buffer
	mu  sync.Mutex
	// fetched has the argument of each call of OnFetch, and unknownKids the number of calls of OnUnknownKid.
	fetched     []error
	unknownKids int
}

// newFixture starts a verifier and stops it when the test ends.
func newFixture(t testing.TB, provider *idp, issuers ...config.Issuer) *fixture {
	t.Helper()
	f := &fixture{idp: provider, log: &testlog.Buffer{}}
	verifier, err := jwt.New(issuers, jwt.Options{
		Log: slog.New(slog.NewTextHandler(f.log, nil)), Transport: provider, ReloadInterval: 10 * time.Millisecond,
		OnFetch: func(issuer string, err error) {
			require.Equal(t, issuers[0].Name, issuer)
			f.mu.Lock()
			defer f.mu.Unlock()
			f.fetched = append(f.fetched, err)
		},
		OnUnknownKid: func(string) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.unknownKids++
		},
	})
	require.NoError(t, err)
	f.Verifier = verifier
	t.Cleanup(func() { require.NotContains(t, f.log.String(), marker) })
	runWatch(t, verifier)
	return f
}

// failures returns the errors that OnFetch received.
func (f *fixture) failures() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var texts []string
	for _, err := range f.fetched {
		if err != nil {
			texts = append(texts, err.Error())
		}
	}
	return texts
}

// accepts requires that the token is valid, and returns its principal.
func (f *fixture) accepts(t testing.TB, token string) *auth.Principal {
	t.Helper()
	principal, err := f.Verify(context.Background(), token)
	require.NoError(t, err)
	return principal
}

// rejects requires that the token is rejected as invalid, with an error that quotes no part of it. It returns the cause.
func (f *fixture) rejects(t testing.TB, token string) string {
	t.Helper()
	principal, err := f.Verify(context.Background(), token)
	require.Nil(t, principal)
	require.True(t, problem.Is(err, problem.InvalidToken), "%v", err)
	rejection := problem.Of(err)
	require.Equal(t, "The token is not valid.", rejection.Detail)
	require.Equal(t, problem.Members{BearerError: "invalid_token"}, rejection.Members)
	require.NotContains(t, err.Error(), marker)
	for segment := range strings.SplitSeq(token, ".") {
		if len(segment) > 4 {
			require.NotContains(t, err.Error(), segment)
		}
	}
	return rejection.Unwrap().Error()
}

// requireUnavailable requires that the token is rejected because the issuer's keys are unavailable.
func (f *fixture) requireUnavailable(t testing.TB, token string) {
	t.Helper()
	principal, err := f.Verify(context.Background(), token)
	require.Nil(t, principal)
	require.True(t, problem.Is(err, problem.JWKSUnavailable), "%v", err)
	require.Equal(t, http.StatusServiceUnavailable, problem.JWKSUnavailable.Row().Status)
	require.Positive(t, problem.JWKSUnavailable.Row().RetryAfter)
}

// startFixture starts a verifier in a synctest bubble and waits for the first fetch.
func startFixture(t *testing.T, provider *idp, issuers ...config.Issuer) *fixture {
	t.Helper()
	f := newFixture(t, provider, issuers...)
	synctest.Wait()
	return f
}

// sleep advances the bubble's clock by d and waits for all goroutines.
func sleep(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func p256() elliptic.Curve { return elliptic.P256() }

func encodeSegment(content []byte) string { return base64.RawURLEncoding.EncodeToString(content) }

// runWatch runs Watch until the test ends.
func runWatch(t testing.TB, verifier *jwt.Verifier) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		verifier.Watch(ctx)
	}()
	t.Cleanup(func() {
		stop()
		<-ended
	})
}
