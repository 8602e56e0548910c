"""A pytest plugin that reports tests in the format of `go test -v`, for the summary of make test.

It replaces pytest's terminal reporter: pytest -p no:terminal -p go_style
"""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(GoStyle(config.rootpath.name))


class GoStyle:
    """Reports the tests of a suite. The name of the suite is a prefix of their names."""

    def __init__(self, suite: str) -> None:
        self._suite = suite

    def _name(self, nodeid: str) -> str:
        return f"{self._suite}/{nodeid}"

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        print(f"=== RUN   {self._name(nodeid)}", flush=True)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.passed:
            if report.when == "call":
                print(f"--- PASS: {self._name(report.nodeid)} ({report.duration:.2f}s)", flush=True)
            return
        print(report.longreprtext)
        for title, text in report.sections:
            print(f"{title}:\n{text}")
        verdict = "SKIP" if report.skipped else "FAIL"
        print(f"--- {verdict}: {self._name(report.nodeid)} ({report.duration:.2f}s)", flush=True)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            print(f"{report.longreprtext}\n--- FAIL: {self._name(report.nodeid)}", flush=True)
