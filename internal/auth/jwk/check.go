package jwk

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"math"
)

// The bounds of an RSA modulus, in bits. A smaller one can be factored; a larger one makes verification cost more than
// the call.
const (
	MinRSABits = 2048
	MaxRSABits = 8192
)

var (
	errKeyType = errors.New("the key is not RSA, EC or Ed25519")
	errCurve   = errors.New("the EC key is not on P-256 or P-384")
	errRSA     = errors.New("the RSA key has an invalid modulus or exponent")
)

// Check returns an error unless the public key is strong enough: RSA with 2048 to 8192 bits, EC on P-256 or P-384, or
// Ed25519.
func Check(public crypto.PublicKey) error {
	switch public := public.(type) {
	case *rsa.PublicKey:
		return checkRSA(public)
	case *ecdsa.PublicKey:
		if public.Curve != elliptic.P256() && public.Curve != elliptic.P384() {
			return errCurve
		}
	case ed25519.PublicKey:
	default:
		return errKeyType
	}
	return nil
}

func checkRSA(public *rsa.PublicKey) error {
	if bits := public.N.BitLen(); bits < MinRSABits || bits > MaxRSABits {
		return fmt.Errorf("the RSA key has %d bits", bits)
	}
	// crypto/rsa accepts no larger exponent.
	if public.E < 3 || public.E > math.MaxInt32 || public.E&1 == 0 || public.N.Bit(0) == 0 {
		return errRSA
	}
	return nil
}
