"""Writes the members of the SDK's client and of its workflow module, with their parameters, as JSON."""

from __future__ import annotations

import inspect
import json
import sys

from temporalio import client, workflow

Members = dict[str, list[str]]


def members(owner: object) -> Members:
    return {
        name: sorted(set(inspect.signature(member).parameters) - {"self"}) if inspect.isroutine(member) else []
        for name, member in inspect.getmembers(owner)
        if not name.startswith("_")
    }


def workflow_members() -> Members:
    """The members of the workflow module, without the types that only describe functions."""
    found = members(workflow)
    kinds = ("Callable", "Method", "Self", "Class", "Any", "Param", "MultiParam", "Protocol", "Return")
    return {name: found[name] for name in workflow.__all__ if name in found and not name.startswith(kinds)}


if __name__ == "__main__":
    classes = (client.Client, client.WorkflowHandle, client.WorkflowUpdateHandle)
    json.dump({cls.__name__: members(cls) for cls in classes} | {"workflow": workflow_members()}, sys.stdout)
