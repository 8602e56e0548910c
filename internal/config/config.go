package config

import "time"

// Config is everything that an operator can set. Every section's zero value is completed by [Default]; get a checked
// one from [Load]. Paths of files are absolute or relative to the working directory once loaded.
type Config struct {
	Listen     Listen               `yaml:"listen"`
	Upstream   Upstream             `yaml:"upstream"`
	Namespaces map[string]Namespace `yaml:"namespaces"`
	Auth       Auth                 `yaml:"auth"`
	CORS       CORS                 `yaml:"cors"`
	Tokens     Tokens               `yaml:"tokens"`
	Limits     Limits               `yaml:"limits"`
	Docs       Docs                 `yaml:"docs"`
	Log        Log                  `yaml:"log"`
}

// Listen is where the gateway serves and how it stops.
type Listen struct {
	Public         string         `yaml:"public" doc:"Address of the public listener, host:port."`
	Admin          string         `yaml:"admin" doc:"Address of the admin listener (probes, metrics, profiles), host:port."`
	Hosts          []string       `yaml:"hosts" doc:"Host names that requests may be for, without port; none means any."`
	AdminHosts     []string       `yaml:"adminHosts" doc:"Host names that the admin listener serves, without port, beside localhost and addresses."`
	TrustedProxies []string       `yaml:"trustedProxies" doc:"Addresses or networks of the proxies whose X-Forwarded-For is believed."`
	DrainDelay     time.Duration  `yaml:"drainDelay" doc:"How long a stopping gateway reports not ready and goes on serving, before it refuses new requests."`
	DrainTimeout   time.Duration  `yaml:"drainTimeout" doc:"How long after the delay calls in flight may take to end."`
	Timeouts       ListenTimeouts `yaml:"timeouts"`
	MaxHeaderBytes int            `yaml:"maxHeaderBytes" doc:"Largest request head, in bytes."`
	TLS            ListenTLS      `yaml:"tls"`
}

// ListenTimeouts bound what a slow or silent client may hold.
type ListenTimeouts struct {
	ReadHeader time.Duration `yaml:"readHeader" doc:"Time to read a request's head."`
	ReadBody   time.Duration `yaml:"readBody" doc:"Time to read a request's body."`
	Write      time.Duration `yaml:"write" doc:"Time for each write of an answer."`
	Idle       time.Duration `yaml:"idle" doc:"How long a connection between two requests is kept."`
}

// Upstream is the Temporal server and how it is reached.
type Upstream struct {
	Address        string     `yaml:"address" doc:"Temporal frontend, host:port."`
	Metadata       Metadata   `yaml:"metadata"`
	CallerMetadata []string   `yaml:"callerMetadata" doc:"Metadata keys that callers may send as Grpc-Metadata-<key>."`
	TLS            TLS        `yaml:"tls"`
	KeepAlive      KeepAlive  `yaml:"keepAlive"`
	Retry          Retry      `yaml:"retry"`
	Breaker        Breaker    `yaml:"breaker"`
	Proxy          Proxy      `yaml:"proxy"`
	Credential     Credential `yaml:"credential"`

	MaxResponseBytes int `yaml:"maxResponseBytes" doc:"Largest answer taken from the upstream, in bytes."`
}

// TLS is the gateway's side of TLS towards the upstream.
type TLS struct {
	Enabled    bool   `yaml:"enabled" doc:"Use TLS towards the upstream."`
	CAFile     string `yaml:"caFile" doc:"PEM file of the authorities to trust instead of the system's."`
	CertFile   string `yaml:"certFile" doc:"PEM file of the client certificate; needs the key."`
	KeyFile    string `yaml:"keyFile" doc:"PEM file of the client certificate's key."`
	ServerName string `yaml:"serverName" doc:"Name to send and to verify instead of the address's host."`
}

// KeepAlive is how an idle upstream connection is probed.
type KeepAlive struct {
	Interval time.Duration `yaml:"interval" doc:"Time between two pings; the server refuses less than 10s."`
	Timeout  time.Duration `yaml:"timeout" doc:"How long to wait for a ping's answer before the connection is closed."`
}

// Retry is the SDK's retry policy for upstream calls that may be repeated.
type Retry struct {
	InitialInterval time.Duration `yaml:"initialInterval" doc:"Pause before the first retry."`
	Multiplier      float64       `yaml:"multiplier" doc:"Growth of the pause from one retry to the next, at least 1."`
	MaxInterval     time.Duration `yaml:"maxInterval" doc:"Longest pause."`
	MaxElapsed      time.Duration `yaml:"maxElapsed" doc:"No retry starts later than this after the first attempt."`
	MaxAttempts     int           `yaml:"maxAttempts" doc:"Attempts in all; 1 means no retry."`
}

// Breaker is when the gateway stops asking an upstream that does not answer, and answers for it at once.
type Breaker struct {
	Failures int           `yaml:"failures" doc:"Calls that find the upstream unavailable, one after the other, until no more are made; 0 never stops."`
	Window   time.Duration `yaml:"window" doc:"Time in which they must have begun, from the end of the first."`
	Pause    time.Duration `yaml:"pause" doc:"Time between two calls that try whether it is back."`
}

// Proxy is an HTTP CONNECT proxy in front of the upstream.
type Proxy struct {
	Address       string `yaml:"address" doc:"HTTP CONNECT proxy, host:port; empty for none."`
	BasicAuthFile string `yaml:"basicAuthFile" doc:"File that holds user:password for the proxy."`
}

// Namespace is what differs for one namespace.
type Namespace struct {
	// QueryRejectCondition is the default of queries that name none, one of the QueryReject constants or empty.
	QueryRejectCondition string   `yaml:"queryRejectCondition"`
	Metadata             Metadata `yaml:"metadata"`
	// Upstream is the server that the namespace lives on, when it is another one.
	Upstream NamespaceUpstream `yaml:"upstream"`
	// Credential is what the gateway shows there, when that differs; its mint settings are those of the upstream.
	Credential NamespaceCredential `yaml:"credential"`
}

// NamespaceCredential is a [Credential] for one namespace. An empty mode is the upstream's credential.
type NamespaceCredential struct {
	Mode string `yaml:"mode"`
	File string `yaml:"file"`
}

// The values of [Namespace.QueryRejectCondition], as the SDK names them.
const (
	QueryRejectNone                = "NONE"
	QueryRejectNotOpen             = "NOT_OPEN"
	QueryRejectNotCompletedCleanly = "NOT_COMPLETED_CLEANLY"
)

// CORS is which browsers' pages may call the gateway.
type CORS struct {
	Origins []string `yaml:"origins" doc:"Origins whose pages may call, such as https://app.example, each exactly; none means no page of another origin."`
}

// Tokens is how the tokens are signed that callers bring back.
type Tokens struct {
	KeyFiles []string      `yaml:"keyFiles" doc:"Files of at least 32 bytes: the first signs page and delegated tokens, all verify; none means a random key."`
	MaxTTL   time.Duration `yaml:"maxTTL" doc:"How long a delegated token lasts at most."`
}

// Limits bounds what one request may ask for.
type Limits struct {
	MaxWait       time.Duration `yaml:"maxWait" doc:"Longest wait that a caller may ask for."`
	RequestBudget time.Duration `yaml:"requestBudget" doc:"Longest time of a whole request, waits and retries included."`
	MaxBodyBytes  int64         `yaml:"maxBodyBytes" doc:"Largest request body, in bytes."`
	Timeouts      Timeouts      `yaml:"timeouts"`
	InFlight      InFlight      `yaml:"inFlight"`
	BytesInFlight BytesInFlight `yaml:"bytesInFlight"`
}

// InFlight bounds the requests that one replica serves at the same time.
type InFlight struct {
	Reads       int     `yaml:"reads" doc:"Requests at once that only read."`
	Writes      int     `yaml:"writes" doc:"Requests at once that change something."`
	Waits       int     `yaml:"waits" doc:"Requests at once that wait for an outcome."`
	CallerShare float64 `yaml:"callerShare" doc:"Part of each of them that one caller may have, above 0 and at most 1; a key may have a share of its own."`

	Queue     int           `yaml:"queue" doc:"Requests of each kind that may wait until their caller has less in flight; the others are refused at once."`
	QueueTime time.Duration `yaml:"queueTime" doc:"How long they wait before they are refused."`
}

// BytesInFlight bounds the memory that the bodies of one replica's requests and responses hold at the same time. A caller's
// share of it is that of [InFlight].
type BytesInFlight struct {
	Requests  int64 `yaml:"requests" doc:"Bytes at once of request bodies until their call ends; each counts twice, and as 32 KiB at least on arrival."`
	Responses int64 `yaml:"responses" doc:"Bytes at once of responses until they are written; by HTTP/1 those of up to 64 KiB do not count."`
}

// Timeouts are the deadlines of single upstream calls.
type Timeouts struct {
	Default  time.Duration `yaml:"default" doc:"Deadline of an upstream call when the caller names none."`
	LongPoll time.Duration `yaml:"longPoll" doc:"Deadline of a long poll when the caller names none."`
	Max      time.Duration `yaml:"max" doc:"Longest deadline that a caller may name."`
}

// Docs is the pages for people.
type Docs struct {
	Enabled bool   `yaml:"enabled" doc:"Serve the OpenAPI page at /docs and the page of problems at /docs/problems."`
	Folder  string `yaml:"folder" doc:"Folder of further OpenAPI documents for the page (.yaml, .yml, .json), read at the start."`
}

// Log is what the gateway's log looks like.
type Log struct {
	Level  string `yaml:"level" doc:"Least level to write: debug, info, warn or error."`
	Format string `yaml:"format" doc:"json or text."`
}
