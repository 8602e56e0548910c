package e2e_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/dev/e2e/e2etest"
)

// attributesOfEveryType returns a search attribute of every type, by name. The visibility query has a condition for
// each.
func attributesOfEveryType(customer string) (attributes map[string]attribute, query string) {
	attributes = map[string]attribute{
		"CustomerId": {"Keyword", json.RawMessage(quote(customer))},
		"Items":      {"Int", json.RawMessage("42")},
		"Amount":     {"Double", json.RawMessage("1.10")},
		"Express":    {"Bool", json.RawMessage("true")},
		"DueAt":      {"Datetime", json.RawMessage(`"2030-01-02T03:04:05.678Z"`)},
		"Tags":       {"KeywordList", json.RawMessage(`["a","<&>"]`)},
		"Note":       {"Text", json.RawMessage(`"to be left at the door"`)},
	}
	query = `CustomerId = "` + customer + `" AND Items = 42 AND Amount < 2 AND Express = true AND Tags = "<&>"` +
		` AND Note = "door" AND DueAt > "2030-01-02T03:00:00Z"`
	return attributes, query
}

func TestSearchAttributesOfEveryTypeKeepTheirType(t *testing.T) {
	t.Parallel()
	for name, format := range map[string]func(attribute) string{
		"typed": func(a attribute) string { return fmt.Sprintf(`{"type":%q,"value":%s}`, a.Type, a.Value) },
		"bare":  func(a attribute) string { return string(a.Value) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			attributes, query := attributesOfEveryType(uuid.NewString())
			s := startWithoutWorker(t, searchAttributes(attributes, format))

			requireAttributes(t, attributes, describe(t, s.WorkflowID).SearchAttributes)
			var page workflowList
			e2etest.Eventually(t, "the workflow is found by all its attributes", func() bool {
				page = as[workflowList](t, writer().get(t, workflows+"?query="+url.QueryEscape(query)).expect(t, http.StatusOK))
				return len(page.Workflows) == 1
			})
			require.Equal(t, s.WorkflowID, page.Workflows[0].WorkflowID)
			requireAttributes(t, attributes, page.Workflows[0].SearchAttributes)
			terminate(t, s.WorkflowID)
		})
	}
}

// searchAttributes returns the JSON member "searchAttributes" of a start. format returns the JSON of one attribute.
func searchAttributes(attributes map[string]attribute, format func(attribute) string) string {
	var members []string
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		members = append(members, quote(name)+":"+format(attributes[name]))
	}
	return `"searchAttributes":{` + strings.Join(members, ",") + "}"
}

// requireAttributes requires the search attributes in want. It ignores others, which the server adds.
func requireAttributes(t *testing.T, want, got map[string]attribute) {
	t.Helper()
	for name, attribute := range want {
		require.Equal(t, attribute.Type, got[name].Type, name)
		require.JSONEq(t, string(attribute.Value), string(got[name].Value), name)
	}
}

func TestSearchAttributesReachTheServerTyped(t *testing.T) {
	t.Parallel()
	attributes, _ := attributesOfEveryType(uuid.NewString())
	s := startWithoutWorker(t, searchAttributes(attributes, func(a attribute) string {
		return fmt.Sprintf(`{"type":%q,"value":%s}`, a.Type, a.Value)
	}))
	stored := serverStartedEvent(t, s).GetSearchAttributes().GetIndexedFields()
	for name, attribute := range attributes {
		require.Equal(t, attribute.Type, string(stored[name].GetMetadata()["type"]), name)
		require.Equal(t, string(attribute.Value), string(stored[name].GetData()), name)
	}
	terminate(t, s.WorkflowID)
}

func TestNullSearchAttributeIsIgnored(t *testing.T) {
	t.Parallel()
	s := startWithoutWorker(t, `"searchAttributes":{"CustomerId":null,"Items":{"type":"Int","value":null},"Express":false}`)
	got := describe(t, s.WorkflowID).SearchAttributes
	require.NotContains(t, got, "CustomerId")
	require.NotContains(t, got, "Items")
	require.Equal(t, "false", string(got["Express"].Value))
	terminate(t, s.WorkflowID)
}

func TestUnknownSearchAttributeIsRejected(t *testing.T) {
	t.Parallel()
	body := startBody("Unpolled", newID(t), "unpolled", `"searchAttributes":{"NoSuchAttribute":"x"}`)
	writer().post(t, workflows, body).problem(t, http.StatusBadRequest, "invalid-request")
}
