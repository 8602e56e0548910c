package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"
)

// Credential is what goes upstream in the name of a caller. However it is
// printed, it shows its [Credential.ID] and never the token.
type Credential struct {
	id string
	// token is nil in the mode none.
	token *watchedFile[string]
}

// The modes of a [Credential].
const (
	modeNone   = "none"
	modeStatic = "static"
)

// NewCredential makes the credential of a mode: "none" sends nothing,
// "static" sends the token in file, which is read again when it changes
// (see [Credential.Watch]).
func NewCredential(mode, file string, opts ...Option) (*Credential, error) {
	switch {
	case mode == modeNone && file == "":
		return &Credential{id: mode}, nil
	case mode == modeNone:
		return nil, errors.New("credential mode none takes no file")
	case mode == modeStatic && file == "":
		return nil, errors.New("credential mode static needs a file")
	case mode == modeStatic:
		credential, err := openStatic(file, newOptions(opts))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		return credential, nil
	default:
		return nil, errors.New("credential mode must be none or static")
	}
}

// openStatic reads the token in file; its error does not quote the path.
func openStatic(file string, o options) (*Credential, error) {
	token, err := openWatched(file, parseToken, o)
	if err != nil {
		return nil, err
	}
	return &Credential{id: modeStatic + ":" + file, token: token}, nil
}

// Authorization is the value of the upstream's authorization metadata, empty
// when none is sent.
func (c *Credential) Authorization(context.Context) (string, error) {
	if c.token == nil {
		return "", nil
	}
	return *c.token.load(), nil
}

// ID tells one credential from another without being secret. Callers whose
// credentials have different IDs never share an upstream answer: the upstream
// may show them different things.
func (c Credential) ID() string { return c.id }

// Watch follows changes of the token's file, looking every interval (which
// must be positive), until ctx ends; without a file it returns at once. The
// caller runs it, once, in a goroutine of its own.
func (c *Credential) Watch(ctx context.Context, interval time.Duration) {
	if c.token != nil {
		follow(ctx, interval, c.token.poll)
	}
}

// String shows the ID.
func (c Credential) String() string { return "credential(" + c.id + ")" }

// Format shows the ID under every verb, %#v and %d among them.
func (c Credential) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, c.String()) }

// LogValue shows the ID in a log.
func (c Credential) LogValue() slog.Value { return slog.StringValue(c.String()) }

// parseToken reads a secret file: one token, which the last line break does
// not belong to. A second line or a stray control character would break out of
// the header; the error must not quote it.
func parseToken(content []byte, _ *string) (*string, error) {
	token := strings.TrimSuffix(strings.TrimSuffix(string(content), "\n"), "\r")
	if token == "" || len(token) > maxTokenSize || !visibleASCII(token) {
		return nil, errors.New("must hold one token: one line of visible ASCII without spaces")
	}
	value := "Bearer " + token
	return &value, nil
}
