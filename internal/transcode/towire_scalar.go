package transcode

import (
	"bytes"
	"encoding/base64"
	"math"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// scalar reads one scalar and writes it without a tag.
func (w *wireWriter) scalar(f *field) error {
	value, err := w.in.ReadValue()
	if err != nil {
		return err
	}
	switch f.kind {
	case protoreflect.StringKind:
		return w.text(value)
	case protoreflect.BytesKind:
		return w.bytes(value)
	case protoreflect.BoolKind:
		return w.bool(value)
	case protoreflect.EnumKind:
		return w.enum(f.enum, value)
	default:
		text, ok := numberText(value)
		if !ok {
			return invalidInput("must be a number")
		}
		return w.number(f.kind, text)
	}
}

// text writes a string. A string without escapes, as most are, is only copied.
func (w *wireWriter) text(value jsontext.Value) error {
	if value.Kind() != '"' {
		return invalidInput("must be a string")
	}
	if bytes.IndexByte(value, '\\') < 0 {
		w.out = protowire.AppendBytes(w.out, value[1:len(value)-1])
		return nil
	}
	begin := len(w.out)
	var err error
	if w.out, err = jsontext.AppendUnquote(w.out, value); err != nil {
		return err
	}
	w.prefixLength(begin)
	return nil
}

func (w *wireWriter) bytes(value jsontext.Value) error {
	if value.Kind() != '"' {
		return invalidInput("must be a string of base64")
	}
	text := []byte(value[1 : len(value)-1])
	if bytes.IndexByte(value, '\\') >= 0 {
		var err error
		if text, err = jsontext.AppendUnquote(nil, value); err != nil {
			return err
		}
	}
	encoding := base64Encoding(text)
	begin := len(w.out)
	var err error
	if w.out, err = encoding.AppendDecode(w.out, text); err != nil {
		return invalidInput("must be base64")
	}
	w.prefixLength(begin)
	return nil
}

func (w *wireWriter) bool(value jsontext.Value) error {
	switch value.Kind() {
	case 't':
		w.out = append(w.out, 1)
	case 'f':
		w.out = append(w.out, 0)
	default:
		return invalidInput("must be true or false")
	}
	return nil
}

func (w *wireWriter) enum(e *enum, value jsontext.Value) error {
	switch kind := value.Kind(); {
	case kind == 'n' && e.null:
		w.out = append(w.out, 0)
		return nil
	case kind == '"':
		name, err := jsontext.AppendUnquote(nil, value)
		if err != nil {
			return err
		}
		number, ok := e.number(string(name))
		if !ok {
			return invalidInput("has no value " + quote(string(name)))
		}
		w.out = protowire.AppendVarint(w.out, uint64(number)) //nolint:gosec // negative numbers take ten bytes
		return nil
	case kind == '0':
		if number, ok := parseInteger(string(value), 32); ok {
			w.out = protowire.AppendVarint(w.out, uint64(number)) //nolint:gosec // negative numbers take ten bytes
			return nil
		}
	}
	return invalidInput("must be the name of a value, or its number")
}

// numberText returns the text of a number, or of a string that contains one.
func numberText(value jsontext.Value) (string, bool) {
	switch value.Kind() {
	case '0':
		return string(value), true
	case '"':
		text := string(value[1 : len(value)-1])
		if strings.Contains(text, `\`) {
			unquoted, err := jsontext.AppendUnquote(nil, value)
			if err != nil {
				return "", false
			}
			text = string(unquoted)
		}
		return text, true
	default:
		return "", false
	}
}

// number writes a number of the given kind.
//
//nolint:gosec // the parsers check the range
func (w *wireWriter) number(kind protoreflect.Kind, text string) error {
	const notInteger, notUnsigned = "must be an integer of the field's size", "must be an integer of the field's size, and not negative"
	switch kind {
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return w.float(kind, text)
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.Fixed32Kind, protoreflect.Fixed64Kind:
		v, ok := parseUnsigned(text, bitSize(kind))
		if !ok {
			return invalidInput(notUnsigned)
		}
		switch kind {
		case protoreflect.Fixed32Kind:
			w.out = protowire.AppendFixed32(w.out, uint32(v))
		case protoreflect.Fixed64Kind:
			w.out = protowire.AppendFixed64(w.out, v)
		default:
			w.out = protowire.AppendVarint(w.out, v)
		}
		return nil
	default:
		v, ok := parseInteger(text, bitSize(kind))
		if !ok {
			return invalidInput(notInteger)
		}
		switch kind {
		case protoreflect.Sint32Kind, protoreflect.Sint64Kind:
			w.out = protowire.AppendVarint(w.out, protowire.EncodeZigZag(v))
		case protoreflect.Sfixed32Kind:
			w.out = protowire.AppendFixed32(w.out, uint32(v))
		case protoreflect.Sfixed64Kind:
			w.out = protowire.AppendFixed64(w.out, uint64(v))
		default:
			w.out = protowire.AppendVarint(w.out, uint64(v))
		}
		return nil
	}
}

func bitSize(kind protoreflect.Kind) int {
	switch kind {
	case protoreflect.Int32Kind, protoreflect.Sint32Kind, protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Sfixed32Kind,
		protoreflect.FloatKind:
		return 32
	default:
		return 64
	}
}

func (w *wireWriter) float(kind protoreflect.Kind, text string) error {
	bits := bitSize(kind)
	var v float64
	switch text {
	case "NaN":
		v = math.NaN()
	case "Infinity":
		v = math.Inf(1)
	case "-Infinity":
		v = math.Inf(-1)
	default:
		var err error
		if v, err = strconv.ParseFloat(text, bits); err != nil || !isNumber(text) {
			return invalidInput("must be a number of the field's size")
		}
	}
	if kind == protoreflect.FloatKind {
		w.out = protowire.AppendFixed32(w.out, math.Float32bits(float32(v)))
	} else {
		w.out = protowire.AppendFixed64(w.out, math.Float64bits(v))
	}
	return nil
}

// isNumber reports whether text is a JSON number (RFC 8259 section 6), whose
// grammar is stricter than that of strconv.
func isNumber(text string) bool {
	return text != "" && (text[0] == '-' || text[0] >= '0' && text[0] <= '9') && jsontext.Value(text).IsValid() &&
		text[len(text)-1] >= '0' && text[len(text)-1] <= '9'
}

// parseInteger parses an integer, which may have an exponent or a fraction of
// zeros: 1e3 or 1.0.
func parseInteger(text string, bits int) (int64, bool) {
	if v, err := strconv.ParseInt(text, 10, bits); err == nil && isNumber(text) {
		return v, true
	}
	text, ok := plainInteger(text)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseInt(text, 10, bits)
	return v, err == nil
}

// parseUnsigned is like parseInteger, for unsigned integers.
func parseUnsigned(text string, bits int) (uint64, bool) {
	if v, err := strconv.ParseUint(text, 10, bits); err == nil && isNumber(text) {
		return v, true
	}
	text, ok := plainInteger(text)
	if !ok {
		return 0, false
	}
	v, err := strconv.ParseUint(text, 10, bits)
	return v, err == nil
}

// plainInteger writes an integer without a fraction and an exponent: 1e3 becomes
// 1000, and -0 becomes 0. It returns false if the number is not an integer, or
// has more digits than any 64-bit integer.
func plainInteger(text string) (string, bool) {
	const maxDigits = 20
	if !isNumber(text) {
		return "", false
	}
	number, sign := text, ""
	if number[0] == '-' {
		number, sign = number[1:], "-"
	}
	exponent := 0
	if i := strings.IndexAny(number, "eE"); i >= 0 {
		var err error
		if exponent, err = strconv.Atoi(number[i+1:]); err != nil || exponent > math.MaxInt32 || exponent < math.MinInt32 {
			return "", false
		}
		number = number[:i]
	}
	whole, fraction, _ := strings.Cut(number, ".")
	exponent -= len(fraction)
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return "0", true
	}
	for exponent < 0 {
		short, ok := strings.CutSuffix(digits, "0")
		if !ok {
			return "", false
		}
		digits = short
		exponent++
	}
	if len(digits)+exponent > maxDigits {
		return "", false
	}
	return sign + digits + strings.Repeat("0", exponent), true
}

// mapKey reads a map key, which is always a string in JSON.
func (w *wireWriter) mapKey(f *field) error {
	name, err := w.in.ReadValue()
	if err != nil {
		return err
	}
	switch f.kind {
	case protoreflect.StringKind:
		return w.text(name)
	case protoreflect.BoolKind:
		switch string(name) {
		case `"true"`:
			w.out = append(w.out, 1)
		case `"false"`:
			w.out = append(w.out, 0)
		default:
			return invalidInput("must be true or false")
		}
		return nil
	default:
		text, _ := numberText(name)
		return w.number(f.kind, text)
	}
}

// base64Encoding returns the variant of base64 that a text uses: the standard or
// the URL alphabet, with or without padding.
func base64Encoding(text []byte) *base64.Encoding {
	encoding := base64.StdEncoding
	if bytes.ContainsAny(text, "-_") {
		encoding = base64.URLEncoding
	}
	if len(text)%4 != 0 {
		encoding = encoding.WithPadding(base64.NoPadding)
	}
	return encoding
}
