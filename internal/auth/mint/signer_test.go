package mint_test

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/auth/mint"
)

func TestTokensAreMintedDuringRotation(t *testing.T) {
	t.Parallel()
	keys := nameKeys(t, "ABC")
	path := writeFile(t, keys.file("A"))
	cfg := settings(path)
	cfg.PublishAhead = time.Millisecond
	signer := openSigner(t, cfg)
	var watching, callers sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	watching.Go(func() { signer.Watch(ctx, time.Millisecond) })
	for i := range 4 {
		callers.Go(func() {
			for j := range 200 {
				header, err := signer.Authorization(ctx, readCall(strconv.Itoa(i), strconv.Itoa(j%20)))
				if assert.NoError(t, err) {
					_, err = fetchKeys(t, signer).verify(header[len("Bearer "):])
					assert.NoError(t, err)
				}
			}
		})
	}
	for _, file := range []string{"BA", "!", "CB", "A", "B"} {
		rewrite(t, path, keys.file(file))
	}
	callers.Wait()
	require.Eventually(t, func() bool { return keys.signingKey(t, signer) == "B" }, 5*time.Second, time.Millisecond)
	cancel()
	watching.Wait()
}

func BenchmarkAuthorizationCached(b *testing.B) {
	signer, err := mint.Open(settings(writeFile(b, ecKey(b))), mint.Options{})
	require.NoError(b, err)
	call := readCall("dev", "default")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := signer.Authorization(context.Background(), call); err != nil {
				b.Error(err)
			}
		}
	})
}
