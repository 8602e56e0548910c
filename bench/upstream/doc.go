// Package upstream is a Temporal server that answers at once, with bytes that were made beforehand, so that what is
// measured is the gateway in front of it. It knows what the bench asks for and nothing else. It trusts everybody: it
// listens on the loopback interface alone.
package upstream
