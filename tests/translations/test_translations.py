"""English is complete: every Chinese message of code and templates has its translation, and no template says Chinese past it."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import polib
import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "fangfanpin"
CATALOGUE = PACKAGE / "locale" / "en" / "LC_MESSAGES" / "django.po"
CHINESE = re.compile(r"[\u4e00-\u9fff]+")
# Shown when nothing works, without a language; and the name a language has in itself.
PAST_TRANSLATION = {"500.html": None, "base.html": {"中文"}, "me.html": {"中文"}}


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> polib.POFile:
    """The catalogue renewed in a copy, as `makemessages` would renew it."""
    copy = tmp_path_factory.mktemp("messages") / "fangfanpin"
    for path in PACKAGE.rglob("*"):
        if path.suffix in {".py", ".html"} and "migrations" not in path.parts:
            target = copy / path.relative_to(PACKAGE)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    catalogue = copy / CATALOGUE.relative_to(PACKAGE)
    catalogue.parent.mkdir(parents=True)
    shutil.copyfile(CATALOGUE, catalogue)
    environment = {**os.environ, "FFP_WITHOUT_COUNTY": "1", "DJANGO_SETTINGS_MODULE": "fangfanpin.settings", "PYTHONPATH": str(PACKAGE.parent)}
    command = [sys.executable, "-m", "django", "makemessages", "-l", "en", "--no-wrap", "--add-location", "file"]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return polib.pofile(str(catalogue))


def _listed(entries: list[polib.POEntry]) -> str:
    return "\n".join(f"{entry.msgid!r}  ({', '.join(place for place, _line in entry.occurrences)})" for entry in entries)


def test_every_message_of_the_code_has_its_english(extracted: polib.POFile) -> None:
    known = {entry.msgid for entry in polib.pofile(str(CATALOGUE)) if entry.translated()}
    missing = [entry for entry in extracted if not entry.obsolete and entry.msgid not in known]
    assert not missing, f"renew the catalogue (its first lines say how) and translate:\n{_listed(missing)}"


def test_no_translation_is_a_guess_or_still_chinese() -> None:
    entries = [entry for entry in polib.pofile(str(CATALOGUE)) if not entry.obsolete]
    # Words one must find or write there: 本人或户主, the national system's module, headers of a roster.
    quoted = re.compile("本人或户主|户年度基础信息更新|乡镇|行政村")
    bad = [entry for entry in entries if entry.fuzzy or CHINESE.search(quoted.sub("", entry.msgstr + "".join(entry.msgstr_plural.values())))]
    assert not bad, _listed(bad)


def test_a_translation_fills_in_what_its_message_fills_in() -> None:
    slot = re.compile(r"%\(\w+\)[sd]|\{\w+\}|%%")
    bad = []
    for entry in polib.pofile(str(CATALOGUE)):
        for translated in [entry.msgstr] if not entry.msgstr_plural else entry.msgstr_plural.values():
            if not entry.obsolete and sorted(slot.findall(entry.msgid)) != sorted(slot.findall(translated)):
                bad.append(entry)
    assert not bad, _listed(bad)


_TRANSLATED = re.compile(
    r"""\{%\s*(?:blocktranslate|blocktrans)\b.*?\{%\s*end(?:blocktranslate|blocktrans)\s*%\}
      | \{%\s*(?:translate|trans)\s+(?:"[^"]*"|'[^']*').*?%\}
      | _\((?:"[^"]*"|'[^']*')\)
      | \{\#.*?\#\}
      | \{%\s*comment\s*%\}.*?\{%\s*endcomment\s*%\}""",
    re.DOTALL | re.VERBOSE,
)


def _past_translation(path: Path) -> set[str]:
    allowed = PAST_TRANSLATION.get(path.name, set())
    return set() if allowed is None else set(CHINESE.findall(_TRANSLATED.sub("", path.read_text(encoding="utf-8")))) - allowed


def test_templates_say_no_chinese_past_translation() -> None:
    found = {str(path.relative_to(PACKAGE)): words for path in sorted(PACKAGE.glob("*/templates/**/*.html")) if (words := _past_translation(path))}
    assert not found


def test_the_check_of_templates_sees_chinese_past_translation(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    translated = """{% translate '户' %}{{ x|default:_("空") }}{# 注 #}{% blocktranslate with a=b %}共{{ a }}{% endblocktranslate %}"""
    page.write_text(translated, encoding="utf-8")
    assert _past_translation(page) == set()
    page.write_text("""{% translate '户' %}<p title="说明">{{ x|default:"空" }}</p>""", encoding="utf-8")
    assert _past_translation(page) == {"说明", "空"}
