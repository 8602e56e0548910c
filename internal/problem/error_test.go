package problem_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowgate/flowgate/internal/problem"
)

func TestErrorTextContainsTheCauseButDetailDoesNot(t *testing.T) {
	t.Parallel()
	e := problem.New(problem.UpstreamError, "detail").WithCause(errors.New(marker))
	require.Equal(t, "upstream-error: detail (MARKER)", e.Error())
	require.Equal(t, "detail", e.Detail)
	require.Equal(t, "conflict: 3 < 4", problem.Newf(problem.Conflict, "%d < %d", 3, 4).Error())
}

func TestErrorsCanBeUnwrapped(t *testing.T) {
	t.Parallel()
	e := problem.New(problem.ClientClosedRequest, "gone").WithCause(context.Canceled)
	wrapped := fmt.Errorf("handler: %w", e)
	require.ErrorIs(t, wrapped, context.Canceled)
	require.Same(t, e, problem.Of(wrapped))
	require.True(t, problem.Is(wrapped, problem.ClientClosedRequest))
	require.False(t, problem.Is(wrapped, problem.Conflict))
	require.False(t, problem.Is(errors.New("x"), problem.Internal))
	require.False(t, problem.Is(nil, problem.Internal))
}

func TestOfWithholdsTheTextOfOtherErrors(t *testing.T) {
	t.Parallel()
	e := problem.Of(errors.New(marker))
	require.Equal(t, problem.Internal, e.Code)
	require.NotContains(t, e.Detail, marker)
	require.Contains(t, e.Error(), marker)
}

func TestInvalidFieldsAreAllReported(t *testing.T) {
	t.Parallel()
	fields := []problem.Field{{Pointer: "/a", Detail: "is wrong"}, {Pointer: "wait", Detail: "is too long"}}
	e := problem.InvalidFields(fields...)
	require.Equal(t, problem.InvalidRequest, e.Code)
	require.Equal(t, "/a: is wrong", e.Detail)
	require.Equal(t, fields, e.Members.Errors)
	require.Equal(t, fields[:1], problem.Invalid("/a", "is wrong").Members.Errors)
	require.NotEmpty(t, problem.InvalidFields().Detail)
}

func TestUnreadableWithAndWithoutCause(t *testing.T) {
	t.Parallel()
	cause := errors.New("proto: cannot parse")
	require.ErrorIs(t, problem.UnreadableResponse(cause), cause)
	require.Equal(t, "upstream-error: The Temporal server's response cannot be read. (proto: cannot parse)", problem.UnreadableResponse(cause).Error())
	require.Equal(t, "upstream-error: The Temporal server's response cannot be read.", problem.UnreadableResponse(nil).Error())
	require.True(t, problem.Is(problem.ShuttingDown(), problem.Draining))
}
