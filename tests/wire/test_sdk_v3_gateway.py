"""API Gateway's client of AWS's SDK for JavaScript v3; tests/node/gateway.mjs has what it does."""

import pytest

import node

PROGRAM = "gateway.mjs"
CLAIMS = node.claims(PROGRAM)


@pytest.fixture(scope="module")
def errors(server):
    return node.errors(PROGRAM, server.environment())


@pytest.mark.parametrize("claim", CLAIMS)
def test_gateway(errors, claim):
    assert errors[claim] is None, errors[claim]


def test_every_claim_is_made(errors):
    assert sorted(errors) == sorted(CLAIMS) and CLAIMS
