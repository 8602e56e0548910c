package temporalhttp_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
)

// example is a request of one method. It is sent to every binding that the method has.
type example struct {
	// about is the name of the example if a method has several.
	about string
	// reads marks a POST that changes nothing.
	reads bool
	// only restricts the example to bindings whose template contains it.
	only string
	// prepare creates the resources of the request.
	prepare func(*fixture)
	// path contains the values of the template's fields by their last name. Missing values are "default" for the
	// namespace and the fixture's id for all others.
	path map[string]string
	// query and body may contain variables of the fixture: ${id}, ${run}.
	query, body string
	header      http.Header
	// after is a path that returns the effect of a write. applied is a text that the response contains once the write
	// has taken effect.
	after, applied string
	// exclusive is held during the comparison if the server does not accept two such changes concurrently.
	exclusive *sync.Mutex
	// wording marks an error about the syntax of the request. The servers use different messages for it.
	wording bool
	// status is the status of Temporal's response; 0 means 200.
	status int
}

// fixture contains the resources of one request.
type fixture struct {
	*testing.T
	binding binding
	// vars contains values that are unique to the fixture, by name.
	vars map[string]string
}

// fixtureCount counts the fixtures, so that each has a unique id.
var fixtureCount atomic.Int64 //nolint:gochecknoglobals // ids are unique among all tests

// newFixture returns a fixture with a unique id. All ids have the same length, so that the sizes of a pair are equal.
func newFixture(t *testing.T, b binding) *fixture {
	t.Helper()
	return &fixture{T: t, binding: b, vars: map[string]string{"id": fmt.Sprintf("example-%06d", fixtureCount.Add(1))}}
}

func (s *fixture) id() string { return s.vars["id"] }

// expand replaces ${name} with the fixture's variables.
func (s *fixture) expand(text string) string {
	return os.Expand(text, func(name string) string {
		value, ok := s.vars[name]
		if !ok {
			s.Fatalf("the fixture has no variable %s for %s", name, text)
		}
		return value
	})
}

// call calls Temporal to prepare the request and returns the response.
func (s *fixture) call(verb, path, body string) map[string]any {
	s.Helper()
	r := request{verb: verb, path: s.expand(path), body: s.expand(body)}
	a := shared.direct.send(s.T, r)
	require.Equal(s, http.StatusOK, a.status, "%s %s %s: %s", r.verb, r.path, r.body, a.body)
	var members map[string]any
	require.NoError(s, json.Unmarshal([]byte(a.body), &members), "%s", a.body)
	return members
}

// tryCall is call for a resource that may not exist yet.
func (s *fixture) tryCall(verb, path, body string) (members map[string]any, ok bool) {
	s.Helper()
	a := shared.direct.send(s.T, request{verb: verb, path: s.expand(path), body: s.expand(body)})
	return members, json.Unmarshal([]byte(a.body), &members) == nil && a.status == http.StatusOK
}

// field returns the member at a path of names.
func field(value any, path ...string) any {
	for _, name := range path {
		members, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = members[name]
	}
	return value
}

// set sets a variable to a value of a response.
func (s *fixture) set(name string, value any) {
	s.Helper()
	text, ok := value.(string)
	require.True(s, ok && text != "", "no %s: %v", name, value)
	s.vars[name] = text
}

var fieldPattern = regexp.MustCompile(`\{([^}]*)\}`)

// request returns the request of an example with a fixture.
func (e example) request(s *fixture) request {
	path := fieldPattern.ReplaceAllStringFunc(s.binding.template, func(field string) string {
		name := strings.Trim(field, "{}")
		name = name[strings.LastIndex(name, ".")+1:]
		value, ok := e.path[name]
		switch {
		case ok:
		case name == "namespace":
			value = "default"
		default:
			value = "${id}"
		}
		return url.PathEscape(s.expand(value))
	})
	if e.query != "" {
		path += "?" + s.expand(e.query)
	}
	return request{verb: s.binding.verb, path: path, body: s.expand(e.body), header: e.header}
}

func (e example) onlyReads(b binding) bool { return e.reads || b.verb == http.MethodGet }

func (e example) wantStatus() int {
	if e.status == 0 {
		return http.StatusOK
	}
	return e.status
}

// compare sends the example to a binding of both servers.
func (e example) compare(t *testing.T, b binding) {
	t.Helper()
	if e.exclusive != nil {
		e.exclusive.Lock()
		t.Cleanup(e.exclusive.Unlock) // after the cleanup of the fixture
	}
	if e.onlyReads(b) {
		e.compareRead(t, b)
	} else {
		e.comparePair(t, b)
	}
	shared.coverage.compared(b)
}

// compareRead reads the same resource from both servers. It reads from Temporal before and after the gateway: if both
// responses are equal, the gateway's must be too.
func (e example) compareRead(t *testing.T, b binding) {
	t.Helper()
	s := e.fixture(t, b)
	r := e.request(s)
	read := func(a apiResponse) any { return e.maskWording(mask(changing, "", decoded(t, a, nil))) }
	var before, between, after apiResponse
	e2etest.Eventually(s.T, "two equal responses of Temporal", func() bool {
		before, between, after = shared.direct.send(t, r), shared.gateway.send(t, r), shared.direct.send(t, r)
		return before.status == after.status && assert.ObjectsAreEqual(read(before), read(after))
	})
	require.Equal(t, e.wantStatus(), before.status, "%s %s %s: %s", r.verb, r.path, r.body, before.body)
	requireSame(t, r, before, between, read(before), read(between))
}

// comparePair writes to one of two equal resources through each server, and then compares both resources in Temporal.
func (e example) comparePair(t *testing.T, b binding) {
	t.Helper()
	one, other := e.fixture(t, b), e.fixture(t, b)
	r, again := e.request(one), e.request(other)
	temporal, gateway := shared.direct.send(t, r), shared.gateway.send(t, again)
	require.Equal(t, e.wantStatus(), temporal.status, "%s %s %s: %s", r.verb, r.path, r.body, temporal.body)
	requireSame(t, again, temporal, gateway, e.maskWording(one.normalize(temporal)), e.maskWording(other.normalize(gateway)))
	if e.after == "" {
		return
	}
	var left, right apiResponse
	e2etest.Eventually(one.T, "both writes have taken effect", func() bool {
		left, right = one.get(e.after), other.get(e.after)
		return e.applied == "" || strings.Contains(left.body, e.applied) && strings.Contains(right.body, e.applied)
	})
	require.Equal(t, http.StatusOK, left.status, "%s: %s", e.after, left.body)
	require.Equal(t, one.normalize(left), other.normalize(right), "%s %s %s, and then %s\nby Temporal: %s\nby the gateway: %s",
		r.verb, r.path, r.body, e.after, left.body, right.body)
}

// maskWording masks the message of an error if the servers word it differently.
func (e example) maskWording(value any) any {
	if status, ok := value.(map[string]any); ok && e.wording {
		if message, ok := status["message"].(string); ok && message != "" {
			status["message"] = "masked"
		}
	}
	return value
}

// get reads from Temporal, regardless of which server has written.
func (s *fixture) get(path string) apiResponse {
	s.Helper()
	return shared.direct.send(s.T, request{verb: http.MethodGet, path: s.expand(path)})
}

// normalize returns a response without the members that differ within a pair.
func (s *fixture) normalize(a apiResponse) any {
	s.Helper()
	return mask(differing, "", decoded(s.T, a, s.vars))
}

func (e example) fixture(t *testing.T, b binding) *fixture {
	t.Helper()
	s := newFixture(t, b)
	if e.prepare != nil {
		e.prepare(s)
	}
	return s
}
