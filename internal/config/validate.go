package config

import (
	"net"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/flowgate/flowgate/internal/yamlnode"
)

// Validate checks every value and opens every file. Its error is a *[Problems] that lists every problem.
func (c *Config) Validate() error {
	problems := Problems{List: c.problems()}
	return problems.err()
}

func (c *Config) problems() []Problem {
	var v validator
	v.listen(c.Listen)
	v.upstream(c.Upstream)
	for name, namespace := range c.Namespaces {
		v.namespace(name, namespace, c.Upstream)
	}
	v.auth(c)
	v.mint(c)
	v.cors(c.CORS)
	v.tokens(c.Tokens)
	v.limits(c.Limits)
	v.bytesInFlight(c)
	v.folder("docs.folder", c.Docs.Folder)
	v.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	v.oneOf("log.format", c.Log.Format, "json", "text")
	v.check("metrics.callers", c.Metrics.Callers >= 0 && c.Metrics.Callers <= maxCallers, "must be from 0 to 1000")
	return v.List
}

// validator collects problems. A check that compares two settings reports nothing if the other setting is invalid,
// because the check of that setting reports it.
type validator struct {
	Problems
}

func (v *validator) listen(l Listen) {
	v.address("listen.public", l.Public, true)
	v.address("listen.admin", l.Admin, true)
	_, port, _ := net.SplitHostPort(l.Public)
	v.check("listen.admin", l.Admin != l.Public || port == "0", "must differ from listen.public")
	v.hosts("listen.hosts", l.Hosts)
	v.hosts("listen.adminHosts", l.AdminHosts)
	v.trustedProxies(l.TrustedProxies)
	v.check("listen.drainDelay", l.DrainDelay >= 0, "must not be negative")
	v.positive("listen.drainTimeout", l.DrainTimeout)
	v.positive("listen.timeouts.readHeader", l.Timeouts.ReadHeader)
	v.positive("listen.timeouts.readBody", l.Timeouts.ReadBody)
	v.positive("listen.timeouts.write", l.Timeouts.Write)
	v.positive("listen.timeouts.idle", l.Timeouts.Idle)
	v.listenTLS(l.TLS)
	v.check("listen.maxHeaderBytes", l.MaxHeaderBytes >= minHeaderBytes, "must be at least 1024")
}

func (v *validator) namespace(name string, n Namespace, u Upstream) {
	path := yamlnode.FieldPath("namespaces", name)
	invalid := func(r rune) bool { return r == '*' || unicode.IsSpace(r) || unicode.IsControl(r) } // in a grant, * stands for a prefix
	v.check(path+".upstream.name", !strings.ContainsFunc(n.Upstream.Name, invalid), "is not a valid namespace name")
	v.check(path, name != "" && !strings.ContainsFunc(name, invalid), "is not a valid namespace name")
	v.oneOf(path+".queryRejectCondition", n.QueryRejectCondition,
		"", QueryRejectNone, QueryRejectNotOpen, QueryRejectNotCompletedCleanly)
	v.metadata(path+".metadata", n.Metadata)
	v.namespaceUpstream(path, n, u)
}

// maxPerSecond is the maximum of a setting that limits a rate. A higher value would limit nothing.
const maxPerSecond = 1_000_000

// maxCallers is the maximum number of callers with metrics of their own. Each has four series.
const maxCallers = 1000

// minHeaderBytes is the size of the header section of an ordinary request.
const minHeaderBytes = 1024

// maxDelegatedTTL is the maximum lifetime of delegated tokens. Their usual holders, such as a browser page or the
// recipient of an approval link, need far less.
const maxDelegatedTTL = 7 * 24 * time.Hour

// minTokenKeyBytes is the recommended key size of HMAC-SHA256, in bytes.
const minTokenKeyBytes = 32

func (v *validator) tokens(t Tokens) {
	v.check("tokens.maxTTL", t.MaxTTL >= time.Second && t.MaxTTL <= maxDelegatedTTL, "must be from 1s to 168h")
	for i, file := range t.KeyFiles {
		path := yamlnode.ElementPath("tokens.keyFiles", i)
		if v.check(path, file != "", "is empty") {
			key, ok := v.secretFile(path, file)
			v.check(path, !ok || len(key) >= minTokenKeyBytes, file+" must contain at least 32 bytes")
		}
	}
}

func (v *validator) limits(l Limits) {
	v.positive("limits.maxWait", l.MaxWait)
	v.check("limits.requestBudget", l.RequestBudget > l.MaxWait, "must be greater than limits.maxWait")
	v.check("limits.maxBodyBytes", l.MaxBodyBytes > 0, "must be greater than zero")
	v.inFlight(l.InFlight)
	for _, timeout := range []struct {
		name  string
		value time.Duration
	}{{"default", l.Timeouts.Default}, {"longPoll", l.Timeouts.LongPoll}, {"max", l.Timeouts.Max}} {
		path := "limits.timeouts." + timeout.name
		if v.check(path, timeout.value >= time.Millisecond, "must be at least 1ms") {
			v.check(path, timeout.value <= l.Timeouts.Max, "must not exceed limits.timeouts.max")
		}
	}
}

// check reports the message as a problem unless ok is true. It returns ok.
func (v *validator) check(path string, ok bool, message string) bool {
	if !ok {
		v.add(path, message)
	}
	return ok
}

func (v *validator) positive(path string, d time.Duration) {
	v.check(path, d > 0, "must be greater than zero")
}

func (v *validator) oneOf(path, value string, allowed ...string) {
	names := strings.Join(slices.DeleteFunc(slices.Clone(allowed), func(s string) bool { return s == "" }), ", ")
	v.check(path, slices.Contains(allowed, value), "must be one of "+names)
}
