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
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// example is a request of one method. It is sent to every binding that the method has.
type example struct {
	// about says what the example shows, where a method has several.
	about string
	// reads says that a POST changes nothing. A GET never does.
	reads bool
	// only is the part of a template without which a binding is not for this example.
	only string
	// prepare makes what the request is about.
	prepare func(*fixture)
	// path are the values of the template's fields, by their last name. What is not in it is default for the namespace
	// and the scene's id for all else.
	path map[string]string
	// query and body may name what the scene knows: ${id}, ${run}.
	query, body string
	header      http.Header
	// after is where Temporal tells what a write has done, settled a text without which it is not yet done.
	after, settled string
	// exclusive is held while the example is compared, where the server does not take two such changes at once.
	exclusive *sync.Mutex
	// wording says that the error is about how the request is written: each side says that in its own words.
	wording bool
	// status is what Temporal answers; 200 when it is not given.
	status int
}

// fixture is what one request is about.
type fixture struct {
	*testing.T
	binding binding
	// vars are the values that no other scene has, by name.
	vars map[string]string
}

// fixtureCount counts, so that each has its own id.
var fixtureCount atomic.Int64 //nolint:gochecknoglobals // ids are unique among all tests

// newFixture makes a scene with an id of its own. All ids have the same length, so that what twins weigh is equal too.
func newFixture(t *testing.T, b binding) *fixture {
	t.Helper()
	return &fixture{T: t, binding: b, vars: map[string]string{"id": fmt.Sprintf("twin-%06d-of-many", fixtureCount.Add(1))}}
}

func (s *fixture) id() string { return s.vars["id"] }

// expand puts the scene's values in the place of ${name}.
func (s *fixture) expand(text string) string {
	return os.Expand(text, func(name string) string {
		value, ok := s.vars[name]
		if !ok {
			s.Fatalf("the scene has no %s for %s", name, text)
		}
		return value
	})
}

// call asks Temporal for something that the request needs, and gives its answer.
func (s *fixture) call(verb, path, body string) map[string]any {
	s.Helper()
	r := request{verb: verb, path: s.expand(path), body: s.expand(body)}
	a := shared.direct.send(s.T, r)
	require.Equal(s, http.StatusOK, a.status, "%s %s %s: %s", r.verb, r.path, r.body, a.body)
	var members map[string]any
	require.NoError(s, json.Unmarshal([]byte(a.body), &members), "%s", a.body)
	return members
}

// tryCall is do for what may not be there yet.
func (s *fixture) tryCall(verb, path, body string) (members map[string]any, ok bool) {
	s.Helper()
	a := shared.direct.send(s.T, request{verb: verb, path: s.expand(path), body: s.expand(body)})
	return members, json.Unmarshal([]byte(a.body), &members) == nil && a.status == http.StatusOK
}

// field is a member at a path of names.
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

// set gives the scene a value of an answer under a name.
func (s *fixture) set(name string, value any) {
	s.Helper()
	text, ok := value.(string)
	require.True(s, ok && text != "", "there is no %s: %v", name, value)
	s.vars[name] = text
}

// timeout is for what must come true.
const timeout = 30 * time.Second

// eventually asks until the answer is yes.
func (s *fixture) eventually(what string, ask func() bool) {
	s.Helper()
	const pause = 20 * time.Millisecond
	deadline := time.NewTimer(timeout)
	defer deadline.Stop()
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for !ask() {
		select {
		case <-ticker.C:
		case <-deadline.C:
			require.FailNow(s, "it did not come true: "+what)
		}
	}
}

var fieldPattern = regexp.MustCompile(`\{([^}]*)\}`)

// request is what an example sends in a scene.
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

func (e example) wants() int {
	if e.status == 0 {
		return http.StatusOK
	}
	return e.status
}

// compare sends the example to a binding on both sides.
func (e example) compare(t *testing.T, b binding) {
	t.Helper()
	if e.exclusive != nil {
		e.exclusive.Lock()
		t.Cleanup(e.exclusive.Unlock) // after what the scene cleans up
	}
	if e.onlyReads(b) {
		e.compareRead(t, b)
	} else {
		e.comparePair(t, b)
	}
	shared.ledger.compared(b)
}

// compareRead asks both sides about the same. Temporal is asked before and after: when it says the same twice, then there
// is no excuse for another answer in between.
func (e example) compareRead(t *testing.T, b binding) {
	t.Helper()
	s := e.fixture(t, b)
	r := e.request(s)
	read := func(a apiResponse) any { return e.maskWording(mask(changing, "", decoded(t, a, nil))) }
	var before, between, after apiResponse
	s.eventually("Temporal says the same twice", func() bool {
		before, between, after = shared.direct.send(t, r), shared.door.send(t, r), shared.direct.send(t, r)
		return before.status == after.status && assert.ObjectsAreEqual(read(before), read(after))
	})
	require.Equal(t, e.wants(), before.status, "%s %s %s: %s", r.verb, r.path, r.body, before.body)
	requireSame(t, r, before, between, read(before), read(between))
}

// comparePair asks each side about a twin of its own, and then Temporal what has become of both.
func (e example) comparePair(t *testing.T, b binding) {
	t.Helper()
	one, other := e.fixture(t, b), e.fixture(t, b)
	r, again := e.request(one), e.request(other)
	temporal, gateway := shared.direct.send(t, r), shared.door.send(t, again)
	require.Equal(t, e.wants(), temporal.status, "%s %s %s: %s", r.verb, r.path, r.body, temporal.body)
	requireSame(t, again, temporal, gateway, e.maskWording(one.normalize(temporal)), e.maskWording(other.normalize(gateway)))
	if e.after == "" {
		return
	}
	var left, right apiResponse
	one.eventually("the twins are equal, or it is clear that they will not be", func() bool {
		left, right = one.get(e.after), other.get(e.after)
		return e.settled == "" || strings.Contains(left.body, e.settled) && strings.Contains(right.body, e.settled)
	})
	require.Equal(t, http.StatusOK, left.status, "%s: %s", e.after, left.body)
	require.Equal(t, one.normalize(left), other.normalize(right), "%s %s %s, and then %s\nby Temporal: %s\nby the gateway: %s",
		r.verb, r.path, r.body, e.after, left.body, right.body)
}

// maskWording puts the words of an error aside, when they are each side's own.
func (e example) maskWording(value any) any {
	if status, ok := value.(map[string]any); ok && e.wording {
		if message, ok := status["message"].(string); ok && message != "" {
			status["message"] = "in its own words"
		}
	}
	return value
}

// get asks Temporal, whoever has done what is looked at.
func (s *fixture) get(path string) apiResponse {
	s.Helper()
	return shared.direct.send(s.T, request{verb: http.MethodGet, path: s.expand(path)})
}

// normalize is what an answer about a twin comes to.
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
