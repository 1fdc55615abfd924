"""`fangfanpin routes`: every URL with its methods and the permission it declares. Needs no database."""

import argparse
import importlib
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from django.urls import get_resolver
from django.urls.resolvers import URLPattern, URLResolver

from fangfanpin.cli import Answer, Command, CommandFault


@dataclass(frozen=True, slots=True)
class Route:
    """`permission` is a verb, "signed_in" or "public"; empty when the view declares none, which is a fault."""

    path: str
    name: str
    methods: tuple[str, ...]
    permission: str
    view: str


def routes() -> list[Route]:
    """Every URL pattern, in the order Django tries them. Django must be set up."""
    return list(_walk(get_resolver().url_patterns, "", ""))


def _walk(patterns: list[URLPattern | URLResolver], before: str, names: str) -> Iterator[Route]:
    for pattern in patterns:
        path = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, path, f"{names}{pattern.namespace}:" if pattern.namespace else names)
            continue
        view = pattern.callback
        yield Route(
            path=f"/{path}",
            name=names + (pattern.name or ""),
            methods=tuple(getattr(view, "allowed_methods", ())),
            permission=str(getattr(view, "required_permission", "")),
            view=f"{view.__module__}.{getattr(view, '__qualname__', type(view).__name__)}",
        )


def _nothing(_parser: argparse.ArgumentParser) -> None:
    return None


def _routes(_arguments: argparse.Namespace) -> Answer:
    os.environ.setdefault("FFP_WITHOUT_COUNTY", "1")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fangfanpin.settings")
    importlib.import_module("django").setup()
    found = routes()
    undeclared = [route for route in found if not route.permission or not route.methods]
    if undeclared:
        names = "\n".join(f"  {route.path} ({route.view})" for route in undeclared)
        raise CommandFault(f"这些网址没有写明所需权限 (no declared permission)：\n{names}")
    width = max(len(route.path) for route in found)
    lines = [f"{route.path:<{width}}  {','.join(route.methods):<10} {route.permission}" for route in found]
    return Answer({"routes": [asdict(route) for route in found]}, "\n".join(lines))


COMMANDS = {"routes": Command(_nothing, _routes)}
