// Command bench measures the cost of the gateway and compares it with that of the floor, the smallest program that
// translates HTTP to gRPC, and with that of plain grpc-gateways. Each of these targets is a separate process in front
// of a fake Temporal server that responds immediately. This program starts the processes, generates the load, and
// prints the results. It trusts its arguments and uses only the loopback interface.
package main
