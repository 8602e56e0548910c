"""The gateway that the tests call, and how much of its API they called in the end."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator

import httpx
import pytest

from contract import Contract
from flowgate import Flowgate, connect

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
    """Where the sample worker is."""
    return os.environ["FLOWGATE_TASK_QUEUE"]


@pytest.fixture(scope="session")
def flowgate(http: httpx.Client) -> Flowgate:
    """Calls the gateway with the key of a writer."""
    return Flowgate(http, os.environ["FLOWGATE_KEY"], os.environ["FLOWGATE_NAMESPACE"])


@pytest.fixture(scope="session")
def reader(http: httpx.Client) -> Flowgate:
    """Calls the gateway with the key of a reader."""
    return Flowgate(http, os.environ["FLOWGATE_READER_KEY"], os.environ["FLOWGATE_NAMESPACE"])


@pytest.fixture(scope="session")
def nobody(http: httpx.Client) -> Flowgate:
    return Flowgate(http, namespace=os.environ["FLOWGATE_NAMESPACE"])


@pytest.fixture
def new_id(request: pytest.FixtureRequest) -> str:
    """A workflow id that no other test has, nor another run of the same."""
    return f"{request.function.__name__}-{uuid.uuid4()}"


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Asks until the answer is yes: Temporal's lists follow its workflows with a short delay."""

    def ask(question: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not question():
            assert time.monotonic() < deadline, "it did not come true"
            time.sleep(0.05)

    return ask


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run of everything that did not call every operation."""
    contract = session.config.stash.get(contract_key, None)
    if contract is None:
        return
    missing = contract.operations - contract.called
    print("=== NAME")  # the line is the suite's, not the last test's
    print(f"python: operations called: {len(contract.called)} of {len(contract.operations)}")
    if session.config.args_source is pytest.Config.ArgsSource.ARGS or session.config.option.keyword:
        return
    verdict = "FAIL" if missing else "PASS"
    for method, path in sorted(missing):
        print(f"never called: {method.upper()} {path}")
    print(f"--- {verdict}: python/every operation is called")
    if missing:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
