package payload

import (
	"encoding/binary"
	"math/bits"
)

// isSimpleJSON reports whether data is JSON of the simple kind that most values
// are: ASCII, without escapes, not nested too deeply. False means that it takes
// the library to tell: this is its short cut, and never its judge.
func isSimpleJSON(data []byte) bool {
	const deepest = 64
	var open [deepest]byte
	depth, at := 0, skipSpace(data, 0)
	for {
		var next int // behind a value, or negative
		switch c := peek(data, at); {
		case c == '"':
			next = simpleString(data, at)
		case c == '{' || c == '[':
			if depth == deepest {
				return false
			}
			at = skipSpace(data, at+1)
			if peek(data, at) == c+2 { // the bracket that closes it, in ASCII
				next = at + 1
				break
			}
			open[depth] = c
			depth++
			if c == '{' {
				if at = memberName(data, at); at < 0 {
					return false
				}
			}
			continue
		case c == '-' || c >= '0' && c <= '9':
			next = number(data, at)
		default:
			next = literal(data, at)
		}
		if next < 0 {
			return false
		}
		if at, depth = afterValue(data, next, open[:], depth); depth == 0 {
			return at == len(data)
		}
		if at < 0 {
			return false
		}
	}
}

// afterValue reads what follows a value: the ends of what holds it, and a comma.
func afterValue(data []byte, at int, open []byte, depth int) (next, left int) {
	for {
		at = skipSpace(data, at)
		if depth == 0 {
			return at, 0
		}
		switch c := peek(data, at); {
		case c == open[depth-1]+2:
			depth--
			at++
		case c == ',' && open[depth-1] == '{':
			return memberName(data, skipSpace(data, at+1)), depth
		case c == ',':
			return skipSpace(data, at+1), depth
		default:
			return -1, depth
		}
	}
}

// memberName reads a name and its colon.
func memberName(data []byte, at int) int {
	if peek(data, at) != '"' {
		return -1
	}
	if at = simpleString(data, at); at < 0 {
		return -1
	}
	if at = skipSpace(data, at); peek(data, at) != ':' {
		return -1
	}
	return skipSpace(data, at+1)
}

// peek gives a byte, zero at the end, which no JSON holds.
func peek(data []byte, at int) byte {
	if uint(at) >= uint(len(data)) {
		return 0
	}
	return data[at]
}

// skipSpace skips white space, of which there is none in most JSON.
func skipSpace(data []byte, at int) int {
	if at < len(data) && data[at] <= ' ' {
		return skipSpaces(data, at)
	}
	return at
}

func skipSpaces(data []byte, at int) int {
	for at < len(data) && (data[at] == ' ' || data[at] == '\n' || data[at] == '\r' || data[at] == '\t') {
		at++
	}
	return at
}

// simpleString reads a string of plain ASCII, eight bytes at a time.
func simpleString(data []byte, at int) int {
	const word = 8
	for at++; at+word <= len(data); at += word {
		if found := specialBytes(binary.LittleEndian.Uint64(data[at:])); found != 0 {
			return stringEnd(data, at+bits.TrailingZeros64(found)/word)
		}
	}
	for at < len(data) && specialBytes(uint64(data[at])|plainWord) == 0 {
		at++
	}
	return stringEnd(data, at)
}

// stringEnd is behind a string, if it is its end that stands there.
func stringEnd(data []byte, at int) int {
	if peek(data, at) != '"' {
		return -1
	}
	return at + 1
}

// plainWord are plain characters beside the one that is looked at.
const plainWord = 0x2020202020202000

// specialBytes marks by their highest bits the bytes of a word that do not stand for
// themselves in a string. Of those marked the first one is one of them: a byte is
// marked wrongly only above one that is marked rightly, which it borrows from.
func specialBytes(word uint64) uint64 {
	const (
		each = 0x0101010101010101
		high = 0x8080808080808080
	)
	quote, slash := word^each*'"', word^each*'\\'
	return (word | (word - each*' ') | (quote-each)&^quote | (slash-each)&^slash) & high
}

func literal(data []byte, at int) int {
	for _, word := range [...]string{"true", "false", "null"} {
		if len(data)-at >= len(word) && string(data[at:at+len(word)]) == word {
			return at + len(word)
		}
	}
	return -1
}

// number reads a number (RFC 8259 section 6).
func number(data []byte, at int) int {
	if peek(data, at) == '-' {
		at++
	}
	if peek(data, at) == '0' {
		at++
	} else if at = digits(data, at); at < 0 {
		return -1
	}
	if peek(data, at) == '.' {
		if at = digits(data, at+1); at < 0 {
			return -1
		}
	}
	if c := peek(data, at); c == 'e' || c == 'E' {
		at++
		if c := peek(data, at); c == '+' || c == '-' {
			at++
		}
		at = digits(data, at)
	}
	return at
}

// digits reads at least one digit.
func digits(data []byte, at int) int {
	begin := at
	for at < len(data) && data[at] >= '0' && data[at] <= '9' {
		at++
	}
	if at == begin {
		return -1
	}
	return at
}
