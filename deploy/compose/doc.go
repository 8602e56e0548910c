// Package compose has the Compose file that runs Flowgate with everything around it on one machine, and its tests.
//
// Trust boundary: all ports are bound to loopback. The passwords and the keys are random, created at the first start, and
// only in the volumes of the containers that need them.
package compose
