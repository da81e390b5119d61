"""Published figures beside ours, for the terminal and as a document."""

from collections.abc import Iterator, Sequence

from chipwise.analysis.validation import Row
from chipwise.report.tables import percent, table


def validation_text(rows: Sequence[Row]) -> str:
    """Published beside computed, and how many agree."""
    head = ("group", "item", "quantity", "unit", "published", "computed", "error", "band", "agrees")
    cells = [
        (
            row.group,
            row.item,
            row.quantity,
            row.unit,
            "" if row.published is None else f"{row.published:.10g}",
            f"{row.computed:.10g}",
            "" if row.error is None else f"{100 * row.error:+.2f} %",
            "" if row.band is None else f"{100 * row.band:.2f} %",
            {True: "yes", False: "NO" if row.unexplained else "no", None: ""}[row.within],
        )
        for row in rows
    ]
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row.note:
            reasons.setdefault(row.note, []).append(f"{row.item} {row.quantity}")
    notes = [f"{'; '.join(items)}: {note}\n" for note, items in reasons.items()]
    notes += [
        f"{group}: {source}\n" for group, source in dict.fromkeys((row.group, row.source) for row in rows)
    ]
    left = ("group", "item", "quantity", "unit", "agrees")
    return f"{table(head, cells, left=left)}\n{''.join(notes)}{verdict(rows)}\n"


def verdict(rows: Sequence[Row]) -> str:
    """How many figures are within their band, and of how many others the reason is known.

    >>> verdict([])
    '0 of 0 within their band'
    """
    judged = [row for row in rows if row.within is not None]
    right = sum(row.within is True for row in judged)
    share = f" ({percent(right / len(judged))})" if judged else ""
    known = sum(bool(row.note) for row in judged if not row.within)
    return f"{right} of {len(judged)} within their band{share}" + (
        f", {known} outside for a reason given above" if known else ""
    )


def validation_markdown(rows: Sequence[Row]) -> str:
    """The same as a document: counts of every group, then a table of each with its source and reasons."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
    counts = [(f"[{name}](#{name})", str(len(own)), *_counts(own)) for name, own in groups.items()]
    total = ("**all**", str(len(rows)), *_counts(rows))
    parts = [
        _pipes(
            ("group", "figures", "judged", "within", "outside, reason known", "outside"), [total, *counts], 1
        ),
    ]
    for name, own in groups.items():
        parts += [f"## {name}\n", f"{own[0].source}.\n", *_section(own)]
    return "\n".join(parts)


def _counts(rows: Sequence[Row]) -> tuple[str, ...]:
    judged = [row for row in rows if row.within is not None]
    outside = [row for row in judged if not row.within]
    reasons = sum(not row.unexplained for row in outside)
    return tuple(str(n) for n in (len(judged), len(judged) - len(outside), reasons, len(outside) - reasons))


def _section(rows: Sequence[Row]) -> Iterator[str]:
    reasons = list(dict.fromkeys(row.note for row in rows if row.note))
    head = ("item", "quantity", "unit", "published", "computed", "error", "band", "within")
    cells = [
        (
            row.item,
            row.quantity,
            row.unit,
            "" if row.published is None else f"{row.published:.5g}",
            f"{row.computed:.5g}",
            "" if row.error is None else f"{100 * row.error:+.1f} %",
            "" if row.band is None else f"{100 * row.band:.3g} %",
            {True: "yes", False: "no", None: ""}[row.within]
            + (f" ({reasons.index(row.note) + 1})" if row.note else ""),
        )
        for row in rows
    ]
    yield _pipes(head, cells, 3)
    if reasons:
        yield "".join(f"{n}. {reason}\n" for n, reason in enumerate(reasons, 1))


def _pipes(head: Sequence[str], rows: Sequence[Sequence[str]], text: int) -> str:
    """A Markdown table whose first `text` columns hold text, the others numbers."""
    rule = ["---"] * text + ["---:"] * (len(head) - text)
    lines = [head, rule, *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)
