package convert

import "net/url"

// WorkflowPath returns the URL of a workflow's run.
func WorkflowPath(namespace, workflowID, runID string) string {
	query := url.Values{}
	return instancePath(namespace, IDSegment(query, "workflowId", workflowID), runID, query)
}

// ResultPath returns the URL of the result of a workflow's run, with these query
// parameters.
func ResultPath(namespace, workflowID, runID string, query url.Values) string {
	return instancePath(namespace, IDSegment(query, "workflowId", workflowID)+"/result", runID, query)
}

// UpdatePath returns the URL of an update, with these query parameters.
func UpdatePath(namespace, workflowID, runID, updateID string, query url.Values) string {
	segments := IDSegment(query, "workflowId", workflowID) + "/updates/" + IDSegment(query, "updateId", updateID)
	return instancePath(namespace, segments, runID, query)
}

// SchedulePath returns the URL of a schedule.
func SchedulePath(namespace, scheduleID string) string {
	query := url.Values{}
	path := NamespacePath(namespace) + "/schedules/" + IDSegment(query, "scheduleId", scheduleID)
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}

// IDSegment returns the path segment for an id. If clients or proxies would rewrite the id,
// IDSegment sets it as the query parameter name, and returns [aliasSegment].
func IDSegment(query url.Values, name, id string) string {
	if needsAlias(id) {
		query.Set(name, id)
		return aliasSegment
	}
	return url.PathEscape(id)
}

func instancePath(namespace, segments, runID string, query url.Values) string {
	if runID != "" {
		query.Set("runId", runID)
	}
	path := pathPrefix + url.PathEscape(namespace) + "/workflows/" + segments // one concatenation, because every start builds a path
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}

// pathPrefix is the part of a path before the name of a namespace.
const pathPrefix = "/v1/namespaces/"

// NamespacePath returns the common prefix of the URLs of a namespace's resources.
func NamespacePath(namespace string) string { return pathPrefix + url.PathEscape(namespace) }
