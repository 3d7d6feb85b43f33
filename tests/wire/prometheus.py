"""A strict reader of Prometheus's text format
(https://prometheus.io/docs/instrumenting/exposition_formats/#text-format-details)."""

import math
import re

NAME = "[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\S+)")
KINDS = {"counter", "gauge", "histogram", "summary", "untyped"}
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "summary": ("_sum", "_count")}


class Family:
    def __init__(self, name):
        self.name = name
        self.kind = None
        self.samples = {}  # (name, labels) to value

    def of(self, suffix="", **labels):
        """The value of a sample with exactly these labels."""
        return self.samples.get((self.name + suffix, frozenset(labels.items())))


def number(text):
    assert re.fullmatch(r"[+-]?(\d+(\.\d+)?([eE][+-]?\d+)?|Inf)|NaN", text), text
    return float(text)


def parse(text):
    """Families by name. Fails on whatever the format does not allow."""
    assert text.endswith("\n")
    families, current = {}, None
    for line in text[:-1].split("\n"):
        comment = re.fullmatch(rf"# (HELP|TYPE) ({NAME}) (.+)", line)
        if comment:
            what, name, rest = comment.groups()
            if current is None or current.name != name:
                assert name not in families, f"{name} comes twice"
                current = families[name] = Family(name)
            if what == "TYPE":
                assert rest in KINDS and current.kind is None and not current.samples
                current.kind = rest
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample and current, line
        name, labels, value = sample.groups()
        allowed = [current.name + suffix for suffix in SUFFIXES.get(current.kind, ("",))]
        assert name in allowed, f"{name} is not of {current.name}"
        pairs = frozenset((label.split("=", 1)[0], label.split("=", 1)[1][1:-1]) for label in re.findall(LABEL, labels or ""))
        assert (name, pairs) not in current.samples, line
        current.samples[name, pairs] = number(value)
    for family in families.values():
        check(family)
    return families


def check(family):
    if family.kind == "counter":
        assert family.name.endswith("_total")
        assert all(value >= 0 for value in family.samples.values())
    if family.kind != "histogram":
        return
    series = {}
    for (name, labels), value in family.samples.items():
        if name.endswith("_bucket"):
            bound = number(dict(labels)["le"])
            series.setdefault(frozenset(pair for pair in labels if pair[0] != "le"), []).append((bound, value))
    for labels, buckets in series.items():
        buckets.sort()
        assert buckets[-1][0] == math.inf
        assert [value for _, value in buckets] == sorted(value for _, value in buckets)
        assert buckets[-1][1] == family.samples[family.name + "_count", labels]
        assert (family.name + "_sum", labels) in family.samples
