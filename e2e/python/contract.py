"""Validates every response against the gateway's OpenAPI document, and records which operations were called."""

from __future__ import annotations

import json
import re
from datetime import datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import httpx
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

DOCUMENT = "urn:openapi"
PROBLEM = "application/problem+json"
NDJSON = "application/x-ndjson"
EVENTS = "text/event-stream"

formats = FormatChecker(formats=())


@formats.checks("date-time", raises=ValueError)
def _is_time(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


class Contract:
    def __init__(self, document: dict[str, Any]) -> None:
        _add_stream_responses(document)
        self._document = document
        self._registry = Registry().with_resource(DOCUMENT, DRAFT202012.create_resource(document))
        self._paths = {path: _pattern(path) for path in document["paths"]}
        self.called: set[tuple[str, str]] = set()

    @property
    def operations(self) -> set[tuple[str, str]]:
        methods = {"get", "put", "post", "delete", "options", "head", "patch", "trace"}
        return {(method, path) for path, item in self._document["paths"].items() for method in methods & item.keys()}

    def check(self, response: httpx.Response) -> None:
        """Fail unless the document allows the response. The method is a response hook of httpx."""
        response.read()
        operation = self._operation(response.request)
        if operation is None:
            # The document describes no response for an unknown route, but every problem has the same schema.
            assert response.status_code in (404, 405), f"{response.request.url} is not an operation of the document"
            self._check_value(["components", "schemas", "Problem"], response.text)
            return
        self.called.add(operation)
        assert response.headers["X-Request-Id"]
        location = ["paths", operation[1], operation[0], "responses"]
        documented = self._at(location)
        status = str(response.status_code)
        location, declared = self._resolve(
            [*location, next(s for s in (status, status[0] + "XX", "default") if s in documented)]
        )
        if "content" not in declared:
            assert response.content == b"", f"{operation} returned {status} with a body"
            return
        media_type = response.headers["Content-Type"]
        assert media_type in declared["content"], f"{operation} returned {status} with {media_type}"
        if media_type == "application/yaml":
            return
        if media_type == EVENTS:
            # A schema cannot describe parts of a text. The data of an event has the schema of a line of NDJSON.
            media_type, data = NDJSON, re.compile(r"^id: .+\ndata: (.*)$", re.MULTILINE).findall(response.text)
            for text in data:
                self._check_value([*location, "content", media_type, "schema"], text)
            return
        texts = response.text.split("\n")[:-1] if media_type == NDJSON else [response.text]
        for text in texts:
            self._check_value([*location, "content", media_type, "schema"], text)
        if media_type == PROBLEM:
            problem = response.json()
            assert problem["status"] == response.status_code
            assert problem["requestId"] == response.headers["X-Request-Id"]

    def _operation(self, request: httpx.Request) -> tuple[str, str] | None:
        # The raw path, because %2F does not separate two segments.
        path = request.url.raw_path.decode().partition("?")[0]
        for template, pattern in self._paths.items():
            operation = (request.method.lower(), template)
            if pattern.fullmatch(path) and operation in self.operations:
                return operation
        return None

    def _at(self, location: list[str]) -> dict[str, Any]:
        node = self._document
        for name in location:
            node = node[name]
        return node

    def _resolve(self, location: list[str]) -> tuple[list[str], dict[str, Any]]:
        node = self._at(location)
        while "$ref" in node:
            location = node["$ref"].removeprefix("#/").split("/")
            node = self._at(location)
        return location, node

    def _check_value(self, schema: list[str], text: str) -> None:
        pointer = "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in schema)
        validator = Draft202012Validator(
            {"$ref": f"{DOCUMENT}#{quote(pointer)}"}, registry=self._registry, format_checker=formats
        )
        validator.validate(json.loads(text, parse_float=Decimal))


def _add_stream_responses(document: dict[str, Any]) -> None:
    """Adds the responses of x-stream-responses to those of each operation."""
    for item in document["paths"].values():
        for operation in item.values():
            if "x-stream-responses" not in operation:
                continue
            for status, stream in operation["x-stream-responses"].items():
                response = operation["responses"].setdefault(status, stream)
                if "content" in stream:
                    response["content"].update(stream["content"])


def _pattern(template: str) -> re.Pattern[str]:
    """A pattern for the paths of a template: a parameter is one segment that is not empty."""
    parts = re.split(r"(\{[^}]+\})", template)
    return re.compile("".join("[^/]+" if part.startswith("{") else re.escape(part) for part in parts))
