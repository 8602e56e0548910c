package workflow

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
	"github.com/flowgate/flowgate/internal/upstream"
)

// filter selects the workflows of a list or of a count: those that match query and every
// other member that is set.
type filter struct {
	query, workflowType         string
	statuses                    []openapi.WorkflowStatus
	startedAfter, startedBefore string
	// attributes has values of search attributes, by the name of the attribute.
	attributes map[string]string
}

// scope returns a text that is equal for equal filters only, to which page tokens are bound.
// It is the query if there is nothing else; any other text begins with a character that no
// valid query has.
func (f *filter) scope() string {
	if f.isQueryOnly() {
		return f.query
	}
	rest := []string{f.workflowType, fmt.Sprintf("%q", f.statuses), f.startedAfter, f.startedBefore}
	for _, name := range slices.Sorted(maps.Keys(f.attributes)) {
		rest = append(rest, name, f.attributes[name])
	}
	return fmt.Sprintf("\x00%q %q", f.query, rest)
}

// isQueryOnly reports whether no member except query is set.
func (f *filter) isQueryOnly() bool {
	return f.workflowType == "" && len(f.statuses)+len(f.attributes) == 0 && f.startedAfter == "" && f.startedBefore == ""
}

// visibilityQuery returns the filter as a visibility query. It reads the types of the search
// attributes from the server, because the literals of a query are typed.
func (s *Service) visibilityQuery(ctx context.Context, namespace string, f *filter) (string, error) {
	if f.isQueryOnly() {
		return f.query, nil
	}
	var v convert.Validation
	conditions := f.conditions(&v)
	condition, clauses := splitQuery(&v, f.query)
	if err := v.Err(); err != nil {
		return "", err
	}
	if len(f.attributes) > 0 {
		types, err := s.searchAttributeTypes(ctx, namespace)
		if err != nil {
			return "", err
		}
		for _, name := range slices.Sorted(maps.Keys(f.attributes)) {
			conditions = append(conditions, attributeCondition(&v, name, f.attributes[name], types[name]))
		}
		if err := v.Err(); err != nil {
			return "", err
		}
	}
	if strings.TrimSpace(condition) != "" {
		conditions = slices.Insert(conditions, 0, "("+condition+")")
	}
	return strings.TrimSpace(strings.Join(conditions, " AND ") + " " + clauses), nil
}

// conditions returns the conditions of all members except query and attributes.
func (f *filter) conditions(v *convert.Validation) (conditions []string) {
	if f.workflowType != "" {
		conditions = append(conditions, "WorkflowType = "+stringLiteral(v, "?workflowType", f.workflowType))
	}
	var statuses []string
	for _, name := range f.statuses {
		status := convert.Enum[enums.WorkflowExecutionStatus](v, "?status", string(name))
		if status == enums.WORKFLOW_EXECUTION_STATUS_UNSPECIFIED && name == "" {
			v.Add("?status", "must not be empty")
		}
		statuses = append(statuses, "'"+status.String()+"'")
	}
	if len(statuses) > 0 {
		conditions = append(conditions, "ExecutionStatus IN ("+strings.Join(statuses, ", ")+")")
	}
	if f.startedAfter != "" {
		conditions = append(conditions, "StartTime >= "+timeLiteral(v, "?startedAfter", f.startedAfter))
	}
	if f.startedBefore != "" {
		conditions = append(conditions, "StartTime < "+timeLiteral(v, "?startedBefore", f.startedBefore))
	}
	return conditions
}

// searchAttributeTypes returns the types of the namespace's search attributes, by name.
func (s *Service) searchAttributeTypes(ctx context.Context, namespace string) (map[string]enums.IndexedValueType, error) {
	response := &operatorservice.ListSearchAttributesResponse{}
	err := s.upstream.Do(upstream.WithInternal(ctx), operatorservice.OperatorService_ListSearchAttributes_FullMethodName,
		&operatorservice.ListSearchAttributesRequest{Namespace: namespace}, response)
	types := maps.Clone(response.GetSystemAttributes())
	if types == nil {
		types = map[string]enums.IndexedValueType{}
	}
	maps.Copy(types, response.GetCustomAttributes()) // a custom attribute takes precedence, as in the server
	return types, err
}

// attributeCondition returns the condition that a search attribute has a value. For a
// KeywordList, the value is one of the list; for a Text, it has words of the text.
func attributeCondition(v *convert.Validation, name, value string, of enums.IndexedValueType) string {
	pointer := "?searchAttribute." + name
	column := "`" + strings.ReplaceAll(name, "`", "``") + "` = "
	switch of {
	case enums.INDEXED_VALUE_TYPE_TEXT:
		if strings.TrimSpace(value) == "" {
			v.Add(pointer, "must have a word")
		}
		return column + stringLiteral(v, pointer, value)
	case enums.INDEXED_VALUE_TYPE_KEYWORD, enums.INDEXED_VALUE_TYPE_KEYWORD_LIST:
		return column + stringLiteral(v, pointer, value)
	case enums.INDEXED_VALUE_TYPE_INT:
		return column + intLiteral(v, pointer, value)
	case enums.INDEXED_VALUE_TYPE_DOUBLE:
		return column + doubleLiteral(v, pointer, value)
	case enums.INDEXED_VALUE_TYPE_BOOL:
		return column + boolLiteral(v, pointer, value)
	case enums.INDEXED_VALUE_TYPE_DATETIME:
		return column + timeLiteral(v, pointer, value)
	default:
		v.Add(pointer, "is not a search attribute of the namespace")
		return ""
	}
}
