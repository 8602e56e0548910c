package temporalhttp_test

import "net/http"

// namespaceExamples returns the examples for namespaces, the cluster and search attributes.
func namespaceExamples() map[string][]example {
	return map[string][]example{
		"RegisterNamespace": {
			{
				body: `{"namespace":"${id}","workflowExecutionRetentionPeriod":"86400s","description":"one","ownerEmail":"a@b.example",
				"data":{"k":"v"},"historyArchivalState":"ARCHIVAL_STATE_DISABLED","visibilityArchivalState":1}`,
				after: "/cluster/namespaces/${id}",
			},
			{about: "no retention", body: `{"namespace":"${id}"}`, status: http.StatusBadRequest},
			{about: "exists", body: `{"namespace":"default","workflowExecutionRetentionPeriod":"86400s"}`, status: http.StatusConflict},
		},
		"DescribeNamespace": {
			{},
			{about: "absent", path: map[string]string{"namespace": "${id}"}, status: http.StatusNotFound},
		},
		"ListNamespaces": {
			{query: "pageSize=1000"},
			{about: "filter", query: "pageSize=2&namespaceFilter.includeDeleted=true"},
		},
		"UpdateNamespace": {{
			prepare: registeredNamespace,
			path:    map[string]string{"namespace": "${id}"},
			body: `{"updateInfo":{"description":"two","ownerEmail":"c@d.example","data":{"k2":"v2"}},
				"config":{"workflowExecutionRetentionTtl":"172800s"}}`,
			after: "/cluster/namespaces/${id}",
		}},
		"GetClusterInfo": {{}},
		"GetSystemInfo":  {{}},
		"ListSearchAttributes": {
			{},
			{about: "absent", path: map[string]string{"namespace": "${id}"}, status: http.StatusNotFound},
		},
	}
}

func registeredNamespace(s *fixture) {
	s.call(http.MethodPost, "/cluster/namespaces", `{"namespace":"${id}","workflowExecutionRetentionPeriod":"86400s"}`)
	s.set("namespaceId", field(s.call(http.MethodGet, "/cluster/namespaces/${id}", ""), "namespaceInfo", "id"))
}
