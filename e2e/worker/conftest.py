"""The worker, which is a separate process, and the gateway, through which the tests observe it."""

from __future__ import annotations

import os
import shlex
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from contract import Contract
from flowgate import Flowgate, connect

SDK = Path(__file__).parent / "sdk"


@pytest.fixture(scope="session")
def sdk() -> list[str]:
    """The command that runs Python with Temporal's SDK."""
    return shlex.split(os.environ["FLOWGATE_SDK_PYTHON"])


@pytest.fixture(scope="session")
def task_queue(sdk: list[str]) -> Iterator[str]:
    """The task queue of the worker."""
    name = f"constructs-{uuid.uuid4()}"
    arguments = [os.environ["FLOWGATE_UPSTREAM_ADDRESS"], os.environ["FLOWGATE_NAMESPACE"], name]
    with subprocess.Popen(
        [*sdk, "-B", "worker.py", *arguments], cwd=SDK, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdin
        assert worker.stdout
        assert worker.stdout.readline() == "ready\n", "the worker did not start"
        yield name
        worker.stdin.close()
        assert worker.wait(timeout=30) == 0


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    url = os.environ["FLOWGATE_URL"]
    contract = Contract(httpx.get(url + "/v1/openapi.json").raise_for_status().json())
    with connect(url) as client:
        client.event_hooks = {"response": [contract.check]}
        yield client


@pytest.fixture(scope="session")
def flowgate(http: httpx.Client) -> Flowgate:
    return Flowgate(http, os.environ["FLOWGATE_KEY"], os.environ["FLOWGATE_NAMESPACE"])


@pytest.fixture
def new_id(request: pytest.FixtureRequest) -> str:
    """A workflow id that is unique to each run of each test."""
    return f"{request.function.__name__}-{uuid.uuid4()}"
