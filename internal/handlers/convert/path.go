package convert

import "net/url"

// WorkflowPath returns the URL of a workflow's run.
func WorkflowPath(namespace, workflowID, runID string) string {
	query := url.Values{}
	return instancePath(namespace, idSegment(query, "workflowId", workflowID), runID, query)
}

// ResultPath returns the URL of the result of a workflow's run, with these query
// parameters.
func ResultPath(namespace, workflowID, runID string, query url.Values) string {
	return instancePath(namespace, idSegment(query, "workflowId", workflowID)+"/result", runID, query)
}

// UpdatePath returns the URL of an update, with these query parameters.
func UpdatePath(namespace, workflowID, runID, updateID string, query url.Values) string {
	segments := idSegment(query, "workflowId", workflowID) + "/updates/" + idSegment(query, "updateId", updateID)
	return instancePath(namespace, segments, runID, query)
}

// idSegment returns the path segment of an id. An id that clients and proxies would
// rewrite is set in the query instead, under name.
func idSegment(query url.Values, name, id string) string {
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
	path := pathPrefix + url.PathEscape(namespace) + "/workflows/" + segments // one concatenation: each start has it
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}

// pathPrefix precedes the name of a namespace in a path.
const pathPrefix = "/v1/namespaces/"

// NamespacePath returns the URL under which the resources of a namespace are.
func NamespacePath(namespace string) string { return pathPrefix + url.PathEscape(namespace) }
