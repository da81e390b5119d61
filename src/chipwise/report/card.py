"""A benchmark card as Markdown: specifications with who says so, what is missing, gates."""

from chipwise.analysis.card import MISSING, Card, Entry


def card_markdown(card: Card) -> str:
    """The whole answer to `chipwise card`."""
    return "\n".join(
        (f"# {card.accelerator} on {card.network}\n", _table(card), _coverage(card), _gates(card))
    )


def _table(card: Card) -> str:
    lines = ["| metric | specification | value | how known |", "|---|---|---|---|"]
    before = ""
    for e in card.entries:
        note = f" ({e.note})" if e.note and e.how != MISSING else ""
        lines.append(
            f"| {'' if e.metric == before else e.metric} | {e.name} | {_value(e)} | {_safe(e.how + note)} |"
        )
        before = e.metric
    return "\n".join(lines) + "\n"


def _value(entry: Entry) -> str:
    if entry.value is None:
        return "**missing**"
    shown = f"{entry.value:.4g}" if isinstance(entry.value, float) else str(entry.value)
    return _safe(f"{shown} {entry.unit}".strip())


def _safe(text: str) -> str:
    """Text that stays in its cell, whatever names users give."""
    return " ".join(text.replace("|", "\\|").split())


def _coverage(card: Card) -> str:
    filled = len(card.entries) - len(card.missing)
    missing = f"; missing: {', '.join(card.missing)}" if card.missing else ""
    return f"{filled} of {len(card.entries)} specifications{missing}\n"


def _gates(card: Card) -> str:
    if not card.gates:
        return "no requirements given\n"
    lines = []
    for number, gate in enumerate(card.gates, 1):
        verdict = {True: "passed", False: "**failed**", None: "**not known**"}[gate.met]
        lines.append(f"{number}. {gate.stage}: {_safe(gate.requirement)}: {verdict} ({_safe(gate.value)})")
    failed = card.fails_at
    end = "passes every gate" if failed is None else f"fails at {failed.stage}: {_safe(failed.requirement)}"
    return "\n".join([*lines, "", f"{card.accelerator} on {card.network} {end}"]) + "\n"
