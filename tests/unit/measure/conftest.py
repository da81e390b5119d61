"""Commands, as in the end-to-end tests."""

from tests.e2e.conftest import run, run_fails

__all__ = ["run", "run_fails"]
