// Package peers holds what the gateway is compared with: the floor, which is the least that a Go program between HTTP
// and gRPC can do, and plain grpc-gateways, which do what Temporal's own HTTP API does. They trust everybody: they listen
// on the loopback interface alone.
package peers
