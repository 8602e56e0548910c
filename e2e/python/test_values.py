"""Values are returned byte for byte, even those that a JSON library would change."""

from decimal import Decimal

import pytest

from flowgate import Flowgate

# This value changes if a program parses numbers as doubles, sorts keys or escapes HTML.
UNUSUAL = '{"z":12345678901234567890,"a":1.10,"e":1e400,"m":-0.0,"l":[],"o":{},"s":"<&>é","n":null}'


@pytest.mark.parametrize("arg", ["12345678901234567890", "1.10", "1e400", '{"b":1,"a":[]}', '"<&>"', "null", UNUSUAL])
def test_value_is_returned_byte_for_byte(flowgate: Flowgate, task_queue: str, new_id: str, arg: str) -> None:
    body = f'{{"workflowType":"Echo","workflowId":"{new_id}","taskQueue":"{task_queue}","args":[{arg}]}}'
    response = flowgate.send("POST", flowgate.workflows(), body, params={"wait": "30s"})
    assert response.text.rstrip().endswith(f'"result":[{arg}]}}')


def test_client_preserves_numbers(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    numbers = [12345678901234567890, Decimal("1.10"), Decimal("1E+400"), Decimal("0.1") + Decimal("0.2")]
    result = flowgate.execute("Echo", new_id, task_queue, *numbers).result
    assert result == numbers
    assert [str(number) for number in result] == ["12345678901234567890", "1.10", "1E+400", "0.3"]


def test_keys_keep_their_order(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    result = flowgate.execute("Echo", new_id, task_queue, {"z": 1, "a": 2, "m": 3}).result
    assert list(result[0]) == ["z", "a", "m"]


def test_bytes_are_sent_as_payloads(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    payload = {"metadata": {"encoding": "YmluYXJ5L3BsYWlu"}, "data": "AP97"}
    body = {"workflowType": "EchoPayload", "workflowId": new_id, "taskQueue": task_queue, "argPayloads": [payload]}
    outcome = flowgate.send("POST", flowgate.workflows(), body, params={"wait": "30s"}).json()
    assert outcome["resultPayload"] == payload
    assert "result" not in outcome


def test_absent_result_is_distinct_from_null(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    assert '"result"' not in flowgate.execute("EchoPayload", new_id + "-none", task_queue).text
    assert '"result":null' in flowgate.execute("EchoPayload", new_id + "-null", task_queue, None).text
