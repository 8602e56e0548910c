package temporalhttp

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/transcode"
)

// binding is a compiled google.api.http rule of a method.
type binding struct {
	method  string // full name of the RPC
	verb    string // HTTP method
	pattern string // for the router

	input, output *transcode.Plan
	body          bool                  // whether the body contains the message; otherwise the query does
	variables     []variable            // path variables
	identities    []transcode.Parameter // identity fields of the message
	wait          waitMode
	// namespaceField is the number of the namespace field if the message contains
	// the namespace and the path does not, else 0. If it is not 0, the message must
	// be read before the caller can be authorised.
	namespaceField protowire.Number
}

// variable is a path variable and the field of the message that it sets.
type variable struct {
	name  string
	field transcode.Parameter
}

// bindings compiles the google.api.http rules of all methods.
func bindings() ([]*binding, error) {
	plans := transcode.NewPlans()
	var all []*binding
	for method := range auth.Methods() {
		bound, err := bind(plans, method)
		if err != nil {
			return nil, err
		}
		all = append(all, bound...)
	}
	return all, nil
}

// bind compiles the rules of one method.
func bind(plans *transcode.Plans, method protoreflect.MethodDescriptor) ([]*binding, error) {
	rule, _ := proto.GetExtension(method.Options(), annotations.E_Http).(*annotations.HttpRule)
	if rule == nil {
		return nil, nil
	}
	var all []*binding
	for _, rule := range append([]*annotations.HttpRule{rule}, rule.GetAdditionalBindings()...) {
		b := &binding{
			method: fmt.Sprintf("/%s/%s", method.Parent().FullName(), method.Name()),
			input:  plans.Message(method.Input()), output: plans.Message(method.Output()),
			body: rule.GetBody() == "*", wait: waitOf(string(method.Name())),
		}
		if rule.GetBody() != "" && !b.body || rule.GetResponseBody() != "" {
			return nil, fmt.Errorf("temporalhttp: %s: a body that is a part of the message is not supported", b.method)
		}
		if b.verb, b.pattern = verbOf(rule); b.verb == "" {
			return nil, fmt.Errorf("temporalhttp: %s: the HTTP method of the rule is not supported", b.method)
		}
		for _, match := range variablePattern.FindAllStringSubmatch(b.pattern, -1) {
			field, ok := b.input.Parameter(match[1])
			if !ok {
				return nil, fmt.Errorf("temporalhttp: %s: the message has no field %s", b.method, match[1])
			}
			b.variables = append(b.variables, variable{match[1], field})
		}
		b.identities = identities(b.input, method.Input(), "")
		if field := method.Input().Fields().ByName("namespace"); field != nil && !b.hasVariable("namespace") {
			b.namespaceField = field.Number()
		}
		all = append(all, b)
	}
	return all, nil
}

// identities returns the identity fields of a request, including those of nested
// messages, such as the meta of an update and the operation of a batch.
func identities(input *transcode.Plan, d protoreflect.MessageDescriptor, path string) []transcode.Parameter {
	const maxDots = 2 // in the path of an identity field, such as request.meta.identity
	var found []transcode.Parameter
	for i := range d.Fields().Len() {
		field := d.Fields().Get(i)
		name := path + string(field.Name())
		switch {
		case field.IsList() || field.IsMap():
		case field.Name() == "identity" && field.Kind() == protoreflect.StringKind:
			if parameter, ok := input.Parameter(name); ok {
				found = append(found, parameter)
			}
		case field.Message() != nil && strings.Count(name, ".") < maxDots:
			found = append(found, identities(input, field.Message(), name+".")...)
		}
	}
	return found
}

// hasVariable reports whether the path has a variable with the given name.
func (b *binding) hasVariable(name string) bool {
	for _, v := range b.variables {
		if v.name == name {
			return true
		}
	}
	return false
}

// variablePattern matches a variable in the path pattern of a rule. The variables of
// Temporal's API have neither subpatterns nor wildcards, so chi accepts the patterns
// unchanged.
var variablePattern = regexp.MustCompile(`\{([^{}]+)\}`)

func verbOf(rule *annotations.HttpRule) (verb, pattern string) {
	switch rule.GetPattern().(type) {
	case *annotations.HttpRule_Get:
		return http.MethodGet, rule.GetGet()
	case *annotations.HttpRule_Post:
		return http.MethodPost, rule.GetPost()
	case *annotations.HttpRule_Put:
		return http.MethodPut, rule.GetPut()
	case *annotations.HttpRule_Patch:
		return http.MethodPatch, rule.GetPatch()
	case *annotations.HttpRule_Delete:
		return http.MethodDelete, rule.GetDelete()
	default:
		return "", ""
	}
}
