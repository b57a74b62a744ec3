"""The part of JSONPath that tests of LocalStack use: `$..NAME`, then `.NAME` and `[*]`; and in what two documents differ.

Debian has neither jsonpath-ng nor the need of more."""

import re


class Found:
    def __init__(self, value):
        self.value = value


class Path:
    """As `jsonpath_ng.ext.parse` returns one."""

    def __init__(self, text):
        if not re.fullmatch(r"\$(\.\.?[\w-]+|\[\*\])+", text):
            raise ValueError(f"{text}: a JSONPath of other parts than ..NAME, .NAME and [*]")
        self._steps = re.findall(r"\.\.?[\w-]+|\[\*\]", text)

    def find(self, document):
        return [Found(holder[key]) for holder, key in self._places(document)]

    def update(self, document, value):
        for holder, key in self._places(document):
            holder[key] = value

    def _places(self, document):
        """Where it leads: containers and the keys in them."""
        places = [([document], 0)]
        for step in self._steps:
            places = [place for holder, key in places for place in after(step, holder[key])]
        return places


def keys_of(value):
    if isinstance(value, dict):
        return list(value)
    return list(range(len(value))) if isinstance(value, list) else []


def after(step, value):
    if step == "[*]":
        return [(value, key) for key in keys_of(value)] if isinstance(value, list) else []
    name = step.lstrip(".")
    here = [(value, name)] if isinstance(value, dict) and name in value else []
    if step.startswith(".."):
        here += [place for key in keys_of(value) for place in after(step, value[key])]
    return here


def differences(expected, actual, where=""):
    """A line for each place in which they differ; numbers are numbers, but true is not 1."""
    is_number = [isinstance(each, (int, float)) and not isinstance(each, bool) for each in (expected, actual)]
    if type(expected) is not type(actual) and not all(is_number):
        return [f"{where}: expected {expected!r}, got {actual!r}"]
    if isinstance(expected, dict):
        return [line for key in sorted({*expected, *actual}, key=str) for line in
                (differences(expected[key], actual[key], f"{where}/{key}") if key in expected and key in actual else
                 [f"{where}/{key}: expected {expected[key]!r}, got nothing" if key in expected else
                  f"{where}/{key}: expected nothing, got {actual[key]!r}"])]
    if isinstance(expected, list):
        if len(expected) != len(actual):
            return [f"{where}: expected {len(expected)} of {expected!r}, got {len(actual)} of {actual!r}"]
        return [line for at, both in enumerate(zip(expected, actual)) for line in differences(*both, f"{where}/{at}")]
    return [] if expected == actual else [f"{where}: expected {expected!r}, got {actual!r}"]
