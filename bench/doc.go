// Command bench measures what the gateway costs, beside the least that a program between HTTP and gRPC can cost and
// beside plain grpc-gateways. All are processes of their own in front of an upstream that answers at once; this program
// starts them, puts the load on them, and shows what came out. It trusts its arguments and runs on the loopback interface
// alone.
package main
