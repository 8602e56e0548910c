package config

import "time"

// Config contains all settings of the gateway. [Default] returns the defaults and [Load] a validated configuration.
// Once loaded, file paths are absolute or relative to the working directory.
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
	Metrics    Metrics              `yaml:"metrics"`
}

// Listen configures the listeners and the drain.
type Listen struct {
	Public         string         `yaml:"public" doc:"Address of the public listener, host:port."`
	Admin          string         `yaml:"admin" doc:"Address of the admin listener (probes, metrics, profiles), host:port."`
	Hosts          []string       `yaml:"hosts" doc:"Allowed values of the Host header, without port. Empty allows any."`
	AdminHosts     []string       `yaml:"adminHosts" doc:"Allowed values of the Host header on the admin listener, without port, in addition to localhost and IP addresses."`
	TrustedProxies []string       `yaml:"trustedProxies" doc:"Addresses or networks of the proxies whose X-Forwarded-For is trusted."`
	DrainDelay     time.Duration  `yaml:"drainDelay" doc:"How long a stopping gateway still accepts requests while it reports that it is not ready."`
	DrainTimeout   time.Duration  `yaml:"drainTimeout" doc:"How long requests in flight may take to complete after drainDelay."`
	Timeouts       ListenTimeouts `yaml:"timeouts"`
	MaxHeaderBytes int            `yaml:"maxHeaderBytes" doc:"Maximum size of a request's header section, in bytes."`
	TLS            ListenTLS      `yaml:"tls"`
}

// ListenTimeouts limit how long a slow or idle client can hold a connection.
type ListenTimeouts struct {
	ReadHeader time.Duration `yaml:"readHeader" doc:"Timeout for reading a request's header section."`
	ReadBody   time.Duration `yaml:"readBody" doc:"Timeout for reading a request's body."`
	Write      time.Duration `yaml:"write" doc:"Timeout for each write of a response."`
	Idle       time.Duration `yaml:"idle" doc:"How long an idle connection stays open between two requests."`
}

// Upstream configures the connection to the Temporal server.
type Upstream struct {
	Address        string     `yaml:"address" doc:"Address of the Temporal frontend, host:port."`
	Metadata       Metadata   `yaml:"metadata"`
	CallerMetadata []string   `yaml:"callerMetadata" doc:"gRPC metadata keys that callers may set with Grpc-Metadata-<key> headers."`
	TLS            TLS        `yaml:"tls"`
	KeepAlive      KeepAlive  `yaml:"keepAlive"`
	Retry          Retry      `yaml:"retry"`
	Breaker        Breaker    `yaml:"breaker"`
	Proxy          Proxy      `yaml:"proxy"`
	Credential     Credential `yaml:"credential"`

	MaxResponseBytes int `yaml:"maxResponseBytes" doc:"Maximum size of a response from the upstream, in bytes."`
}

// TLS configures TLS to the upstream.
type TLS struct {
	Enabled    bool   `yaml:"enabled" doc:"Use TLS to the upstream."`
	CAFile     string `yaml:"caFile" doc:"PEM file of CA certificates, instead of the system's."`
	CertFile   string `yaml:"certFile" doc:"PEM file of the client certificate. Requires keyFile."`
	KeyFile    string `yaml:"keyFile" doc:"PEM file of the client certificate's private key."`
	ServerName string `yaml:"serverName" doc:"Server name to send (SNI) and to verify, instead of the host in the address."`
}

// KeepAlive configures the pings on an upstream connection.
type KeepAlive struct {
	Interval time.Duration `yaml:"interval" doc:"Interval between two pings, at least 10s. The server closes a connection with more frequent pings."`
	Timeout  time.Duration `yaml:"timeout" doc:"How long to wait for the acknowledgement of a ping before closing the connection."`
}

// Retry is the retry policy for upstream calls that are safe to repeat. Its defaults are those of the SDKs.
type Retry struct {
	InitialInterval time.Duration `yaml:"initialInterval" doc:"Delay before the first retry."`
	Multiplier      float64       `yaml:"multiplier" doc:"Factor by which the delay grows with each retry, at least 1."`
	MaxInterval     time.Duration `yaml:"maxInterval" doc:"Maximum delay between two retries."`
	MaxElapsed      time.Duration `yaml:"maxElapsed" doc:"Maximum time between the start of the first attempt and the start of the last retry."`
	MaxAttempts     int           `yaml:"maxAttempts" doc:"Maximum number of attempts, the first included. 1 disables retries."`
}

// Breaker configures the circuit breaker, which fails calls immediately while the upstream is unavailable.
type Breaker struct {
	Failures int           `yaml:"failures" doc:"The circuit breaker opens when this number of consecutive calls find the upstream unavailable. 0 disables the breaker."`
	Window   time.Duration `yaml:"window" doc:"The breaker opens only if the other failed calls start within this time after the first one fails. A failed call that starts later begins a new count."`
	Pause    time.Duration `yaml:"pause" doc:"Interval between two trial calls while the breaker is open."`
}

// Proxy configures an HTTP CONNECT proxy in front of the upstream.
type Proxy struct {
	Address       string `yaml:"address" doc:"Address of an HTTP CONNECT proxy, host:port. Empty means no proxy."`
	BasicAuthFile string `yaml:"basicAuthFile" doc:"File that contains user:password for the proxy."`
}

// Namespace contains the settings that differ for one namespace.
type Namespace struct {
	// QueryRejectCondition is the reject condition of queries that contain none. It is empty or one of the QueryReject
	// constants.
	QueryRejectCondition string   `yaml:"queryRejectCondition"`
	Metadata             Metadata `yaml:"metadata"`
	// Upstream is the server of the namespace, if it differs from the configured upstream.
	Upstream NamespaceUpstream `yaml:"upstream"`
	// Credential is the credential for the namespace, if it differs from the upstream's. The mode mint uses the settings
	// in upstream.credential.mint.
	Credential NamespaceCredential `yaml:"credential"`
}

// NamespaceCredential is a [Credential] for one namespace. An empty mode selects the upstream's credential.
type NamespaceCredential struct {
	Mode string `yaml:"mode"`
	File string `yaml:"file"`
}

// The values of [Namespace.QueryRejectCondition], named as in the SDKs.
const (
	QueryRejectNone                = "NONE"
	QueryRejectNotOpen             = "NOT_OPEN"
	QueryRejectNotCompletedCleanly = "NOT_COMPLETED_CLEANLY"
)

// CORS configures which origins may call the gateway from a browser.
type CORS struct {
	Origins []string `yaml:"origins" doc:"Origins whose pages may call the gateway, such as https://app.example. Each must match exactly. Empty allows only the gateway's own origin."`
}

// Tokens configures the page tokens and delegated tokens that the gateway seals.
type Tokens struct {
	KeyFiles []string      `yaml:"keyFiles" doc:"Key files of at least 32 bytes each. The first key signs page tokens and delegated tokens; all keys verify them. Empty means a random key, whose tokens other replicas reject."`
	MaxTTL   time.Duration `yaml:"maxTTL" doc:"Maximum lifetime of a delegated token."`
}

// Limits configures the limits of one request and of all requests in flight.
type Limits struct {
	MaxWait       time.Duration `yaml:"maxWait" doc:"Maximum wait for a result. A longer wait is reduced to this."`
	RequestBudget time.Duration `yaml:"requestBudget" doc:"Maximum duration of a request under /v1, including waits and retries. Event streams are exempt."`
	MaxBodyBytes  int64         `yaml:"maxBodyBytes" doc:"Maximum size of a request body, in bytes."`
	Timeouts      Timeouts      `yaml:"timeouts"`
	InFlight      InFlight      `yaml:"inFlight"`
	BytesInFlight BytesInFlight `yaml:"bytesInFlight"`
}

// InFlight limits the number of requests that one replica serves at a time.
type InFlight struct {
	Reads       int     `yaml:"reads" doc:"Maximum number of reads in flight."`
	Writes      int     `yaml:"writes" doc:"Maximum number of writes in flight."`
	Waits       int     `yaml:"waits" doc:"Maximum number of waits in flight."`
	Polls       int     `yaml:"polls" doc:"Maximum number of polls for activity tasks in flight. Each is one long poll of the Temporal server, which limits the long polls of a namespace too."`
	CallerShare float64 `yaml:"callerShare" doc:"Share of each limit (reads, writes, waits, polls, and those of limits.bytesInFlight) that one caller may use, above 0 and at most 1. The entry of an API key can override it."`

	Queue     int           `yaml:"queue" doc:"Number of requests of each kind, from all callers together, that may queue because their caller uses its whole share. Further ones are rejected immediately."`
	QueueTime time.Duration `yaml:"queueTime" doc:"How long a request may queue before it is rejected."`
}

// BytesInFlight limits the memory that request and response bodies hold at a time in one replica. A caller may use the
// share of each limit that [InFlight.CallerShare] sets.
type BytesInFlight struct {
	Requests  int64 `yaml:"requests" doc:"Maximum total size of the request bodies in flight, in bytes. A body counts as twice its size, because the message to Temporal is as large. While the body arrives, it counts as at least 32 KiB, the doubling included."`
	Responses int64 `yaml:"responses" doc:"Maximum total size of the responses that are not yet written, in bytes. Over HTTP/1, a response of up to 64 KiB does not count."`
}

// Timeouts are the deadlines of one upstream call.
type Timeouts struct {
	Default  time.Duration `yaml:"default" doc:"Timeout of each attempt of an upstream call if the caller sets none."`
	LongPoll time.Duration `yaml:"longPoll" doc:"Timeout of a long poll of the Temporal HTTP API if the caller sets none. Under /v1, the gateway polls Temporal with this timeout, but at most 22s."`
	Max      time.Duration `yaml:"max" doc:"Maximum timeout that a caller may set. Under /v1, requestBudget applies as well."`
}

// Docs configures the pages at /docs.
type Docs struct {
	Enabled bool   `yaml:"enabled" doc:"Serve the API reference at /docs and the list of problems at /docs/problems."`
	Folder  string `yaml:"folder" doc:"Directory with additional OpenAPI documents for /docs (.yaml, .yml, .json). It is read at startup."`
}

// Metrics configures the metrics that the admin listener serves.
type Metrics struct {
	Callers int `yaml:"callers" doc:"Number of callers with metrics of their own, named by their ids or subjects. Further callers are counted as _other. 0 disables metrics per caller."`
}

// Log configures the gateway's log.
type Log struct {
	Level  string `yaml:"level" doc:"Minimum level: debug, info, warn or error."`
	Format string `yaml:"format" doc:"Format of the log: json or text."`
}
