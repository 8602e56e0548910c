"""The Python warnings of this process. The sandbox does not reload this module, so all workflows share the list."""

from __future__ import annotations

import warnings
from typing import Any

WARNINGS: list[str] = []


def record(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    WARNINGS.append(f"{category.__name__}: {message}")


warnings.showwarning = record
warnings.simplefilter("always", RuntimeWarning)
