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

// example is a request of one RPC method. The tests send it to every binding of the method.
type example struct {
	// about distinguishes the examples of one method.
	about string
	// reads marks a POST that only reads.
	reads bool
	// only restricts the example to bindings whose path template contains this text.
	only string
	// prepare creates the resources of the request.
	prepare func(*fixture)
	// path contains the values for the fields of the path template. A key is the last part of a field's name. Without a
	// value, the namespace is "default", and any other field is the id of the fixture.
	path map[string]string
	// query and body may contain variables of the fixture, such as ${id} and ${run}.
	query, body string
	header      http.Header
	// after is the path of a GET that returns the effect of a write. If applied is set, the test repeats the GET until the
	// response contains this text.
	after, applied string
	// exclusive is locked during the comparison, for changes that the server does not accept concurrently.
	exclusive *sync.Mutex
	// differentWording marks an error about the syntax of the request, whose message differs between Temporal and the
	// gateway.
	differentWording bool
	// status is the expected status of Temporal's response. Zero means 200.
	status int
}

// fixture contains the resources that one request needs in Temporal, and their ids.
type fixture struct {
	*testing.T
	binding binding
	// vars contains the values of the variables in the example, such as "id", without "${" and "}".
	vars map[string]string
}

// fixtureCount counts the fixtures, so that each has a unique id.
var fixtureCount atomic.Int64 //nolint:gochecknoglobals // ids are unique among all tests

// newFixture returns a fixture with a unique id. All ids have the same length, so that sizes in the responses of a pair
// are equal.
func newFixture(t *testing.T, b binding) *fixture {
	t.Helper()
	return &fixture{T: t, binding: b, vars: map[string]string{"id": fmt.Sprintf("example-%06d", fixtureCount.Add(1))}}
}

func (s *fixture) id() string { return s.vars["id"] }

// expand replaces the variables in text, such as ${id}, with their values.
func (s *fixture) expand(text string) string {
	return os.Expand(text, func(name string) string {
		value, ok := s.vars[name]
		if !ok {
			s.Fatalf("the fixture has no variable %s for %s", name, text)
		}
		return value
	})
}

// call sends a request directly to Temporal, requires the status 200, and returns the decoded response.
func (s *fixture) call(verb, path, body string) map[string]any {
	s.Helper()
	r := request{verb: verb, path: s.expand(path), body: s.expand(body)}
	a := shared.direct.send(s.T, r)
	require.Equal(s, http.StatusOK, a.status, "%s %s %s: %s", r.verb, r.path, r.body, a.body)
	var members map[string]any
	require.NoError(s, json.Unmarshal([]byte(a.body), &members), "%s", a.body)
	return members
}

// tryCall is like call, but reports whether the status is 200 instead of requiring it.
func (s *fixture) tryCall(verb, path, body string) (members map[string]any, ok bool) {
	s.Helper()
	a := shared.direct.send(s.T, request{verb: verb, path: s.expand(path), body: s.expand(body)})
	return members, json.Unmarshal([]byte(a.body), &members) == nil && a.status == http.StatusOK
}

// field returns the member of a decoded JSON object at the path of names, or nil if it does not exist.
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

// set sets a variable to a value, which must be a non-empty string.
func (s *fixture) set(name string, value any) {
	s.Helper()
	text, ok := value.(string)
	require.True(s, ok && text != "", "no %s: %v", name, value)
	s.vars[name] = text
}

var fieldPattern = regexp.MustCompile(`\{([^}]*)\}`)

// request returns the request of the example for the binding and the variables of a fixture.
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

// onlyReads reports whether the example changes nothing.
func (e example) onlyReads(b binding) bool { return e.reads || b.verb == http.MethodGet }

func (e example) wantStatus() int {
	if e.status == 0 {
		return http.StatusOK
	}
	return e.status
}

// compare sends the example to Temporal and to the gateway by one binding, and compares the responses.
func (e example) compare(t *testing.T, b binding) {
	t.Helper()
	if e.exclusive != nil {
		e.exclusive.Lock()
		t.Cleanup(e.exclusive.Unlock) // runs after the cleanup functions of the fixture
	}
	if e.onlyReads(b) {
		e.compareRead(t, b)
	} else {
		e.comparePair(t, b)
	}
	shared.coverage.compared(b)
}

// compareRead reads the same resource from Temporal, from the gateway and from Temporal again. If both responses of
// Temporal are equal, the resource has not changed, and the response of the gateway must equal them.
func (e example) compareRead(t *testing.T, b binding) {
	t.Helper()
	s := e.fixture(t, b)
	r := e.request(s)
	read := func(a apiResponse) any { return e.maskWording(mask(changingMembers, "", decodeBody(t, a, nil))) }
	var before, between, after apiResponse
	e2etest.Eventually(s.T, "Temporal returns two equal responses", func() bool {
		before, between, after = shared.direct.send(t, r), shared.gateway.send(t, r), shared.direct.send(t, r)
		return before.status == after.status && assert.ObjectsAreEqual(read(before), read(after))
	})
	require.Equal(t, e.wantStatus(), before.status, "%s %s %s: %s", r.verb, r.path, r.body, before.body)
	requireSame(t, r, before, between, read(before), read(between))
}

// comparePair writes to one of two equal resources through Temporal and to the other through the gateway. It compares
// the responses and then both resources in Temporal.
func (e example) comparePair(t *testing.T, b binding) {
	t.Helper()
	one, other := e.fixture(t, b), e.fixture(t, b)
	r, again := e.request(one), e.request(other)
	temporal, gateway := shared.direct.send(t, r), shared.gateway.send(t, again)
	require.Equal(t, e.wantStatus(), temporal.status, "%s %s %s: %s", r.verb, r.path, r.body, temporal.body)
	requireSame(t, again, temporal, gateway, e.maskWording(one.maskedBody(temporal)), e.maskWording(other.maskedBody(gateway)))
	if e.after == "" {
		return
	}
	var left, right apiResponse
	e2etest.Eventually(one.T, "both writes have taken effect", func() bool {
		left, right = one.get(e.after), other.get(e.after)
		return e.applied == "" || strings.Contains(left.body, e.applied) && strings.Contains(right.body, e.applied)
	})
	require.Equal(t, http.StatusOK, left.status, "%s: %s", e.after, left.body)
	require.Equal(t, one.maskedBody(left), other.maskedBody(right), "%s %s %s, and then %s\nby Temporal: %s\nby the gateway: %s",
		r.verb, r.path, r.body, e.after, left.body, right.body)
}

// maskWording replaces the message of an error if the example permits different messages.
func (e example) maskWording(value any) any {
	if status, ok := value.(map[string]any); ok && e.differentWording {
		if message, ok := status["message"].(string); ok && message != "" {
			status["message"] = "masked"
		}
	}
	return value
}

// get reads a path from Temporal.
func (s *fixture) get(path string) apiResponse {
	s.Helper()
	return shared.direct.send(s.T, request{verb: http.MethodGet, path: s.expand(path)})
}

// maskedBody returns the decoded body of a response, in which it has replaced the values that must differ within a
// pair.
func (s *fixture) maskedBody(a apiResponse) any {
	s.Helper()
	return mask(differingInPair, "", decodeBody(s.T, a, s.vars))
}

// fixture returns a new fixture with the resources of the example.
func (e example) fixture(t *testing.T, b binding) *fixture {
	t.Helper()
	s := newFixture(t, b)
	if e.prepare != nil {
		e.prepare(s)
	}
	return s
}
