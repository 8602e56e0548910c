package calls

import (
	"fmt"
	"strings"

	"github.com/flowgate/flowgate/bench/messages"
)

// Call is a kind of request.
type Call string

// The calls whose cost is measured, and Wait, the request for which the memory of a waiting caller is measured.
const (
	Start    Call = "start"
	Signal   Call = "signal"
	Describe Call = "describe"
	List     Call = "list of 100"
	History  Call = "history of 1,000"
	Wait     Call = "wait"
)

// Measured returns all calls except Wait, in the order of the report.
func Measured() []Call { return []Call{Start, Signal, Describe, List, History} }

// ExpectedText returns a text that every correct response contains. Checking for it ensures that the bench does not
// measure responses that lack the content.
func (c Call) ExpectedText() string {
	switch c {
	case Start, Describe:
		return messages.RunID
	case List:
		return fmt.Sprintf(`"order-%d"`, messages.ExecutionCount-1)
	case History:
		return fmt.Sprintf(`"%d"`, messages.EventCount)
	default:
		return ""
	}
}

// Dialect contains the paths and bodies of the calls in the HTTP API of a target.
type Dialect struct {
	paths map[Call]string
	// bodies contains the bodies of the calls that have one. Calls with a body are POST requests, the others GET requests.
	bodies map[Call]string
}

// Request returns a call as the bytes of an HTTP/1.1 request. The request contains the API key for every target;
// targets other than the gateway ignore it.
func (d Dialect) Request(call Call, key string) []byte {
	method, body := "GET", d.bodies[call]
	head := "Host: bench\r\nUser-Agent: bench\r\nAccept: application/json\r\nAuthorization: Bearer " + key + "\r\n"
	if body != "" {
		method = "POST"
		head += fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	return []byte(strings.Join([]string{method, d.paths[call], "HTTP/1.1\r\n"}, " ") + head + "\r\n" + body)
}
