"""What Python warned of in this process, for workflows to tell. It is one for all of them: no sandbox reloads it."""

from __future__ import annotations

import warnings
from typing import Any

WARNINGS: list[str] = []


def remember(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
    WARNINGS.append(f"{category.__name__}: {message}")


warnings.showwarning = remember
warnings.simplefilter("always", RuntimeWarning)
