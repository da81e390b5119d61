"""Plain text for terminals, pipes and logs: tables whose columns line up, bars, shares.

Written by hand rather than with rich: the same characters come out wherever they go, nothing wraps at the
width of whoever looks, and so the README can be compared with what the commands print.
"""

from collections.abc import Collection, Sequence

NAME_WIDTH = 40
"""Longer names are cut in tables; JSON has them whole."""

_EIGHTHS = " ▏▎▍▌▋▊▉"


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    left: Collection[str] = (),
    foot: Sequence[str] | None = None,
) -> str:
    """Rows under their heads, numbers to the right; a `foot` stands below a line.

    Args:
        head: name of each column.
        rows: as many cells per row as there are heads.
        left: names of the columns that hold text.
        foot: a last row, such as totals.

    >>> print(table(["layer", "MACs"], [["conv1", "105M"], ["fc", "2M"]], left=["layer"]), end="")
    layer  MACs
    conv1  105M
    fc       2M
    """
    every = [head, *rows, *([foot] if foot else [])]
    cells = [[_cut(cell) for cell in row] for row in every]
    widths = [max(len(row[i]) for row in cells) for i in range(len(head))]
    lines = [
        "  ".join(
            cell.ljust(width) if name in left else cell.rjust(width)
            for cell, width, name in zip(row, widths, head, strict=True)
        ).rstrip()
        for row in cells
    ]
    if foot:
        lines.insert(-1, "-" * (sum(widths) + 2 * (len(widths) - 1)))
    return "".join(line + "\n" for line in lines)


def _cut(text: str) -> str:
    return text if len(text) <= NAME_WIDTH else text[: NAME_WIDTH - 3] + "..."


def bar(fraction: float, width: int = 24) -> str:
    """A bar of `fraction` x `width` characters, to an eighth of one.

    >>> bar(0.5, 5), bar(0.0)
    ('██▌', '')
    """
    eighths = round(max(0.0, min(1.0, fraction)) * width * 8)
    return ("█" * (eighths // 8) + _EIGHTHS[eighths % 8]).rstrip()


def percent(fraction: float) -> str:
    """A share for people: one decimal, and never 100 or 0 for what is not quite.

    >>> percent(0.1234), percent(0.0001), percent(1.0), percent(0.99999), percent(0.0)
    ('12.3 %', '<0.1 %', '100 %', '>99.9 %', '0 %')
    """
    if fraction in (0.0, 1.0):
        return f"{100 * fraction:.0f} %"
    if 0.0 < fraction < 0.0005:
        return "<0.1 %"
    if 0.9995 <= fraction < 1.0:
        return ">99.9 %"
    return f"{100 * fraction:.1f} %"


def shares(values: dict[str, float]) -> list[tuple[str, float, float]]:
    """(name, value, share of the sum), the largest first.

    >>> shares({"a": 1.0, "b": 3.0})
    [('b', 3.0, 0.75), ('a', 1.0, 0.25)]
    """
    total = sum(values.values())
    ordered = sorted(values.items(), key=lambda item: -item[1])
    return [(name, value, value / total if total else 0.0) for name, value in ordered]
