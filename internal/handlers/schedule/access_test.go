package schedule_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/schedule/v1"

	"github.com/flowgate/flowgate/internal/config"
	"github.com/flowgate/flowgate/internal/server/servertest"
)

// The keys that are limited to the workflow type Report, and to the task queue q.
const (
	typedKey  = "fg_typed_tttttttttttttttttttttttttttttttt"
	queuedKey = "fg_queued_qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"
)

func withLimitedKeys(t *testing.T) func(*config.Config) {
	t.Helper()
	return func(cfg *config.Config) {
		keys, err := os.ReadFile(cfg.Auth.APIKeys.File)
		require.NoError(t, err)
		for key, limit := range map[string]string{typedKey: "workflowTypes: [Report]", queuedKey: "taskQueues: [q]"} {
			id, secret, _ := strings.Cut(strings.TrimPrefix(key, "fg_"), "_")
			sum := sha256.Sum256([]byte(secret))
			keys = append(keys, "  - {id: "+id+", secrets: [{sha256: "+hex.EncodeToString(sum[:])+"}], grants: [{namespace: default, role: write}], "+limit+"}\n"...)
		}
		require.NoError(t, os.WriteFile(cfg.Auth.APIKeys.File, keys, 0o600))
	}
}

// operations returns a request for each operation on schedules. It is permitted for a key that is limited to the
// workflow type and the task queue of the schedule, except where the server starts what the request does not name.
func operations() []struct {
	method, path, body       string
	write, startsWhatIsThere bool
} {
	const between = `?startTime=2026-01-01T00:00:00Z&endTime=2026-01-02T00:00:00Z`
	return []struct {
		method, path, body       string
		write, startsWhatIsThere bool
	}{
		{http.MethodPost, "", strings.Replace(someCreate, `"s"`, `"new"`, 1), true, false},
		{http.MethodPut, "/s", `{"schedule":` + someSchedule + `}`, true, false},
		{http.MethodPatch, "/s", `{"schedule":{"state":{"note":"n"}}}`, true, false},
		{http.MethodPost, "/s/pause", "", true, false},
		{http.MethodPost, "/s/unpause", "", true, true},
		{http.MethodPost, "/s/trigger", "", true, true},
		{http.MethodPost, "/s/backfill", `{"backfill":[{"startAt":"2026-01-01T00:00:00Z","endAt":"2026-01-01T00:00:00Z"}]}`, true, true},
		{http.MethodGet, "/s", "", false, false},
		{http.MethodGet, "", "", false, false},
		{http.MethodGet, ":count", "", false, false},
		{http.MethodGet, "/s/matching-times" + between, "", false, false},
		{http.MethodDelete, "/s", "", true, false},
	}
}

func withAccess(t *testing.T, test func(t *testing.T, g *servertest.Gateway, f *scheduler)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{Configure: withLimitedKeys(t)})
		f := newScheduler(g.Upstream)
		require.Equal(t, http.StatusCreated, g.Do(t, http.MethodPost, servertest.SchedulesPath, someCreate).Status)
		test(t, g, f)
	})
}

// writes returns how many writes have reached the server.
func writes(g *servertest.Gateway) (n int) {
	for _, method := range []string{"CreateSchedule", "UpdateSchedule", "PatchSchedule", "DeleteSchedule"} {
		n += len(g.Upstream.Calls(method))
	}
	return n
}

func TestReadersAndDelegatedTokensWriteNoSchedule(t *testing.T) {
	t.Parallel()
	withAccess(t, func(t *testing.T, g *servertest.Gateway, _ *scheduler) {
		token := g.CreateDelegatedToken(t, servertest.TokenBody)
		before := writes(g)
		for _, o := range operations() {
			r := g.Do(t, o.method, servertest.SchedulesPath+o.path, o.body, servertest.Bearer(token)...)
			require.Equal(t, []any{http.StatusForbidden, "operation-forbidden"}, []any{r.Status, r.Field(t, "code")}, "%+v", o)
			r = g.Do(t, o.method, servertest.SchedulesPath+o.path, o.body, servertest.Bearer(servertest.ReaderKey)...)
			require.Equal(t, o.write, r.Status == http.StatusForbidden, "%+v: %s", o, r.Body)
			r = g.Do(t, o.method, "/v1/namespaces/other/schedules"+o.path, o.body)
			require.Equal(t, []any{http.StatusForbidden, "namespace-forbidden"}, []any{r.Status, r.Field(t, "code")}, "%+v", o)
		}
		require.Equal(t, before, writes(g))
	})
}

func TestLimitedKeysWriteOnlySchedulesOfTheirWorkflows(t *testing.T) {
	t.Parallel()
	for key, other := range map[string]func(*schedule.Schedule){
		typedKey:  func(s *schedule.Schedule) { s.GetAction().GetStartWorkflow().GetWorkflowType().Name = "Other" },
		queuedKey: func(s *schedule.Schedule) { s.GetAction().GetStartWorkflow().GetTaskQueue().Name = "other" },
	} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			withAccess(t, func(t *testing.T, g *servertest.Gateway, f *scheduler) {
				for _, o := range operations()[:7] {
					r := g.Do(t, o.method, servertest.SchedulesPath+o.path, o.body, servertest.Bearer(key)...)
					require.Equal(t, o.startsWhatIsThere, r.Status == http.StatusForbidden, "%+v: %s", o, r.Body)
				}
				f.set("s", other)
				before := writes(g)
				foreign := strings.NewReplacer(`"Report"`, `"Other"`, `"q"`, `"other"`)
				for _, o := range operations()[:3] { // a patch sends the action that is there
					r := g.Do(t, o.method, servertest.SchedulesPath+o.path, foreign.Replace(o.body), servertest.Bearer(key)...)
					require.Equal(t, []any{http.StatusForbidden, "operation-forbidden"}, []any{r.Status, r.Field(t, "code")}, "%+v", o)
				}
				require.Equal(t, before, writes(g))
			})
		})
	}
}
