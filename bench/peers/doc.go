// Package peers contains the programs that the gateway is compared with: the floor, which is the minimal Go program
// between HTTP and gRPC, and plain grpc-gateways, which do what Temporal's own HTTP API does.
//
// Trust boundary: they trust every caller and listen only on the loopback interface.
package peers
