"""Whether a JSON document is a plan: the engine's own word first, then the schema, its description for other tools."""

from __future__ import annotations

import functools
import json
from importlib import resources
from typing import Any

from s3prod.errors import PlanError, one_line


@functools.cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    schema = json.loads(resources.files("s3prod").joinpath("schema/plan.schema.json").read_text("utf-8"))
    return Draft202012Validator(schema)


def _without_faults(text: str) -> str:
    """The plan as the engine gets it: the faults of a plan are a proxy's, which the engine does not see."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return text  # the engine says what is wrong
    if not isinstance(document, dict) or not isinstance(document.get("faults"), list):
        return text
    if all(isinstance(spec, str) for spec in document["faults"]):
        from s3prod.proxy import check_faults

        check_faults(document["faults"])
    return json.dumps({name: value for name, value in document.items() if name != "faults"})


def check_semantics(text: str) -> None:
    """Raises `PlanError` with field, value and what was expected when the engine does not accept the JSON text.

    >>> check_semantics('{"name": "p"}')
    Traceback (most recent call last):
    s3prod.errors.PlanError: ...
    """
    from s3prod import _native

    try:
        _native.plan_check(_without_faults(text))
    except ValueError as error:
        raise PlanError.of(one_line(str(error))) from None


def check_schema(document: object) -> None:
    """Raises `PlanError` with the field, its value and what was expected when the document is not a plan.

    >>> check_schema({"name": "p"})
    Traceback (most recent call last):
    s3prod.errors.PlanError: ...
    """
    from jsonschema.exceptions import best_match

    error = best_match(_validator().iter_errors(document))
    if error is not None:
        path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.absolute_path).lstrip(".")
        raise PlanError.of(f"{path or 'plan'}: {one_line(error.message, 240)}")
