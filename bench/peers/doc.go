// Package peers contains the programs that the gateway is compared with: the floor, which is the smallest Go program
// that translates HTTP to gRPC, and plain grpc-gateways, which provide the same HTTP API as Temporal's frontend.
//
// Trust boundary: these programs trust every caller and listen only on the loopback interface.
package peers
