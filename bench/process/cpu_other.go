//go:build !linux

package process

import (
	"errors"
	"time"
)

// CPU is known on Linux alone.
func (p *Process) CPU() (time.Duration, error) {
	return 0, errors.New("the bench measures on Linux alone")
}
