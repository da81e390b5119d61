"""Write into README.md and docs/*.md what the commands print; with --check, say what differs instead.

Kept up to date, and so checked by tests/e2e/test_docs.py:
- ```console blocks: every `$ chipwise ...` is run (`| head -N` and `| tail -N` cut it) and its output put below;
- ```python blocks with `>>>`: run as in a session, one session per file, with what it answers;
- ```yaml blocks below `<!-- examples/x.yaml -->`: the content of that file;
- pictures in docs/ that `pictures` draws;
- what stands below `<!-- chipwise validate -->`, to the end of the file: every figure as a table;
- links `(path#L7 "text")`: the number of the first line of that file that holds the text.
"""
# ruff: noqa: INP001 - a script beside documents, not a package

import contextlib
import difflib
import doctest
import io
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import chipwise
from chipwise.analysis.validation import validate
from chipwise.cli.main import main
from chipwise.report.html.eyexam import waterfall
from chipwise.report.roofline import roofline_svg
from chipwise.report.svg import document
from chipwise.report.validation import validation_markdown

ROOT = Path(__file__).resolve().parents[1]

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FILE = re.compile(r"^(<!-- (examples/\S+) -->\n```yaml\n).*?^```$", re.MULTILINE | re.DOTALL)
_FIGURES = "<!-- chipwise validate -->\n"
_LINK = re.compile(r'\]\(([^)#\s]+)#L\d+ "([^"]+)"\)')
_CUT = re.compile(r"(.*?) \| (head|tail) -(\d+)")


def pictures() -> dict[str, str]:
    """Names of the pictures in docs/ that commands draw, and what is in them."""
    result = chipwise.evaluate("alexnet", "eyeriss")
    exam = chipwise.eyexam_of(result)
    return {
        "eyexam.svg": document(waterfall(exam)),
        "roofline.svg": roofline_svg(chipwise.roofline(result, exam)),
    }


def documents() -> list[Path]:
    """The README and all documents."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def refreshed(path: Path) -> str:
    """The text of `path` with everything in it that a command can produce produced anew."""
    session: dict[str, Any] = {"__name__": "__main__"}

    def block(match: re.Match[str]) -> str:
        language, content = match[1], match[2]
        if language == "console":
            content = _console(content)
        elif language == "python" and ">>>" in content:
            content = _python(content, session)
        return f"```{language}\n{content}```"

    def file(match: re.Match[str]) -> str:
        return match[1] + (ROOT / match[2]).read_text(encoding="utf-8") + "```"

    def link(match: re.Match[str]) -> str:
        lines = (path.parent / match[1]).read_text(encoding="utf-8").splitlines()
        line = next(i for i, text in enumerate(lines, 1) if match[2] in text)
        return f']({match[1]}#L{line} "{match[2]}")'

    with contextlib.chdir(ROOT):
        text = _FILE.sub(file, path.read_text(encoding="utf-8"))
        if _FIGURES in text:
            text = text.partition(_FIGURES)[0] + _FIGURES + validation_markdown(validate())
        return _LINK.sub(link, _BLOCK.sub(block, text))


def _console(content: str) -> str:
    commands = [line[2:] for line in content.splitlines() if line.startswith("$ ")]
    return "".join(f"$ {command}\n{_output(command)}" for command in commands)


def _output(command: str) -> str:
    """What a command prints; anything but chipwise is only shown."""
    cut = _CUT.fullmatch(command)
    program, *arguments = shlex.split(cut[1] if cut else command)
    if program != "chipwise":
        return ""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(arguments)
    lines = (out.getvalue() + err.getvalue()).splitlines(keepends=True)
    if code not in (0, 1, 2):
        raise RuntimeError(f"{command}: exit code {code}\n{''.join(lines)}")
    if cut:
        lines = lines[: int(cut[3])] if cut[2] == "head" else lines[-int(cut[3]) :]
    return "".join(lines).rstrip("\n") + "\n"


def _python(content: str, session: dict[str, Any]) -> str:
    written = []
    for part in doctest.DocTestParser().parse(content):
        if isinstance(part, str):
            written.append(part)
            continue
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(part.source, "<document>", "single"), session)  # noqa: S102 - our own documents
        first, *more = part.source.splitlines()
        written.append(
            f">>> {first}\n" + "".join(f"... {line}".rstrip() + "\n" for line in more) + out.getvalue()
        )
    return "".join(written)


def run(*, check: bool) -> int:
    """Rewrite the documents, or print how they differ; the exit code."""
    stale = 0
    for name, drawn in pictures().items():
        file = ROOT / "docs" / name
        if file.exists() and file.read_text(encoding="utf-8") == drawn:
            continue
        stale += 1
        sys.stdout.write(f"docs/{name}: {'differs' if check else 'drawn'}\n")
        if not check:
            file.write_text(drawn, encoding="utf-8")
    for path in documents():
        old, new = path.read_text(encoding="utf-8"), refreshed(path)
        if old == new:
            continue
        stale += 1
        name = path.relative_to(ROOT).as_posix()
        if check:
            sys.stdout.writelines(
                difflib.unified_diff(old.splitlines(True), new.splitlines(True), name, "now")
            )
        else:
            path.write_text(new, encoding="utf-8")
            sys.stdout.write(f"{name}: refreshed\n")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(run(check="--check" in sys.argv[1:]))
