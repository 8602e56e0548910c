package apikey_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/auth/apikey"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// authenticatorOf returns an authenticator that verifies keys.
func newAuthenticator(keys *apikey.Keys) *auth.Authenticator {
	return auth.NewAuthenticator(auth.Verifiers{Keys: keys})
}
