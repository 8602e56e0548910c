"""Writes, as JSON, what classes of the SDK's client offer: methods and properties, with their parameters."""

from __future__ import annotations

import inspect
import json
import sys

from temporalio import client


def members(cls: type) -> dict[str, list[str]]:
    return {
        name: sorted(set(inspect.signature(member).parameters) - {"self"}) if callable(member) else []
        for name, member in inspect.getmembers(cls)
        if not name.startswith("_")
    }


if __name__ == "__main__":
    json.dump({name: members(getattr(client, name)) for name in sys.argv[1:]}, sys.stdout)
