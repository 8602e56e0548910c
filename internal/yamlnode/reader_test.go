package yamlnode_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/flowgate/flowgate/internal/yamlnode"
)

// allTypes has a field of every type that Decode supports.
type allTypes struct {
	Bool     bool               `yaml:"bool"`
	Int      int                `yaml:"int"`
	Int64    int64              `yaml:"int64"`
	Float    float64            `yaml:"float"`
	String   string             `yaml:"string"`
	Duration time.Duration      `yaml:"duration"`
	List     []string           `yaml:"list"`
	Map      map[string]string  `yaml:"map"`
	Section  section            `yaml:"section"`
	Sections []section          `yaml:"sections"`
	Named    map[string]section `yaml:"named"`
}

type section struct {
	Name string `yaml:"name"`
}

// decode returns the decoded content and the problems, one per element.
func decode(content string) (allTypes, []string) {
	var reader yamlnode.Reader
	into := allTypes{Int: 7, Section: section{Name: "default"}}
	if root := reader.Document([]byte(content)); root != nil {
		reader.Decode("", root, &into)
	}
	if reader.Err() == nil {
		return into, nil
	}
	return into, strings.Split(reader.Err().Error(), "\n")
}

func TestDecodeReadsEveryKind(t *testing.T) {
	t.Parallel()
	got, problems := decode(`
bool: true
int64: 0x10
float: 1
string: "7233"
duration: 1h30m
list: [a, b]
map: {a.b: c}
section:
sections: [{name: &n a}, {}]
named: {x: {name: *n}, y: }
`)
	require.Empty(t, problems)
	require.Equal(t, allTypes{
		Bool: true, Int: 7, Int64: 16, Float: 1, String: "7233", Duration: 90 * time.Minute,
		List: []string{"a", "b"}, Map: map[string]string{"a.b": "c"},
		Section:  section{Name: "default"},
		Sections: []section{{Name: "a"}, {}},
		Named:    map[string]section{"x": {Name: "a"}},
	}, got)
}

func TestDecodeRejectsAmbiguousValues(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]string{
		"bool: 'true'":               "bool: must be true or false",
		"bool: yes":                  "bool: must be true or false",
		"bool: [true]":               "bool: must be true or false",
		"int: 1.5":                   "int: must be a whole number",
		"int: '1'":                   "int: must be a whole number",
		"int64: 9223372036854775808": "int64: must be a whole number",
		"float: '1'":                 "float: must be a number",
		"float: {}":                  "float: must be a number",
		"string: 7233":               "string: must be a string: put quotes around it",
		"string: 2027-01-01":         "string: must be a string: put quotes around it",
		"string: true":               "string: must be a string: put quotes around it",
		"string: [a]":                "string: must be a string",
		"duration: 5":                "duration: must be a duration with a unit, such as 500ms, 30s or 1h30m",
		"duration: soon":             "duration: must be a duration with a unit, such as 500ms, 30s or 1h30m",
		"list: a":                    "list: must be a list",
		"list: [a, ~]":               "list[1]: must be a string",
		"map: [a]":                   "map: must be a mapping",
		"map: {a: 1}":                "map.a: must be a string: put quotes around it",
		"section: a":                 "section: must be a mapping",
		"section: {names: a}":        "section.names: unknown field",
		"sections: {}":               "sections: must be a list",
		"sections: [{}, a]":          "sections[1]: must be a mapping",
		"sections: [{}, {name: 1}]":  "sections[1].name: must be a string: put quotes around it",
		"named: {a.b: {nam: c}}":     "named.a.b.nam: unknown field",
		"nothing:":                   "nothing: unknown field",
		"int: 1\nint: 2":             "int: duplicate key, first in line 1",
		"5: a":                       "5: line 1: the key must be a string",
		"[a]: b":                     "(line 1): line 1: the key must be a string",
		"<<: {int: 1}":               "<<: line 1: the key must be a string",
		"'a b': c":                   "(line 1): unknown field",
		"map: &m {a: *m}":            "map.a: must be a string",
		"int: 1\n---\nint: 2":        "contains more than one document",
		"[1]":                        "must be a mapping",
		"int: [":                     "line 1: did not find expected node content",
		"int: *s3cret":               "is not valid YAML",
	} {
		_, problems := decode(content)
		require.Equal(t, []string{want}, problems, content)
	}
	got, _ := decode("int: 8\nint: 9\nsection: {name: 1}")
	require.Equal(t, 8, got.Int, "of two values with the same key, the first is used")
	require.Equal(t, "default", got.Section.Name, "an invalid value is not stored")
}

func TestEmptyFileIsNoProblem(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"", "# later", "\n"} {
		var reader yamlnode.Reader
		require.Nil(t, reader.Document([]byte(content)))
		require.NoError(t, reader.Err())
	}
}

func TestTextReturnsScalarsAsWritten(t *testing.T) {
	t.Parallel()
	var reader yamlnode.Reader
	root := reader.Document([]byte("[007, 1e3, true, null, [a]]"))
	var texts []string
	reader.List("ids", root, func(path string, node *yaml.Node) { texts = append(texts, reader.Text(path, node)) })
	require.Equal(t, []string{"007", "1e3", "true", "", ""}, texts)
	require.EqualError(t, reader.Err(), "ids[3]: must be a string\nids[4]: must be a string")
}

func TestRequireResolvesAliasesAndIgnoresOtherNodes(t *testing.T) {
	t.Parallel()
	var reader yamlnode.Reader
	root := reader.Document([]byte("[&a {id: 1}, *a, text]"))
	for i, node := range root.Content {
		reader.Require(yamlnode.ElementPath("keys", i), node, "id", "secret")
	}
	require.EqualError(t, reader.Err(), "keys[0].secret: is missing\nkeys[1].secret: is missing")
	require.True(t, yamlnode.IsMapping(root.Content[1]))
	require.False(t, yamlnode.IsMapping(root.Content[2]))
}

func TestConsecutiveProblemWithSamePathIsDropped(t *testing.T) {
	t.Parallel()
	var reader yamlnode.Reader
	reader.Reportf("a", "first")
	reader.Reportf("a", "second")
	reader.Reportf("b", "third")
	reader.Reportf("a", "fourth")
	require.EqualError(t, reader.Err(), "a: first\nb: third\na: fourth")
}

func TestSecretKeyIsReplacedByLineNumber(t *testing.T) {
	t.Parallel()
	reader := yamlnode.Reader{Secret: func(key string) bool { return key == "s3cret" }}
	reader.Object("", reader.Document([]byte("a: b\ns3cret: c")), nil)
	require.EqualError(t, reader.Err(), "a: unknown field\n(line 2): unknown field")
}

func TestInFilePrefixesEveryLine(t *testing.T) {
	t.Parallel()
	cause := errors.New("is not there")
	require.EqualError(t, yamlnode.InFile("keys.yaml", cause), "keys.yaml: is not there")
	require.ErrorIs(t, yamlnode.InFile("keys.yaml", cause), cause)
	problems := yamlnode.Problems{{Message: "is empty"}, {Path: "keys[0].id", Message: "is missing"}}
	require.EqualError(t, yamlnode.InFile("keys.yaml", problems), "keys.yaml: is empty\nkeys.yaml: keys[0].id: is missing")
}

func TestCovers(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]bool{
		"auth.jwt": true, "auth.jwt[0]": true, "auth.jwt.x": true, "auth.jwts": false, "auth": false, "limits.auth.jwt": false,
	} {
		require.Equal(t, want, yamlnode.Covers("auth.jwt", path), path)
	}
}

// FuzzDecode checks that decoding ends, and returns the same value each time.
func FuzzDecode(f *testing.F) {
	f.Add("bool: true\nlist: [a]\nnamed: {x: {name: &n a}, y: {name: *n}}")
	f.Add("map: &m {a: *m}")
	f.Add("? [a]\n: b")
	f.Add("<<: {int: 1}")
	f.Add("string: !!binary s3cret")
	f.Fuzz(func(t *testing.T, content string) {
		got, problems := decode(content)
		for _, problem := range problems {
			require.NotEmpty(t, problem)
		}
		again, _ := decode(content)
		require.Equal(t, fmt.Sprint(got), fmt.Sprint(again)) // NaN is not equal to itself
	})
}
