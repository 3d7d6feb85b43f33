"""docs/SECURITY.md names a test for each of its claims: the tests must be there."""

import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "SECURITY.md").read_text()
NAMED = sorted(set(re.findall(r"`((?:wire|hostile|unit)/[\w/]+\.(?:py|c))(?:::(\w+))?`", TEXT)))


def test_every_row_of_a_claim_names_a_test():
    rows = re.findall(r"^\| (.+) \| (.*) \|$", TEXT.split("## Rights")[1], re.MULTILINE)
    claims = [row for row in rows if row[0] not in ("what holds",) and not re.match(r"[ |]*$", row[0])]
    without = [claim for claim, test in claims if claim.endswith(".") and not re.search(r"`(wire|hostile|unit)/", test)]
    assert without == []


@pytest.mark.parametrize("file, name", NAMED)
def test_a_named_test_is_there(file, name):
    path = ROOT / "tests" / file
    assert path.exists()
    if name:
        assert re.search(rf"\b{name}\(", path.read_text())
