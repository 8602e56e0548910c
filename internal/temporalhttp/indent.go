package temporalhttp

import "io"

// indenter indents JSON as in Temporal's pretty form. It works on a stream, so that
// a large response needs no additional memory. It writes no line breaks in values
// nested deeper than maxIndentDepth: fully indented, deeply nested JSON would grow
// quadratically.
type indenter struct {
	to     io.Writer
	buffer []byte
	depth  int
	quoted bool // inside a string
	escape bool // directly after a backslash in a string
	opened bool // directly after an opening bracket
}

const (
	maxIndentDepth    = 32
	indentBufferBytes = 32 << 10
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
		if len(i.buffer) >= indentBufferBytes {
			if err := i.flush(); err != nil {
				return 0, err
			}
		}
	}
	return len(text), nil
}

// writeByte writes a byte that is outside of a string.
func (i *indenter) writeByte(c byte) {
	switch c {
	case ' ', '\t', '\r', '\n': // drops the white space of payloads
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
