"""Publish a pack, and get the pack that a campaign stands on."""

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path

from django.db import transaction

from fangfanpin.accounts.language import speaks_english
from fangfanpin.accounts.models import Role, User
from fangfanpin.pack import Indicator, Pack, load_pack
from fangfanpin.pack.files import write_sources
from fangfanpin.policy.models import PublishedPack

_LOADED_AT_ONCE = 4
AfterPublish = Callable[[Pack], None]
_after_publish: list[AfterPublish] = []


def register_after_publish(hook: AfterPublish) -> None:
    """A higher app that keeps something made of the pack (typed columns of registers) makes it here, in the same transaction."""
    _after_publish.append(hook)


@transaction.atomic
def publish(*, pack: Pack, directory: Path, by: User | None) -> PublishedPack:
    """Keep a checked pack as an immutable version and write its roles into accounts. The same content is published once."""
    known = PublishedPack.objects.filter(hash=pack.hash).first()
    if known is not None:
        _write_roles(pack)
        return known
    latest = PublishedPack.objects.filter(pack_id=pack.id).order_by("-version").first()
    published = PublishedPack.objects.create(
        pack_id=pack.id,
        version=latest.version + 1 if latest else 1,
        title=pack.title,
        hash=pack.hash,
        content=pack.to_json(),
        sources=sources_in(pack, directory),
        published_by=by,
    )
    _write_roles(pack)
    for hook in _after_publish:
        hook(pack)
    return published


def sources_in(pack: Pack, directory: Path) -> dict[str, str]:
    """Text of every file of the pack and of those it extends, by path relative to the packs' folder."""
    root = directory.parent
    return {
        str(path.relative_to(root)): path.read_text(encoding="utf-8")
        for pack_id in pack.chain
        for path in sorted((root / pack_id).rglob("*"))
        if path.is_file() and path.suffix in {".csv", ".toml"}
    }


def _write_roles(pack: Pack) -> None:
    for position, role in enumerate(pack.roles):
        Role.objects.update_or_create(
            key=role.key,
            defaults={
                "title": role.title,
                "title_en": role.title_en,
                "level": role.level,
                "verbs": sorted(role.verbs),
                "by_pairing": role.by_pairing,
                "position": position,
            },
        )


def sources_of(published: PublishedPack) -> dict[str, str]:
    """The files that a published pack was read from: {path relative to the packs' folder: text}. Deferred by most queries: megabytes."""
    found: dict[str, str] = published.sources
    return found


def pack_of(published: PublishedPack) -> Pack:
    """The loaded pack of a published version, kept in memory by hash."""
    return _load(published.hash)


def spoken(pack: Pack) -> Pack:
    """The pack in the language of who is being answered: for screens and messages, never for what is stored, printed or filed."""
    return pack.english if speaks_english() else pack


@functools.lru_cache(maxsize=1000)
def item_as_of(pack_hash: str, key: str) -> Indicator | None:
    """An item (form.name) as a published version had it: what a value means whose item the pack in force no longer has. Where that version had none,
    for the value was computed under a later one, as the newest that did."""
    if PublishedPack.objects.filter(hash=pack_hash).exists() and (found := _load(pack_hash).indicators.get(key)) is not None:
        return found
    form, _dot, name = key.partition(".")
    having = PublishedPack.objects.filter(**{f"content__forms__{form}__indicators__contains": [{"name": name}]}).order_by("-published_at")
    newest = having.values_list("hash", flat=True).first()
    return _load(newest).indicators.get(key) if newest is not None else None


@functools.lru_cache(maxsize=_LOADED_AT_ONCE)
def _load(pack_hash: str) -> Pack:
    published = PublishedPack.objects.get(hash=pack_hash)
    with tempfile.TemporaryDirectory() as folder:
        write_sources(sources_of(published), Path(folder))
        return load_pack(Path(folder) / published.pack_id)
