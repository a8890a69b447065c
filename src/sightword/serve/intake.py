"""The body of a request: JSON, or a form with the same fields and pictures beside them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException

from sightword.pictures.names import display
from sightword.serve.problems import Refused
from sightword.serve.settings import Settings

__all__ = ["Upload", "body_schema", "parse"]

Model = TypeVar("Model", bound=BaseModel)

_MOST_FIELDS = 64
_LONGEST_FIELD = 64 << 10
_LONGEST_NAME = 80


class Upload(bytes):
    """The content of an uploaded file, which knows the file's name for sentences about it."""

    name: str

    def __new__(cls, data: bytes, name: str) -> Upload:
        """`data`, called `name`."""
        made = super().__new__(cls, data)
        made.name = name
        return made


async def parse(
    request: Request, model: type[Model], settings: Settings, files: tuple[str, ...] = ()
) -> tuple[Model, dict[str, list[bytes]]]:
    """Read and check a request's body.

    Parameters
    ----------
    request : Request
    model : type of BaseModel
    settings : Settings
    files : tuple of str
        Names of fields that hold pictures.

    Returns
    -------
    model, dict of lists of bytes
        The pictures by field.

    Raises
    ------
    Refused
        400, 413, 415.
    pydantic.ValidationError
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return model.model_validate_json(await request.body()), {name: [] for name in files}
    if kind != "multipart/form-data" or not files:
        accepted = "application/json or multipart/form-data" if files else "application/json"
        raise Refused(415, f"The body is {accepted}.", kind="usage")
    try:
        async with request.form(
            max_files=settings.max_files, max_fields=_MOST_FIELDS, max_part_size=_LONGEST_FIELD
        ) as form:
            pictures = {name: await _pictures(form, name, settings) for name in files}
            fields = _fields(form, model, files)
    except (HTTPException, MultiPartException) as error:
        detail = str(getattr(error, "detail", error)).rstrip(".")
        raise Refused(400, f"The form cannot be read: {detail}.", kind="usage") from None
    return model.model_validate(fields), pictures


async def _pictures(form: FormData, name: str, settings: Settings) -> list[bytes]:
    found: list[bytes] = []
    for number, item in enumerate(form.getlist(name), start=1):
        if not isinstance(item, UploadFile):
            hint = "Indexed pictures go into `images`."
            raise Refused(422, f"{name}: a picture is sent as a file.", hint, kind="usage")
        called = _called(item.filename or "") or f"{name} {number}"
        if (item.size or 0) > settings.max_file:
            limit = f"{settings.max_file >> 20} MiB"
            raise Refused(413, f"{called}: The file is larger than {limit}.", kind="picture")
        found.append(Upload(await item.read(), called))
    return found


def _called(filename: str) -> str:
    """The last part of a file's name, fit to be shown."""
    name = display(filename.replace("\\", "/").rpartition("/")[2]).strip()
    return name if len(name) <= _LONGEST_NAME else f"{name[:_LONGEST_NAME]}..."


def _fields(form: FormData, model: type[BaseModel], files: tuple[str, ...]) -> Mapping[str, Any]:
    """Plain fields as JSON has them: repeated ones are lists, empty ones are left out."""
    fields: dict[str, Any] = {}
    for name in {name for name, _ in form.multi_items()} - set(files):
        values = form.getlist(name)
        if any(isinstance(value, UploadFile) for value in values):
            raise Refused(422, f"{name}: this field takes no file.", kind="usage")
        values = [value for value in values if value != ""]
        declared = model.model_fields.get(name)
        listed = declared is not None and "list[" in str(declared.annotation)
        if listed:
            fields[name] = values
        elif len(values) > 1:
            raise Refused(422, f"{name}: this field can be given once.", kind="usage")
        elif values:
            fields[name] = values[0]
    return fields


def body_schema(model: type[BaseModel], files: tuple[str, ...] = ()) -> dict[str, Any]:
    """The OpenAPI description of such a body."""
    reference = {"$ref": f"#/components/schemas/{model.__name__}"}
    content: dict[str, Any] = {"application/json": {"schema": reference}}
    if files:
        picture = {"type": "array", "items": {"type": "string", "format": "binary"}, "maxItems": 8}
        beside = {"type": "object", "properties": dict.fromkeys(files, picture)}
        content["multipart/form-data"] = {"schema": {"allOf": [reference, beside]}}
    return {"requestBody": {"required": True, "content": content}}
