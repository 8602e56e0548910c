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
)

func linkTo(namespace string) []*common.Link {
	return []*common.Link{{Variant: &common.Link_WorkflowEvent_{
		WorkflowEvent: &common.Link_WorkflowEvent{Namespace: namespace, WorkflowId: "w"},
	}}}
}

// childFailure is the failure of a child workflow in a namespace, as the cause of
// depth other failures.
func childFailure(namespace string, depth int) *failure.Failure {
	f := &failure.Failure{FailureInfo: &failure.Failure_ChildWorkflowExecutionFailureInfo{
		ChildWorkflowExecutionFailureInfo: &failure.ChildWorkflowExecutionFailureInfo{Namespace: namespace},
	}}
	for range depth {
		f = &failure.Failure{Message: "outer", Cause: f}
	}
	return f
}

func updateWithStart(
	start *workflowservice.StartWorkflowExecutionRequest, update *workflowservice.UpdateWorkflowExecutionRequest,
) *workflowservice.ExecuteMultiOperationRequest {
	type operation = workflowservice.ExecuteMultiOperationRequest_Operation
	return &workflowservice.ExecuteMultiOperationRequest{
		Namespace: orders,
		Operations: []*operation{
			{Operation: &workflowservice.ExecuteMultiOperationRequest_Operation_StartWorkflow{StartWorkflow: start}},
			{Operation: &workflowservice.ExecuteMultiOperationRequest_Operation_UpdateWorkflow{UpdateWorkflow: update}},
		},
	}
}

// Each of these would act in another tenant's namespace, or point into it.
func TestARequestNamesTheAuthorisedNamespaceOnly(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		method  string
		request func(namespace string) proto.Message
	}{
		"at the top": {"StartWorkflowExecution", func(namespace string) proto.Message {
			return &workflowservice.StartWorkflowExecutionRequest{WorkflowId: "w", Namespace: namespace}
		}},
		"of a batch": {"StartBatchOperation", func(namespace string) proto.Message {
			return &workflowservice.StartBatchOperationRequest{JobId: "j", Namespace: namespace}
		}},
		"in one of several operations": {"ExecuteMultiOperation", func(namespace string) proto.Message {
			return updateWithStart(
				&workflowservice.StartWorkflowExecutionRequest{Namespace: orders},
				&workflowservice.UpdateWorkflowExecutionRequest{Namespace: namespace},
			)
		}},
		"in a link within one operation": {"ExecuteMultiOperation", func(namespace string) proto.Message {
			return updateWithStart(
				&workflowservice.StartWorkflowExecutionRequest{Namespace: orders, Links: linkTo(namespace)},
				&workflowservice.UpdateWorkflowExecutionRequest{Namespace: orders},
			)
		}},
		"in a start's link": {"StartWorkflowExecution", func(namespace string) proto.Message {
			return &workflowservice.StartWorkflowExecutionRequest{
				Namespace: orders, Links: slices.Concat(linkTo(orders), linkTo(namespace), linkTo(orders)),
			}
		}},
		"in a callback's link": {"StartWorkflowExecution", func(namespace string) proto.Message {
			return &workflowservice.StartWorkflowExecutionRequest{
				Namespace: orders, CompletionCallbacks: []*common.Callback{{}, {Links: linkTo(namespace)}},
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
				err := check(workflowService+test.method, wire(t, test.request(other)))
				e := problemOf(t, problem.NamespaceMismatch, err)
				require.NotContains(t, e.Detail, other)
			}
			require.NoError(t, check(workflowService+test.method, wire(t, test.request(orders))))
		})
	}
}

// field encodes one field of bytes.
func field(number protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), value)
}

func text(number protowire.Number, value string) []byte { return field(number, []byte(value)) }

// The numbers of the fields that the tests encode by hand.
const (
	startNamespace, startWorkflowID, startLinks                  = 1, 2, 24
	linkWorkflowEvent, workflowEventNamespace                    = 1, 1
	multiNamespace, multiOperations, operationStart              = 1, 2, 1
	failedFailure, failedNamespace, failureCause, unknownToStart = 2, 4, 4, 19_000
)

// A decoder merges the occurrences of a message field and keeps the last of a
// string; other decoders may differ. So every occurrence is checked.
func TestNoEncodingHidesANamespace(t *testing.T) {
	t.Parallel()
	link := func(namespace string) []byte {
		return field(startLinks, field(linkWorkflowEvent, text(workflowEventNamespace, namespace)))
	}
	split := func(namespaces ...string) []byte { // one link, its event in pieces
		var pieces []byte
		for _, namespace := range namespaces {
			pieces = append(pieces, field(linkWorkflowEvent, text(workflowEventNamespace, namespace))...)
		}
		return field(startLinks, pieces)
	}
	operation := func(namespaces ...string) []byte { // one operation, its start in pieces
		var pieces []byte
		for _, namespace := range namespaces {
			pieces = append(pieces, field(operationStart, text(startNamespace, namespace))...)
		}
		return field(multiOperations, pieces)
	}
	mine := text(startNamespace, orders)
	stretched := protowire.AppendBytes([]byte{startNamespace<<3 | 2 | 0x80, 0x80, 0x00}, []byte(payments))
	const refused, missing = problem.NamespaceMismatch, problem.InvalidRequest
	for name, test := range map[string]struct {
		method  string
		request []byte
		want    problem.Code // empty: passes
	}{
		"the same one twice":                {start, slices.Concat(mine, mine), ""},
		"another one first":                 {start, slices.Concat(text(startNamespace, payments), mine), refused},
		"another one last":                  {start, slices.Concat(mine, text(startNamespace, payments)), refused},
		"another one between":               {start, slices.Concat(mine, text(startNamespace, payments), mine), refused},
		"another one after the rest":        {start, slices.Concat(mine, link(orders), text(startWorkflowID, "w"), text(startNamespace, payments)), refused},
		"another one, its tag stretched":    {start, slices.Concat(mine, stretched), refused},
		"no UTF-8":                          {start, slices.Concat(mine, text(startNamespace, "\xff")), refused},
		"emptied at the end":                {start, slices.Concat(mine, text(startNamespace, "")), missing},
		"empty and then set":                {start, slices.Concat(text(startNamespace, ""), mine), ""},
		"none":                              {start, nil, missing},
		"an empty one":                      {start, text(startNamespace, ""), missing},
		"none but a nested one":             {start, link(orders), missing},
		"none at the top of several":        {workflowService + "ExecuteMultiOperation", operation(orders), missing},
		"a number where it stands":          {start, slices.Concat(mine, protowire.AppendVarint(protowire.AppendTag(nil, startNamespace, protowire.VarintType), 7)), ""},
		"a number alone":                    {start, protowire.AppendVarint(protowire.AppendTag(nil, startNamespace, protowire.VarintType), 7), missing},
		"a nested empty one":                {start, slices.Concat(mine, link("")), ""},
		"one of two links":                  {start, slices.Concat(mine, link(orders), link(payments)), refused},
		"a link in pieces":                  {start, slices.Concat(mine, split(orders, payments)), refused},
		"a link in pieces, other way round": {start, slices.Concat(mine, split(payments, orders)), refused},
		"a link in pieces, emptied":         {start, slices.Concat(mine, split(payments, "")), refused},
		"an operation in pieces":            {workflowService + "ExecuteMultiOperation", slices.Concat(text(multiNamespace, orders), operation(payments, orders)), refused},
		"an unknown field of that text":     {start, slices.Concat(mine, text(unknownToStart, payments)), ""},
		"a workflow id of that text":        {start, slices.Concat(mine, text(startWorkflowID, payments)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := check(test.method, test.request)
			if test.want != "" {
				requireProblem(t, test.want, err)
				return
			}
			require.NoError(t, err)
		})
	}
}

// The id of a namespace would bypass the check of its name.
func TestANamespaceIsNotReachedByItsID(t *testing.T) {
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
			err := check(method, wire(t, request))
			requireProblem(t, problem.NamespaceMismatch, err)
		}
	}
	require.NoError(t, check(workflowService+"DescribeNamespace", wire(t, &workflowservice.DescribeNamespaceRequest{Namespace: orders})))
}

func TestDepthIsBounded(t *testing.T) {
	t.Parallel()
	respond := (&workflowservice.RespondActivityTaskFailedRequest{}).ProtoReflect().Descriptor()
	nested := func(depth int) []byte {
		return wire(t, &workflowservice.RespondActivityTaskFailedRequest{Namespace: orders, Failure: childFailure(orders, depth)})
	}
	require.NoError(t, inspect.CheckNamespace(respond, nested(90), orders))
	requireProblem(t, problem.InvalidRequest, inspect.CheckNamespace(respond, nested(200), orders))

	// Thousands of levels, which must not cost the stack.
	bomb := text(workflowEventNamespace, payments)
	for len(bomb) < 1<<14 {
		bomb = field(failureCause, bomb)
	}
	err := inspect.CheckNamespace(respond, slices.Concat(text(failedNamespace, orders), field(failedFailure, bomb)), orders)
	requireProblem(t, problem.InvalidRequest, err)
}

func TestMalformedMessagesAreRefused(t *testing.T) {
	t.Parallel()
	mine := text(startNamespace, orders)
	for name, tail := range map[string][]byte{
		"a tag cut off":             {0x80},
		"field number zero":         {0x02, 0x00},
		"a reserved wire type":      {4<<3 | 7},
		"a length beyond the end":   {startNamespace<<3 | 2, 0x7f, 'o'},
		"a length beyond all":       {startNamespace<<3 | 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
		"a varint without end":      {2 << 3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"a group without end":       {2<<3 | 3},
		"an end without group":      {2<<3 | 4},
		"a group's end of another":  {2<<3 | 3, 3<<3 | 4},
		"a link that is no message": field(startLinks, []byte{0xff}),
		"a link cut off":            field(startLinks, []byte{linkWorkflowEvent<<3 | 2, 0x05, 0x01}),
	} {
		err := check(start, slices.Concat(mine, tail))
		require.True(t, problem.Is(err, problem.InvalidRequest), "%s: %v", name, err)
	}
	for length := range mine {
		err := check(start, mine[:length])
		require.Error(t, err)
	}
}
