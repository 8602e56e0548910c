package temporalhttp

import "io"

// indenter writes compact JSON with line breaks and indentation, as Temporal's
// pretty form has it. It holds nothing of it back, so that an answer of any size
// takes no memory, and stops indenting where a payload nests deeply: each of its
// elements would get a line of as many blanks as there are levels.
type indenter struct {
	to     io.Writer
	line   []byte
	depth  int
	quoted bool // within a string
	escape bool // behind a backslash in one
	opened bool // behind a bracket that nothing has followed yet
}

// Bounds of the indentation.
const (
	deepestIndent = 32
	indentedPiece = 32 << 10
)

func (i *indenter) Write(text []byte) (int, error) {
	for _, c := range text {
		if i.quoted {
			i.line = append(i.line, c)
			i.quoted = i.escape || c != '"'
			i.escape = !i.escape && c == '\\'
			continue
		}
		i.mark(c)
		if len(i.line) >= indentedPiece {
			if err := i.flush(); err != nil {
				return 0, err
			}
		}
	}
	return len(text), nil
}

// mark writes a byte that is in no string.
func (i *indenter) mark(c byte) {
	switch c {
	case ' ', '\t', '\r', '\n': // of a payload's own
		return
	case '}', ']':
		i.depth--
		if !i.opened {
			i.newLine()
		}
		i.opened = false
		i.line = append(i.line, c)
		return
	}
	if i.opened {
		i.opened = false
		i.newLine()
	}
	i.line = append(i.line, c)
	switch c {
	case '{', '[':
		i.depth++
		i.opened = true
	case ',':
		i.newLine()
	case ':':
		i.line = append(i.line, ' ')
	case '"':
		i.quoted = true
	}
}

func (i *indenter) newLine() {
	if i.depth > deepestIndent {
		return
	}
	i.line = append(i.line, '\n')
	for range i.depth {
		i.line = append(i.line, ' ', ' ')
	}
}

func (i *indenter) flush() error {
	_, err := i.to.Write(i.line)
	i.line = i.line[:0]
	return err
}
