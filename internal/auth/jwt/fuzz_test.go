package jwt_test

import (
	"context"
	"strings"
	"testing"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth/jwt"
	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/problem"
)

// FuzzToken checks that no text makes the parser panic, that golang-jwt parses every accepted token in the same way,
// and that only tokens signed by the issuer are valid.
func FuzzToken(f *testing.F) {
	ed, es := newEd25519(f, "ed"), newEC(f, "es", p256())
	issuer := issuerSettings()
	issuer.JWKSURL, issuer.PublicKeyFile = "", writeFile(f, ed.pem(f), es.pem(f))
	verifier, err := jwt.New([]config.Issuer{issuer}, jwt.Options{})
	require.NoError(f, err)
	signed := map[string]bool{} // by header and claims of each valid token
	for _, token := range []string{
		ed.validToken(f), es.validToken(f),
		ed.sign(f, ed.header(nil), claims(time.Now(), jsonObject{"deep": jsonObject{"a": []any{1, "\u2028", nil, 1e21}}})),
		es.sign(f, es.header(jsonObject{"typ": "at+jwt", "kid": nil}), claims(time.Now(), jsonObject{"aud": []string{"x", audience}})),
	} {
		f.Add(token)
		signed[token[:strings.LastIndexByte(token, '.')]] = true
	}
	valid := ed.validToken(f)
	head, rest, _ := strings.Cut(valid, ".")
	for _, seed := range []string{
		"", ".", "..", "...", "e30.e30.", "bnVsbA.bnVsbA.bnVsbA", valid + ".", valid + "=", valid + "\n", "\x00" + valid, head + "." + head + "." + head,
		strings.ToUpper(head) + "." + rest, ed.signText(f, `{"alg":"EdDSA","alg":"none"}`, `{}`),
		ed.signText(f, `{"alg":"EdDSA"}`, `{"exp":1e400}`), ed.signText(f, `{"alg":"EdDSA"}`, `{"exp":-0.0}`),
		ed.signText(f, `{"alg":"EdDSA"}`, strings.Repeat(`{"a":`, 900)+`1`+strings.Repeat(`}`, 900)), ed.signText(f, `{"alg":"EdDSA"}`, `{"\ud800":1}`),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		claims, alg, err := jwt.Parse(text)
		if err == nil && gojwt.GetSigningMethod(alg) != nil {
			want := gojwt.MapClaims{}
			token, _, err := gojwt.NewParser(gojwt.WithStrictDecoding()).ParseUnverified(text, want)
			require.NoError(t, err)
			require.Equal(t, alg, token.Method.Alg())
			require.Equal(t, map[string]any(want), claims)
		}
		principal, err := verifier.Verify(context.Background(), text)
		require.Equal(t, err == nil, principal != nil)
		if err == nil {
			require.True(t, signed[text[:strings.LastIndexByte(text, '.')]])
			return
		}
		require.True(t, problem.Is(err, problem.InvalidToken))
		require.Equal(t, "The token is not valid.", problem.Of(err).Detail)
	})
}

func BenchmarkVerifyCached(b *testing.B) {
	rs := newRSA(b, "rs", 2048)
	issuer := issuerSettings()
	issuer.JWKSURL, issuer.PublicKeyFile = "", rs.pemFile(b)
	verifier, err := jwt.New([]config.Issuer{issuer}, jwt.Options{})
	require.NoError(b, err)
	token := rs.validToken(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := verifier.Verify(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkVerifyUncached verifies a token with a wrong signature, because results for such tokens are not cached.
func BenchmarkVerifyUncached(b *testing.B) {
	for name, s := range map[string]*signer{"RS256": newRSA(b, "x", 2048), "ES256": newEC(b, "x", p256()), "EdDSA": newEd25519(b, "x")} {
		b.Run(name, func(b *testing.B) {
			issuer := issuerSettings()
			issuer.JWKSURL, issuer.PublicKeyFile = "", s.pemFile(b)
			verifier, err := jwt.New([]config.Issuer{issuer}, jwt.Options{})
			require.NoError(b, err)
			valid := s.validToken(b)
			wrong := valid[:len(valid)-4] + "AAAA"
			b.ReportAllocs()
			for b.Loop() {
				if _, err := verifier.Verify(b.Context(), wrong); err == nil {
					b.Fatal("a token with a wrong signature was accepted")
				}
			}
		})
	}
}
