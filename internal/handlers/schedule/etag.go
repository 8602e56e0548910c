package schedule

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"go.temporal.io/api/workflowservice/v1"

	"github.com/flowgate/flowgate/internal/handlers/convert"
	"github.com/flowgate/flowgate/internal/handlers/openapi"
)

// entityTag returns the entity tag of a schedule, without quotes. It covers the server's
// conflict token and everything that a description has except the information, which
// changes with each action. The token alone would be the same for schedules that have had
// the same id one after the other.
func entityTag(d *workflowservice.DescribeScheduleResponse) string {
	return digest(d.GetConflictToken(), []byte(formatTime(d.GetInfo().GetCreateTime())), []byte(contentTag(d)))
}

// contentTag is like the entity tag, without the conflict token and the time of creation.
func contentTag(d *workflowservice.DescribeScheduleResponse) string {
	content := openapi.ScheduleDescription{
		Schedule: renderSchedule(d.GetSchedule()), SearchAttributes: convert.RenderSearchAttributes(d.GetSearchAttributes()),
	}
	content.Memo, content.MemoPayloads = convert.RenderMemo(d.GetMemo())
	text, _ := convert.Marshal(content) // never fails: its values are JSON
	return digest(text)
}

// digest hashes parts, each with its length.
func digest(parts ...[]byte) string {
	hash := sha256.New()
	for _, part := range parts {
		_, _ = fmt.Fprintf(hash, "%d:%s", len(part), part)
	}
	const size = 16
	return hex.EncodeToString(hash.Sum(nil)[:size])
}
