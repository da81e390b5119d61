"""A better network: pruning, NetAdapt; `chipwise.adapt(...)` runs them by name.

The package can be called because the function and the folder share their name, which is the word for both.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """As `chipwise.adapt.run.adapt`."""
        return import_module("chipwise.adapt.run").adapt(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
