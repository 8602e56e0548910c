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

// binding is one API rule of one method (google.api.http).
type binding struct {
	method  string // of the RPC, in full
	verb    string
	pattern string // for the router

	input, output *transcode.Message
	body          bool                  // the request's body is the message; else its query is
	variables     []variable            // of the path
	identities    []transcode.Parameter // where the message says who calls
	wait          wait
	// named is the number of the field that names the namespace, where that is
	// not the path's: the message has to be read before the caller is authorised.
	named protowire.Number
}

// variable is a field of the message that stands in the path.
type variable struct {
	name  string
	field transcode.Parameter
}

// bindings are all rules of the linked API, compiled.
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
			return nil, fmt.Errorf("rpc: %s: a part of a message as the body is not known here", b.method)
		}
		if b.verb, b.pattern = verbOf(rule); b.verb == "" {
			return nil, fmt.Errorf("rpc: %s: the rule's verb is not known here", b.method)
		}
		for _, match := range variables.FindAllStringSubmatch(b.pattern, -1) {
			field, ok := b.input.Parameter(match[1])
			if !ok {
				return nil, fmt.Errorf("rpc: %s: %s names no field", b.method, match[1])
			}
			b.variables = append(b.variables, variable{match[1], field})
		}
		b.identities = identities(b.input, method.Input(), "")
		if field := method.Input().Fields().ByName("namespace"); field != nil && !b.names("namespace") {
			b.named = field.Number()
		}
		all = append(all, b)
	}
	return all, nil
}

// identities finds the fields by which a request says who calls: its own, and
// those of the messages in it (the meta of an update, the operations of a batch).
func identities(input *transcode.Message, d protoreflect.MessageDescriptor, path string) []transcode.Parameter {
	const deepest = 2 // dots
	var found []transcode.Parameter
	for i := range d.Fields().Len() {
		field := d.Fields().Get(i)
		at := path + string(field.Name())
		switch {
		case field.IsList() || field.IsMap():
		case field.Name() == "identity" && field.Kind() == protoreflect.StringKind:
			if parameter, ok := input.Parameter(at); ok {
				found = append(found, parameter)
			}
		case field.Message() != nil && strings.Count(at, ".") < deepest:
			found = append(found, identities(input, field.Message(), at+".")...)
		}
	}
	return found
}

// names reports whether the path has a variable.
func (b *binding) names(variable string) bool {
	for _, v := range b.variables {
		if v.name == variable {
			return true
		}
	}
	return false
}

// variables are the parts in braces: the linked API's have neither patterns of
// their own nor wildcards, and chi takes their names as they are.
var variables = regexp.MustCompile(`\{([^{}]+)\}`)

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
