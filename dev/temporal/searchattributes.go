package temporal

import enumspb "go.temporal.io/api/enums/v1"

// SearchAttributes returns the custom search attributes of every namespace that [Start] creates, one of each type.
func SearchAttributes() map[string]enumspb.IndexedValueType {
	return map[string]enumspb.IndexedValueType{
		"CustomerId": enumspb.INDEXED_VALUE_TYPE_KEYWORD,
		"Items":      enumspb.INDEXED_VALUE_TYPE_INT,
		"Amount":     enumspb.INDEXED_VALUE_TYPE_DOUBLE,
		"Express":    enumspb.INDEXED_VALUE_TYPE_BOOL,
		"DueAt":      enumspb.INDEXED_VALUE_TYPE_DATETIME,
		"Tags":       enumspb.INDEXED_VALUE_TYPE_KEYWORD_LIST,
		"Note":       enumspb.INDEXED_VALUE_TYPE_TEXT,
	}
}
