package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/flowgate/flowgate/internal/yamlnode"
)

// envPrefix is the prefix of the gateway's environment variables.
const envPrefix = "FLOWGATE_"

// Setting describes one scalar of [Config], or one list of scalars.
type Setting struct {
	// Path is the path in the file, such as limits.maxWait.
	Path string
	// Env is the environment variable, such as FLOWGATE_LIMITS_MAX_WAIT. The elements of a list are separated by
	// commas.
	Env string
	// Default is the default as written in the file. It is empty for an empty string or list.
	Default string
	// Doc is a description in one line.
	Doc string
}

// Settings returns every scalar setting in the order of the file. Mappings with arbitrary keys (upstream.metadata,
// namespaces) and lists of sections (auth.jwt, auth.certificates) can be set only in the file.
func Settings() []Setting {
	defaults := reflect.ValueOf(Default())
	leaves := leavesOf(defaults.Type())
	settings := make([]Setting, len(leaves))
	for i, l := range leaves {
		settings[i] = Setting{
			Path:    l.path(),
			Env:     l.env(),
			Default: formatScalar(defaults.FieldByIndex(l.index).Interface()),
			Doc:     l.doc,
		}
	}
	return settings
}

// leaf is a scalar field, or a list of scalars, at any depth of [Config].
type leaf struct {
	keys  []string // the names in the file, from the root
	index []int    // for [reflect.Value.FieldByIndex]
	typ   reflect.Type
	doc   string
}

func (l leaf) path() string { return strings.Join(l.keys, ".") }

// set parses text and stores the value in the field of cfg. An invalid text is reported as a problem with its source,
// and the field keeps its value.
func (l leaf) set(cfg *Config, text, source string, problems *Problems) {
	value, message := parseScalar(text, l.typ)
	if message != "" {
		problems.add(l.path(), message+" ("+source+")")
		return
	}
	reflect.ValueOf(cfg).Elem().FieldByIndex(l.index).Set(reflect.ValueOf(value).Convert(l.typ))
}

// env returns the environment variable: FLOWGATE_LIMITS_MAX_WAIT for limits.maxWait.
func (l leaf) env() string {
	words := make([]string, len(l.keys))
	for i, key := range l.keys {
		words[i] = snake(key)
	}
	return envPrefix + strings.Join(words, "_")
}

// leavesOf returns the scalars of a struct type in their order.
func leavesOf(t reflect.Type) []leaf {
	var leaves []leaf
	for _, field := range reflect.VisibleFields(t) {
		key := field.Tag.Get(yamlnode.Tag)
		switch {
		case field.Type.Kind() == reflect.Struct:
			for _, l := range leavesOf(field.Type) {
				l.keys = append([]string{key}, l.keys...)
				l.index = append([]int{field.Index[0]}, l.index...)
				leaves = append(leaves, l)
			}
		case field.Type.Kind() == reflect.Map, isListOfSections(field.Type):
		default:
			leaves = append(leaves, leaf{[]string{key}, field.Index, field.Type, field.Tag.Get("doc")})
		}
	}
	return leaves
}

// isListOfSections reports whether t is a list of structs. Such a list can be set only in the file.
func isListOfSections(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct
}

// snake converts clientCAFile to CLIENT_CA_FILE.
func snake(camel string) string {
	var b strings.Builder
	runes := []rune(camel)
	for i, r := range runes {
		startsWord := i > 0 && unicode.IsUpper(r) &&
			(!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]))
		if startsWord {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToUpper(r))
	}
	return b.String()
}

// parseScalar parses the text of a variable or a flag to a value that converts to t. The message is the problem, empty
// if there is none.
func parseScalar(text string, t reflect.Type) (value any, message string) {
	var err error
	switch {
	case t == reflect.TypeFor[time.Duration]():
		value, err = time.ParseDuration(text)
		message = yamlnode.NotDuration
	case t.Kind() == reflect.Bool:
		if text != "true" && text != "false" {
			return nil, yamlnode.NotBool
		}
		value = text == "true"
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		value, err = strconv.ParseInt(text, 10, 64)
		message = yamlnode.NotInt
	case t.Kind() == reflect.Float64:
		value, err = strconv.ParseFloat(text, 64)
		message = yamlnode.NotFloat
	case t.Kind() == reflect.Slice:
		value = splitList(text)
	default:
		value = text
	}
	if err != nil {
		return nil, message
	}
	return value, ""
}

// splitList splits text at commas and trims each element. An empty text is an empty list.
func splitList(text string) []string {
	if strings.TrimSpace(text) == "" {
		return []string{}
	}
	elements := strings.Split(text, ",")
	for i, element := range elements {
		elements[i] = strings.TrimSpace(element)
	}
	return elements
}

func formatScalar(v any) string {
	switch v := v.(type) {
	case time.Duration:
		return formatDuration(v)
	case []string:
		return strings.Join(v, ",")
	default:
		return fmt.Sprint(v)
	}
}

// formatDuration formats d without the trailing zero units of Go: 5m, not 5m0s.
func formatDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
