"""Schedules: their fields, their writes, and the workflows that they start."""

from collections.abc import Callable, Iterable, Iterator

import pytest

from flowgate import Flowgate, FlowgateError, Object
from schedules import Schedules

Eventually = Callable[[Callable[[], bool]], None]

# Every field of a specification, with a time in the far future for the start.
SPEC = {
    "calendars": [{"minute": "*/15", "hour": "9-17", "dayOfWeek": "MON-FRI", "comment": "office hours"}],
    "intervals": [{"every": "6h", "offset": "30m"}],
    "cronExpressions": ["0 2 * * *"],
    "skip": [{"month": [{"start": 12}], "dayOfMonth": [{"start": 24, "end": 26}], "hour": "*", "minute": "*"}],
    "startAt": "2099-01-01T00:00:00Z",
    "endAt": "2100-01-01T00:00:00Z",
    "jitter": "30s",
    "timeZoneName": "Europe/Zurich",
}
# The members that come back as they were written. Calendars come back with their fields as ranges.
SPEC_AS_GIVEN = ("cronExpressions", "startAt", "endAt", "jitter", "timeZoneName")
POLICY = {"overlap": "BUFFER_ONE", "catchupWindow": "3600s", "pauseOnFailure": True}
STATE = {"note": "on trial", "paused": True, "limitedActions": True, "remainingActions": 1000}


@pytest.fixture
def action(task_queue: str, new_id: str) -> Object:
    """Starts an Echo workflow, which returns its argument."""
    return {"workflowType": "Echo", "workflowId": "run-" + new_id, "taskQueue": task_queue, "args": [new_id]}


@pytest.fixture
def scheduled(schedules: Schedules, action: Object, new_id: str) -> Iterator[str]:
    """A schedule that takes an action only when it is triggered."""
    schedules.create(new_id, {"action": action, "spec": {}})
    yield new_id
    schedules.delete(new_id)


def some(value: Object, names: Iterable[str]) -> Object:
    """The members of an object that have the given names."""
    return {name: value.get(name) for name in names}


def test_schedule_keeps_every_field(schedules: Schedules, task_queue: str, new_id: str) -> None:
    action = {
        "workflowType": "Echo",
        "workflowId": "run-" + new_id,
        "taskQueue": task_queue,
        "args": [12345678901234567890, None],
        "executionTimeout": "7200s",
        "runTimeout": "3600s",
        "taskTimeout": "20s",
        "retryPolicy": {
            "maximumAttempts": 3,
            "initialInterval": "2s",
            "backoffCoefficient": 2,
            "maximumInterval": "60s",
        },
        "memo": {"team": "payments"},
        "searchAttributes": {"CustomerId": {"type": "Keyword", "value": "c-1"}},
        "staticSummary": "An echo",
        "staticDetails": "of **all**",
        "priority": {"priorityKey": 2},
        "versioningOverride": {"behavior": "AUTO_UPGRADE"},
    }
    schedule = {"action": action, "spec": SPEC, "policy": POLICY, "state": STATE}
    customer = {"CustomerId": {"type": "Keyword", "value": new_id}}
    etag = schedules.create(new_id, schedule, memo={"owner": "ann"}, searchAttributes=customer)
    described = schedules.describe(new_id)
    assert described.etag == etag
    body = described.body
    assert (body["memo"], body["searchAttributes"]) == ({"owner": "ann"}, customer)
    got = body["schedule"]
    assert (got["policy"], got["state"]) == (POLICY, STATE)
    assert some(got["action"], action) == action
    assert some(got["spec"], SPEC_AS_GIVEN) == some(SPEC, SPEC_AS_GIVEN)
    # What a client has read, it can write.
    assert schedules.replace(new_id, got, described.etag).body["schedule"] == got
    schedules.delete(new_id)
    with pytest.raises(FlowgateError) as gone:
        schedules.describe(new_id)
    assert (gone.value.status, gone.value.code) == (404, "schedule-not-found")


def test_calendars_and_intervals_select_the_times(schedules: Schedules, action: Object, new_id: str) -> None:
    calendar = {
        "second": "30",
        "minute": [{"start": 0, "end": 30, "step": 15}],
        "hour": "9",
        "dayOfMonth": "23",
        "month": "11",
        "year": "2026",
        "dayOfWeek": "MON",
        "comment": "a Monday",
    }
    spec = {
        "calendars": [calendar],
        "intervals": [{"every": "6h", "offset": "30m"}],
        "skip": [{"hour": "12", "minute": "*", "second": "*"}],
    }
    schedules.create(new_id, {"action": action, "spec": spec, "state": {"paused": True}})
    times = schedules.matching_times(new_id, "2026-11-23T06:00:00Z", "2026-11-23T18:30:00Z")
    assert [time[11:19] for time in times] == ["06:30:00", "09:00:30", "09:15:30", "09:30:30", "18:30:00"]
    assert schedules.describe(new_id).body["schedule"]["spec"]["calendars"][0]["comment"] == "a Monday"
    schedules.delete(new_id)


def test_repeated_create_is_the_same_schedule(schedules: Schedules, action: Object, new_id: str) -> None:
    schedule = {"action": action, "spec": {}}
    for _ in range(2):
        schedules.create(new_id, schedule, idempotency_key=new_id)
    with pytest.raises(FlowgateError) as exists:
        schedules.create(new_id, schedule)
    assert (exists.value.status, exists.value.code) == (409, "schedule-already-exists")
    schedules.delete(new_id)


def test_invalid_fields_have_pointers(schedules: Schedules, action: Object, new_id: str) -> None:
    spec = {"timeZoneName": "Europe/Atlantis"}
    with pytest.raises(FlowgateError) as invalid:
        schedules.create(new_id, {"action": action, "spec": spec})
    assert (invalid.value.status, invalid.value.code) == (400, "invalid-request")
    assert [error["pointer"] for error in invalid.value.problem["errors"]] == ["/schedule/spec/timeZoneName"]


def test_trigger_starts_a_workflow(
    flowgate: Flowgate, schedules: Schedules, scheduled: str, eventually: Eventually
) -> None:
    schedules.trigger(scheduled, "ALLOW_ALL", idempotency_key="once")
    schedules.trigger(scheduled, "ALLOW_ALL", idempotency_key="once")

    def info() -> Object:
        described: Object = schedules.describe(scheduled).body["info"]
        return described

    eventually(lambda: bool(info()["numActions"] == 1 and info()["recentActions"]))
    assert (info()["numActionsMissedCatchupWindow"], info()["createdAt"][:2]) == (0, "20")
    (taken,) = info()["recentActions"]
    assert taken["startedAt"] >= taken["scheduledAt"]
    outcome = flowgate.result(taken["workflowId"], runId=taken["firstExecutionRunId"])
    assert (outcome.status, outcome.result) == ("COMPLETED", [scheduled])
    assert outcome.workflow_id.startswith("run-" + scheduled)


def test_create_takes_actions_at_once(
    schedules: Schedules, action: Object, new_id: str, eventually: Eventually
) -> None:
    schedules.create(
        new_id,
        {"action": action, "spec": {"intervals": [{"every": "1h"}]}, "policy": {"overlap": "ALLOW_ALL"}},
        triggerImmediately=True,
        backfill=[{"startAt": "2026-03-01T00:30:00Z", "endAt": "2026-03-01T02:30:00Z", "overlap": "ALLOW_ALL"}],
    )
    eventually(lambda: bool(schedules.describe(new_id).body["info"]["numActions"] == 3))
    schedules.delete(new_id)


def test_paused_schedule_has_a_note(schedules: Schedules, scheduled: str) -> None:
    for pause, note in ((schedules.pause, "the printer is broken"), (schedules.unpause, "it works again")):
        pause(scheduled, note, idempotency_key=note)
        state = schedules.describe(scheduled).body["schedule"]["state"]
        assert (state.get("paused", False), state["note"]) == (pause == schedules.pause, note)
    schedules.pause(scheduled)
    assert schedules.describe(scheduled).body["schedule"]["state"]["paused"]
    schedules.unpause(scheduled)


def test_backfill_starts_the_missed_workflows(
    schedules: Schedules, action: Object, new_id: str, eventually: Eventually
) -> None:
    spec = {"cronExpressions": ["CRON_TZ=Asia/Kolkata 0 */2 * * *"]}
    schedules.create(new_id, {"action": action, "spec": spec, "state": {"paused": True}})
    times = schedules.matching_times(new_id, "2026-03-01T00:00:00Z", "2026-03-01T05:00:00Z")
    assert times == ["2026-03-01T00:30:00Z", "2026-03-01T02:30:00Z", "2026-03-01T04:30:00Z"]
    missed = {"startAt": "2026-03-01T00:00:00Z", "endAt": "2026-03-01T05:00:00Z", "overlap": "ALLOW_ALL"}
    schedules.backfill(new_id, missed, idempotency_key="once")

    def taken() -> list[str]:
        return [action["scheduledAt"] for action in schedules.describe(new_id).body["info"].get("recentActions", [])]

    eventually(lambda: sorted(taken()) == times)
    schedules.delete(new_id)


def test_lost_update_is_detected(schedules: Schedules, scheduled: str) -> None:
    before = schedules.describe(scheduled)
    after = schedules.patch(scheduled, {"schedule": {"state": {"note": "first"}}}, before.etag)
    assert after.body["schedule"]["state"]["note"] == "first"
    assert after.body["schedule"]["action"] == before.body["schedule"]["action"]
    with pytest.raises(FlowgateError) as lost:
        schedules.replace(scheduled, before.body["schedule"], before.etag)
    assert (lost.value.status, lost.value.code) == (412, "schedule-changed")
    assert after.body["info"]["lastUpdatedAt"] > after.body["info"]["createdAt"]
    assert lost.value.headers["ETag"] == after.etag
    replaced = schedules.replace(scheduled, before.body["schedule"], after.etag)
    assert replaced.body["schedule"] == before.body["schedule"]


def test_schedules_are_listed_and_counted(
    schedules: Schedules, action: Object, new_id: str, eventually: Eventually
) -> None:
    ids = {f"{new_id}/{i}" for i in range(3)}
    for schedule_id in ids:
        customer = {"CustomerId": new_id}
        schedule = {
            "action": action,
            "spec": {"intervals": [{"every": "1h"}]},
            "state": {"paused": True, "note": "new"},
        }
        schedules.create(schedule_id, schedule, searchAttributes=customer, memo={"n": 1})
    query = f'CustomerId = "{new_id}"'
    eventually(lambda: schedules.count(query) == 3)
    assert {listed["scheduleId"] for listed in schedules.list(query, pageSize=2)} == ids
    for listed in schedules.stream(query):
        assert (listed["memo"], listed["searchAttributes"]["CustomerId"]["value"]) == ({"n": 1}, new_id)
        schedule = listed["schedule"]
        assert (schedule["action"], schedule["state"]) == ({"workflowType": "Echo"}, {"paused": True, "note": "new"})
        assert listed["info"]["nextActionTimes"]
    assert len(list(schedules.stream(query, limit=2))) == 2
    for schedule_id in ids:
        schedules.delete(schedule_id)


@pytest.mark.parametrize("name", ["-", "a%2Fb", "a b"])
def test_any_schedule_id_is_possible(schedules: Schedules, action: Object, new_id: str, name: str) -> None:
    schedule_id = name if name == "-" else name + new_id
    schedules.create(schedule_id, {"action": action, "spec": {}})
    assert schedules.describe(schedule_id).body["scheduleId"] == schedule_id
    schedules.delete(schedule_id)
