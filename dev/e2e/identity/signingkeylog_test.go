package identity_test

import (
	"bytes"
	"strings"
	"sync"
)

// signingKeyLog keeps the lines of the gateway's log about rejected files and signing keys. stack.Gateway keeps only
// the latest lines of the log, which are lines about requests under load.
type signingKeyLog struct {
	mu      sync.Mutex
	partial []byte
	lines   []string
}

// Write appends a part of the log.
func (l *signingKeyLog) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.partial = append(l.partial, data...)
	for {
		line, rest, found := bytes.Cut(l.partial, []byte{'\n'})
		if !found {
			return len(data), nil
		}
		if bytes.Contains(line, []byte(`"msg":"file rejected`)) || bytes.Contains(line, []byte(`"signing":`)) {
			l.lines = append(l.lines, string(line))
		}
		l.partial = rest
	}
}

// rejections returns how often the gateway has rejected a changed file.
func (l *signingKeyLog) rejections() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	count := 0
	for _, line := range l.lines {
		if strings.Contains(line, "its last good version stays in force") {
			count++
		}
	}
	return count
}

// signing returns the id of the key that signs since the last change of the signing key, or "" if it has not changed.
func (l *signingKeyLog) signing() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	kid := ""
	for _, line := range l.lines {
		if _, after, ok := strings.Cut(line, `"signing":"`); ok {
			kid, _, _ = strings.Cut(after, `"`)
		}
	}
	return kid
}
