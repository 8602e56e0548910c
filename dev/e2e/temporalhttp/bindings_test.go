package temporalhttp_test

import (
	"fmt"
	"net/http"
	"sync"

	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// binding is one HTTP rule of an RPC method: an HTTP method (verb) and a path template. Most methods have two: one with
// the prefix /api/v1 and one without.
type binding struct {
	method   string
	verb     string
	template string
}

// name returns a unique name for the subtest of a binding.
func (b binding) name() string { return b.verb + " " + b.template }

// bindings returns the HTTP rules of WorkflowService and OperatorService, which Temporal serves over HTTP.
func bindings() []binding {
	var all []binding
	for _, file := range []protoreflect.FileDescriptor{
		workflowservice.File_temporal_api_workflowservice_v1_service_proto,
		operatorservice.File_temporal_api_operatorservice_v1_service_proto,
	} {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				all = append(all, bindingsOf(methods.Get(j))...)
			}
		}
	}
	return all
}

func bindingsOf(method protoreflect.MethodDescriptor) []binding {
	rule, ok := proto.GetExtension(method.Options(), annotations.E_Http).(*annotations.HttpRule)
	if !ok || rule == nil {
		return nil
	}
	var all []binding
	for _, rule := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
		verb, template := pattern(rule)
		all = append(all, binding{method: string(method.Name()), verb: verb, template: template})
	}
	return all
}

func pattern(rule *annotations.HttpRule) (verb, template string) {
	switch p := rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return http.MethodGet, p.Get
	case *annotations.HttpRule_Put:
		return http.MethodPut, p.Put
	case *annotations.HttpRule_Post:
		return http.MethodPost, p.Post
	case *annotations.HttpRule_Delete:
		return http.MethodDelete, p.Delete
	case *annotations.HttpRule_Patch:
		return http.MethodPatch, p.Patch
	default:
		return rule.GetCustom().GetKind(), rule.GetCustom().GetPath()
	}
}

// coverage counts the pairs of responses that the tests have compared, and records the bindings that they have called.
type coverage struct {
	all []binding

	mu     sync.Mutex
	called map[binding]bool
	pairs  int // compared
	exact  int // of these, byte-for-byte equal
}

func newCoverage(all []binding) *coverage { return &coverage{all: all, called: map[binding]bool{}} }

// compared records that a pair of responses of a binding has been compared. A request without a rule has an empty
// binding.
func (c *coverage) compared(b binding) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.called[b] = true
	c.pairs++
}

// identical records that the responses of a pair are byte-for-byte equal.
func (c *coverage) identical() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.exact++
}

func (c *coverage) summary() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	methods, calledMethods, calledBindings := map[string]bool{}, map[string]bool{}, 0
	for _, b := range c.all {
		methods[b.method] = true
		if c.called[b] {
			calledMethods[b.method] = true
			calledBindings++
		}
	}
	return fmt.Sprintf("temporal HTTP API: %d of %d methods, %d of %d bindings called, %d pairs of responses compared, %d of them byte-for-byte equal",
		len(calledMethods), len(methods), calledBindings, len(c.all), c.pairs, c.exact)
}
