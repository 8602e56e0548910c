package calls

import (
	"fmt"
	"strings"

	"github.com/flowgate/flowgate/bench/messages"
)

// Call is one thing that callers ask for.
type Call string

// The calls that are measured, and Wait, which callers wait with.
const (
	Start    Call = "start"
	Signal   Call = "signal"
	Describe Call = "describe"
	List     Call = "list of 100"
	History  Call = "history of 1,000"
	Wait     Call = "wait"
)

// Measured are all but Wait, in the order of the report.
func Measured() []Call { return []Call{Start, Signal, Describe, List, History} }

// Proof is what stands in every right answer, so that no error page is measured in its place.
func (c Call) Proof() string {
	switch c {
	case Start, Describe:
		return messages.RunID
	case List:
		return fmt.Sprintf(`"order-%d"`, messages.Executions-1)
	case History:
		return fmt.Sprintf(`"%d"`, messages.Events)
	default:
		return ""
	}
}

// Dialect is how a target wants its requests.
type Dialect struct {
	paths map[Call]string
	// bodies of the calls that have one; those are POSTs.
	bodies map[Call]string
}

// Request is a call as it is written to the connection. The key is sent to every target, which makes of it what it
// likes.
func (d Dialect) Request(call Call, key string) []byte {
	method, body := "GET", d.bodies[call]
	head := "Host: bench\r\nUser-Agent: bench\r\nAccept: application/json\r\nAuthorization: Bearer " + key + "\r\n"
	if body != "" {
		method = "POST"
		head += fmt.Sprintf("Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	return []byte(strings.Join([]string{method, d.paths[call], "HTTP/1.1\r\n"}, " ") + head + "\r\n" + body)
}
