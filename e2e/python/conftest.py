"""Clients of the gateway under test, and a check that the tests call every operation of its API."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator

import httpx
import pytest

from activities import Activities
from contract import Contract
from deployments import Deployments
from flowgate import Flowgate, connect
from namespaces import Namespaces
from schedules import Schedules
from task_queues import TaskQueues

contract_key = pytest.StashKey[Contract]()


@pytest.fixture(scope="session")
def url() -> str:
    return os.environ["FLOWGATE_URL"]


@pytest.fixture(scope="session")
def contract(url: str, pytestconfig: pytest.Config) -> Contract:
    contract = Contract(httpx.get(url + "/v1/openapi.json").raise_for_status().json())
    pytestconfig.stash[contract_key] = contract
    return contract


@pytest.fixture(scope="session")
def http(url: str, contract: Contract) -> Iterator[httpx.Client]:
    with connect(url) as client:
        client.event_hooks = {"response": [contract.check]}
        yield client


@pytest.fixture(scope="session")
def task_queue() -> str:
    """The task queue of the sample worker."""
    return os.environ["FLOWGATE_TASK_QUEUE"]


@pytest.fixture(scope="session")
def flowgate(http: httpx.Client) -> Flowgate:
    """A client with the role write."""
    return Flowgate(http, os.environ["FLOWGATE_KEY"], os.environ["FLOWGATE_NAMESPACE"])


@pytest.fixture(scope="session")
def schedules(flowgate: Flowgate) -> Schedules:
    return Schedules(flowgate)


@pytest.fixture(scope="session")
def activities(flowgate: Flowgate) -> Activities:
    return Activities(flowgate)


@pytest.fixture(scope="session")
def task_queues(flowgate: Flowgate) -> TaskQueues:
    return TaskQueues(flowgate)


@pytest.fixture(scope="session")
def deployments(flowgate: Flowgate) -> Deployments:
    return Deployments(flowgate)


@pytest.fixture(scope="session")
def reader(http: httpx.Client) -> Flowgate:
    """A client with the role read."""
    return Flowgate(http, os.environ["FLOWGATE_READER_KEY"], os.environ["FLOWGATE_NAMESPACE"])


@pytest.fixture(scope="session")
def admin(http: httpx.Client) -> Flowgate:
    """A client with the role admin on namespaces whose names start with "admin-"."""
    return Flowgate(http, os.environ["FLOWGATE_ADMIN_KEY"], os.environ["FLOWGATE_NAMESPACE"])


@pytest.fixture(scope="session")
def namespaces(admin: Flowgate) -> Namespaces:
    return Namespaces(admin)


@pytest.fixture(scope="session")
def anonymous(http: httpx.Client) -> Flowgate:
    return Flowgate(http, namespace=os.environ["FLOWGATE_NAMESPACE"])


@pytest.fixture
def new_id(request: pytest.FixtureRequest) -> str:
    """An id that is unique to each run of each test."""
    return f"{request.function.__name__}-{uuid.uuid4()}"


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Polls until the condition is true: Temporal's lists are updated with a short delay."""

    def poll(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not condition():
            assert time.monotonic() < deadline, "the condition did not become true in time"
            time.sleep(0.05)

    return poll


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a full run that did not call every operation."""
    contract = session.config.stash.get(contract_key, None)
    if contract is None:
        return
    missing = contract.operations - contract.called
    print("=== NAME")  # so that go test attributes the next line to the suite, not to the last test
    print(f"python: operations called: {len(contract.called)} of {len(contract.operations)}")
    if session.config.args_source is pytest.Config.ArgsSource.ARGS or session.config.option.keyword:
        return
    verdict = "FAIL" if missing else "PASS"
    for method, path in sorted(missing):
        print(f"never called: {method.upper()} {path}")
    print(f"--- {verdict}: python/every operation is called")
    if missing:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
