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

// The sizes that an RSA modulus may have, in bits: below them it can be factored, above them a signature costs more than
// the call that it is for.
const (
	MinRSABits = 2048
	MaxRSABits = 8192
)

var (
	errOtherKind  = errors.New("a key of another kind than RSA, EC and Ed25519")
	errOtherCurve = errors.New("an EC key on another curve than P-256 and P-384")
	errNoRSA      = errors.New("an RSA key with numbers that no RSA key has")
)

// Check judges the strength of a public key: RSA of 2048 to 8192 bits, EC on P-256 or P-384, Ed25519.
func Check(public crypto.PublicKey) error {
	switch public := public.(type) {
	case *rsa.PublicKey:
		return checkRSA(public)
	case *ecdsa.PublicKey:
		if public.Curve != elliptic.P256() && public.Curve != elliptic.P384() {
			return errOtherCurve
		}
	case ed25519.PublicKey:
	default:
		return errOtherKind
	}
	return nil
}

func checkRSA(public *rsa.PublicKey) error {
	if bits := public.N.BitLen(); bits < MinRSABits || bits > MaxRSABits {
		return fmt.Errorf("an RSA key of %d bits", bits)
	}
	// crypto/rsa takes no larger exponent.
	if public.E < 3 || public.E > math.MaxInt32 || public.E&1 == 0 || public.N.Bit(0) == 0 {
		return errNoRSA
	}
	return nil
}
