"""The JSON Schema of a chip file, for editors that complete and check while one types."""

from typing import Any

from chipwise.hardware.chip_model import ChipModel


def accelerator_schema() -> dict[str, Any]:
    """The schema of `accelerator.schema.json`, as plain containers.

    >>> accelerator_schema()["required"]
    ['name', 'clock', 'word', 'levels']
    """
    schema: dict[str, Any] = _tidy(ChipModel.model_json_schema())
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": "chipwise chip"}


def _tidy(node: Any) -> Any:
    """Without titles that repeat a key and defaults of null, which no file may write."""
    if isinstance(node, list):
        return [_tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    generated = {
        k for k, v in node.items() if (k == "title" and isinstance(v, str)) or (k == "default" and not v)
    }
    return {key: _tidy(value) for key, value in node.items() if key not in generated}
