"""The document client of AWS's SDK for JavaScript v3; tests/node/documents.mjs has what it does."""

import json
import re

import pytest

import node

CLAIMS = re.findall(r'^  async "(.+)"\(\) \{$', (node.FOLDER / "documents.mjs").read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def errors(server):
    lines = node.run("documents.mjs", environment=server.environment()).splitlines()
    return {answer["claim"]: answer["error"] for answer in map(json.loads, lines)}


@pytest.mark.parametrize("claim", CLAIMS)
def test_documents(errors, claim):
    assert errors[claim] is None, errors[claim]


def test_every_claim_is_made(errors):
    assert sorted(errors) == sorted(CLAIMS) and CLAIMS
