package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// generatedSchedules returns schedules in the form in which the gateway returns them.
func generatedSchedules(t *testing.T, number int) []string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "run", "./dev/e2e/testdata/schedules/main.go", strconv.Itoa(number))
	command.Dir = "../.."
	var stderr strings.Builder
	command.Stderr = &stderr
	output, err := command.Output()
	require.NoError(t, err, stderr.String())
	return strings.Split(strings.TrimSpace(string(output)), "\n")
}

// TestGeneratedSchedulesComeBackEqual creates 150 schedules and replaces each by another one. Each time, it reads what it
// has written.
func TestGeneratedSchedulesComeBackEqual(t *testing.T) {
	t.Parallel()
	const number, workers = 300, 4
	generated, id := generatedSchedules(t, number), newID(t)
	var wg sync.WaitGroup
	errs := make(chan error, number)
	for worker := range workers {
		wg.Go(func() {
			for i := 2 * worker; i < number; i += 2 * workers {
				if err := roundTrip(t, fmt.Sprintf("%s/%d", id, i), generated[i], generated[i+1]); err != nil {
					errs <- err
				}
			}
		})
	}
	wg.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
}

// roundTrip returns an error instead of failing the test, because it does not run in the goroutine of the test.
func roundTrip(t *testing.T, id, created, replaced string) error {
	t.Helper()
	var previous string
	for _, step := range []struct{ method, path, body, want string }{
		{http.MethodPost, schedules, `{"scheduleId":` + quote(id) + `,"schedule":` + created + `}`, ""},
		{http.MethodGet, schedulePath(id), "", created},
		{http.MethodPut, schedulePath(id), `{"schedule":` + replaced + `}`, replaced},
		{http.MethodGet, schedulePath(id), "", replaced},
		{http.MethodDelete, schedulePath(id), "", ""},
	} {
		a, err := writer().send(t.Context(), step.method, step.path, step.body)
		if err != nil {
			return fmt.Errorf("%s %s: %w", step.method, step.body, err)
		}
		if a.status >= http.StatusMultipleChoices {
			return fmt.Errorf("%s %s: %d %s", step.method, step.body, a.status, a.body) //nolint:err113 // of a test
		}
		if tag := a.header.Get("ETag"); step.method == http.MethodGet && tag != previous {
			return fmt.Errorf("ETag %s, want %s", tag, previous) //nolint:err113 // of a test
		}
		previous = a.header.Get("ETag")
		var got struct{ Schedule json.RawMessage }
		if step.want != "" && (json.Unmarshal(a.body, &got) != nil || string(got.Schedule) != step.want) {
			return fmt.Errorf("got %s\nwant %s", got.Schedule, step.want) //nolint:err113 // of a test
		}
	}
	return nil
}

// TestRacingWritersLoseNoUpdate lets two writers replace a schedule at the same moment, 100 times.
func TestRacingWritersLoseNoUpdate(t *testing.T) {
	t.Parallel()
	const races = 100
	action := scheduledAction("Wait", newID(t))
	id := createSchedule(t, action, `"spec":{}`)
	for race := range races {
		tag := writer().get(t, schedulePath(id)).expect(t, http.StatusOK).header.Get("ETag")
		var responses [2]apiResponse
		var wg sync.WaitGroup
		for w := range responses {
			wg.Go(func() {
				body := fmt.Sprintf(`{"schedule":{%s,"spec":{},"state":{"note":"%d-%d"}}}`, action, race, w)
				if w == 1 && race%2 == 1 { // a replacement races with a patch
					body = fmt.Sprintf(`{"schedule":{"state":{"note":"%d-%d"}}}`, race, w)
				}
				method := http.MethodPut
				if strings.Count(body, "action") == 0 {
					method = http.MethodPatch
				}
				responses[w], _ = writer().with("If-Match", tag).send(t.Context(), method, schedulePath(id), body)
			})
		}
		wg.Wait()
		winner := 0
		if responses[1].status == http.StatusOK {
			winner = 1
		}
		responses[winner].expect(t, http.StatusOK)
		lost := responses[1-winner].problem(t, http.StatusPreconditionFailed, "schedule-changed")
		now := writer().get(t, schedulePath(id)).expect(t, http.StatusOK)
		require.Equal(t, fmt.Sprintf("%d-%d", race, winner), as[scheduleDescription](t, now).Schedule.State.Note)
		current := now.header.Get("ETag")
		require.Equal(t, []string{current, current, current}, []string{
			responses[winner].header.Get("ETag"), responses[1-winner].header.Get("ETag"), lost.ETag,
		})
	}
}

// TestConcurrentPatchesAreAllApplied sends changes of different parts of a schedule without If-Match.
func TestConcurrentPatchesAreAllApplied(t *testing.T) {
	t.Parallel()
	id := createSchedule(t, scheduledAction("Wait", newID(t), `"args":[1.10]`), `"spec":{"cronExpressions":["0 2 * * *"]}`)
	patches := []string{`{"schedule":{"state":{"note":"n"}}}`, `{"schedule":{"policy":{"overlap":"ALLOW_ALL"}}}`, `{"schedule":{"spec":{"jitter":"5s"}}}`}
	responses := make([]apiResponse, len(patches))
	var wg sync.WaitGroup
	for i, patch := range patches {
		wg.Go(func() {
			responses[i], _ = writer().with("Content-Type", typeMergePatch).send(t.Context(), http.MethodPatch, schedulePath(id), patch)
		})
	}
	wg.Wait()
	for _, response := range responses {
		response.expect(t, http.StatusOK)
	}
	d := describeSchedule(t, id)
	require.Equal(t, "n", d.Schedule.State.Note)
	require.Contains(t, string(d.Schedule.Policy), `"ALLOW_ALL"`)
	require.JSONEq(t, `{"cronExpressions":["0 2 * * *"],"jitter":"5s"}`, string(d.Schedule.Spec))
	require.Contains(t, string(d.Schedule.Action), `"args":[1.10]`)
}
