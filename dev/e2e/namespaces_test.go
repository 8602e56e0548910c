package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
)

const (
	namespaces = "/v1/namespaces"
	// adminKey has the role "admin" on namespaces whose names start with "admin-", and "read" on the cluster.
	adminKey = "fg_admin_00000000000000000000000000000000"
)

type namespace struct {
	Name, ID, State, Description, OwnerEmail, Retention string

	Data              map[string]string
	Capabilities      map[string]bool
	ReplicationConfig struct{ ActiveClusterName string }
}

func admin() caller { return bearer(adminKey) }

// registerNamespace registers a namespace and returns its path.
func registerNamespace(t *testing.T) (name, path string) {
	t.Helper()
	name = "admin-" + uuid.NewString()[:8]
	a := admin().post(t, namespaces, `{"name":`+quote(name)+`,"retention":"72h","description":"one","ownerEmail":"a@b.example","data":{"k":"v"}}`).
		expect(t, http.StatusCreated)
	require.Equal(t, namespaces+"/"+name, a.header.Get("Location"))
	return name, a.header.Get("Location")
}

func TestNamespaceIsRegisteredDescribedAndUpdated(t *testing.T) {
	t.Parallel()
	name, path := registerNamespace(t)
	got := as[namespace](t, admin().get(t, path).expect(t, http.StatusOK))
	require.Equal(t, []string{name, "REGISTERED", "one", "a@b.example", "259200s"}, []string{got.Name, got.State, got.Description, got.OwnerEmail, got.Retention})
	require.Equal(t, map[string]string{"k": "v"}, got.Data)
	require.Contains(t, got.Capabilities, "workflowPause")
	require.NotEmpty(t, got.ReplicationConfig.ActiveClusterName)
	admin().post(t, namespaces, `{"name":`+quote(name)+`,"retention":"72h"}`).problem(t, http.StatusConflict, "namespace-already-exists")
	admin().post(t, namespaces, `{"name":"team-of-others","retention":"72h"}`).problem(t, http.StatusForbidden, "namespace-forbidden")
	admin().post(t, namespaces, `{"name":"admin-short","retention":"59m"}`).problem(t, http.StatusBadRequest, "invalid-request")

	updated := as[namespace](t, admin().mustSend(t, http.MethodPatch, path, `{"description":"two","data":{"l":"w"},"retention":"48h"}`).expect(t, http.StatusOK))
	require.Equal(t, []string{"two", "a@b.example", "172800s"}, []string{updated.Description, updated.OwnerEmail, updated.Retention})
	require.Equal(t, map[string]string{"k": "v", "l": "w"}, updated.Data)

	// The namespace can be used as soon as the server's processes know it.
	e2etest.Eventually(t, "a workflow starts in the namespace", func() bool {
		return admin().post(t, path+"/workflows", startBody("Unpolled", newID(t), "unpolled")).status == http.StatusCreated
	})
	require.Contains(t, string(reader().get(t, namespaces+"/default").expect(t, http.StatusOK).body), `"name":"default"`)
}

func TestNamespacesAreListed(t *testing.T) {
	t.Parallel()
	name, _ := registerNamespace(t)
	type page struct {
		Namespaces    []namespace
		NextPageToken string
	}
	found, token := map[string]bool{}, ""
	for first := true; first || token != ""; first = false {
		p := as[page](t, admin().get(t, namespaces+"?pageSize=2&pageToken="+token).expect(t, http.StatusOK))
		for _, n := range p.Namespaces {
			found[n.Name] = true
		}
		token = p.NextPageToken
	}
	require.Subset(t, found, map[string]bool{name: true, "default": true, otherNamespace: true})
	lines := admin().with("Accept", typeNDJSON).get(t, namespaces).expect(t, http.StatusOK)
	require.Equal(t, 1, strings.Count(string(lines.body), `{"name":`+quote(name)))
	writer().get(t, namespaces).problem(t, http.StatusForbidden, "operation-forbidden")
}

func TestSearchAttributesAreAddedUsedAndRemoved(t *testing.T) {
	t.Parallel()
	_, path := registerNamespace(t)
	attributes := path + "/search-attributes"
	types := func() map[string]string {
		return as[struct{ CustomAttributes map[string]string }](t, admin().get(t, attributes).expect(t, http.StatusOK)).CustomAttributes
	}
	all := map[string]string{"Customer": "Keyword", "Count": "Int", "Price": "Double", "Paid": "Bool", "Due": "Datetime", "Labels": "KeywordList", "Remark": "Text"}
	for range 2 { // the second request has no effect
		admin().post(t, attributes, `{"attributes":{"Customer":"Keyword","Count":"Int","Price":"Double","Paid":"Bool","Due":"Datetime","Labels":"KeywordList","Remark":"Text"}}`).
			expect(t, http.StatusNoContent)
		require.Equal(t, all, types())
	}
	admin().post(t, attributes, `{"attributes":{"Customer":"Int"}}`).problem(t, http.StatusConflict, "conflict")
	admin().post(t, attributes, `{"attributes":{"WorkflowType":"Keyword"}}`).problem(t, http.StatusBadRequest, "invalid-request")
	e2etest.Eventually(t, "a workflow has the search attribute", func() bool {
		return admin().post(t, path+"/workflows", startBody("Unpolled", newID(t), "unpolled", `"searchAttributes":{"Customer":"c-1"}`)).status == http.StatusCreated
	})
	admin().mustSend(t, http.MethodDelete, attributes+"/Customer", "").expect(t, http.StatusNoContent)
	delete(all, "Customer")
	require.Equal(t, all, types())
	admin().mustSend(t, http.MethodDelete, attributes+"/Customer", "").problem(t, http.StatusNotFound, "search-attribute-not-found")
	admin().mustSend(t, http.MethodDelete, attributes+"/WorkflowType", "").problem(t, http.StatusBadRequest, "invalid-request")
}
