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

// mayNameNamespace reports whether a field may name a namespace. It matches more fields
// than the rule of the guard: every string field with "namespace" in its name, and the
// one namespace id whose field name does not contain the word.
func mayNameNamespace(field protoreflect.FieldDescriptor) bool {
	if field.Kind() != protoreflect.StringKind && field.Kind() != protoreflect.BytesKind {
		return false
	}
	return strings.Contains(strings.ToLower(string(field.Name())), "namespace") ||
		field.FullName() == "temporal.api.workflowservice.v1.DescribeNamespaceRequest.id"
}

// isNamespaceID reports whether a field for which mayNameNamespace is true holds an id and
// not a name. The guard rejects all values of such a field.
func isNamespaceID(field protoreflect.FieldDescriptor) bool {
	return strings.HasSuffix(string(field.Name()), "id")
}

// distances holds, for each message type and each namespace field that the type can
// contain, the number of nested messages between them.
type distances map[messageName]map[fieldName]int

// add adds d and every message type that d can contain.
func (ds distances) add(d protoreflect.MessageDescriptor) {
	types := map[messageName]protoreflect.MessageDescriptor{}
	var collect func(protoreflect.MessageDescriptor)
	collect = func(d protoreflect.MessageDescriptor) {
		if _, ok := types[d.FullName()]; ok {
			return
		}
		types[d.FullName()] = d
		if ds[d.FullName()] == nil {
			ds[d.FullName()] = map[fieldName]int{}
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
				changed = ds.update(d, field) || changed
			}
		}
	}
}

// update computes the distances of d that result from one of its fields, and reports
// whether any distance of d changed.
func (ds distances) update(d protoreflect.MessageDescriptor, field protoreflect.FieldDescriptor) (changed bool) {
	ofType := ds[d.FullName()]
	improve := func(target fieldName, distance int) {
		if old, ok := ofType[target]; !ok || distance < old {
			ofType[target], changed = distance, true
		}
	}
	if mayNameNamespace(field) {
		improve(field.FullName(), 0)
	}
	if field.Message() != nil {
		for target, distance := range ds[field.Message().FullName()] {
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

// generator generates random requests in which one field, at any depth, has a given value.
type generator struct {
	random    *rand.Rand
	distances distances
}

// fill sets target to value in m or in a nested message, at about the given depth, and
// sets other fields at random.
func (g generator) fill(m protoreflect.Message, target fieldName, value string, depth int) {
	g.setRandomFields(m)
	field := g.choose(m.Descriptor(), target, depth)
	switch {
	case field.FullName() == target && field.IsList():
		m.Mutable(field).List().Append(protoreflect.ValueOfString(value))
	case field.FullName() == target:
		m.Set(field, protoreflect.ValueOfString(value))
	case field.IsMap():
		entries := m.Mutable(field).Map()
		entry := entries.NewValue()
		g.fill(entry.Message(), target, value, depth-1)
		entries.Set(protoreflect.ValueOfString("key").MapKey(), entry)
	case field.IsList():
		list := m.Mutable(field).List()
		for range g.random.IntN(3) {
			g.setRandomFields(list.AppendMutable().Message())
		}
		g.fill(list.AppendMutable().Message(), target, value, depth-1)
		for range g.random.IntN(3) {
			g.setRandomFields(list.AppendMutable().Message())
		}
	default:
		g.fill(m.Mutable(field).Message(), target, value, depth-1)
	}
}

// choose returns a random field of d that is target or leads to it. If depth is zero or
// less, it returns a field on a shortest path.
func (g generator) choose(d protoreflect.MessageDescriptor, target fieldName, depth int) protoreflect.FieldDescriptor {
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
		distance, leads := g.distances[field.Message().FullName()][target]
		if leads && (depth > 0 || distance+1 == g.distances[d.FullName()][target]) {
			candidates = append(candidates, field)
		}
	}
	return candidates[g.random.IntN(len(candidates))]
}

// setRandomFields sets random fields of a message. Namespace fields get the authorised
// name.
func (g generator) setRandomFields(m protoreflect.Message) {
	for field := range fieldsOf(m.Descriptor()) {
		if g.random.IntN(2) == 0 || field.IsList() || field.IsMap() {
			continue
		}
		switch {
		case mayNameNamespace(field) && !isNamespaceID(field):
			m.Set(field, protoreflect.ValueOfString(orders))
		case mayNameNamespace(field):
		case field.Kind() == protoreflect.StringKind:
			m.Set(field, protoreflect.ValueOfString(payments)) // harmless in a field that names no namespace
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

// The test covers every RPC of the linked API and every field, at any depth, that can name
// a namespace: another namespace is rejected, the authorised one passes.
func TestEveryNamespaceOfEveryRPCIsGuarded(t *testing.T) {
	t.Parallel()
	const rounds, maxDepth = 5, 8
	g := generator{random: rand.New(rand.NewPCG(7, 7)), distances: distances{}}
	generated := 0
	for name, method := range upstreamtest.Methods() {
		access, ok := auth.AccessOf(name)
		require.True(t, ok, name)
		g.distances.add(method.Input())
		targets := g.distances[method.Input().FullName()]
		if access.Scope != auth.ScopeNamespace {
			requireOnlyNexusEndpoints(t, name, targets)
			continue
		}
		require.NotEmpty(t, targets, name)
		for target := range targets {
			for range rounds {
				wrong := upstreamtest.NewMessage(t, method.Input())
				g.fill(wrong, target, payments, g.random.IntN(maxDepth))
				err := check(name, upstreamtest.Wire(t, wrong.Interface()))
				require.True(t, problem.Is(err, problem.NamespaceMismatch), "%s: %s: %v: %v", name, target, err, wrong)
				generated++
				if !strings.HasSuffix(string(target), "id") {
					right := upstreamtest.NewMessage(t, method.Input())
					g.fill(right, target, orders, g.random.IntN(maxDepth))
					require.NoError(t, inspect.CheckNamespace(method.Input(), upstreamtest.Wire(t, right.Interface()), orders), "%s: %v", name, right)
				}
			}
		}
	}
	require.Greater(t, generated, 100*rounds)
}

// requireOnlyNexusEndpoints requires that the requests of an RPC without the namespace
// scope name a namespace only as the target of a Nexus endpoint. That may be any
// namespace, because the RPC requires the role admin on the cluster.
func requireOnlyNexusEndpoints(t testing.TB, method string, targets map[fieldName]int) {
	t.Helper()
	access, _ := auth.AccessOf(method)
	for target := range targets {
		require.Equal(t, fieldName("temporal.api.nexus.v1.EndpointTarget.Worker.namespace"), target, method)
		require.Equal(t, auth.Access{Role: auth.RoleAdmin, Scope: auth.ScopeCluster, Operations: auth.OpAdministerCluster}, access, method)
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
	g := generator{random: rand.New(rand.NewPCG(1, 2)), distances: distances{}}
	for i, input := range inputs {
		g.distances.add(input)
		for target := range g.distances[input.FullName()] {
			message := upstreamtest.NewMessage(f, input)
			g.fill(message, target, payments, 3)
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
		visitNamespaces(message, func(field protoreflect.FieldDescriptor, value string) {
			require.True(t, value == orders && !isNamespaceID(field), "%s is %q", field.FullName(), value)
		})
	})
}

// visitNamespaces calls visit with every value that may name a namespace.
func visitNamespaces(m protoreflect.Message, visit func(protoreflect.FieldDescriptor, string)) {
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		switch {
		case mayNameNamespace(field) && !field.IsList() && value.String() != "":
			visit(field, value.String())
		case field.IsMap() && field.MapValue().Message() != nil:
			value.Map().Range(func(_ protoreflect.MapKey, value protoreflect.Value) bool {
				visitNamespaces(value.Message(), visit)
				return true
			})
		case field.IsList() && field.Message() != nil:
			for i := range value.List().Len() {
				visitNamespaces(value.List().Get(i).Message(), visit)
			}
		case field.Message() != nil && !field.IsMap():
			visitNamespaces(value.Message(), visit)
		}
		return true
	})
}
