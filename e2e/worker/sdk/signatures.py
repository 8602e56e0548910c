"""Writes the members of the SDK's client and of its workflow module, with their parameters, as JSON."""

from __future__ import annotations

import dataclasses
import inspect
import json
import sys

from temporalio import client, workflow

Members = dict[str, list[str]]

HANDLES = (
    client.Client,
    client.WorkflowHandle,
    client.WorkflowUpdateHandle,
    client.ScheduleHandle,
    client.AsyncActivityHandle,
    client.ActivityHandle,
)


def members(owner: object) -> Members:
    return {
        name: sorted(set(inspect.signature(member).parameters) - {"self"}) if inspect.isroutine(member) else []
        for name, member in inspect.getmembers(owner)
        if not name.startswith("_")
    }


def client_classes() -> Members:
    """The classes of schedules and build ids, each with its fields."""
    prefixes = ("Schedule", "BuildId", "WorkerBuildId")
    return {
        name: [field.name for field in dataclasses.fields(cls) if not field.name.startswith("_")]
        if dataclasses.is_dataclass(cls)
        else []
        for name, cls in inspect.getmembers(client, inspect.isclass)
        if name.startswith(prefixes) and cls not in HANDLES
    }


def workflow_members() -> Members:
    """The members of the workflow module, without the types that only describe functions."""
    found = members(workflow)
    kinds = ("Callable", "Method", "Self", "Class", "Any", "Param", "MultiParam", "Protocol", "Return")
    return {name: found[name] for name in workflow.__all__ if name in found and not name.startswith(kinds)}


if __name__ == "__main__":
    handles = {cls.__name__: members(cls) for cls in HANDLES}
    json.dump({**handles, "classes": client_classes(), "workflow": workflow_members()}, sys.stdout)
