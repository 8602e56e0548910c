"""Namespaces and their search attributes: what onboards a team."""

from collections.abc import Callable

import pytest

from flowgate import Flowgate, FlowgateError
from namespaces import Namespaces

Eventually = Callable[[Callable[[], bool]], None]


@pytest.fixture
def namespace(namespaces: Namespaces, new_id: str) -> str:
    """A new namespace. Its administrator may use only names that start with "admin-"."""
    name = "admin-" + new_id[-12:]
    namespaces.register(name, "72h", description="one", ownerEmail="a@b.example", data={"k": "v"})
    return name


def test_namespace_is_registered_and_updated(
    namespaces: Namespaces, admin: Flowgate, namespace: str, new_id: str, eventually: Eventually
) -> None:
    described = namespaces.describe(namespace)
    assert (described["name"], described["state"], described["retention"]) == (namespace, "REGISTERED", "259200s")
    assert (described["description"], described["ownerEmail"], described["data"]) == ("one", "a@b.example", {"k": "v"})
    with pytest.raises(FlowgateError) as exists:
        namespaces.register(namespace, "72h")
    assert (exists.value.status, exists.value.code) == (409, "namespace-already-exists")
    updated = namespaces.update(namespace, description="two", data={"l": "w"}, retention="48h")
    assert (updated["description"], updated["retention"], updated["data"]) == ("two", "172800s", {"k": "v", "l": "w"})

    def started() -> bool:
        try:
            return admin.with_namespace(namespace).start("Unpolled", new_id, "unpolled").started
        except FlowgateError as error:
            if error.code != "namespace-not-found":
                raise
        return False

    eventually(started)


def test_namespaces_are_listed(namespaces: Namespaces, flowgate: Flowgate, namespace: str) -> None:
    assert {namespace, "default"} <= {listed["name"] for listed in namespaces.list(pageSize=2)}
    assert namespace in {listed["name"] for listed in namespaces.stream()}
    with pytest.raises(FlowgateError) as forbidden:
        list(Namespaces(flowgate).list())
    assert (forbidden.value.status, forbidden.value.code) == (403, "operation-forbidden")
    with pytest.raises(FlowgateError) as other:
        namespaces.register("team-of-others", "72h")
    assert (other.value.status, other.value.code) == (403, "namespace-forbidden")


def test_search_attributes_are_added_and_removed(namespaces: Namespaces, namespace: str) -> None:
    for _ in range(2):
        namespaces.add_search_attributes(namespace, Customer="Keyword", Items="Int")
        attributes = namespaces.search_attributes(namespace)
        assert attributes["customAttributes"] == {"Customer": "Keyword", "Items": "Int"}
    assert attributes["systemAttributes"]["WorkflowType"] == "Keyword"
    with pytest.raises(FlowgateError) as other_type:
        namespaces.add_search_attributes(namespace, Customer="Int")
    assert (other_type.value.status, other_type.value.code) == (409, "conflict")
    namespaces.remove_search_attribute(namespace, "Customer")
    assert namespaces.search_attributes(namespace)["customAttributes"] == {"Items": "Int"}
    with pytest.raises(FlowgateError) as gone:
        namespaces.remove_search_attribute(namespace, "Customer")
    assert (gone.value.status, gone.value.code) == (404, "search-attribute-not-found")
