"""Namespaces and their search attributes, for administrators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from flowgate import JSON, Flowgate, Object, loads


class Namespaces:
    """All namespaces of the gateway. The namespace of the client does not matter."""

    def __init__(self, flowgate: Flowgate) -> None:
        self._flowgate = flowgate

    def list(self, **params: Any) -> Iterator[Object]:
        """List namespaces, read in pages."""
        return self._flowgate.pages("/v1/namespaces", "namespaces", params)

    def stream(self, **params: Any) -> Iterator[Object]:
        """List namespaces, in one response with one namespace per line."""
        return self._flowgate.lines("/v1/namespaces", params)

    def register(self, name: str, retention: str, **settings: JSON) -> None:
        self._flowgate.send("POST", "/v1/namespaces", {"name": name, "retention": retention, **settings})

    def describe(self, name: str) -> Object:
        return self._flowgate.get(_path(name))

    def update(self, name: str, **settings: JSON) -> Object:
        """Change settings. Returns all of them."""
        body: Object = loads(self._flowgate.send("PATCH", _path(name), settings).text)
        return body

    def search_attributes(self, name: str) -> Object:
        return self._flowgate.get(_path(name, "/search-attributes"))

    def add_search_attributes(self, name: str, **types: str) -> None:
        self._flowgate.send("POST", _path(name, "/search-attributes"), {"attributes": types})

    def remove_search_attribute(self, name: str, attribute: str) -> None:
        self._flowgate.send("DELETE", _path(name, "/search-attributes/" + quote(attribute, safe="")))


def _path(name: str, suffix: str = "") -> str:
    return "/v1/namespaces/" + quote(name, safe="") + suffix
