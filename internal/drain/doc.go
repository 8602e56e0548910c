// Package drain implements the parts of the ordered shutdown of a replica: a gate for
// requests, a listener that closes without losing connections, and the set of
// connections that may still hold a request. The server runs them in this order,
// here with the default delay of 5 s and the default timeout of 25 s:
//
//	seconds  0           5                             30       35       37
//	         |           |                             |        |        |
//	phase    | Draining  | Rejecting                                     |
//	         |           |                                               |
//	         | /readyz: 503 --------------------------------------------> exit
//	         | requests are served; responses close
//	         | their connections
//	                     + new requests: 503 draining
//	                     + waits and event streams end
//	                     | requests in flight complete
//	                                                   + requests still in flight are cancelled: 503 draining
//	                                                   |  up to 5 s to write their responses
//	                                                            + Listener.Drain, up to 1 s
//	                                                            + Connections.Await, up to 1 s
//
// Each step after the delay ends as soon as nothing is left to wait for, so the process
// usually exits right after the waits have ended.
//
// Trust boundary: none; the package does not read requests.
//
// Failure posture: every step has a time limit. A request that does not end, or
// clients that keep connecting or keep idle connections open, cannot delay the
// exit beyond the times above.
package drain
