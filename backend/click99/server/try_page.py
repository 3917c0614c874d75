"""The page at `/` and its API (docs/reference/try-page.md), behind the same auth as the rest."""

from __future__ import annotations

import math
from importlib.resources import files

from fastapi import BackgroundTasks, FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse
from fastapi.staticfiles import StaticFiles

from click99.files import json_bytes
from click99.labelstudio.image_cache import Image
from click99.labelstudio.payloads import parse
from click99.server.answering import room_for
from click99.server.middleware import Body
from click99.sessions import Sessions
from click99.try_page.masks import MaskAnswer, MaskQuestion, Part, as_png, mask_after, packed, part_of
from click99.try_page.pictures import PictureForgottenError, Pictures

STATIC = str(files("click99.try_page") / "static")
# What the page may load: its own parts, and the pictures that it was given.
POLICY = {"Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; frame-ancestors 'none'"}

SHOWN = {"image/png": {}, "image/jpeg": {}}


def add_try_page(app: FastAPI, pictures: Pictures, sessions: Sessions) -> None:
    """The page's files under /try/static, and its two questions. `/` itself is `page`'s, for browsers."""

    @app.post("/try/pictures")
    def add_picture(body: Body, later: BackgroundTasks) -> dict[str, str | int]:
        image = pictures.add(body)
        later.add_task(sessions.warm, image.key, image.pixels)
        height, width = image.pixels.shape[:2]
        return {"picture": image.key, "width": width, "height": height}

    @app.get("/try/pictures/{picture}", response_class=Response, responses={200: {"content": SHOWN}})
    def picture(picture: str, request: Request) -> Response:
        if not request.query_params:
            return Response(as_png(found(picture).pixels), media_type="image/png")
        part = parse(Part, json_bytes(dict(request.query_params)), "as docs/reference/try-page.md says")
        return Response(part_of(found(picture), part), media_type="image/jpeg")

    @app.post("/try/masks")
    def mask(body: Body) -> MaskAnswer:
        question = parse(MaskQuestion, body, "as docs/reference/try-page.md says")
        image = found(question.picture)
        with room_for(math.prod(image.pixels.shape[:2])):
            return packed(mask_after(sessions, image, question))

    def found(key: str) -> Image:
        try:
            return pictures.get(key)
        except PictureForgottenError as error:
            raise HTTPException(404, str(error)) from None

    app.mount("/try/static", StaticFiles(directory=STATIC))


def wants_page(request: Request) -> bool:
    """Whether a browser asks, not a program."""
    return "text/html" in request.headers.get("accept", "")


def page() -> Response:
    return FileResponse(f"{STATIC}/index.html", headers=POLICY)
