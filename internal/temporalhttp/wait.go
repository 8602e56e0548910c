package temporalhttp

import (
	"net/url"
	"strconv"
	"strings"
)

// wait says when a method's calls wait for something to happen: they have time
// for it, and hold no place among the calls that do not.
type wait uint8

const (
	waitNever  wait = iota
	waitAlways      // the polls, and updates, which wait for a worker
	waitAsked       // where the query says so
)

func waitOf(method string) wait {
	switch {
	case strings.HasPrefix(method, "Poll"), method == "UpdateWorkflowExecution":
		return waitAlways
	case method == "GetWorkflowExecutionHistory", method == "DescribeActivityExecution", method == "DescribeNexusOperationExecution":
		return waitAsked
	default:
		return waitNever
	}
}

// waits reports whether a call of the binding waits.
func (b *binding) waits(query url.Values) bool {
	if b.wait != waitAsked {
		return b.wait == waitAlways
	}
	if query.Get("longPollToken") != "" || query.Get("long_poll_token") != "" {
		return true
	}
	for _, name := range []string{"waitNewEvent", "wait_new_event"} {
		if asked, err := strconv.ParseBool(query.Get(name)); err == nil && asked {
			return true
		}
	}
	return false
}
