package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/reload"
	"github.com/flowgate/flowgate/internal/yamlnode"
)

// Keys are the API keys of a file. Any number of goroutines may ask them while
// the file is replaced under them.
type Keys struct {
	file *reload.File[keySet]
	now  func() time.Time
}

// keySet is one version of the keys file, never changed after it was built.
type keySet struct {
	byID map[string]*apiKey
	// dummyKey is compared with when the id is unknown, and accepts nobody.
	dummyKey *apiKey
	// credentials are the static ones of the entries, by the token's file.
	credentials map[string]*Credential
}

// apiKey is one entry. Its secrets are known by their hashes alone; they are
// random and long, so that a plain hash cannot be guessed back.
type apiKey struct {
	principal *Principal
	disabled  bool
	secrets   []secret
}

type secret struct {
	hash [sha256.Size]byte
	// notAfter is when the secret stops to work; zero is never.
	notAfter time.Time
	// principal is the key's, which expires with the secret.
	principal *Principal
}

func (s *secret) expired(now time.Time) bool {
	return !s.notAfter.IsZero() && now.After(s.notAfter)
}

// OpenKeys reads the keys file. A file with any problem is an error that tells
// all of them: a gateway must not start with half of its callers. The tokens
// that its entries name are read along.
func OpenKeys(path string, options Options) (*Keys, error) {
	options = options.withDefaults()
	file, err := reload.Open(path, keysParser(filepath.Dir(path), options), options.watched())
	if err != nil {
		return nil, yamlnode.InFile(path, err)
	}
	return &Keys{file: file, now: options.Now}, nil
}

// Watch follows changes of the file and of the tokens that it names, looking
// every interval (which must be positive), until ctx ends. The caller runs it,
// once, in a goroutine of its own.
func (k *Keys) Watch(ctx context.Context, interval time.Duration) {
	reload.Every(ctx, interval, func(ctx context.Context) {
		k.file.Poll(ctx)
		for _, credential := range k.file.Load().credentials {
			credential.token.Poll(ctx)
		}
	})
}

// Owner is the principal of a key as it stands now; none when there is no such
// key, or none of its secrets works any more.
func (k *Keys) Owner(id string) (*Principal, bool) {
	key, known := k.file.Load().byID[id]
	if !known || key.disabled || key.active(k.now()) == 0 {
		return nil, false
	}
	return key.principal, true
}

// active counts the secrets that still work.
func (k *apiKey) active(now time.Time) (n int) {
	for i := range k.secrets {
		if !k.secrets[i].expired(now) {
			n++
		}
	}
	return n
}

// Summary tells, a line each, what the keys may do and how many of their
// secrets still work.
func (k *Keys) Summary() []string {
	var lines []string
	keys := k.file.Load()
	for _, id := range slices.Sorted(maps.Keys(keys.byID)) {
		lines = append(lines, id+": "+keys.byID[id].summary(k.now()))
	}
	return lines
}

func (k *apiKey) summary(now time.Time) string {
	if k.disabled {
		return "disabled"
	}
	active := k.active(now)
	grants := make([]string, len(k.principal.Grants))
	for i, grant := range k.principal.Grants {
		grants[i] = grant.Role.String() + " on " + grant.Namespace
	}
	if len(grants) == 0 {
		grants = []string{"no grants"}
	}
	plural := "s"
	if active == 1 {
		plural = ""
	}
	return fmt.Sprintf("%s; %d active secret%s", strings.Join(grants, ", "), active, plural)
}

// authenticate finds whose key it is. Unknown id, wrong secret, expired and
// disabled are told apart neither by the answer nor by its cost: each hashes
// once and compares at least once.
func (k *Keys) authenticate(key string) (*Principal, error) {
	id, presented, ok := splitKey(key)
	if !ok {
		return nil, invalidCredential()
	}
	keys := k.file.Load()
	entry, known := keys.byID[id]
	if !known {
		entry = keys.dummyKey
	}
	who := entry.match(presented, k.now())
	if who == nil {
		return nil, invalidCredential()
	}
	return who, nil
}

// match compares with every secret, without leaving early at a hit, and gives
// the principal of the one that was presented, or nil. The buffer holds a secret
// of usual length on the stack: this runs once a request.
func (k *apiKey) match(presented string, now time.Time) *Principal {
	hash := sha256.Sum256(append(make([]byte, 0, 64), presented...))
	var who *Principal
	for i := range k.secrets {
		same := subtle.ConstantTimeCompare(hash[:], k.secrets[i].hash[:]) == 1
		if same && !k.disabled && !k.secrets[i].expired(now) {
			who = k.secrets[i].principal
		}
	}
	return who
}

// invalidCredential is the one answer to a credential that does not hold.
func invalidCredential() error {
	err := problem.New(problem.InvalidCredential, "The credential is not valid.")
	err.Members.BearerError = "invalid_token"
	return err
}
