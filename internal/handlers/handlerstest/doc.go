// Package handlerstest has what the tests of several resources share. A test runs the
// whole gateway, with package servertest, and calls the operations of one resource.
//
// Only tests may import it.
package handlerstest
