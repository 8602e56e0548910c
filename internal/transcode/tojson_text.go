package transcode

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"unicode/utf8"
)

// appendString appends a name of a field or an enum value as a JSON string. For
// texts of messages, use appendText.
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

// appendText appends the content of a string field as a JSON string. It returns
// false if the content is not valid UTF-8.
func appendText(dst, text []byte) ([]byte, bool) {
	dst = append(dst, '"')
	i := plainLength(text)
	if i == len(text) {
		return append(append(dst, text...), '"'), true
	}
	begin, ascii := 0, true
	for ; i < len(text); i++ {
		c := text[i]
		if plainASCII[c] {
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

// plainLength returns the number of bytes at the start of text that are ASCII
// and need no escape. Most texts have no other bytes.
//
// It tests eight bytes at a time. The expression in the condition sets the
// highest bit of each byte that is not ASCII, is less than a space, or is a
// quote or a backslash. specialBytes in package payload does the same.
func plainLength(text []byte) int {
	const (
		lowBits   = 0x0101010101010101 // a byte times lowBits repeats the byte eight times
		highBits  = 0x8080808080808080
		wordBytes = 8
	)
	i := 0
	for ; i+wordBytes <= len(text); i += wordBytes {
		v := binary.LittleEndian.Uint64(text[i:])
		quote, slash := v^lowBits*'"', v^lowBits*'\\'
		if (v|(v-lowBits*' ')|(quote-lowBits)&^quote|(slash-lowBits)&^slash)&highBits != 0 {
			break
		}
	}
	for i < len(text) && plainASCII[text[i]] {
		i++
	}
	return i
}

// plainASCII is the set of ASCII characters that need no escape in a JSON string.
//
//nolint:gochecknoglobals // a read-only table
var plainASCII = func() (table [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		table[c] = c != '"' && c != '\\'
	}
	return table
}()

// appendInt and appendUint are faster than their counterparts in strconv, which
// format in a temporary buffer and copy it to dst.
func appendInt(dst []byte, n int64) []byte {
	if n < 0 {
		dst, n = append(dst, '-'), -n
	}
	return appendUint(dst, uint64(n)) //nolint:gosec // correct for the smallest integer too, in two's complement
}

func appendUint(dst []byte, n uint64) []byte {
	const maxDigits = 20
	end := len(dst) + digitCount(n)
	dst = slices.Grow(dst, maxDigits)[:end]
	for ; n >= 100; n /= 100 {
		end -= 2
		putTwoDigits(dst[end:], uint(n%100))
	}
	if n >= 10 {
		putTwoDigits(dst[end-2:], uint(n))
	} else {
		dst[end-1] = byte('0' + n)
	}
	return dst
}

// digitCount returns the number of decimal digits of n. It estimates the
// logarithm from the highest bit, and adds one if the estimate is too low.
func digitCount(n uint64) int {
	digits := bits.Len64(n|1) * 1233 >> 12 // 1233/4096 is log10(2), 0.30103
	if n >= powersOfTen[digits] {
		digits++
	}
	return digits
}

// powersOfTen has the powers of ten, except that the first is 0 instead of 1,
// so that digitCount(0) is 1.
//
//nolint:gochecknoglobals // a read-only table
var powersOfTen = func() (table [20]uint64) {
	power := uint64(1)
	for i := range table {
		table[i] = power
		power *= 10
	}
	table[0] = 0
	return table
}()

func appendBase64(dst, data []byte) []byte {
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, data)
	return append(dst, '"')
}

// appendFloat appends a number as ProtoJSON does: in the shortest form that is
// exact for the given number of bits, and as a string if it is not finite.
func appendFloat(dst []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	// Below this limit, floats of both widths represent each integer exactly. An int64 would lose the sign of -0.
	const exact = 1 << 24
	if n := int64(f); float64(n) == f && n != 0 && n > -exact && n < exact {
		return appendInt(dst, n)
	}
	const small, large = 1e-6, 1e21 // a number outside this range has an exponent, as in ECMAScript
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < small || abs >= large) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, bits)
}
