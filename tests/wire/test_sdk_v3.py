"""AWS's SDK for JavaScript v3; tests/node/sdk.mjs has what it does."""

import pytest

import node


@pytest.mark.parametrize("part", ["identity", "users", "tables", "functions", "apis", "groups"])
def test_sdk_v3(server, part):
    assert node.run("sdk.mjs", part, environment=server.environment()).endswith("ok\n")
