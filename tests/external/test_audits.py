"""graphql-http's audits: GraphQL over HTTP as its reference implementation asks for it."""

import json

import pytest

from tests.api.client import Api
from tests.external import node


@pytest.mark.usefixtures("_node_packages")
def test_all_61_audits_of_graphql_http_pass(shared_api: Api) -> None:
    judged = node.run("audits.mjs", f"{shared_api.url}/graphql", shared_api.token)
    audits = [json.loads(line) for line in judged.stdout.splitlines()]

    assert [audit for audit in audits if audit["status"] != "ok"] == [], judged.stderr
    assert len({audit["id"] for audit in audits}) == 61
