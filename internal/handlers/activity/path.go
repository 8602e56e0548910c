package activity

import (
	"net/url"

	"github.com/flowgate/flowgate/internal/handlers/convert"
)

// pathOf returns the URL of the run of an activity without a workflow, with rest after
// the activity id.
func pathOf(namespace, activityID, runID, rest string) string {
	query := url.Values{}
	segment := convert.IDSegment(query, "activityId", activityID)
	if runID != "" {
		query.Set("runId", runID)
	}
	path := convert.NamespacePath(namespace) + "/activities/" + segment + rest
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}
