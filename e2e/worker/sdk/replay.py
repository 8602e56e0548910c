"""Replays a history with the workflows of the worker, and fails if their code does not match it.

    python replay.py WORKFLOW_ID HISTORY_FILE

The file has a history that was read from the gateway with payloads=raw.
"""

from __future__ import annotations

import asyncio
import os
import sys
import traceback
from pathlib import Path

from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from worker import MODULES


async def main(workflow_id: str, file: str) -> None:
    history = WorkflowHistory.from_json(workflow_id, Path(file).read_text(encoding="utf-8"))
    workflows = [workflow for module in MODULES for workflow in module.WORKFLOWS]
    await Replayer(workflows=workflows).replay_workflow(history)


if __name__ == "__main__":
    code = 0
    try:
        asyncio.run(main(*sys.argv[1:]))
    except Exception:
        traceback.print_exc()
        code = 1
    # The SDK's threads can outlive the Replayer, and crash Python during a slow exit.
    os._exit(code)
