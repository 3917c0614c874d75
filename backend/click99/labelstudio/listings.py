"""What Label Studio's API tells, read as far as it is used: something else may answer at its address."""

from __future__ import annotations

from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from click99.labelstudio.errors import ApiError

Listing = TypeVar("Listing", bound=BaseModel)


class Release(BaseModel):
    release: str


class ProjectPage(BaseModel):
    """count: of all pages."""

    count: int
    results: list[dict[str, Any]]


class TaskPage(BaseModel):
    """total: of all pages."""

    total: int
    tasks: list[dict[str, Any]]


def told(kind: type[Listing], reply: Any, asked: str) -> Listing:
    """The reply to `asked` ("GET /api/tasks"); ApiError when it is none of Label Studio's."""
    try:
        return kind.model_validate(reply)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the reply"
        problem = f"{asked} is not answered as by Label Studio ({place}: {first['msg']})"
        raise ApiError("LABEL_STUDIO_URL", problem, "Set it to Label Studio's address") from None
