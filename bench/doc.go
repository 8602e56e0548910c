// Command bench measures the cost of the gateway and compares it with a floor, the minimal program between HTTP and
// gRPC, and with plain grpc-gateways. Each target is a separate process in front of an upstream that responds
// immediately. This program starts them, generates the load, and prints the results. It trusts its arguments and uses
// only the loopback interface.
package main
