package jwt_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth/jwt"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/problem"
)

// Tokens with invented kids must cause neither a flood of fetches nor long waits.
func TestUnknownKidsCauseOneFetchPerThirtySeconds(t *testing.T) {
	t.Parallel()
	ed := newEd25519(t, "ed")
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, newIDP(ed.jwk(nil)), issuerSettings())
		unknownKid := func(n int) string {
			return ed.sign(t, ed.header(jsonObject{"kid": "k" + strconv.Itoa(n)}), claims(time.Now(), nil))
		}
		sleep(29 * time.Second)
		require.Contains(t, f.rejects(t, unknownKid(0)), "no single key")
		require.Len(t, f.idp.fetches(), 1, "a scheduled fetch also prevents another for thirty seconds")
		sleep(time.Second)
		begin := time.Now()
		var all sync.WaitGroup
		for n := range 1000 {
			token := unknownKid(n)
			all.Go(func() { f.rejects(t, token) })
		}
		all.Wait()
		require.Len(t, f.idp.fetches(), 2)
		for n := range 1000 {
			f.rejects(t, unknownKid(1000+n))
		}
		require.Zero(t, time.Since(begin), "no caller waits if no fetch is in flight")
		require.Len(t, f.idp.fetches(), 2)
		require.Equal(t, 2001, f.unknownKids)
		sleep(30 * time.Second)
		f.rejects(t, unknownKid(2000))
		require.Len(t, f.idp.fetches(), 3)
	})
}

func TestUnknownKidWaitsAtMostOneSecond(t *testing.T) {
	t.Parallel()
	ed, added := newEd25519(t, "ed"), newEd25519(t, "added")
	slow := newIDP(ed.jwk(nil))
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, slow, issuerSettings())
		sleep(30 * time.Second) // until an unknown kid can cause another fetch
		publishSlowly(slow, 3*time.Second, ed, added)
		token, begin := added.validToken(t), time.Now()
		f.rejects(t, token)
		require.Equal(t, time.Second, time.Since(begin))
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := f.Verify(ctx, token)
		require.True(t, problem.Is(err, problem.InvalidToken))
		require.Equal(t, 1100*time.Millisecond, time.Since(begin), "the second wait ends with its context")
		sleep(2 * time.Second)
		f.accepts(t, token)
		require.Len(t, f.idp.fetches(), 2, "one fetch at a time")
	})
}

// A token whose kid was missing in the newest set does not wait for another fetch.
func TestUnknownKidIsCached(t *testing.T) {
	t.Parallel()
	ed := newEd25519(t, "ed")
	slow := newIDP(ed.jwk(nil))
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, slow, issuerSettings())
		token := ed.sign(t, ed.header(jsonObject{"kid": "unknown"}), claims(time.Now(), nil))
		sleep(30 * time.Second)
		publishSlowly(slow, 500*time.Millisecond, ed)
		begin := time.Now()
		f.rejects(t, token)
		require.Equal(t, 500*time.Millisecond, time.Since(begin))
		slow.respond(breakConnection)
		sleep(29750 * time.Millisecond) // a fetch is permitted again, but the kid is still cached as unknown
		begin = time.Now()
		f.rejects(t, token)
		require.Zero(t, time.Since(begin))
		require.Len(t, f.idp.fetches(), 2)
	})
}

// publishSlowly makes the issuer respond with the signers' keys after the delay.
func publishSlowly(i *idp, delay time.Duration, signers ...*signer) {
	keys := make([]jsonObject, len(signers))
	for n, s := range signers {
		keys[n] = s.jwk(nil)
	}
	i.publish(keys...)
	i.mu.Lock()
	respond := i.handler
	i.mu.Unlock()
	i.respond(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(delay):
			respond(w, r)
		case <-r.Context().Done():
		}
	})
}

func TestRotation(t *testing.T) {
	t.Parallel()
	old, added := newEd25519(t, "old"), newEd25519(t, "added")
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, newIDP(old.jwk(nil)), issuerSettings())
		oldToken := old.validToken(t)
		principal := f.accepts(t, oldToken)
		require.Same(t, principal, f.accepts(t, oldToken), "the principal is cached")
		f.idp.publish(added.jwk(nil), old.jwk(nil))
		f.rejects(t, added.validToken(t))
		sleep(30 * time.Second) // until an unknown kid can cause another fetch
		f.accepts(t, added.validToken(t))
		require.Same(t, principal, f.accepts(t, oldToken), "the key is also in the new set")
		f.idp.publish(added.jwk(nil))
		sleep(15 * time.Minute) // until the next scheduled fetch
		require.Contains(t, f.rejects(t, oldToken), "no single key")
		f.accepts(t, added.validToken(t))
	})
}

// A cached token depends on the key that verified it, not on its kid.
func TestNewKeyWithSameKidInvalidatesTokens(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"another key", "another use"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ed, other := newEd25519(t, "ed"), newEd25519(t, "other")
			replacement := newEd25519(t, "ed").jwk(nil)
			if name == "another use" {
				replacement = ed.jwk(jsonObject{"use": "enc"})
			}
			synctest.Test(t, func(t *testing.T) {
				f := startFixture(t, newIDP(ed.jwk(nil)), issuerSettings())
				token := ed.validToken(t)
				f.accepts(t, token)
				f.idp.publish(replacement, other.jwk(nil))
				sleep(15 * time.Minute) // until the next scheduled fetch
				f.rejects(t, token)
			})
		})
	}
}

func TestCachedTokenExpires(t *testing.T) {
	t.Parallel()
	ed := newEd25519(t, "ed")
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, newIDP(ed.jwk(nil)), issuerSettings())
		token := ed.validToken(t)
		require.Equal(t, time.Now().Add(time.Hour+30*time.Second), f.accepts(t, token).Expires, "the exp of the token and the leeway")
		sleep(time.Hour + 29*time.Second)
		f.accepts(t, token)
		sleep(time.Second)
		require.Contains(t, f.rejects(t, token), "expired")
	})
}

// During the first fetch after the start, Verify waits instead of rejecting the token.
func TestVerifyWaitsAtMostOneSecondForTheFirstFetch(t *testing.T) {
	t.Parallel()
	ed := newEd25519(t, "ed")
	for delay, valid := range map[time.Duration]bool{500 * time.Millisecond: true, 3 * time.Second: false} {
		slow := newIDP()
		synctest.Test(t, func(t *testing.T) {
			publishSlowly(slow, delay, ed)
			f, begin := newFixture(t, slow, issuerSettings()), time.Now()
			if valid {
				f.accepts(t, ed.validToken(t))
			} else {
				f.requireUnavailable(t, ed.validToken(t))
			}
			require.Equal(t, min(delay, time.Second), time.Since(begin))
		})
	}
}

func TestKeysUnavailableAtStart(t *testing.T) {
	t.Parallel()
	ed := newEd25519(t, "ed")
	provider := newIDP()
	provider.respond(breakConnection)
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, provider, issuerSettings())
		f.requireUnavailable(t, ed.validToken(t))
		f.rejects(t, "junk")
		require.ErrorContains(t, f.Ready(), "keys of the issuer idp: never fetched: unexpected EOF")
		require.Empty(t, f.KeyAges())
		sleep(2 * time.Second)
		require.Len(t, f.idp.fetches(), 1)
		sleep(time.Second)
		require.Len(t, f.idp.fetches(), 2, "the first retry comes soon")
		sleep(time.Hour)
		require.InDelta(t, 62, len(f.idp.fetches()), 12, "later retries come about once a minute")
		require.Equal(t, 1, strings.Count(f.log.String(), "level=ERROR"), "logged once")
		require.Len(t, f.failures(), len(f.idp.fetches()), "OnFetch is called each time")
		f.idp.publish(ed.jwk(nil))
		sleep(time.Minute)
		f.accepts(t, ed.validToken(t))
		require.NoError(t, f.Ready())
		require.Contains(t, f.log.String(), "fetched again")
	})
}

func TestKeysBecomeStale(t *testing.T) {
	t.Parallel()
	ed := newEd25519(t, "ed")
	issuer := issuerSettings()
	issuer.MaxStale, issuer.MaxLifetime = 2*time.Hour, 7*24*time.Hour
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, newIDP(ed.jwk(nil)), issuer)
		token := ed.sign(t, ed.header(nil), claims(time.Now(), jsonObject{"exp": time.Now().Add(100 * time.Hour).Unix()}))
		f.idp.respond(breakConnection)
		sleep(2 * time.Hour)
		f.accepts(t, token)
		f.accepts(t, ed.validToken(t))
		require.Equal(t, map[string]time.Duration{"idp": 2 * time.Hour}, f.KeyAges())
		sleep(time.Second)
		f.requireUnavailable(t, token)
		f.requireUnavailable(t, ed.validToken(t))
		require.NoError(t, f.Ready(), "Ready requires only that keys were fetched once")
		f.idp.publish(ed.jwk(nil))
		sleep(time.Minute)
		f.accepts(t, token)
	})
}

// An invalid response does not replace the keys in force.
func TestInvalidResponsesKeepOldKeys(t *testing.T) {
	t.Parallel()
	ed := newEd25519(t, "ed")
	many := make([]jsonObject, 65)
	for i := range many {
		many[i] = newEd25519(t, strconv.Itoa(i)).jwk(nil)
	}
	text := func(content string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(content)) }
	}
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", to)
			w.WriteHeader(http.StatusFound)
		}
	}
	for name, test := range map[string]struct {
		response http.HandlerFunc
		reason   string
	}{
		"10 MB":                    {text(`{"keys":[],"filler":"` + strings.Repeat("x", 10<<20) + `"}`), "larger than 524288 bytes"},
		"HTML":                     {text(`<!DOCTYPE html><title>Maintenance</title>`), "not a JSON Web Key Set"},
		"empty":                    {text(``), "not a JSON Web Key Set"},
		"null":                     {text(`null`), "no usable key"},
		"no key":                   {text(`{"keys":[]}`), "no usable key"},
		"duplicate member":         {text(`{"keys":[],"keys":[]}`), "not a JSON Web Key Set"},
		"65 keys":                  {text(jsonOf(t, jsonObject{"keys": many})), "more than 64 keys"},
		"status 500":               {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, "status 500"},
		"broken connection":        {breakConnection, "EOF"},
		"redirect to http":         {redirect("http://idp.example/jwks"), "from https to http"},
		"redirect to another host": {redirect("https://evil.example/jwks"), "another host"},
		"redirect to another port": {redirect("https://idp.example:8443/jwks"), "another host"},
		"redirect with user info":  {redirect("https://me@idp.example/jwks"), "another host"},
		"redirect loop":            {redirect("https://idp.example/jwks"), "too many redirects"},
		"endless response":         {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "deadline exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := startFixture(t, newIDP(ed.jwk(nil)), issuerSettings())
				token := ed.validToken(t)
				f.accepts(t, token)
				f.idp.respond(test.response)
				sleep(30 * time.Minute) // longer than the interval of the scheduled fetches
				f.accepts(t, token)
				f.accepts(t, ed.validToken(t))
				require.NotEmpty(t, f.failures())
				require.Contains(t, f.failures()[0], test.reason)
				require.NotContains(t, f.failures()[0], "https://")
				require.Equal(t, 1, strings.Count(f.log.String(), "level=ERROR"))
				for _, address := range f.idp.fetches() {
					require.Equal(t, jwksURL, address, "the redirect is not followed")
				}
			})
		})
	}
}

func TestRedirectOnTheSameHostIsFollowed(t *testing.T) {
	t.Parallel()
	ed := newEd25519(t, "ed")
	provider := newIDP(ed.jwk(nil))
	respond := provider.handler
	provider.respond(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/jwks" {
			w.Header().Set("Location", "/v2/jwks")
			w.WriteHeader(http.StatusMovedPermanently)
			return
		}
		respond(w, r)
	})
	synctest.Test(t, func(t *testing.T) {
		f := startFixture(t, provider, issuerSettings())
		f.accepts(t, ed.validToken(t))
	})
}

func TestRefreshFollowsCacheControl(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"": 15 * time.Minute, "public, max-age=1200, must-revalidate": 20 * time.Minute, "max-age=0": 5 * time.Minute,
		"Max-Age=\"600\"": 10 * time.Minute, "max-age=31536000": time.Hour, "max-age=soon": 15 * time.Minute, "no-store": 15 * time.Minute,
	} {
		t.Run(header, func(t *testing.T) {
			t.Parallel()
			provider := newIDP(newEd25519(t, "ed").jwk(nil))
			respond := provider.handler
			provider.respond(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Cache-Control", header)
				respond(w, r)
			})
			synctest.Test(t, func(t *testing.T) {
				f := startFixture(t, provider, issuerSettings())
				sleep(want*9/10 - time.Second) // jitter shortens the interval by up to a tenth
				require.Len(t, f.idp.fetches(), 1)
				sleep(want/10 + time.Second)
				require.Len(t, f.idp.fetches(), 2)
				require.Less(t, f.KeyAges()["idp"], want/10+time.Second)
			})
		})
	}
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	ed := newEd25519(t, "ed")
	const wellKnown = issuerURL + "/.well-known/openid-configuration"
	for name, test := range map[string]struct {
		issuer   string
		document string
		reason   string
	}{
		"valid":                  {issuerURL, `{"issuer":"` + issuerURL + `","jwks_uri":"https://keys.example/jwks","x":1}`, ""},
		"slash in both":          {issuerURL + "/", `{"issuer":"` + issuerURL + `/","jwks_uri":"https://keys.example/jwks"}`, ""},
		"loopback keys":          {issuerURL, `{"issuer":"` + issuerURL + `","jwks_uri":"http://127.0.0.1:1/jwks"}`, ""},
		"slash in document only": {issuerURL, `{"issuer":"` + issuerURL + `/","jwks_uri":"https://keys.example/jwks"}`, "different issuer"},
		"no issuer":              {issuerURL, `{"jwks_uri":"https://keys.example/jwks"}`, "different issuer"},
		"issuer twice": {
			issuerURL, `{"issuer":"x","issuer":"` + issuerURL + `","jwks_uri":"https://keys.example/jwks"}`, "not a discovery document",
		},
		"no address": {issuerURL, `{"issuer":"` + issuerURL + `"}`, "jwks_uri: must be a URL"},
		"plaintext":  {issuerURL, `{"issuer":"` + issuerURL + `","jwks_uri":"http://keys.example/jwks"}`, "jwks_uri: would fetch keys without TLS"},
		"file URL":   {issuerURL, `{"issuer":"` + issuerURL + `","jwks_uri":"file:///etc/passwd"}`, "jwks_uri: must be a URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			provider := newIDP(ed.jwk(nil))
			keys := provider.handler
			provider.respond(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.String() != wellKnown {
					keys(w, r)
					return
				}
				_, _ = w.Write([]byte(test.document))
			})
			issuer := issuerSettings()
			issuer.Issuer, issuer.Discovery, issuer.JWKSURL = test.issuer, true, ""
			synctest.Test(t, func(t *testing.T) {
				f := startFixture(t, provider, issuer)
				token := ed.sign(t, ed.header(nil), claims(time.Now(), jsonObject{"iss": test.issuer}))
				if test.reason == "" {
					f.accepts(t, token)
					require.Len(t, f.idp.fetches(), 2)
					return
				}
				f.requireUnavailable(t, token)
				require.ErrorContains(t, f.Ready(), "discovery: ")
				require.ErrorContains(t, f.Ready(), test.reason)
				require.Equal(t, []string{wellKnown}, f.idp.fetches())
			})
		})
	}
}

// The keys of one issuer do not verify the tokens of another.
func TestIssuersAreIsolated(t *testing.T) {
	t.Parallel()
	firstKey, secondKey := newEd25519(t, "same"), newEd25519(t, "same")
	provider := newIDP()
	provider.respond(func(w http.ResponseWriter, r *http.Request) {
		key := firstKey
		if r.URL.Host == "two.example" {
			key = secondKey
		}
		_, _ = fmt.Fprintf(w, `{"keys":[%s]}`, jsonOf(t, key.jwk(nil)))
	})
	synctest.Test(t, func(t *testing.T) {
		one, two := issuerSettings(), issuerSettings()
		two.Issuer, two.JWKSURL = "https://two.example", "https://two.example/jwks"
		f := startFixture(t, provider, one, two)
		issuedByTwo := jsonObject{"iss": two.Issuer}
		f.accepts(t, firstKey.validToken(t))
		f.accepts(t, secondKey.sign(t, secondKey.header(nil), claims(time.Now(), issuedByTwo)))
		f.rejects(t, secondKey.validToken(t))
		f.rejects(t, firstKey.sign(t, firstKey.header(nil), claims(time.Now(), issuedByTwo)))
	})
}

func TestErrorsOfNewContainPathOfSetting(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*config.Issuer){
		"auth.jwt[1].issuer: is missing":                                      func(i *config.Issuer) { i.Issuer = "" },
		"auth.jwt[1].issuer: is a duplicate":                                  func(i *config.Issuer) { i.Issuer = issuerURL },
		"auth.jwt[1].audience: must contain at least one value":               func(i *config.Issuer) { i.Audience = nil },
		"auth.jwt[1].algorithms: must contain at least one value":             func(i *config.Issuer) { i.Algorithms = nil },
		"auth.jwt[1].jwksURL: must be a URL":                                  func(i *config.Issuer) { i.JWKSURL = "" },
		"auth.jwt[1].jwksURL: would fetch keys without TLS":                   func(i *config.Issuer) { i.JWKSURL = "http://idp.example" },
		"auth.jwt[1].issuer: would fetch keys without TLS":                    func(i *config.Issuer) { i.Issuer, i.Discovery = "http://idp.example", true },
		"auth.jwt[1].credential: requires upstream.credential.mint.keyFile":   func(i *config.Issuer) { i.Credential = "mint" },
		"auth.jwt[1].credential: must be one of none":                         func(i *config.Issuer) { i.Credential = "static" },
		"auth.jwt[1].publicKeyFile: /no/file: no such file":                   func(i *config.Issuer) { i.PublicKeyFile = "/no/file" },
		"auth.jwt[1].caFile: /no/file: cannot be read":                        func(i *config.Issuer) { i.CAFile = "/no/file" },
		"auth.jwt[1].caFile: keys_test.go: contains no PEM certificate":       func(i *config.Issuer) { i.CAFile = "keys_test.go" },
		"auth.jwt[1].publicKeyFile: keys_test.go: contains no PEM public key": func(i *config.Issuer) { i.PublicKeyFile = "keys_test.go" },
	} {
		second := issuerSettings()
		second.Issuer = "https://two.example"
		change(&second)
		_, err := jwt.New([]config.Issuer{issuerSettings(), second}, jwt.Options{})
		require.ErrorContains(t, err, want)
	}
	loopback := issuerSettings()
	loopback.JWKSURL = "http://[::1]:8080/jwks"
	_, err := jwt.New([]config.Issuer{loopback}, jwt.Options{})
	require.NoError(t, err)
}

// After Watch has returned there are no fetches, and Verify still works.
func TestVerifyAfterWatch(t *testing.T) {
	t.Parallel()
	ed := newEd25519(t, "ed")
	synctest.Test(t, func(t *testing.T) {
		provider := newIDP(ed.jwk(nil))
		verifier, err := jwt.New([]config.Issuer{issuerSettings()}, jwt.Options{Transport: provider})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		go verifier.Watch(ctx)
		synctest.Wait()
		stop()
		synctest.Wait()
		for range 3 {
			sleep(time.Minute)
			_, err = verifier.Verify(t.Context(), ed.sign(t, ed.header(jsonObject{"kid": "unknown"}), claims(time.Now(), nil)))
			require.True(t, problem.Is(err, problem.InvalidToken))
		}
		_, err = verifier.Verify(t.Context(), ed.validToken(t))
		require.NoError(t, err)
		require.Len(t, provider.fetches(), 1)
	})
}

// Cancelling Watch during a fetch ends the fetch and does not count as a failure.
func TestWatchEndsDuringFetch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		provider := newIDP()
		provider.respond(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		failed := false
		verifier, err := jwt.New([]config.Issuer{issuerSettings()}, jwt.Options{
			Transport: provider, OnFetch: func(string, error) { failed = true },
		})
		require.NoError(t, err)
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		begin := time.Now()
		verifier.Watch(ctx)
		require.Equal(t, time.Second, time.Since(begin))
		require.False(t, failed)
	})
}
