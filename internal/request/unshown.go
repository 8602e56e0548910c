package request

import (
	"errors"

	"github.com/flowgate/flowgate/internal/auth"
	"github.com/flowgate/flowgate/internal/problem"
)

// Unshown adds to the error of a response that found no room that its call was
// made, where the call changes something: the other refusals of that kind come
// before anything is done.
func Unshown(method string, err error) error {
	access, _ := auth.AccessOf(method)
	if e, is := errors.AsType[*problem.Error](err); is && access.Role > auth.RoleRead {
		e.Detail += " The call was made; repeat it with the same id or Idempotency-Key to get its response."
	}
	return err
}
