package schedule_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
	"go.temporal.io/api/common/v1"
	"go.temporal.io/api/schedule/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/flowgate/flowgate/internal/handlers/handlerstest"
	"github.com/flowgate/flowgate/internal/server/servertest"
	"github.com/flowgate/flowgate/internal/upstream/upstreamtest"
)

// withSchedule runs a test with a gateway whose upstream has the schedule "s".
func withSchedule(t *testing.T, test func(t *testing.T, g *servertest.Gateway, f *scheduler)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		g := servertest.Start(t, servertest.Options{})
		f := newScheduler(g.Upstream)
		require.Equal(t, http.StatusCreated, g.Do(t, http.MethodPost, servertest.SchedulesPath, someCreate).Status)
		test(t, g, f)
	})
}

func put(t *testing.T, g *servertest.Gateway, members string, headers ...string) servertest.Response {
	t.Helper()
	return g.Do(t, http.MethodPut, pathOf("s"), `{"schedule":{`+someAction+`,`+someSpec+members+`}}`, headers...)
}

func patch(t *testing.T, g *servertest.Gateway, body string, headers ...string) servertest.Response {
	t.Helper()
	return g.Do(t, http.MethodPatch, pathOf("s"), body, append([]string{"Content-Type", "application/merge-patch+json"}, headers...)...)
}

// otherNote is the change of another client.
func otherNote(s *schedule.Schedule) { s.State.Notes += "other" }

func requireChanged(t *testing.T, g *servertest.Gateway, r servertest.Response) {
	t.Helper()
	require.Equal(t, []any{http.StatusPreconditionFailed, "schedule-changed", "s"}, []any{r.Status, r.Field(t, "code"), r.Field(t, "scheduleId")})
	current := g.Do(t, http.MethodGet, pathOf("s"), "").Header.Get("ETag")
	require.Equal(t, []string{current, current}, []string{r.Header.Get("ETag"), r.Field(t, "etag")})
}

func TestIfMatchDetectsEveryChange(t *testing.T) {
	t.Parallel()
	withSchedule(t, func(t *testing.T, g *servertest.Gateway, f *scheduler) {
		tag := g.Do(t, http.MethodGet, pathOf("s"), "").Header.Get("ETag")
		for _, form := range []string{"TAG", "*", " TAG "} {
			r := put(t, g, "", "If-Match", strings.Replace(form, "TAG", tag, 1))
			require.Equal(t, http.StatusOK, r.Status, r.Body)
			tag = r.Header.Get("ETag")
		}
		sent := f.updates
		f.set("s", otherNote)
		for _, header := range []string{tag, "W/" + g.Do(t, http.MethodGet, pathOf("s"), "").Header.Get("ETag"), `"x"`, `""`} {
			requireChanged(t, g, put(t, g, "", "If-Match", header))
			requireChanged(t, g, patch(t, g, `{}`, "If-Match", header))
		}
		for _, header := range []string{"", "x", `"x`, `"x" "y"`, `"x", ` + tag} {
			r := put(t, g, "", "If-Match", header)
			require.Equal(t, []any{http.StatusBadRequest, "invalid-request"}, []any{r.Status, r.Field(t, "code")}, header)
		}
		require.Equal(t, sent, f.updates, "no update is sent")
		f.setAttributes("s", map[string]*common.Payload{"A": {Metadata: map[string][]byte{"encoding": []byte("json/plain")}, Data: []byte(`1`)}})
		require.NotEqual(t, tag, g.Do(t, http.MethodGet, pathOf("s"), "").Header.Get("ETag"))
	})
}

// TestAnUpdateThatTheServerDropsIsDetected lets another client be faster, after the gateway has compared the entity tag.
func TestAnUpdateThatTheServerDropsIsDetected(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]func(*schedule.Schedule){
		"note":              otherNote,
		"remaining actions": func(s *schedule.Schedule) { s.State.LimitedActions, s.State.RemainingActions = true, 4 },
		"nothing":           func(*schedule.Schedule) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			withSchedule(t, func(t *testing.T, g *servertest.Gateway, f *scheduler) {
				times := 0
				f.beforeUpdate = func(s *schedule.Schedule) bool {
					times++
					if times == 1 {
						other(s)
					}
					return times == 1
				}
				tag := g.Do(t, http.MethodGet, pathOf("s"), "").Header.Get("ETag")
				requireChanged(t, g, put(t, g, `,"state":{"limitedActions":true,"remainingActions":5}`, "If-Match", tag))
				require.Equal(t, 1, f.updates)
				times = 0
				r := put(t, g, `,"state":{"limitedActions":true,"remainingActions":5}`)
				require.Equal(t, http.StatusOK, r.Status, r.Body)
				require.Equal(t, 3, f.updates, "without If-Match, the update is repeated")
				require.EqualValues(t, 5, f.stored("s").GetState().GetRemainingActions())
			})
		})
	}
}

// TestAnActionAfterTheUpdateIsNoConflict lets the schedule take a limited action between the update and the read.
func TestAnActionAfterTheUpdateIsNoConflict(t *testing.T) {
	t.Parallel()
	withSchedule(t, func(t *testing.T, g *servertest.Gateway, f *scheduler) {
		g.Upstream.Handle("UpdateSchedule", upstreamtest.Typed(func(ctx context.Context, r *workflowservice.UpdateScheduleRequest) (*workflowservice.UpdateScheduleResponse, error) {
			response, err := f.update(ctx, r)
			f.set("s", func(s *schedule.Schedule) { s.State.RemainingActions-- })
			return response, err
		}))
		tag := g.Do(t, http.MethodGet, pathOf("s"), "").Header.Get("ETag")
		r := put(t, g, `,"state":{"limitedActions":true,"remainingActions":5}`, "If-Match", tag)
		require.Equal(t, http.StatusOK, r.Status, r.Body)
		require.EqualValues(t, 4, described(t, r).Schedule.State.RemainingActions)
		require.Equal(t, 1, f.updates)
	})
}

func TestAnUpdateThatIsAlwaysDroppedFails(t *testing.T) {
	t.Parallel()
	withSchedule(t, func(t *testing.T, g *servertest.Gateway, f *scheduler) {
		f.beforeUpdate = func(s *schedule.Schedule) bool { otherNote(s); return true }
		r := put(t, g, "")
		require.Equal(t, []any{http.StatusConflict, "conflict", "s"}, []any{r.Status, r.Field(t, "code"), r.Field(t, "scheduleId")})
		require.Equal(t, 10, f.updates)
	})
}

// TestAChangeThatTheServerStoresDifferentlyIsNotSentAgainAndAgain has a server that drops the note.
func TestAChangeThatTheServerStoresDifferentlyIsNotSentAgainAndAgain(t *testing.T) {
	t.Parallel()
	withSchedule(t, func(t *testing.T, g *servertest.Gateway, f *scheduler) {
		g.Upstream.Handle("UpdateSchedule", upstreamtest.Typed(func(ctx context.Context, r *workflowservice.UpdateScheduleRequest) (*workflowservice.UpdateScheduleResponse, error) {
			r.Schedule.State.Notes = "other"
			return f.update(ctx, r)
		}))
		r := patch(t, g, `{"schedule":{"state":{"note":"n"}}}`)
		require.Equal(t, []any{http.StatusConflict, "conflict", "s"}, []any{r.Status, r.Field(t, "code"), r.Field(t, "scheduleId")})
		require.Contains(t, r.Field(t, "detail"), "does not store this change as requested")
		require.LessOrEqual(t, f.updates, 4)
	})
}

// TestAnEmptyListRemovesASearchAttribute has a server that drops empty lists, as Temporal does.
func TestAnEmptyListRemovesASearchAttribute(t *testing.T) {
	t.Parallel()
	for _, empty := range []string{`null`, `[]`, `[ ]`, `{"type":"KeywordList","value":[]}`} {
		t.Run(empty, func(t *testing.T) {
			t.Parallel()
			withSchedule(t, func(t *testing.T, g *servertest.Gateway, f *scheduler) {
				g.Upstream.Handle("UpdateSchedule", upstreamtest.Typed(func(ctx context.Context, r *workflowservice.UpdateScheduleRequest) (*workflowservice.UpdateScheduleResponse, error) {
					for name, p := range r.GetSearchAttributes().GetIndexedFields() {
						if string(p.GetData()) == "[]" || string(p.GetData()) == "null" {
							delete(r.GetSearchAttributes().GetIndexedFields(), name)
						}
					}
					return f.update(ctx, r)
				}))
				r := patch(t, g, `{"searchAttributes":{"CustomerId":`+empty+`,"Other":1},"schedule":{"state":{"note":"x"}}}`)
				require.Equal(t, http.StatusOK, r.Status, r.Body)
				require.Equal(t, 1, f.updates)
				require.Contains(t, r.Body, `"searchAttributes":{"Other":{"value":1}}`)
			})
		})
	}
}

// TestAPatchHasABoundedDepth nests objects. In a list, they may be nested deeper.
func TestAPatchHasABoundedDepth(t *testing.T) {
	t.Parallel()
	nested := func(depth int) string { return strings.Repeat(`{"a":`, depth) + `1` + strings.Repeat(`}`, depth) }
	withSchedule(t, func(t *testing.T, g *servertest.Gateway, _ *scheduler) {
		const outer = 4 // the patch, schedule, action and memo
		memo := func(depth int) string { return `{"schedule":{"action":{"memo":{"m":` + nested(depth-outer) + `}}}}` }
		r := patch(t, g, memo(32))
		require.Equal(t, http.StatusOK, r.Status, r.Body)
		require.Contains(t, r.Body, nested(32-outer))
		r = patch(t, g, memo(33))
		requireInvalid(t, r, "/schedule/action/memo/m"+strings.Repeat("/a", 28))
		r = patch(t, g, `{"schedule":{"action":{"args":[`+nested(1000)+`]}}}`)
		require.Equal(t, http.StatusOK, r.Status, r.Body)
		require.Contains(t, r.Body, nested(1000))
	})
}

// TestTheServersOwnConflictIsAChange covers the implementation of schedules that reports a late update.
func TestTheServersOwnConflictIsAChange(t *testing.T) {
	t.Parallel()
	withSchedule(t, func(t *testing.T, g *servertest.Gateway, f *scheduler) {
		g.Upstream.Handle("UpdateSchedule", upstreamtest.Typed(func(context.Context, *workflowservice.UpdateScheduleRequest) (*workflowservice.UpdateScheduleResponse, error) {
			f.set("s", otherNote)
			return nil, status.Error(codes.FailedPrecondition, "mismatched conflict token")
		}))
		tag := g.Do(t, http.MethodGet, pathOf("s"), "").Header.Get("ETag")
		requireChanged(t, g, put(t, g, "", "If-Match", tag))
	})
}

func TestMergePatchChangesAPart(t *testing.T) {
	t.Parallel()
	withSchedule(t, func(t *testing.T, g *servertest.Gateway, _ *scheduler) {
		for _, step := range []struct{ patch, contains string }{
			{`{"schedule":{"state":{"note":"n"}}}`, `"note":"n"`},
			{`{}`, `"args":[{"n":1.10}]`},
			{`{"schedule":{"policy":{"overlap":"ALLOW_ALL"},"spec":{"jitter":"1m"}}}`, `"spec":{"cronExpressions":["CRON_TZ=Europe/Zurich 0 2 * * *"],"jitter":"60s"}`},
			{`{"schedule":{"action":{"args":[{"m":1e400}],"runTimeout":"10s"}}}`, `"args":[{"m":1e400}],"runTimeout":"10s"`},
			{`{"schedule":{"action":{"argPayloads":[{"metadata":{"encoding":"eA=="},"data":"/w=="}]}}}`, `"argPayloads":[{"data":"/w==","metadata":{"encoding":"eA=="}}]`},
			{`{"schedule":{"action":{"args":[null],"memo":{"a":1,"b":{"c":2}}}}}`, `"args":[null]`},
			{`{"schedule":{"action":{"memo":{"a":null,"b":{"d":3}}}}}`, `"memo":{"b":{"c":2,"d":3}}`},
			{`{"schedule":{"action":{"memoPayloads":{"x":{"metadata":{"encoding":"eA=="},"data":"/w=="}}}}}`, `"memoPayloads":{"x":`},
			{`{"schedule":{"spec":{"cronExpressions":null,"intervals":[{"every":"2h"}]}}}`, `"spec":{"intervals":[{"every":"7200s"}],"jitter":"60s"}`},
			{`{"schedule":{"policy":null}}`, `"policy":{"overlap":"SKIP","catchupWindow":"31536000s"}`},
			{`{"searchAttributes":{"A":{"type":"Keyword","value":"x"},"B":2}}`, `"searchAttributes":{"A":{"type":"Keyword","value":"x"},"B":{"value":2}}`},
			{`{"searchAttributes":{"A":null}}`, `"searchAttributes":{"B":{"value":2}}`},
		} {
			r := patch(t, g, step.patch)
			require.Equal(t, http.StatusOK, r.Status, r.Body)
			require.Contains(t, r.Body, step.contains, step.patch)
		}
		require.NotContains(t, patch(t, g, `{"searchAttributes":null}`).Body, "searchAttributes")
		for body, pointer := range map[string]string{
			`{"schedule":{"spec":{"timeZoneName":"Mars/Base"}}}`: "/schedule/spec/timeZoneName",
			`{"schedule":{"action":{"workflowType":null}}}`:      "/schedule/action/workflowType",
			`{"schedule":{"state":{"notes":"n"}}}`:               "/schedule/state/notes",
			`{"schedule":{"state":1}}`:                           "/schedule/state",
			`{"memo":{}}`:                                        "/memo",
		} {
			requireInvalid(t, patch(t, g, body), pointer)
		}
		for _, contentType := range []string{"text/plain", "application/json-patch+json"} {
			r := patch(t, g, `{}`, "Content-Type", contentType)
			require.Equal(t, http.StatusUnsupportedMediaType, r.Status)
			require.Contains(t, r.Header.Get("Accept-Patch"), "application/merge-patch+json")
		}
		require.Equal(t, http.StatusOK, patch(t, g, `{}`, "Content-Type", "application/json").Status)
		require.Equal(t, http.StatusUnsupportedMediaType, g.Do(t, http.MethodPut, pathOf("s"), someCreate, "Content-Type", "application/merge-patch+json").Status)
		require.Equal(t, "invalid-json", patch(t, g, `{"schedule":{"state":{"note":"a","note":"b"}}}`).Field(t, "code"))
	})
}

// TestAPatchIsRepeatedOnTheNewState lets another client change another part meanwhile.
func TestAPatchIsRepeatedOnTheNewState(t *testing.T) {
	t.Parallel()
	withSchedule(t, func(t *testing.T, g *servertest.Gateway, f *scheduler) {
		first := true
		f.beforeUpdate = func(s *schedule.Schedule) (changed bool) {
			if changed, first = first, false; changed {
				otherNote(s)
			}
			return changed
		}
		r := patch(t, g, `{"schedule":{"spec":{"jitter":"5s"}}}`)
		require.Equal(t, http.StatusOK, r.Status, r.Body)
		require.Contains(t, r.Body, `"note":"other"`)
		require.Contains(t, r.Body, `"jitter":"5s"`)
	})
}

// TestWhatTheAPIDoesNotHaveIsKept changes a schedule that another client has created.
func TestWhatTheAPIDoesNotHaveIsKept(t *testing.T) {
	t.Parallel()
	withSchedule(t, func(t *testing.T, g *servertest.Gateway, f *scheduler) {
		header := &common.Header{Fields: map[string]*common.Payload{"h": {Data: []byte("x")}}}
		f.set("s", func(s *schedule.Schedule) {
			s.GetAction().GetStartWorkflow().Header = header
			s.Spec.TimezoneData = []byte("TZif")
			// Another client has changed a calendar and kept the comment.
			s.Spec.StructuredCalendar[0].Hour = []*schedule.Range{{Start: 5}}
		})
		r := patch(t, g, `{"schedule":{"state":{"note":"n"}}}`)
		require.Equal(t, http.StatusOK, r.Status, r.Body)
		require.NotContains(t, r.Body, "cronExpressions", "the calendar is another one now")
		require.Contains(t, r.Body, `"comment":"cron: CRON_TZ=Europe/Zurich 0 2 * * *"`)
		stored := f.stored("s")
		require.Equal(t, "x", string(stored.GetAction().GetStartWorkflow().GetHeader().GetFields()["h"].GetData()))
		require.Equal(t, "TZif", string(stored.GetSpec().GetTimezoneData()))
		require.Equal(t, http.StatusOK, patch(t, g, `{"schedule":{"action":{"workflowType":"Other"},"spec":{"timeZoneName":"UTC"}}}`).Status)
		stored = f.stored("s")
		require.Nil(t, stored.GetAction().GetStartWorkflow().GetHeader())
		require.Empty(t, stored.GetSpec().GetTimezoneData())
	})
}

func TestPatchesAreSentOncePerKey(t *testing.T) {
	t.Parallel()
	for path, test := range map[string]struct{ body, want string }{
		"/pause":    {`{"note":"lunch"}`, `{"pause":"lunch"}`},
		"/unpause":  {``, `{"unpause":"Unpaused through Flowgate."}`},
		"/trigger":  {`{"overlap":"CANCEL_OTHER"}`, `{"triggerImmediately":{"overlapPolicy":"SCHEDULE_OVERLAP_POLICY_CANCEL_OTHER"}}`},
		"/backfill": {`{"backfill":[{"startAt":"1970-01-01T00:00:00Z","endAt":"1970-01-01T00:00:01Z"}]}`, `{"backfillRequest":[{"startTime":"1970-01-01T00:00:00Z","endTime":"1970-01-01T00:00:01Z"}]}`},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			withSchedule(t, func(t *testing.T, g *servertest.Gateway, _ *scheduler) {
				for range 2 {
					r := g.Do(t, http.MethodPost, servertest.SchedulesPath+"/-"+path+"?scheduleId=s", test.body, "Idempotency-Key", "once")
					require.Equal(t, http.StatusNoContent, r.Status, r.Body)
				}
				calls := g.Upstream.Calls("PatchSchedule")
				first, second := servertest.DecodeRequest(t, calls[0]), servertest.DecodeRequest(t, calls[1])
				require.Equal(t, servertest.FieldString(first, "request_id"), servertest.FieldString(second, "request_id"))
				sent := &workflowservice.PatchScheduleRequest{}
				require.NoError(t, proto.Unmarshal(calls[0].Request, sent))
				handlerstest.RequireMessage(t, test.want, sent.GetPatch())
				absent := g.Do(t, http.MethodPost, servertest.SchedulesPath+"/absent"+path, test.body)
				require.Equal(t, []any{http.StatusNotFound, "schedule-not-found", "absent"}, []any{absent.Status, absent.Field(t, "code"), absent.Field(t, "scheduleId")})
				require.NotContains(t, absent.Field(t, "detail"), "temporal-sys")
			})
		})
	}
}
