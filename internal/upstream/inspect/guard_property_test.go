package inspect_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream/inspect"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

type (
	messageName = protoreflect.FullName
	fieldName   = protoreflect.FullName
)

// namesNamespace reports whether a field could name a namespace. It is wider than the
// rule of the guard: any string field with "namespace" in its name, and the one
// namespace id whose name does not contain the word.
func namesNamespace(field protoreflect.FieldDescriptor) bool {
	if field.Kind() != protoreflect.StringKind && field.Kind() != protoreflect.BytesKind {
		return false
	}
	return strings.Contains(strings.ToLower(string(field.Name())), "namespace") ||
		field.FullName() == "temporal.api.workflowservice.v1.DescribeNamespaceRequest.id"
}

// isID reports whether a field is the id of a namespace. The guard rejects all values
// of such a field.
func isID(field protoreflect.FieldDescriptor) bool {
	return strings.HasSuffix(string(field.Name()), "id")
}

// atlas holds the distance of each message type from each field that names a
// namespace.
type atlas map[messageName]map[fieldName]int

// explore adds every message type that d can contain.
func (a atlas) explore(d protoreflect.MessageDescriptor) {
	types := map[messageName]protoreflect.MessageDescriptor{}
	var collect func(protoreflect.MessageDescriptor)
	collect = func(d protoreflect.MessageDescriptor) {
		if _, ok := types[d.FullName()]; ok {
			return
		}
		types[d.FullName()] = d
		if a[d.FullName()] == nil {
			a[d.FullName()] = map[fieldName]int{}
		}
		for field := range fieldsOf(d) {
			if field.Message() != nil {
				collect(field.Message())
			}
		}
	}
	collect(d)
	for changed := true; changed; {
		changed = false
		for _, d := range types {
			for field := range fieldsOf(d) {
				changed = a.update(d, field) || changed
			}
		}
	}
}

// update adds the distances of the fields below a field, and reports whether any of
// them changed.
func (a atlas) update(d protoreflect.MessageDescriptor, field protoreflect.FieldDescriptor) (changed bool) {
	distances := a[d.FullName()]
	improve := func(target fieldName, distance int) {
		if old, ok := distances[target]; !ok || distance < old {
			distances[target], changed = distance, true
		}
	}
	if namesNamespace(field) {
		improve(field.FullName(), 0)
	}
	if field.Message() != nil {
		for target, distance := range a[field.Message().FullName()] {
			improve(target, distance+1)
		}
	}
	return changed
}

func fieldsOf(d protoreflect.MessageDescriptor) func(func(protoreflect.FieldDescriptor) bool) {
	return func(yield func(protoreflect.FieldDescriptor) bool) {
		for i := range d.Fields().Len() {
			if !yield(d.Fields().Get(i)) {
				return
			}
		}
	}
}

// planter builds requests in which one field, at any depth, names a namespace.
type planter struct {
	random *rand.Rand
	atlas  atlas
}

// plant sets target to value within m, on a random path.
func (p planter) plant(m protoreflect.Message, target fieldName, value string, depth int) {
	p.noise(m)
	field := p.choose(m.Descriptor(), target, depth)
	switch {
	case field.FullName() == target && field.IsList():
		m.Mutable(field).List().Append(protoreflect.ValueOfString(value))
	case field.FullName() == target:
		m.Set(field, protoreflect.ValueOfString(value))
	case field.IsMap():
		entries := m.Mutable(field).Map()
		entry := entries.NewValue()
		p.plant(entry.Message(), target, value, depth-1)
		entries.Set(protoreflect.ValueOfString("key").MapKey(), entry)
	case field.IsList():
		list := m.Mutable(field).List()
		for range p.random.IntN(3) {
			p.noise(list.AppendMutable().Message())
		}
		p.plant(list.AppendMutable().Message(), target, value, depth-1)
		for range p.random.IntN(3) {
			p.noise(list.AppendMutable().Message())
		}
	default:
		p.plant(m.Mutable(field).Message(), target, value, depth-1)
	}
}

// choose returns a random field that leads to target, or the nearest one if depth
// is used up.
func (p planter) choose(d protoreflect.MessageDescriptor, target fieldName, depth int) protoreflect.FieldDescriptor {
	var candidates []protoreflect.FieldDescriptor
	for field := range fieldsOf(d) {
		if field.FullName() == target {
			if depth <= 0 {
				return field
			}
			candidates = append(candidates, field)
		}
		if field.Message() == nil {
			continue
		}
		distance, leads := p.atlas[field.Message().FullName()][target]
		if leads && (depth > 0 || distance+1 == p.atlas[d.FullName()][target]) {
			candidates = append(candidates, field)
		}
	}
	return candidates[p.random.IntN(len(candidates))]
}

// noise sets random fields of a message. Those that name a namespace get the right one.
func (p planter) noise(m protoreflect.Message) {
	for field := range fieldsOf(m.Descriptor()) {
		if p.random.IntN(2) == 0 || field.IsList() || field.IsMap() {
			continue
		}
		switch {
		case namesNamespace(field) && !isID(field):
			m.Set(field, protoreflect.ValueOfString(orders))
		case namesNamespace(field):
		case field.Kind() == protoreflect.StringKind:
			m.Set(field, protoreflect.ValueOfString(payments)) // as an id of something else
		case field.Kind() == protoreflect.BytesKind:
			m.Set(field, protoreflect.ValueOfBytes([]byte{1<<3 | 2, 1, 'x'})) // also a valid message
		case field.Kind() == protoreflect.BoolKind:
			m.Set(field, protoreflect.ValueOfBool(true))
		case field.Message() != nil && field.Message().FullName() != "google.protobuf.Any":
			m.Mutable(field)
		default:
		}
	}
	if field := m.Descriptor().Fields().ByName("namespace"); field != nil && field.Kind() == protoreflect.StringKind {
		m.Set(field, protoreflect.ValueOfString(orders))
	}
}

// For every RPC of the linked API and every field that can name a namespace, at any
// depth: a wrong namespace is rejected, the right one passes.
func TestEveryNamespaceOfEveryRPCIsGuarded(t *testing.T) {
	t.Parallel()
	const rounds, maxDepth = 5, 8
	p := planter{random: rand.New(rand.NewPCG(7, 7)), atlas: atlas{}}
	planted := 0
	for name, method := range upstreamtest.Methods() {
		access, ok := auth.AccessOf(name)
		require.True(t, ok, name)
		p.atlas.explore(method.Input())
		targets := p.atlas[method.Input().FullName()]
		if access.Scope != auth.ScopeNamespace {
			requireOnlyNexusEndpoints(t, name, targets)
			continue
		}
		require.NotEmpty(t, targets, name)
		for target := range targets {
			for range rounds {
				wrong := upstreamtest.NewMessage(t, method.Input())
				p.plant(wrong, target, payments, p.random.IntN(maxDepth))
				err := check(name, upstreamtest.Wire(t, wrong.Interface()))
				require.True(t, problem.Is(err, problem.NamespaceMismatch), "%s: %s: %v: %v", name, target, err, wrong)
				planted++
				if !strings.HasSuffix(string(target), "id") {
					right := upstreamtest.NewMessage(t, method.Input())
					p.plant(right, target, orders, p.random.IntN(maxDepth))
					require.NoError(t, inspect.CheckNamespace(method.Input(), upstreamtest.Wire(t, right.Interface()), orders), "%s: %v", name, right)
				}
			}
		}
	}
	require.Greater(t, planted, 100*rounds)
}

// requireOnlyNexusEndpoints requires that an RPC without the namespace scope names a
// namespace only as the target of a Nexus endpoint. That may be any namespace,
// because the RPC requires an administrator of the cluster.
func requireOnlyNexusEndpoints(t testing.TB, method string, targets map[fieldName]int) {
	t.Helper()
	access, _ := auth.AccessOf(method)
	for target := range targets {
		require.Equal(t, fieldName("temporal.api.nexus.v1.EndpointTarget.Worker.namespace"), target, method)
		require.Equal(t, auth.Access{Role: auth.RoleAdmin, Scope: auth.ScopeCluster}, access, method)
	}
}

// FuzzGuard compares the guard with the decoder: a message that passes the guard and
// can be decoded names no other namespace, and no input makes the guard panic.
func FuzzGuard(f *testing.F) {
	var inputs []protoreflect.MessageDescriptor
	all := upstreamtest.Methods()
	for name, access := range auth.AccessTable() {
		if access.Scope == auth.ScopeNamespace {
			inputs = append(inputs, all[name].Input())
		}
	}
	slices.SortFunc(inputs, func(a, b protoreflect.MessageDescriptor) int {
		return strings.Compare(string(a.FullName()), string(b.FullName()))
	})
	p := planter{random: rand.New(rand.NewPCG(1, 2)), atlas: atlas{}}
	for i, input := range inputs {
		p.atlas.explore(input)
		for target := range p.atlas[input.FullName()] {
			message := upstreamtest.NewMessage(f, input)
			p.plant(message, target, payments, 3)
			f.Add(uint16(i), upstreamtest.Wire(f, message.Interface()))
		}
	}
	f.Fuzz(func(t *testing.T, index uint16, data []byte) {
		input := inputs[int(index)%len(inputs)]
		if inspect.CheckNamespace(input, data, orders) != nil {
			return
		}
		message := upstreamtest.NewMessage(t, input)
		if proto.Unmarshal(data, message.Interface()) != nil {
			return
		}
		require.Equal(t, orders, message.Get(input.Fields().ByName("namespace")).String())
		eachNamespace(message, func(field protoreflect.FieldDescriptor, value string) {
			require.True(t, value == orders && !isID(field), "%s is %q", field.FullName(), value)
		})
	})
}

// eachNamespace visits every text that names a namespace.
func eachNamespace(m protoreflect.Message, visit func(protoreflect.FieldDescriptor, string)) {
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case namesNamespace(field) && !field.IsList() && value.String() != "":
			visit(field, value.String())
		case field.IsMap() && field.MapValue().Message() != nil:
			value.Map().Range(func(_ protoreflect.MapKey, value protoreflect.Value) bool {
				eachNamespace(value.Message(), visit)
				return true
			})
		case field.IsList() && field.Message() != nil:
			for i := range value.List().Len() {
				eachNamespace(value.List().Get(i).Message(), visit)
			}
		case field.Message() != nil && !field.IsMap():
			eachNamespace(value.Message(), visit)
		}
		return true
	})
}
