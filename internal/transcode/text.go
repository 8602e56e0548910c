package transcode

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"strconv"
	"unicode/utf8"
)

// appendString writes a string as JSON. It must be valid UTF-8.
func appendString(dst []byte, text string) []byte {
	dst = append(dst, '"')
	begin := 0
	for i := range len(text) {
		c := text[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, text[begin:i]...)
		begin = i + 1
		dst = appendEscape(dst, c)
	}
	return append(append(dst, text[begin:]...), '"')
}

func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	default:
		const digits = "0123456789abcdef"
		return append(dst, '\\', 'u', '0', '0', digits[c>>4], digits[c&0xf]) //nolint:mnd // the two halves of a byte
	}
}

// appendText writes wire bytes as a JSON string, and reports whether they are
// UTF-8.
func appendText(dst, text []byte) ([]byte, bool) {
	dst = append(dst, '"')
	i := plainLength(text)
	if i == len(text) {
		return append(append(dst, text...), '"'), true
	}
	begin, ascii := 0, true
	for ; i < len(text); i++ {
		c := text[i]
		if plain[c] {
			continue
		}
		if c >= utf8.RuneSelf {
			ascii = false
			continue
		}
		dst = append(dst, text[begin:i]...)
		begin = i + 1
		dst = appendEscape(dst, c)
	}
	dst = append(append(dst, text[begin:]...), '"')
	return dst, ascii || utf8.Valid(text)
}

// plainLength is how many bytes at the begin stand for themselves, eight at a
// time: of most texts, all of them do.
func plainLength(text []byte) int {
	const (
		each  = 0x0101010101010101
		high  = 0x8080808080808080
		words = 8
	)
	i := 0
	for ; i+words <= len(text); i += words {
		v := binary.LittleEndian.Uint64(text[i:])
		quote, slash := v^each*'"', v^each*'\\'
		if (v|(v-each*' ')|(quote-each)&^quote|(slash-each)&^slash)&high != 0 {
			break
		}
	}
	for i < len(text) && plain[text[i]] {
		i++
	}
	return i
}

// plain are the bytes that stand for themselves in a JSON string and are ASCII.
//
//nolint:gochecknoglobals // a read-only table
var plain = func() (table [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

func appendBase64(dst, data []byte) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, data)
	return append(dst, '"')
}

// appendFloat writes a number as protobuf's JSON has it: the shortest digits
// that mean it, and names for what JSON has no number for.
func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	const small, large = 1e-6, 1e21 // beyond them an exponent is shorter, as in ECMAScript
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < small || abs >= large) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, bits)
}
