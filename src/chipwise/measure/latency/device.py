"""What a timing depends on besides the layer: the processor and the versions."""

import ctypes
import platform
from functools import cache
from importlib.metadata import version
from pathlib import Path


def processor() -> str:
    """The processor's name, as the system tells it."""
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() in {"model name", "Model", "Hardware"}:
                return value.strip()
    return platform.processor() or platform.machine()


def cpu_provenance(packages: tuple[str, ...]) -> dict[str, object]:
    """Processor, system and versions."""
    return {
        "device": processor(),
        "system": platform.system(),
        "versions": {name: version(name) for name in packages},
    }


@cache
def keep_memory() -> bool:
    """Have the C library keep freed memory for the rest of the process; whether it does.

    By default glibc gives large buffers back and asks for them again, and each new page costs a fault: the same
    layer then takes 250 or 400 us, depending on what was allocated before it. Other C libraries are left alone.
    """
    trim_threshold, mmap_threshold = -1, -3  # of malloc.h
    try:
        change = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return False
    return bool(change(mmap_threshold, 32 * 2**20) and change(trim_threshold, 2**30))
