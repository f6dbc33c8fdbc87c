"""What all pages are shown with: their style and icon."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bannette.web.rendering import ICON, STYLE


async def _style(request: Request) -> Response:
    return Response(STYLE, media_type="text/css")


async def _icon(request: Request) -> Response:
    return Response(ICON, media_type="image/svg+xml")


ROUTES = (
    Route("/static/style.css", _style, methods=["GET"]),
    Route("/static/icon.svg", _icon, methods=["GET"]),
)
