package mint

import (
	"crypto/rsa"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
)

// Generating keys of these sizes takes minutes, and only their size is checked.
func TestSizesOfRSAKeys(t *testing.T) {
	t.Parallel()
	for bits, ok := range map[int]bool{2047: false, 2048: true, 8192: true, 8193: false} {
		n := new(big.Int).SetBit(big.NewInt(1), bits-1, 1)
		_, err := newKey(&rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: 65537}}, "RS256")
		require.Equal(t, ok, err == nil, bits)
	}
}
