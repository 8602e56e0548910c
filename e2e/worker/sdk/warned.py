"""The Python warnings of this process, for workflows to return. All workflows share it: no sandbox reloads it."""

from __future__ import annotations

import warnings
from typing import Any

WARNINGS: list[str] = []


def record(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    WARNINGS.append(f"{category.__name__}: {message}")


warnings.showwarning = record
warnings.simplefilter("always", RuntimeWarning)
