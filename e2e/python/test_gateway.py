"""Information about the gateway."""

import httpx

from flowgate import Flowgate


def test_settings_apply_to_the_caller(flowgate: Flowgate, reader: Flowgate) -> None:
    settings = flowgate.settings()
    assert settings["namespace"] == flowgate.namespace
    assert (settings["principal"], settings["role"]) == ("dev", "write")
    assert settings["limits"]["maxWait"] == "55s"
    assert reader.settings()["role"] == "read"


def test_system_info_returns_versions(reader: Flowgate) -> None:
    info = reader.system_info()
    assert info["gateway"]["version"]
    assert info["server"]["version"]
    assert info["server"]["capabilities"]["supportsSchedules"] is True


def test_document_needs_no_credential(anonymous: Flowgate) -> None:
    document = anonymous.get("/v1/openapi.json")
    assert document["openapi"] == "3.1.0"
    text = anonymous.send("GET", "/v1/openapi.yaml").text
    assert text.startswith("openapi: 3.1.0\n")
    for path in document["paths"]:
        assert f"\n  {path}:\n" in text


def test_request_id_is_kept(flowgate: Flowgate) -> None:
    response: httpx.Response = flowgate.send("GET", "/v1/system-info", headers={"X-Request-Id": "checkout-7f3a"})
    assert response.headers["X-Request-Id"] == "checkout-7f3a"
