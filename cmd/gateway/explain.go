package main

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"

	"github.com/flowgate/flowgate/internal/problem"
)

// The bounds of gateway explain, which reads logs that may contain lines of other programs.
const (
	maxLogLine   = 1 << 20 // in bytes; longer lines are skipped
	maxExplained = 100     // lines with the request id
)

// explain reads a log from standard input and describes what happened to one request.
func explain(args []string, std stdio) int {
	if len(args) != 1 || args[0] == "" || strings.HasPrefix(args[0], "-") {
		_, _ = fmt.Fprintln(std.stderr, "usage: gateway explain REQUEST-ID < LOG")
		return exitUsage
	}
	found := 0
	err := eachLine(std.stdin, func(line []byte) bool {
		record, ok := parseRecord(line, args[0])
		if ok {
			found++
			_, _ = fmt.Fprint(std.stdout, record.describe())
		}
		return found < maxExplained
	})
	if err != nil {
		return fail(std, err, exitFailure)
	}
	if found == 0 {
		return fail(std, errors.New("the log has no line in JSON with this requestId"), exitFailure)
	}
	return exitOK
}

// eachLine calls use for each line of up to maxLogLine bytes, until use returns false.
func eachLine(r io.Reader, use func(line []byte) bool) error {
	reader := bufio.NewReaderSize(r, maxLogLine)
	for {
		line, err := reader.ReadSlice('\n')
		tooLong := errors.Is(err, bufio.ErrBufferFull)
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = reader.ReadSlice('\n')
		}
		if !tooLong && !use(line) {
			return nil
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// record is a line of the gateway's log: of a request, of an audit, or another one with a request id.
type record struct {
	Time          time.Time    `json:"time"`
	Level         string       `json:"level"`
	Msg           string       `json:"msg"`
	RequestID     string       `json:"requestId"`
	Method        string       `json:"method"`
	Route         string       `json:"route"`
	Status        int          `json:"status"`
	Code          problem.Code `json:"code"`
	Namespace     string       `json:"namespace"`
	Principal     string       `json:"principal"`
	KeyID         string       `json:"keyId"`
	Reason        string       `json:"reason"`
	RPC           string       `json:"rpc"`
	GRPCCode      string       `json:"grpcCode"`
	UpstreamCalls int          `json:"upstreamCalls"`
	Retries       int          `json:"retries"`
	ClientIP      string       `json:"clientIp"`
	DurationUs    int64        `json:"durationUs"`
	TraceID       string       `json:"traceId"`
	Detail        string       `json:"detail"`
	Resource      string       `json:"resource"`
	Outcome       string       `json:"outcome"`
	Panic         any          `json:"panic"`
}

// parseRecord parses a line of the log that has the request id. A collector may have written something before the JSON
// object.
func parseRecord(line []byte, requestID string) (record, bool) {
	start := bytes.IndexByte(line, '{')
	if start < 0 || !bytes.Contains(line, []byte(requestID)) {
		return record{}, false
	}
	var r record
	err := json.Unmarshal(bytes.TrimSpace(line[start:]), &r)
	return r, err == nil && r.RequestID == requestID
}

// describe describes the line in words.
func (r *record) describe() string {
	switch r.Msg {
	case "request":
		return r.describeRequest()
	case "audit":
		return r.describeAudit()
	default:
		var out report
		out.linef("%s  %s: %s", r.at(), r.Level, r.Msg)
		if r.Panic != nil {
			out.field("panic", fmt.Sprint(r.Panic))
		}
		return out.String()
	}
}

func (r *record) at() string { return r.Time.UTC().Format(time.RFC3339Nano) }

func (r *record) describeRequest() string {
	var out report
	out.linef("%s  %s %s, from %s", r.at(), r.Method, cmp.Or(r.Route, "(no route matched)"), cmp.Or(r.ClientIP, "an unknown address"))
	out.field("caller", cmp.Or(r.Principal, "not authenticated"))
	out.field("namespace", r.Namespace)
	out.field("rejected key", r.KeyID)
	out.field("rejected because", r.Reason)
	out.field("response", fmt.Sprintf("%s, after %s", strings.TrimSpace(fmt.Sprint(r.Status, " ", r.Code)), time.Duration(r.DurationUs)*time.Microsecond))
	if r.Code != "" && r.Code.Check() != "" {
		out.field("meaning", plain(r.Code.Explanation().Cause))
		out.field("check", plain(r.Code.Check()))
	}
	switch {
	case r.UpstreamCalls > 0:
		out.field("Temporal", fmt.Sprintf("%d calls, %d of them retries; the last one, %s, returned %s", r.UpstreamCalls, r.Retries, r.RPC, r.GRPCCode))
	default:
		out.field("Temporal", "not called for this request alone")
	}
	out.field("detail", r.Detail)
	out.field("trace", r.TraceID)
	return out.String()
}

func (r *record) describeAudit() string {
	var out report
	out.linef("%s  audit: %s by %s", r.at(), r.RPC, r.Principal)
	out.field("namespace", r.Namespace)
	out.field("resource", r.Resource)
	out.field("outcome", r.Outcome)
	return out.String()
}

// report is the description of one line. It replaces control characters, with which a log could control the terminal.
type report struct{ strings.Builder }

func (p *report) linef(format string, args ...any) {
	_, _ = p.WriteString(printable(fmt.Sprintf(format, args...)) + "\n")
}

// field writes a named value, unless it is empty.
func (p *report) field(name, value string) {
	if value != "" {
		p.linef("  %-17s %s", name, value)
	}
}

func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) {
			return unicode.ReplacementChar
		}
		return c
	}, text)
}

var markdownLink = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)

// plain removes links and backticks from a text in Markdown.
func plain(markdown string) string {
	return strings.ReplaceAll(markdownLink.ReplaceAllString(markdown, "$1"), "`", "")
}
