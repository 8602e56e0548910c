package activity

import (
	"encoding/base64"
	"strings"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/operation"
	"github.com/flowgate/flowgate/internal/upstream/inspect"
)

// target is the activity that a report is about. Either its task token is set or its
// activity id. An activity without a workflow has no workflow id.
type target struct {
	taskToken                     []byte
	workflowID, runID, activityID string
}

// newTarget validates the fields of a request that identify the activity.
func newTarget(v *convert.Validation, taskToken, workflowID, runID, activityID string) target {
	t := target{workflowID: workflowID, runID: runID, activityID: activityID}
	if taskToken == "" {
		v.CheckID("/activityId", activityID)
		if workflowID != "" {
			v.CheckID("/workflowId", workflowID)
		}
		checkRunID(v, "/runId", runID)
		return t
	}
	for _, id := range []struct{ pointer, value string }{
		{"/workflowId", workflowID}, {"/runId", runID}, {"/activityId", activityID},
	} {
		if id.value != "" {
			v.Add(id.pointer, "must not be sent together with /taskToken")
		}
	}
	token, ok := decodeTaskToken(taskToken)
	if !ok {
		v.Add("/taskToken", "is not a task token in base64")
	}
	t.taskToken = token
	return t
}

// decodeTaskToken decodes a token in base64 or base64url, with or without padding. It
// reports false if the token names no namespace, because the server would reject it too.
func decodeTaskToken(text string) ([]byte, bool) {
	standard := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "="))
	token, err := base64.RawStdEncoding.DecodeString(standard)
	if err != nil {
		return nil, false
	}
	_, ok := inspect.TaskTokenNamespaceID(token)
	return token, ok
}

// addTo adds the workflow id to an error that the server returned.
func (t target) addTo(err error) error {
	if t.workflowID == "" {
		return err
	}
	return operation.WithWorkflowID(err, t.workflowID)
}

func checkRunID(v *convert.Validation, pointer, runID string) {
	if runID != "" && !convert.IsRunID(runID) {
		v.Add(pointer, "must be a UUID")
	}
}
