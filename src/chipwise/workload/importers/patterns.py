"""Functions of one value that a source writes as several operators: SiLU as sigmoid and product, GELU with erf."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from math import prod

from chipwise.workload.importers.graph import MACS, Operator, Value

_POINTWISE = frozenset({"activation", "elementwise"})


def joined(operators: Sequence[Operator], outputs: Sequence[Value]) -> list[Operator]:
    """The operators, those that together are a function of one value alone as one activation.

    They are joined if each works value by value on x and on numbers, if x enters more than once, as in
    x · sigmoid(x), and if nothing else reads what lies between.
    """
    constants = _constants(operators)
    uses = Counter([v.key for o in operators for v in o.inputs] + [v.key for v in outputs])
    roots: dict[str, Value] = {}
    groups: dict[str, list[int]] = {}
    for index, operator in enumerate(operators):
        root = _root(operator, roots, constants)
        if root is not None:
            roots[operator.outputs[0].key] = root
            groups.setdefault(root.key, []).append(index)
    found: list[Operator | None] = list(operators)
    for key, members in groups.items():
        last = _closed(operators, members, key, uses)
        if last is None:
            continue
        inside = [i for i in members if i <= last]
        root = roots[operators[last].outputs[0].key]
        parts = tuple(operators[i].shown for i in inside[:-1])
        for i in inside:
            found[i] = None
        found[last] = replace(operators[last], kind="activation", inputs=(root,), facts={"parts": parts})
    return [o for o in found if o is not None]


def _constants(operators: Sequence[Operator]) -> set[str]:
    """Keys of the values that are known before the first input."""
    found = {v.key for o in operators for v in o.inputs if v.constant}
    for operator in operators:
        if operator.kind == "constant" or (
            operator.inputs and operator.kind not in MACS and all(v.key in found for v in operator.inputs)
        ):
            found.update(v.key for v in operator.outputs)
    return found


def _root(operator: Operator, roots: dict[str, Value], constants: set[str]) -> Value | None:
    """The one value of which the operator's output is a function, value by value."""
    if operator.kind not in _POINTWISE or len(operator.outputs) != 1:
        return None
    data = [v for v in operator.inputs if v.key not in constants]
    found = {roots.get(v.key, v).key: roots.get(v.key, v) for v in data}
    numbers = all(prod(v.shape or ()) == 1 for v in operator.inputs if v.key in constants)
    if len(found) != 1 or not numbers:
        return None
    root = next(iter(found.values()))
    return root if root.shape is not None and root.shape == operator.outputs[0].shape else None


def _closed(operators: Sequence[Operator], members: list[int], root: str, uses: Counter[str]) -> int | None:
    """The last member at which x has entered twice and all that lies between is used up; None if there is none."""
    open_uses: Counter[str] = Counter()
    entered, last = 0, None
    for count, index in enumerate(members, start=1):
        operator = operators[index]
        for value in operator.inputs:
            if value.key == root:
                entered += 1
            elif value.key in open_uses:
                open_uses[value.key] -= 1
        unread = [key for key, left in open_uses.items() if left]
        if not unread and count > 1 and entered > 1:
            last = index
        open_uses[operator.outputs[0].key] = uses[operator.outputs[0].key]
    return last
