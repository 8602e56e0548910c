package transcode_test

import (
	"fmt"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/transcode"
)

// AppendJSON converts wire bytes without decoding them to a message. It writes
// the payload in Temporal's shorthand, byte for byte: 1.10 does not become 1.1.
func ExamplePlan_AppendJSON() {
	wire, err := proto.Marshal(&workflowservice.SignalWorkflowExecutionRequest{
		Namespace:  "default",
		SignalName: "pay",
		Input: &common.Payloads{Payloads: []*common.Payload{{
			Metadata: map[string][]byte{"encoding": []byte("json/plain")},
			Data:     []byte(`{"amount":1.10}`),
		}}},
	})
	if err != nil {
		panic(err)
	}
	plan := transcode.NewPlans().Message((&workflowservice.SignalWorkflowExecutionRequest{}).ProtoReflect().Descriptor())
	text, err := plan.AppendJSON(nil, wire, transcode.Options{}, nil)
	fmt.Println(string(text), err)
	// Output: {"namespace":"default","signalName":"pay","input":[{"amount":1.10}]} <nil>
}

// AppendWire converts JSON to wire bytes. An error has the JSON pointer of the
// faulty value.
func ExamplePlan_AppendWire() {
	plan := transcode.NewPlans().Message((&common.WorkflowExecution{}).ProtoReflect().Descriptor())

	wire, err := plan.AppendWire(nil, []byte(`{"workflowId":"order-1"}`), transcode.Options{})
	fmt.Printf("%q %v\n", wire, err)

	_, err = plan.AppendWire(nil, []byte(`{"workflowId":1}`), transcode.Options{})
	fmt.Println(err)
	// Output:
	// "\n\aorder-1" <nil>
	// /workflowId: must be a string
}

// A query string sets the fields of a message, as in Temporal's HTTP API.
func ExamplePlan_AppendQuery() {
	request := &workflowservice.ListWorkflowExecutionsRequest{}
	plan := transcode.NewPlans().Message(request.ProtoReflect().Descriptor())
	wire, err := plan.AppendQuery(nil, map[string][]string{"pageSize": {"10"}, "query": {"WorkflowType='Order'"}}, nil)
	if err != nil {
		panic(err)
	}
	if err := proto.Unmarshal(wire, request); err != nil {
		panic(err)
	}
	fmt.Println(request.GetPageSize(), request.GetQuery())
	// Output: 10 WorkflowType='Order'
}

// A view selects fields of a message, renames them and inlines the members of
// messages.
func ExamplePlans_View() {
	view := transcode.NewPlans().View((&workflow.WorkflowExecutionInfo{}).ProtoReflect().Descriptor(), []transcode.ViewField{
		{Field: "execution", View: []transcode.ViewField{{Field: "workflow_id", As: "workflowId"}}},
		{Field: "status", As: "status"},
		{Field: "history_length", As: "historyLength", Always: true},
	})
	wire, err := proto.Marshal(&workflow.WorkflowExecutionInfo{
		Execution: &common.WorkflowExecution{WorkflowId: "order-1", RunId: "not in the view"},
		Status:    enums.WORKFLOW_EXECUTION_STATUS_RUNNING,
	})
	if err != nil {
		panic(err)
	}
	text, err := view.AppendJSON(nil, wire, transcode.Options{}, nil)
	fmt.Println(string(text), err)
	// Output: {"workflowId":"order-1","status":"RUNNING","historyLength":0} <nil>
}
