package temporalhttp

import "io"

// indenter indents JSON as in Temporal's pretty form. It works on a stream, so that
// a large response needs no additional memory. It does not indent below
// maxIndentDepth: with the full indentation, the size of deeply nested JSON would be
// quadratic.
type indenter struct {
	to     io.Writer
	buffer []byte
	depth  int
	quoted bool // in a string
	escape bool // after a backslash in a string
	opened bool // directly after an opening bracket
}

const (
	maxIndentDepth = 32
	indentBuffer   = 32 << 10 // bytes
)

func (i *indenter) Write(text []byte) (int, error) {
	for _, c := range text {
		if i.quoted {
			i.buffer = append(i.buffer, c)
			i.quoted = i.escape || c != '"'
			i.escape = !i.escape && c == '\\'
			continue
		}
		i.writeByte(c)
		if len(i.buffer) >= indentBuffer {
			if err := i.flush(); err != nil {
				return 0, err
			}
		}
	}
	return len(text), nil
}

// writeByte writes a byte outside of strings.
func (i *indenter) writeByte(c byte) {
	switch c {
	case ' ', '\t', '\r', '\n': // a payload may contain white space
		return
	case '}', ']':
		i.depth--
		if !i.opened {
			i.newLine()
		}
		i.opened = false
		i.buffer = append(i.buffer, c)
		return
	}
	if i.opened {
		i.opened = false
		i.newLine()
	}
	i.buffer = append(i.buffer, c)
	switch c {
	case '{', '[':
		i.depth++
		i.opened = true
	case ',':
		i.newLine()
	case ':':
		i.buffer = append(i.buffer, ' ')
	case '"':
		i.quoted = true
	}
}

func (i *indenter) newLine() {
	if i.depth > maxIndentDepth {
		return
	}
	i.buffer = append(i.buffer, '\n')
	for range i.depth {
		i.buffer = append(i.buffer, ' ', ' ')
	}
}

func (i *indenter) flush() error {
	_, err := i.to.Write(i.buffer)
	i.buffer = i.buffer[:0]
	return err
}
