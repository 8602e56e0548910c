package payload

import (
	"encoding/binary"
	"math/bits"
)

// isSimpleJSON reports whether data is valid and simple JSON: ASCII, without escapes, and nested at most 64 levels
// deep. Most values are. For all other data, the result is false, and the caller must use the JSON library to check
// whether it is valid.
func isSimpleJSON(data []byte) bool {
	const maxNesting = 64
	var open [maxNesting]byte
	depth, at := 0, skipSpace(data, 0)
	for {
		var next int // the offset after the value, negative if invalid
		switch c := peek(data, at); {
		case c == '"':
			next = simpleString(data, at)
		case c == '{' || c == '[':
			if depth == maxNesting {
				return false
			}
			at = skipSpace(data, at+1)
			if peek(data, at) == c+2 { // in ASCII, the code of a closing bracket is that of the opening one plus 2
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

// afterValue reads the closing brackets and the comma after a value and, in an object, the name after the comma. It
// returns the offset of the next value and the remaining depth. The offset is negative if the JSON is not simple.
func afterValue(data []byte, at int, open []byte, depth int) (next, remaining int) {
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

// memberName reads the name of a member and the colon after it. Like the other functions that read a part of the JSON,
// it returns the offset after that part, or a negative number if the part is not simple JSON.
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

// peek returns the byte at an offset, or zero after the end. A zero byte does not occur in JSON.
func peek(data []byte, at int) byte {
	if uint(at) >= uint(len(data)) {
		return 0
	}
	return data[at]
}

// skipSpace returns the offset after white space. Most JSON has none, and the compiler can inline this check.
func skipSpace(data []byte, at int) int {
	if at < len(data) && data[at] <= ' ' {
		return skipSpaceSlow(data, at)
	}
	return at
}

func skipSpaceSlow(data []byte, at int) int {
	for at < len(data) && (data[at] == ' ' || data[at] == '\n' || data[at] == '\r' || data[at] == '\t') {
		at++
	}
	return at
}

// simpleString reads a string of ASCII without escapes, eight bytes at a time.
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

// stringEnd returns the offset after the closing quote, which must be at the given offset.
func stringEnd(data []byte, at int) int {
	if peek(data, at) != '"' {
		return -1
	}
	return at + 1
}

// plainWord has spaces in all bytes except the lowest, so that specialBytes can test a single character.
const plainWord = 0x2020202020202000

// specialBytes finds the bytes of a word that end a simple string: quotes, backslashes, control characters and bytes
// that are not ASCII. The highest bit of the corresponding byte of the result is set. Only the lowest set bit is
// reliable, because the subtractions may borrow from higher bytes.
func specialBytes(word uint64) uint64 {
	const (
		each = 0x0101010101010101
		high = 0x8080808080808080
	)
	quote, slash := word^each*'"', word^each*'\\'
	return (word | (word - each*' ') | (quote-each)&^quote | (slash-each)&^slash) & high
}

// literal reads true, false or null.
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

// digits reads one digit or more.
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
