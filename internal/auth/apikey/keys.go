package apikey

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"iter"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/reload"
	"github.com/flowgate/flowgate/internal/yamlnode"
)

// Keys holds the API keys of a file. It is safe for concurrent use, also while the
// file is reloaded.
type Keys struct {
	file *reload.File[keySet]
	now  func() time.Time
}

// keySet is one version of the keys file. It is immutable.
type keySet struct {
	byID map[string]*entry
	// dummy is the entry that Verify compares a secret with if the id is unknown. It
	// matches no secret.
	dummy *entry
	// credentials are the upstream credentials of entries with the mode static, by
	// the path of the token file.
	credentials map[string]*auth.Credential
}

// entry is one entry of the keys file. It has hashes instead of secrets. Secrets are so
// long and random that a fast hash cannot be inverted by guessing.
type entry struct {
	principal *auth.Principal
	disabled  bool
	secrets   []secret
}

type secret struct {
	hash [sha256.Size]byte
	// notAfter is when the secret expires; zero means never.
	notAfter time.Time
	// principal is the principal of the entry. If the secret expires, it is a copy
	// that expires at the same time.
	principal *auth.Principal
}

// expiry returns when the last secret expires, or the zero time if one never does.
func (e *entry) expiry() (last time.Time) {
	for i := range e.secrets {
		at := e.secrets[i].notAfter
		if at.IsZero() {
			return at
		}
		if at.After(last) {
			last = at
		}
	}
	return last
}

func (s *secret) expired(now time.Time) bool {
	return !s.notAfter.IsZero() && now.After(s.notAfter)
}

// Open reads the keys file, and the token files of the upstream credentials that its
// entries name. One mistake makes the whole file invalid, because the gateway must not
// start with a part of the keys. The error lists all mistakes.
func Open(path string, options Options) (*Keys, error) {
	options = options.withDefaults()
	file, err := reload.Open(path, parser(filepath.Dir(path), options), options.reloadOptions())
	if err != nil {
		return nil, yamlnode.InFile(path, err)
	}
	return &Keys{file: file, now: options.Now}, nil
}

// Watch reloads the keys file and the token files that it names when they
// change, until ctx ends. It checks them every interval, which must be
// positive. Call it once, in its own goroutine.
func (k *Keys) Watch(ctx context.Context, interval time.Duration) {
	reload.PollInterval(ctx, interval, func(ctx context.Context) {
		k.file.Poll(ctx)
		for _, credential := range k.file.Load().credentials {
			credential.Poll(ctx)
		}
	})
}

// InForce reports whether the keys file on disk is in force.
func (k *Keys) InForce() bool { return k.file.InForce() }

// Credentials returns the upstream credentials of the keys in force that are read from files.
func (k *Keys) Credentials() iter.Seq[*auth.Credential] {
	return maps.Values(k.file.Load().credentials)
}

// NextExpiry returns when the next enabled key expires, or the zero time if none does. A key expires with the last of its
// secrets, so an old secret that expires during a rotation has no effect.
func (k *Keys) NextExpiry() (next time.Time) {
	now := k.now()
	for _, e := range k.file.Load().byID {
		at := e.expiry()
		if !e.disabled && at.After(now) && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

// PrincipalByID returns the current principal of the entry with the given id. It reports
// false if there is no such entry, or if the entry is disabled or has no active secret.
func (k *Keys) PrincipalByID(id string) (*auth.Principal, bool) {
	found, known := k.file.Load().byID[id]
	if !known || found.disabled || found.activeSecrets(k.now()) == 0 {
		return nil, false
	}
	return found.principal, true
}

// WithoutCredential returns the sorted ids of the enabled entries whose calls use the upstream's
// credential, because they have none of their own.
func (k *Keys) WithoutCredential() []string {
	var ids []string
	for id, e := range k.file.Load().byID {
		if !e.disabled && e.principal.Credential == nil && !e.principal.OverridesAuthorization {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// Namespaces returns the namespaces that the grants of enabled entries name exactly, sorted and
// without duplicates.
func (k *Keys) Namespaces() []string {
	var names []string
	for _, e := range k.file.Load().byID {
		for _, grant := range e.principal.Grants {
			if !e.disabled && grant.Namespace != auth.SystemNamespace && !strings.HasSuffix(grant.Namespace, "*") {
				names = append(names, grant.Namespace)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// activeSecrets returns the number of secrets that have not expired.
func (e *entry) activeSecrets(now time.Time) (n int) {
	for i := range e.secrets {
		if !e.secrets[i].expired(now) {
			n++
		}
	}
	return n
}

// Has reports whether the file has an entry with the given id, which may be disabled.
func (k *Keys) Has(id string) bool {
	_, known := k.file.Load().byID[id]
	return known
}

// Summary returns one line for each entry, sorted by id: its grants, the number of
// its active secrets and their expiry, and its limits.
func (k *Keys) Summary() []string {
	var lines []string
	keys := k.file.Load()
	for _, id := range slices.Sorted(maps.Keys(keys.byID)) {
		lines = append(lines, id+": "+keys.byID[id].summary(k.now()))
	}
	return lines
}

// Verify returns the principal of an API key. It implements [auth.Verifier].
// Unknown ids, wrong secrets, expired secrets and disabled keys get the same response
// after similar work: one hash, and one comparison for each secret of the entry. If the
// id is unknown, there is one comparison.
func (k *Keys) Verify(_ context.Context, key string) (*auth.Principal, error) {
	id, presented, ok := split(key)
	if !ok {
		return nil, auth.InvalidCredential(auth.RejectionError{Reason: auth.ReasonMalformed})
	}
	keys := k.file.Load()
	found, known := keys.byID[id]
	if !known {
		found = keys.dummy
	}
	principal, reason := found.match(presented, k.now())
	switch {
	case principal != nil:
		return principal, nil
	case known:
		return nil, auth.InvalidCredential(auth.RejectionError{Reason: reason, KeyID: id})
	case len(id) < minSecretLen:
		return nil, auth.InvalidCredential(auth.RejectionError{Reason: auth.ReasonUnknownID, KeyID: id})
	default: // the caller may have sent a secret in the place of the id
		return nil, auth.InvalidCredential(auth.RejectionError{Reason: auth.ReasonUnknownID})
	}
}

// match returns the principal of the secret that a caller presented, or nil and the reason.
// It compares with every secret of the entry, also after a match, so that the time does not
// depend on which one matches. The buffer avoids an allocation for secrets of usual length.
func (e *entry) match(presented string, now time.Time) (principal *auth.Principal, reason string) {
	hash := sha256.Sum256(append(make([]byte, 0, 64), presented...))
	reason = auth.ReasonWrongSecret
	for i := range e.secrets {
		switch same := subtle.ConstantTimeCompare(hash[:], e.secrets[i].hash[:]) == 1; {
		case !same:
		case e.disabled:
			reason = auth.ReasonDisabled
		case e.secrets[i].expired(now):
			reason = auth.ReasonExpired
		default:
			principal = e.secrets[i].principal
		}
	}
	return principal, reason
}
