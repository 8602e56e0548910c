package operation

import (
	"strings"

	"github.com/flowgate/flowgate/internal/problem"
	"github.com/flowgate/flowgate/internal/request"
)

// headerIfMatch is the header of a conditional write (RFC 9110 section 13.1.1).
const headerIfMatch = "If-Match"

// IfMatch returns the entity tag of the header If-Match, without its quotes. Conditional
// is false if the header is absent or "*". A weak tag matches nothing (RFC 9110 section
// 8.8.3.2), so it is returned with its prefix, which no strong tag has. A list of tags
// is rejected, because a call to the server has one condition.
func (req *Request) IfMatch() (tag string, conditional bool, err error) {
	value, err := request.Single(req.HTTP.Header, headerIfMatch)
	if err != nil {
		return "", false, err
	}
	switch opaque, strong := quoted(value); {
	case !req.HasIfMatch() || value == "*":
		return "", false, nil
	case strong:
		return opaque, true, nil
	default:
		weak, isWeak := strings.CutPrefix(value, "W/")
		if _, ok := quoted(weak); isWeak && ok {
			return value, true, nil
		}
		return "", false, problem.Invalid(headerIfMatch, `must be "*" or one entity tag in double quotes`)
	}
}

// HasIfMatch reports whether the request has the header If-Match, also if it is "*".
func (req *Request) HasIfMatch() bool {
	_, sent := req.HTTP.Header[headerIfMatch]
	return sent
}

// quoted returns the text between the double quotes of an opaque tag.
func quoted(tag string) (text string, ok bool) {
	if len(tag) < len(`""`) || tag[0] != '"' || tag[len(tag)-1] != '"' {
		return "", false
	}
	text = tag[1 : len(tag)-1]
	return text, !strings.Contains(text, `"`)
}

// WithETag adds the header ETag, with a strong entity tag, to a response. The tag must not
// contain a double quote or a control character.
func (r *Response) WithETag(tag string) *Response {
	r.etag = `"` + tag + `"`
	return r
}
