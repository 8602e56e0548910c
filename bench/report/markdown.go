package report

import (
	_ "embed"
	"fmt"
	"io"
	"strings"
	"text/template"
)

//go:embed page.md
var page string

// WriteMarkdown writes the results as docs/performance.md.
func (r *Results) WriteMarkdown(out io.Writer) error {
	parsed, err := template.New("page").Parse(page)
	if err != nil {
		return err
	}
	var tables strings.Builder
	for _, table := range r.Tables() {
		tables.WriteString(table.markdown())
	}
	return parsed.Execute(out, map[string]string{
		"Date":    r.Date.UTC().Format("2 January 2006"),
		"Machine": fmt.Sprintf("%s, %d cores, %s", r.Machine.CPU, r.Machine.Cores, r.Machine.Go),
		"Tables":  tables.String(),
	})
}

func (t Table) markdown() string {
	rule := "| --- |" + strings.Repeat(" ---: |", len(t.Head)-1)
	lines := []string{"## " + t.Title, "", t.Note, "", markdownRow(t.Head), rule}
	for _, row := range t.Rows {
		lines = append(lines, markdownRow(row))
	}
	return strings.Join(lines, "\n") + "\n\n"
}

func markdownRow(cells []string) string { return "| " + strings.Join(cells, " | ") + " |" }
