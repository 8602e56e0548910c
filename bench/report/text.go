package report

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// WriteText writes the tables as text for a terminal.
func (r *Results) WriteText(out io.Writer) error {
	for _, table := range r.Tables() {
		if _, err := fmt.Fprintf(out, "\n%s\n%s\n", table.Title, table.Note); err != nil {
			return err
		}
		columns := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
		for _, row := range append([][]string{table.Head}, table.Rows...) {
			if _, err := fmt.Fprintln(columns, strings.Join(row, "\t")+"\t"); err != nil {
				return err
			}
		}
		if err := columns.Flush(); err != nil {
			return err
		}
	}
	return nil
}
