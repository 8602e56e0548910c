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
	prepare func(*scene)
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

// scene is what one request is about.
type scene struct {
	*testing.T
	binding binding
	// own are the values that no other scene has, by name.
	own map[string]string
}

// scenes counts, so that each has its own id.
var scenes atomic.Int64 //nolint:gochecknoglobals // ids are unique among all tests

// newScene makes a scene with an id of its own. All ids have the same length, so that what twins weigh is equal too.
func newScene(t *testing.T, b binding) *scene {
	t.Helper()
	return &scene{T: t, binding: b, own: map[string]string{"id": fmt.Sprintf("twin-%06d-of-many", scenes.Add(1))}}
}

func (s *scene) id() string { return s.own["id"] }

// fill puts the scene's values in the place of ${name}.
func (s *scene) fill(text string) string {
	return os.Expand(text, func(name string) string {
		value, ok := s.own[name]
		if !ok {
			s.Fatalf("the scene has no %s for %s", name, text)
		}
		return value
	})
}

// do asks Temporal for something that the request needs, and gives its answer.
func (s *scene) do(verb, path, body string) map[string]any {
	s.Helper()
	r := request{verb: verb, path: s.fill(path), body: s.fill(body)}
	a := here.direct.send(s.T, r)
	require.Equal(s, http.StatusOK, a.status, "%s %s %s: %s", r.verb, r.path, r.body, a.body)
	var members map[string]any
	require.NoError(s, json.Unmarshal([]byte(a.body), &members), "%s", a.body)
	return members
}

// try is do for what may not be there yet.
func (s *scene) try(verb, path, body string) (members map[string]any, ok bool) {
	s.Helper()
	a := here.direct.send(s.T, request{verb: verb, path: s.fill(path), body: s.fill(body)})
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

// keep gives the scene a value of an answer under a name.
func (s *scene) keep(name string, value any) {
	s.Helper()
	text, ok := value.(string)
	require.True(s, ok && text != "", "there is no %s: %v", name, value)
	s.own[name] = text
}

// patience is for what must come true.
const patience = 30 * time.Second

// until asks until the answer is yes.
func (s *scene) until(what string, ask func() bool) {
	s.Helper()
	const pause = 20 * time.Millisecond
	deadline := time.NewTimer(patience)
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
func (e example) request(s *scene) request {
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
		return url.PathEscape(s.fill(value))
	})
	if e.query != "" {
		path += "?" + s.fill(e.query)
	}
	return request{verb: s.binding.verb, path: path, body: s.fill(e.body), header: e.header}
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
		e.compareTwins(t, b)
	}
	here.ledger.compared(b)
}

// compareRead asks both sides about the same. Temporal is asked before and after: when it says the same twice, then there
// is no excuse for another answer in between.
func (e example) compareRead(t *testing.T, b binding) {
	t.Helper()
	s := e.scene(t, b)
	r := e.request(s)
	read := func(a answer) any { return e.worded(putAside(moving, "", decoded(t, a, nil))) }
	var before, between, after answer
	s.until("Temporal says the same twice", func() bool {
		before, between, after = here.direct.send(t, r), here.door.send(t, r), here.direct.send(t, r)
		return before.status == after.status && assert.ObjectsAreEqual(read(before), read(after))
	})
	require.Equal(t, e.wants(), before.status, "%s %s %s: %s", r.verb, r.path, r.body, before.body)
	same(t, r, before, between, read(before), read(between))
}

// compareTwins asks each side about a twin of its own, and then Temporal what has become of both.
func (e example) compareTwins(t *testing.T, b binding) {
	t.Helper()
	one, other := e.scene(t, b), e.scene(t, b)
	r, again := e.request(one), e.request(other)
	temporal, gateway := here.direct.send(t, r), here.door.send(t, again)
	require.Equal(t, e.wants(), temporal.status, "%s %s %s: %s", r.verb, r.path, r.body, temporal.body)
	same(t, again, temporal, gateway, e.worded(one.normal(temporal)), e.worded(other.normal(gateway)))
	if e.after == "" {
		return
	}
	var left, right answer
	one.until("the twins are equal, or it is clear that they will not be", func() bool {
		left, right = one.look(e.after), other.look(e.after)
		return e.settled == "" || strings.Contains(left.body, e.settled) && strings.Contains(right.body, e.settled)
	})
	require.Equal(t, http.StatusOK, left.status, "%s: %s", e.after, left.body)
	require.Equal(t, one.normal(left), other.normal(right), "%s %s %s, and then %s\nby Temporal: %s\nby the gateway: %s",
		r.verb, r.path, r.body, e.after, left.body, right.body)
}

// worded puts the words of an error aside, when they are each side's own.
func (e example) worded(value any) any {
	if status, ok := value.(map[string]any); ok && e.wording {
		if message, ok := status["message"].(string); ok && message != "" {
			status["message"] = "in its own words"
		}
	}
	return value
}

// look asks Temporal, whoever has done what is looked at.
func (s *scene) look(path string) answer {
	s.Helper()
	return here.direct.send(s.T, request{verb: http.MethodGet, path: s.fill(path)})
}

// normal is what an answer about a twin comes to.
func (s *scene) normal(a answer) any {
	s.Helper()
	return putAside(different, "", decoded(s.T, a, s.own))
}

func (e example) scene(t *testing.T, b binding) *scene {
	t.Helper()
	s := newScene(t, b)
	if e.prepare != nil {
		e.prepare(s)
	}
	return s
}
