package temporalhttp

import (
	"net/url"
	"strconv"
	"strings"
)

// waitMode determines which calls of a method wait for an event. A call that waits has
// the timeout of long polls and uses the pool of waits.
type waitMode uint8

const (
	waitNever    waitMode = iota
	waitAlways            // polls, and updates, which wait for a worker
	waitOptional          // if the query requests it
)

func waitOf(method string) waitMode {
	switch {
	case strings.HasPrefix(method, "Poll"), method == "UpdateWorkflowExecution":
		return waitAlways
	case method == "GetWorkflowExecutionHistory", method == "DescribeActivityExecution", method == "DescribeNexusOperationExecution":
		return waitOptional
	default:
		return waitNever
	}
}

// waits reports whether a call with the given query waits.
func (b *binding) waits(query url.Values) bool {
	if b.wait != waitOptional {
		return b.wait == waitAlways
	}
	if query.Get("longPollToken") != "" || query.Get("long_poll_token") != "" {
		return true
	}
	for _, name := range []string{"waitNewEvent", "wait_new_event"} {
		if enabled, err := strconv.ParseBool(query.Get(name)); err == nil && enabled {
			return true
		}
	}
	return false
}
