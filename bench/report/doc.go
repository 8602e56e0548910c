// Package report holds what was measured, does the arithmetic on it, and shows it: as tables, as a page and as a picture.
package report
