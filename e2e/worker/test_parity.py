"""docs/parity.md has a row for all that the SDK offers. That the rows are true is shown by the tests in Go."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

SDK = Path(__file__).parent / "sdk"
PARITY = Path(__file__).parents[2] / "docs" / "parity.md"

# The page says of these once what they are for every call, or that they belong to a language.
EVERYWHERE = {"active_config", "rpc_metadata", "rpc_timeout", "arg", "result_type", "stack_level"}


class Table:
    """The names in the first column of the page: of methods, and of the parameters below each."""

    def __init__(self, text: str) -> None:
        self.rows: dict[str, set[str]] = {}
        self.absent: set[str] = set()
        absent, methods = False, list[str]()
        for line in text.splitlines():
            if line.startswith("## "):
                absent = "cannot" in line
            if not line.startswith("| ") or line.startswith("| ---"):
                continue
            first = line.split("|")[1].strip()
            names = re.findall(r"`(?:\w+\.)?([a-z_]+)`", first)
            if absent:
                self.absent.update(names)
            elif first.startswith("·"):
                for method in methods:
                    self.rows[method].update(names)
            else:
                methods = names
                for method in methods:
                    self.rows.setdefault(method, set())

    def parameters(self, method: str) -> set[str]:
        """Those with a row. What a method shares with the one that it is made of stands there."""
        shared = {"execute_": "start_"}
        for prefix, base in shared.items():
            if method.startswith(prefix):
                return self.rows[method] | self.rows[base + method.removeprefix(prefix)]
        if method.endswith("_for"):
            return self.rows[method] | self.rows[method.removesuffix("_for")] | {"workflow", "update"}
        return self.rows[method]


@pytest.mark.parametrize("cls", ["Client", "WorkflowHandle", "WorkflowUpdateHandle"])
def test_parity_has_all_that_the_sdk_offers(sdk: list[str], cls: str) -> None:
    table = Table(PARITY.read_text())
    written = subprocess.run([*sdk, "-B", "signatures.py", cls], cwd=SDK, capture_output=True, text=True, check=True)
    missing = []
    for method, parameters in json.loads(written.stdout)[cls].items():
        if method in table.absent:
            continue
        if method not in table.rows:
            missing.append(method)
            continue
        known = table.parameters(method) | table.absent | EVERYWHERE
        missing += [f"{method}({parameter})" for parameter in parameters if parameter not in known]
    assert not missing, f"without a row: {sorted(missing)}"
