"""docs/parity.md has a row for every member of the SDK. Tests in Go check the contents of the rows."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

SDK = Path(__file__).parent / "sdk"
PARITY = Path(__file__).parents[2] / "docs" / "parity.md"

# docs/parity.md describes these parameters once for all calls, or omits them because only Python has them.
COMMON_PARAMETERS = {"active_config", "rpc_metadata", "rpc_timeout", "arg", "result_type", "stack_level"}

# The section about what the client API does not have, and the sections about each class of the SDK.
ABSENT = "## What is not part of the client API"
SECTIONS = {
    "Client": ("Client", "Activity handle", "Activities without a workflow"),
    "WorkflowHandle": ("Workflow handle",),
    "WorkflowUpdateHandle": ("Workflow handle",),
    "ScheduleHandle": ("Schedule handle",),
    "AsyncActivityHandle": ("Activity handle",),
    "ActivityHandle": ("Activities without a workflow",),
    "classes": ("Classes of schedules and build ids",),
}


def section(*titles: str) -> str:
    """The text of some sections of docs/parity.md."""
    sections = PARITY.read_text().split("\n## ")
    return "\n".join("## " + text for text in sections if text.partition("\n")[0] in titles)


class Table:
    """The names in the first column of docs/parity.md: the methods, and the parameters below each."""

    def __init__(self, text: str) -> None:
        self.methods: dict[str, set[str]] = {}
        # The members that the client API does not have, each with the reason. A name can include its class.
        self.absent: dict[str, str] = {}
        absent, last_methods = False, list[str]()
        for line in text.splitlines():
            if line.startswith("## "):
                absent = line == ABSENT
            if not line.startswith("| ") or line.startswith("| ---"):
                continue
            _, first, *rest = line.split("|")
            names = re.findall(r"`(?:\w+\.)?(\w+)`", first)
            if absent:
                self.absent.update(dict.fromkeys(re.findall(r"`([\w.]+)`", first), rest[0]))
            elif first.startswith(" ·"):
                for method in last_methods:
                    self.methods[method].update(names)
            else:
                last_methods = names
                for method in last_methods:
                    self.methods.setdefault(method, set())

    def has(self, name: str) -> bool:
        return any(name in {method, *parameters} for method, parameters in self.methods.items())

    def parameters(self, method: str) -> set[str]:
        """The parameters that have a row. A method that extends another one also has the rows of that one."""
        if method.startswith("execute_"):
            return self.methods[method] | self.methods["start_" + method.removeprefix("execute_")]
        if method.endswith("_for"):
            return self.methods[method] | self.methods[method.removesuffix("_for")] | {"workflow", "update"}
        return self.methods[method]


@pytest.fixture(scope="session")
def sdk_members(sdk: list[str]) -> dict[str, dict[str, list[str]]]:
    """The members of the SDK's client and of its workflow module."""
    completed = subprocess.run([*sdk, "-B", "signatures.py"], cwd=SDK, capture_output=True, text=True, check=True)
    found: dict[str, dict[str, list[str]]] = json.loads(completed.stdout)
    return found


@pytest.mark.parametrize("cls", SECTIONS)
def test_parity_has_every_member_of_the_client(
    sdk_members: dict[str, dict[str, list[str]]], cls: str, capsys: pytest.CaptureFixture[str]
) -> None:
    table = Table(section(*SECTIONS[cls]))
    absent = Table(PARITY.read_text()).absent
    missing = []
    for method, parameters in sdk_members[cls].items():
        if method in absent or f"{cls}.{method}" in absent:
            continue
        if method not in table.methods:
            missing.append(method)
            continue
        known = table.parameters(method) | absent.keys() | COMMON_PARAMETERS
        missing += [f"{method}({parameter})" for parameter in parameters if parameter not in known]
    assert not missing, f"without a row: {sorted(missing)}"
    number = sum(len(parameters) for parameters in sdk_members[cls].values())
    with capsys.disabled():
        print(f"{cls}: checked {len(sdk_members[cls])} members with {number} parameters")


def test_parity_has_every_member_for_workflows(sdk_members: dict[str, dict[str, list[str]]]) -> None:
    table = Table("## A workflow's code" + PARITY.read_text().partition("## A workflow's code")[2])
    excluded = {name for name, why in table.absent.items() if "workflow's code" in why}
    missing = [name for name in sdk_members["workflow"] if name not in excluded and not table.has(name)]
    assert not missing, f"without a row: {sorted(missing)}"


def test_worker_uses_every_member_with_a_row(sdk_members: dict[str, dict[str, list[str]]]) -> None:
    code = "\n".join(path.read_text() for path in SDK.glob("*.py"))
    excluded = Table(PARITY.read_text()).absent
    functions = [
        name for name in sdk_members["workflow"] if name.islower() and "workflow's code" not in excluded.get(name, "")
    ]
    unused = [name for name in functions if not re.search(rf"\bworkflow\.{name}\b", code)]
    assert not unused, f"in no workflow of the worker: {unused}"
