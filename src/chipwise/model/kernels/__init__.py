"""Compiled kernels, one module per family; importing this package places Numba's cache first.

Numba's on-disk cache does not notice when a callee in another module changes, so a kernel and everything
it calls live in one module, and the cache folder is named after a hash of all kernel sources: a new
version never meets an old binary, and installed packages stay read-only.
"""

import hashlib
import os
from pathlib import Path


def cache_folder() -> Path:
    """The user's cache folder of chipwise (CHIPWISE_CACHE, else XDG_CACHE_HOME, else ~/.cache)."""
    chosen = os.environ.get("CHIPWISE_CACHE")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "chipwise"


def sources_hash() -> str:
    """Hash of every kernel source, so that a changed kernel is compiled anew."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


os.environ.setdefault("NUMBA_CACHE_DIR", str(cache_folder() / f"numba-{sources_hash()}"))
