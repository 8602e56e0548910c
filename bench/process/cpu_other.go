//go:build !linux

package process

import (
	"errors"
	"time"
)

// CPU returns an error, because it is implemented only on Linux.
func (p *Process) CPU() (time.Duration, error) {
	return 0, errors.New("the bench measures only on Linux")
}
