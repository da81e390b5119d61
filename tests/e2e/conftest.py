"""Commands that succeed or fail, and a network that is mapped in no time."""

import pytest

from chipwise.cli.main import main

SMALL = """
name: small
layers:
  - {name: conv, conv: {M: 8, C: 4, P: 4, Q: 4, R: 3, S: 3}}
  - {name: fc, fc: {M: 10, C: 12}}
"""


@pytest.fixture
def run(capsys):
    """Run a command that succeeds; return what it prints."""

    def run(*arguments: str) -> str:
        assert main(arguments) == 0
        out, err = capsys.readouterr()
        assert err == ""
        return out

    return run


@pytest.fixture
def run_fails(capsys):
    """Run a command that fails with a code; return its one line on stderr."""

    def run_fails(code: int, *arguments: str) -> str:
        assert main(arguments) == code
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("error: ")
        assert err.count("\n") == 1
        assert "Traceback" not in err
        return err

    return run_fails


@pytest.fixture(scope="session")
def small(tmp_path_factory) -> str:
    """A network that is mapped in no time."""
    file = tmp_path_factory.mktemp("cli") / "small.yaml"
    file.write_text(SMALL, encoding="utf-8")
    return str(file)
