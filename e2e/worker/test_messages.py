from importlib.util import find_spec

from flowgate import Flowgate


def test_client_has_no_sdk() -> None:
    assert find_spec("temporalio") is None


def test_signals_reach_their_handlers(flowgate: Flowgate, task_queue: str, new_id: str) -> None:
    flowgate.start("Messages", new_id, task_queue)
    flowgate.signal(new_id, "add_message", "one")
    flowgate.signal(new_id, "custom_signal")
    assert flowgate.result(new_id).result == ["one"]
