package inspect_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/upstream/inspect"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// childFailure returns the failure of a child workflow in a namespace, nested as the
// cause of depth other failures.
func childFailure(namespace string, depth int) *failure.Failure {
	f := &failure.Failure{FailureInfo: &failure.Failure_ChildWorkflowExecutionFailureInfo{
		ChildWorkflowExecutionFailureInfo: &failure.ChildWorkflowExecutionFailureInfo{Namespace: namespace},
	}}
	for range depth {
		f = &failure.Failure{Message: "outer", Cause: f}
	}
	return f
}

// With another namespace, each of these requests would act on another tenant's
// namespace, or refer to it.
func TestARequestMayNameOnlyTheAuthorisedNamespace(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		method  string
		request func(namespace string) proto.Message
	}{
		"in the request itself": {"StartWorkflowExecution", func(namespace string) proto.Message {
			return &workflowservice.StartWorkflowExecutionRequest{WorkflowId: "w", Namespace: namespace}
		}},
		"in a batch": {"StartBatchOperation", func(namespace string) proto.Message {
			return &workflowservice.StartBatchOperationRequest{JobId: "j", Namespace: namespace}
		}},
		"in one of several operations": {"ExecuteMultiOperation", func(namespace string) proto.Message {
			return upstreamtest.UpdateWithStart(
				&workflowservice.StartWorkflowExecutionRequest{Namespace: orders},
				&workflowservice.UpdateWorkflowExecutionRequest{Namespace: namespace},
			)
		}},
		"in a link within one operation": {"ExecuteMultiOperation", func(namespace string) proto.Message {
			return upstreamtest.UpdateWithStart(
				&workflowservice.StartWorkflowExecutionRequest{Namespace: orders, Links: upstreamtest.LinkTo(namespace)},
				&workflowservice.UpdateWorkflowExecutionRequest{Namespace: orders},
			)
		}},
		"in a start's link": {"StartWorkflowExecution", func(namespace string) proto.Message {
			return &workflowservice.StartWorkflowExecutionRequest{
				Namespace: orders, Links: slices.Concat(upstreamtest.LinkTo(orders), upstreamtest.LinkTo(namespace), upstreamtest.LinkTo(orders)),
			}
		}},
		"in a callback's link": {"StartWorkflowExecution", func(namespace string) proto.Message {
			return &workflowservice.StartWorkflowExecutionRequest{
				Namespace: orders, CompletionCallbacks: []*common.Callback{{}, {Links: upstreamtest.LinkTo(namespace)}},
			}
		}},
		"in a failure": {"RespondActivityTaskFailed", func(namespace string) proto.Message {
			return &workflowservice.RespondActivityTaskFailedRequest{Namespace: orders, Failure: childFailure(namespace, 0)}
		}},
		"deep in a failure's causes": {"RespondActivityTaskFailed", func(namespace string) proto.Message {
			return &workflowservice.RespondActivityTaskFailedRequest{Namespace: orders, Failure: childFailure(namespace, 90)}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, other := range []string{payments, "Orders", orders + " ", orders + "\x00", "order", "ordérs"} {
				err := check(workflowService+test.method, upstreamtest.Wire(t, test.request(other)))
				e := upstreamtest.ProblemOf(t, problem.NamespaceMismatch, err)
				require.NotContains(t, e.Detail, other)
			}
			require.NoError(t, check(workflowService+test.method, upstreamtest.Wire(t, test.request(orders))))
		})
	}
}

// field encodes one length-delimited field.
func field(number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), value)
}

func text(number protowire.Number, value string) []byte { return field(number, []byte(value)) }

// The numbers of the fields that the tests encode by hand. Each name begins with the
// message type: start is StartWorkflowExecutionRequest, multi is
// ExecuteMultiOperationRequest, failed is RespondActivityTaskFailedRequest.
const (
	startNamespace, startWorkflowID, startLinks                     = 1, 2, 24
	linkWorkflowEvent, workflowEventNamespace                       = 1, 1
	multiNamespace, multiOperations, operationStart                 = 1, 2, 1
	failedFailure, failedNamespace, failureCause, startUnknownField = 2, 4, 4, 19_000
)

// A decoder merges the occurrences of a message field, and keeps the last occurrence of a
// string field. Other decoders may differ, so the guard checks every occurrence.
func TestNoEncodingHidesANamespace(t *testing.T) {
	t.Parallel()
	link := func(namespace string) []byte {
		return field(startLinks, field(linkWorkflowEvent, text(workflowEventNamespace, namespace)))
	}
	splitLink := func(namespaces ...string) []byte { // one link, whose event occurs once for each namespace
		var pieces []byte
		for _, namespace := range namespaces {
			pieces = append(pieces, field(linkWorkflowEvent, text(workflowEventNamespace, namespace))...)
		}
		return field(startLinks, pieces)
	}
	splitOperation := func(namespaces ...string) []byte { // one operation, whose start occurs once for each namespace
		var pieces []byte
		for _, namespace := range namespaces {
			pieces = append(pieces, field(operationStart, text(startNamespace, namespace))...)
		}
		return field(multiOperations, pieces)
	}
	authorised := text(startNamespace, orders)
	overlong := protowire.AppendBytes([]byte{startNamespace<<3 | 2 | 0x80, 0x80, 0x00}, []byte(payments))
	const mismatch, missing = problem.NamespaceMismatch, problem.InvalidRequest
	for name, test := range map[string]struct { // by the namespaces that the request contains
		method  string
		request []byte
		want    problem.Code // empty if the request passes
	}{
		"the same one twice":                {start, slices.Concat(authorised, authorised), ""},
		"another one first":                 {start, slices.Concat(text(startNamespace, payments), authorised), mismatch},
		"another one last":                  {start, slices.Concat(authorised, text(startNamespace, payments)), mismatch},
		"another one between":               {start, slices.Concat(authorised, text(startNamespace, payments), authorised), mismatch},
		"another one after the rest":        {start, slices.Concat(authorised, link(orders), text(startWorkflowID, "w"), text(startNamespace, payments)), mismatch},
		"another one, with an overlong tag": {start, slices.Concat(authorised, overlong), mismatch},
		"invalid UTF-8":                     {start, slices.Concat(authorised, text(startNamespace, "\xff")), mismatch},
		"set and then empty":                {start, slices.Concat(authorised, text(startNamespace, "")), missing},
		"empty and then set":                {start, slices.Concat(text(startNamespace, ""), authorised), ""},
		"none":                              {start, nil, missing},
		"an empty one":                      {start, text(startNamespace, ""), missing},
		"only a nested one":                 {start, link(orders), missing},
		"only one in an operation":          {workflowService + "ExecuteMultiOperation", splitOperation(orders), missing},
		"a number in its field":             {start, slices.Concat(authorised, protowire.AppendVarint(protowire.AppendTag(nil, startNamespace, protowire.VarintType), 7)), ""},
		"only a number in its field":        {start, protowire.AppendVarint(protowire.AppendTag(nil, startNamespace, protowire.VarintType), 7), missing},
		"an empty nested one":               {start, slices.Concat(authorised, link("")), ""},
		"one of two links":                  {start, slices.Concat(authorised, link(orders), link(payments)), mismatch},
		"a link in pieces":                  {start, slices.Concat(authorised, splitLink(orders, payments)), mismatch},
		"a link in pieces, reversed":        {start, slices.Concat(authorised, splitLink(payments, orders)), mismatch},
		"a link in pieces, emptied":         {start, slices.Concat(authorised, splitLink(payments, "")), mismatch},
		"an operation in pieces":            {workflowService + "ExecuteMultiOperation", slices.Concat(text(multiNamespace, orders), splitOperation(payments, orders)), mismatch},
		"an unknown field with that text":   {start, slices.Concat(authorised, text(startUnknownField, payments)), ""},
		"a workflow id with that text":      {start, slices.Concat(authorised, text(startWorkflowID, payments)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := check(test.method, test.request)
			if test.want != "" {
				upstreamtest.RequireProblem(t, test.want, err)
				return
			}
			require.NoError(t, err)
		})
	}
}

// The internal id of a namespace could bypass the check of its name.
func TestNamespaceIDsAreRejected(t *testing.T) {
	t.Parallel()
	for method, requests := range map[string][]proto.Message{
		workflowService + "DescribeNamespace": {
			&workflowservice.DescribeNamespaceRequest{Id: "id"},
			&workflowservice.DescribeNamespaceRequest{Namespace: orders, Id: "id"},
			&workflowservice.DescribeNamespaceRequest{Namespace: orders, Id: orders},
		},
		operatorservice.OperatorService_DeleteNamespace_FullMethodName: {
			&operatorservice.DeleteNamespaceRequest{NamespaceId: "id"},
			&operatorservice.DeleteNamespaceRequest{Namespace: orders, NamespaceId: "id"},
		},
	} {
		for _, request := range requests {
			err := check(method, upstreamtest.Wire(t, request))
			upstreamtest.RequireProblem(t, problem.NamespaceMismatch, err)
		}
	}
	require.NoError(t, check(workflowService+"DescribeNamespace", upstreamtest.Wire(t, &workflowservice.DescribeNamespaceRequest{Namespace: orders})))
}

func TestNestingDepthIsLimited(t *testing.T) {
	t.Parallel()
	respond := (&workflowservice.RespondActivityTaskFailedRequest{}).ProtoReflect().Descriptor()
	nested := func(depth int) []byte {
		return upstreamtest.Wire(t, &workflowservice.RespondActivityTaskFailedRequest{Namespace: orders, Failure: childFailure(orders, depth)})
	}
	require.NoError(t, inspect.CheckNamespace(respond, nested(90), orders))
	upstreamtest.RequireProblem(t, problem.InvalidRequest, inspect.CheckNamespace(respond, nested(200), orders))

	// Thousands of levels must not overflow the stack.
	deep := text(workflowEventNamespace, payments)
	for len(deep) < 1<<14 {
		deep = field(failureCause, deep)
	}
	err := inspect.CheckNamespace(respond, slices.Concat(text(failedNamespace, orders), field(failedFailure, deep)), orders)
	upstreamtest.RequireProblem(t, problem.InvalidRequest, err)
}

func TestMalformedMessagesAreRejected(t *testing.T) {
	t.Parallel()
	authorised := text(startNamespace, orders)
	for name, tail := range map[string][]byte{
		"a truncated tag":          {0x80},
		"field number zero":        {0x02, 0x00},
		"a reserved wire type":     {4<<3 | 7},
		"a length beyond the end":  {startNamespace<<3 | 2, 0x7f, 'o'},
		"a length above 64 bits":   {startNamespace<<3 | 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
		"an endless varint":        {2 << 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"an unclosed group":        {2<<3 | 3},
		"an unopened group":        {2<<3 | 4},
		"the end of another group": {2<<3 | 3, 3<<3 | 4},
		"an invalid link":          field(startLinks, []byte{0xff}),
		"a truncated link":         field(startLinks, []byte{linkWorkflowEvent<<3 | 2, 0x05, 0x01}),
	} {
		err := check(start, slices.Concat(authorised, tail))
		require.True(t, problem.Is(err, problem.InvalidRequest), "%s: %v", name, err)
	}
	for length := range authorised {
		err := check(start, authorised[:length])
		require.Error(t, err)
	}
}
