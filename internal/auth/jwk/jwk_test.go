package jwk_test

import (
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/flowgate/flowgate/internal/auth/jwk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The key of RFC 8037, appendix A.2, and its thumbprint, appendix A.3.
func ExampleThumbprint() {
	key, err := jwk.Parse([]byte(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(jwk.Thumbprint(key.Public))
	// Output: kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k <nil>
}

// rfc7638 has the members of the key in RFC 7638 section 3.1.
const rfc7638 = `"kty":"RSA","e":"AQAB","alg":"RS256","kid":"2011-04-29","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu` +
	`1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJ` +
	`ZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"`

func TestThumbprintOfRFC7638(t *testing.T) {
	t.Parallel()
	key, err := jwk.Parse([]byte("{" + rfc7638 + "}"))
	require.NoError(t, err)
	require.Equal(t, "2011-04-29", key.ID)
	require.Equal(t, "RS256", key.Algorithm)
	kid, err := jwk.Thumbprint(key.Public)
	require.NoError(t, err)
	require.Equal(t, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", kid)
	_, err = jwk.Thumbprint([]byte("secret"))
	require.Error(t, err)
}

// The gateway does not use the certificates in a key, so an error in them does not make the key invalid.
func TestCertificatesInKeyAreIgnored(t *testing.T) {
	t.Parallel()
	for _, member := range []string{`"x5c":["junk"]`, `"x5t":"junk"`, `"x5t#S256":"!"`, `"x5u":":"`, `"x5c":5`} {
		_, err := jwk.Parse([]byte("{" + rfc7638 + "," + member + "}"))
		require.NoError(t, err, member)
	}
}

func TestPrivateKeysAreRejected(t *testing.T) {
	t.Parallel()
	for _, member := range []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"} {
		for _, value := range []string{`"AQAB"`, `""`, `null`, `[]`} {
			_, err := jwk.Parse([]byte("{" + rfc7638 + `,"` + member + `":` + value + "}"))
			require.EqualError(t, err, "is a private key", member+value)
		}
	}
}

func TestDuplicateMemberIsRejected(t *testing.T) {
	t.Parallel()
	_, err := jwk.Parse([]byte("{" + rfc7638 + `,"e":"AQAB"}`))
	require.EqualError(t, err, "is not a JSON Web Key")
}

// Check and Parse have the same bounds. The limit of go-jose, 4096 bits, does not apply.
func TestSizesOfRSAKeys(t *testing.T) {
	t.Parallel()
	for bits, ok := range map[int]bool{2047: false, jwk.MinRSABits: true, 4097: true, jwk.MaxRSABits: true, 8193: false} {
		n := new(big.Int).SetBit(big.NewInt(1), bits-1, 1)
		require.Equal(t, ok, jwk.Check(&rsa.PublicKey{N: n, E: 65537}) == nil, bits)
		text := fmt.Sprintf(`{"kty":"RSA","e":"AQAB","n":%q}`, base64.RawURLEncoding.EncodeToString(n.Bytes()))
		_, err := jwk.Parse([]byte(text))
		require.Equal(t, ok, err == nil, bits)
	}
}

func TestErrorIsShort(t *testing.T) {
	t.Parallel()
	_, err := jwk.Parse([]byte(`{"kty":"EC","crv":"` + strings.Repeat("x", 10_000) + `"}`))
	require.ErrorContains(t, err, "unsupported elliptic curve")
	require.Less(t, len(err.Error()), 200)
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("{" + rfc7638 + "}"))
	f.Add([]byte(`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`))
	f.Add([]byte(`{"kty":"EC","crv":"P-256","x":"AQ","y":"AQ","use":"sig","key_ops":["verify"]}`))
	f.Add([]byte(`{"kty":"AKP","alg":"ML-DSA-44","pub":"AQ"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := jwk.Parse(text)
		if err != nil {
			return
		}
		require.NoError(t, jwk.Check(key.Public))
		_, err = jwk.Thumbprint(key.Public)
		require.NoError(t, err)
		require.True(t, json.Valid(text))
		require.True(t, key.ID == "" || jwk.ValidID(key.ID))
	})
}
