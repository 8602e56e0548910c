"""A pytest plugin that tells of tests in the words of `go test -v`, for the summary of make test.

It stands in for pytest's own terminal: pytest -p no:terminal -p go_style
"""

from __future__ import annotations

import pytest


def _name(nodeid: str) -> str:
    return "python/" + nodeid


def pytest_runtest_logstart(nodeid: str) -> None:
    print(f"=== RUN   {_name(nodeid)}", flush=True)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.passed:
        if report.when == "call":
            print(f"--- PASS: {_name(report.nodeid)} ({report.duration:.2f}s)", flush=True)
        return
    print(report.longreprtext)
    for title, text in report.sections:
        print(f"{title}:\n{text}")
    verdict = "SKIP" if report.skipped else "FAIL"
    print(f"--- {verdict}: {_name(report.nodeid)} ({report.duration:.2f}s)", flush=True)


def pytest_collectreport(report: pytest.CollectReport) -> None:
    if report.failed:
        print(f"{report.longreprtext}\n--- FAIL: {_name(report.nodeid)}", flush=True)
