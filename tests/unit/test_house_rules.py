"""The house rules that no linter knows: lengths, compiled calls across modules, no code from data."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
FILES = SOURCES + sorted(p for d in ("tests", "benchmarks", "examples") for p in (ROOT / d).rglob("*.py"))

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60

# Numba compiles a family of kernels as one module, and inlining by hand is what makes them fast.
LONG_FILES = {"src/chipwise/model/kernels/search.py"}
LONG_KERNELS = {"src/chipwise/model/kernels/search.py": {"bound_columns", "leaf", "rank_moves", "search"}}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def length(function: Function) -> int:
    """Lines from `def` to the end, without the docstring."""
    assert function.end_lineno is not None
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        assert first.end_lineno is not None
        lines -= first.end_lineno - first.lineno + 1
    return lines


def is_compiled(function: Function) -> bool:
    """Whether a decorator of Numba's stands above it, with arguments or without."""
    for decorator in function.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        name = target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")
        if name in {"jit", "njit", "vectorize", "guvectorize", "cfunc", "stencil"}:
            return True
    return False


def ours(tree: ast.AST) -> set[str]:
    """Names under which a module knows parts of other chipwise modules."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (
            node.level or (node.module or "").split(".")[0] == "chipwise"
        ):
            found |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {
                (a.asname or a.name).split(".")[0] for a in node.names if a.name.split(".")[0] == "chipwise"
            }
    return found


def foreign_calls(source: str) -> list[str]:
    """Calls from compiled functions into other chipwise modules."""
    tree = ast.parse(source)
    imported = ours(tree)
    found = []
    for function in functions(tree):
        for call in ast.walk(function) if is_compiled(function) else ():
            if isinstance(call, ast.Call):
                root = call.func
                while isinstance(root, ast.Attribute):
                    root = root.value
                if isinstance(root, ast.Name) and root.id in imported:
                    found.append(f"{function.name} calls {ast.unparse(call.func)}")
    return found


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_files_are_short(path: Path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_FILE_LINES or name_of(path) in LONG_FILES, f"{lines} lines"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_functions_are_short(path: Path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    long = {f.name for f in functions(tree) if length(f) > MAX_FUNCTION_LINES}
    assert long <= LONG_KERNELS.get(name_of(path), set())


def test_only_kernels_are_listed_as_long():
    assert all(name.startswith("src/chipwise/model/kernels/") for name in (*LONG_FILES, *LONG_KERNELS))
    for name, listed in LONG_KERNELS.items():
        found = functions(ast.parse((ROOT / name).read_text(encoding="utf-8")))
        assert [f.name for f in found if f.name in listed and not is_compiled(f)] == []


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_compiled_code_calls_its_own_module_only(path: Path):
    """Numba's cache does not notice when a callee in another module changes and returns stale numbers."""
    assert foreign_calls(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("from chipwise.model.kernels.other import step", ["count calls step"]),
        ("from .other import step", ["count calls step"]),
        ("from elsewhere import step", []),
        ("def step(): ...", []),
    ],
)
def test_a_call_across_modules_is_seen(line: str, found: list[str]):
    assert (
        foreign_calls(f"{line}\n@nb.njit(cache=True)\ndef count():\n    return step() + len('a')\n") == found
    )


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_data_is_never_run_as_code(path: Path):
    banned = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in {"eval", "exec"}, f"line {node.lineno}"
        modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        assert not banned & {m.split(".")[0] for m in modules}, "a file from outside could run code"
