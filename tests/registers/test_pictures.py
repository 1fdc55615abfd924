"""Photos, signatures and places of a register's rows: handed in, seen by whoever sees the row, printed, counted in lists, files, rules, snapshots."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import duckdb
import pyarrow as pa
import pypdfium2
import pytest
from django.db import connection
from django.test import Client
from PIL import Image
from psycopg import sql

from fangfanpin.accounts.models import User
from fangfanpin.accounts.reach import Reach
from fangfanpin.accounts.verbs import Verb
from fangfanpin.campaigns import clock
from fangfanpin.files.models import StoredFile
from fangfanpin.files.pictures import MOST_BYTES, NotAPicture, Upload, picture_of
from fangfanpin.files.services import path_of
from fangfanpin.households.models import Household
from fangfanpin.pack import Pack
from fangfanpin.quality import snapshot, snapshot_files, sweep
from fangfanpin.quality.models import Clue
from fangfanpin.quality.recheck import find_hits
from fangfanpin.quality.standing import FEW
from fangfanpin.records.current_year import current_year
from fangfanpin.records.models import Record
from fangfanpin.records.units import load_unit
from fangfanpin.registers import exporting, services
from fangfanpin.registers.definitions import Register
from fangfanpin.registers.scans import as_arrow
from fangfanpin.registers.services import Given
from tests.pictures import file, photo, signature
from tests.registers.added import SPOT, folder_in, judged_homes, put_in_force, sent, texts
from tests.registers.named import register

Acting = Callable[[str], Reach]
ClientAs = Callable[[str], Client]


@pytest.fixture
def pack(db: None, tmp_path: Path) -> Pack:
    put_in_force(folder_in(tmp_path))
    return current_year().pack


@pytest.fixture
def yards(pack: Pack) -> Register:
    return register(pack, "yard")


@pytest.fixture
def home(pack: Pack, acting: Acting) -> Household:
    return judged_homes(acting("village"))[0]


def add(client: Client, home: Household, **more: Any) -> UUID:
    answer = client.post("/registers/yard/new", sent(texts(home), **more))
    assert answer.status_code == 302, answer.content.decode().split('id="fault-')[1:2]
    return UUID(answer["Location"].strip("/").split("/")[-1])


def values_of(row: UUID, acting: Acting) -> dict[str, Any]:
    acting("system")
    values: dict[str, Any] = Record.objects.get(pk=row).values
    return values


def look(client: Client, address: str) -> tuple[int, bytes]:
    """Status and content of a file, read to its end, so that it is closed."""
    answer = client.get(address)
    return answer.status_code, b"".join(answer) if answer.streaming else answer.content


def named_on(page: str, item: str = "photos") -> list[str]:
    """Files that a form's page names again."""
    return [part.split('"')[0] for part in page.split(f'name="{item}.id" value="')[1:]]


# --- what is kept of a picture -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_photo_is_kept_upright_and_without_what_the_camera_wrote(kind: str) -> None:
    kept = picture_of(Upload(photo(kind, (3000, 1500)), "../../etc/我家.JPG"), called="照片")
    assert (kept.content_type, kept.name) == (f"image/{kind.lower()}", "我家.jpg" if kind == "JPEG" else "我家.png")
    with Image.open(BytesIO(kept.content)) as found:
        assert found.size == (1000, 2000), "turned, and no larger than a page needs"
        assert not found.getexif() and not {"exif", "comment", "icc_profile"} & found.info.keys()
    for trace in (b"Huawei", b"Exif", b"eXIf", b"Zhang San"):
        assert trace not in kept.content
    assert b"Huawei" in photo(kind)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"GIF89a" + bytes(40), "JPG、PNG"),
        (b"<html>", "JPG、PNG"),
        (b"", "JPG、PNG"),
        (photo()[:300], "打不开"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "打不开"),
        (b"\xff\xd8\xff" + bytes(40), "打不开"),
        (b"\xff\xd8\xff" + bytes(MOST_BYTES), "10 MB"),
    ],
)
def test_what_is_no_picture_is_refused_with_what_to_do(content: bytes, words: str) -> None:
    with pytest.raises(NotAPicture, match=words):
        picture_of(Upload(content, "x.jpg"), called="照片")


def test_a_pdf_is_evidence_but_no_signature() -> None:
    assert picture_of(Upload(b"%PDF-1.7 x", "表.exe"), called="照片").name == "表.pdf"
    with pytest.raises(NotAPicture, match="只能上传照片"):
        picture_of(Upload(b"%PDF-1.7 x", ""), called="照片", pdf=False)


# --- the form ----------------------------------------------------------------------------------------------------------


def test_photos_and_a_signature_are_kept_with_the_row_and_taken_out_again(home: Household, client_as: ClientAs, acting: Acting) -> None:
    village = client_as("village")
    photos = [file(photo()), file(photo(colour="red"), "b.png"), file(b"%PDF-1.7 x", "协议.pdf")]
    row = add(village, home, photos=photos, **{"signed.drawn": signature()})
    values = values_of(row, acting)
    assert [len(values[name]) for name in ("photos", "signed")] == [3, 1]
    kept = StoredFile.objects.filter(record_id=row)
    assert {(one.item, one.owner_id) for one in kept} == {("yard.photos", one.owner_id) for one in kept} | {("yard.signed", kept[0].owner_id)}
    page = village.get(f"/registers/rows/{row}/").content.decode()
    assert page.count("/small") == 3 and ">PDF<" in page, "a PDF has no small one"
    again = village.get(f"/registers/rows/{row}/edit").content.decode()
    assert named_on(again) == values["photos"] and named_on(again, "signed") == values["signed"]
    # One more, one out; the signature is signed anew.
    changed = sent(texts(home), photos=file(photo(colour="blue")), seen="1") | {
        "photos.id": values["photos"], "photos.drop": values["photos"][0], "signed.id": values["signed"], "signed.drawn": signature(),
    }  # fmt: skip
    assert village.post(f"/registers/rows/{row}/edit", changed).status_code == 302
    now = values_of(row, acting)
    assert now["photos"][:2] == values["photos"][1:] and len(now["photos"]) == 3
    assert len(now["signed"]) == 1 and now["signed"] != values["signed"]
    history = village.get(f"/registers/rows/{row}/").content.decode().split("修改记录")[-1]
    assert "现场照片：3 张 → 3 张（换了 1 张）" in history and values["photos"][0] in history
    status, content = look(village, f"/pictures/{values['photos'][0]}")
    assert (status, content[:3]) == (200, b"\xff\xd8\xff"), "what was taken out is still to be seen"
    assert village.post(f"/registers/rows/{row}/edit", sent(texts(home), seen="2") | {"signed.id": now["signed"]}).status_code == 302
    assert values_of(row, acting)["photos"] is None
    assert "3 张 → （空）" in village.get(f"/registers/rows/{row}/").content.decode()
    assert "1 张" not in village.get("/registers/yard/").content.decode()


def test_nothing_handed_in_is_lost_when_something_else_is_wrong(home: Household, client_as: ClientAs, acting: Acting) -> None:
    village = client_as("village")
    answer = village.post(
        "/registers/yard/new", sent(texts(home), photos=[file(photo()), file(photo(colour="red"))], area="半亩", **{"signed.drawn": signature()})
    )
    page = answer.content.decode()
    assert answer.status_code == 422 and "不是数字" in page
    photos, signed = named_on(page), named_on(page, "signed")
    assert (len(photos), len(signed)) == (2, 1) and f"/pictures/{photos[0]}/small" in page
    assert look(village, f"/pictures/{photos[0]}/small")[0] == 200
    assert look(client_as("county"), f"/pictures/{photos[0]}")[0] == 404, "nobody's row yet: only who handed it in"
    row = add(village, home, **{"photos.id": photos, "signed.id": signed})
    assert values_of(row, acting)["photos"] == photos
    assert look(client_as("county"), f"/pictures/{photos[0]}")[0] == 200


@pytest.mark.parametrize(
    ("sending", "item", "words"),
    [
        ({"photos": b"GIF89a"}, "photos", "只能上传照片（JPG、PNG）或 PDF"),
        ({"signed": b"%PDF-1.7"}, "signed", "只能上传照片（JPG、PNG）"),
        ({"signed.drawn": "data:image/png;base64,AAAA"}, "signed", "只能上传照片"),
        ({"signed.drawn": "javascript:alert(1)"}, "signed", "只能上传照片"),
        ({"signed.drawn": "data:image/png;base64,A"}, "signed", "签字没有传完整"),
        ({"photos.id": "0b7c1b0e-6f0a-4b5e-9f43-0d7c2f5b9a11"}, "photos", "请重新上传"),
        ({"photos.id": "../../etc/passwd"}, "photos", "请重新上传"),
    ],
)
def test_what_cannot_be_kept_is_told_at_its_field(
    home: Household, client_as: ClientAs, acting: Acting, sending: dict[str, Any], item: str, words: str
) -> None:
    more = {name: file(value) if isinstance(value, bytes) else value for name, value in sending.items()}
    answer = client_as("village").post("/registers/yard/new", sent(texts(home), **more))
    assert answer.status_code == 422
    assert words in answer.content.decode().split(f'id="fault-{item}"')[1].split("</div>")[0]
    acting("system")
    assert not Record.objects.filter(form="yard").exists()


def test_somebody_elses_pictures_cannot_be_named_and_twelve_are_enough(home: Household, client_as: ClientAs, acting: Acting) -> None:
    county, village = client_as("county"), client_as("village")
    row = add(county, home, photos=file(photo()))
    (theirs,) = values_of(row, acting)["photos"]
    answer = village.post("/registers/yard/new", sent(texts(home), plot_no="Y-02", **{"photos.id": theirs}))
    assert answer.status_code == 422 and "请重新上传" in answer.content.decode()
    answer = village.post("/registers/yard/new", sent(texts(home), plot_no="Y-02", photos=[file(photo(size=(9, 9))) for _ in range(13)]))
    assert answer.status_code == 422 and "最多 12 张" in answer.content.decode()


def test_two_people_at_one_row_keep_both_their_pictures(
    home: Household, yards: Register, pack: Pack, cast: dict[str, User], client_as: ClientAs, acting: Acting
) -> None:
    row = add(client_as("village"), home, photos=file(photo()))
    (first,) = values_of(row, acting)["photos"]
    # The village writes a remark on the page that it opened before the township added a photo.
    township = client_as("township")
    assert (
        township.post(f"/registers/rows/{row}/edit", sent(texts(home), seen="1", photos=file(photo(colour="red"))) | {"photos.id": first}).status_code
        == 302
    )
    both = values_of(row, acting)["photos"]
    assert (
        client_as("village").post(f"/registers/rows/{row}/edit", sent(texts(home), seen="1", remark="补") | {"photos.id": first}).status_code == 302
    )
    values = values_of(row, acting)
    assert (values["photos"], values["remark"]) == (both, "补")


# --- who sees them -----------------------------------------------------------------------------------------------------


def test_a_picture_is_seen_by_whoever_sees_its_row_and_by_nobody_else(
    home: Household, cast: dict[str, User], client_as: ClientAs, acting: Acting
) -> None:
    row = add(client_as("village"), home, photos=file(photo()))
    (picture,) = values_of(row, acting)["photos"]
    for name in ("county", "township", "village", "helper", "department", "inspector", "auditor", "admin"):
        client, reach = client_as(name), acting(name)
        seen = client.get(f"/registers/rows/{row}/").status_code
        sensitive = reach.allows(Verb.SENSITIVE_VIEW, village_code=home.village_code, household_id=home.pk)
        expected = 404 if seen == 200 and not sensitive else seen
        for address in (f"/pictures/{picture}", f"/pictures/{picture}/small"):
            assert look(client, address)[0] == expected, (name, address)
        assert client.get(f"/files/{picture}").status_code == 404, name
        if seen == 200:
            page = client.get(f"/registers/rows/{row}/").content.decode()
            assert (picture in page) == sensitive and (sensitive or "1 张" in page), name
    answer = client_as("village").get(f"/pictures/{picture}")
    assert b"".join(answer)[:2] == b"\xff\xd8"
    assert answer["X-Content-Type-Options"] == "nosniff" and answer["Content-Type"] == "image/jpeg"
    assert answer["Content-Disposition"].startswith("inline") and answer["Cache-Control"] == "no-store"
    assert Client().get(f"/pictures/{picture}").status_code == 302
    assert client_as("village").get(f"/pictures/{uuid4()}").status_code == 404


def test_the_village_next_door_sees_none(home: Household, client_as: ClientAs, acting: Acting, cast: dict[str, User]) -> None:
    acting("county")
    far = Household.objects.filter(kind="assisted").exclude(village_code=home.village_code).order_by("code")[0]
    row = add(client_as("county"), far, photos=file(photo()))
    (picture,) = values_of(row, acting)["photos"]
    assert look(client_as("county"), f"/pictures/{picture}")[0] == 200
    assert look(client_as("village"), f"/pictures/{picture}")[0] == 404
    acting("system")
    path_of(StoredFile.objects.get(pk=picture)).rename(path_of(StoredFile.objects.get(pk=picture)).with_suffix(".away"))
    assert look(client_as("county"), f"/pictures/{picture}")[0] == 404


# --- paper, files ------------------------------------------------------------------------------------------------------


def test_the_printed_row_shows_photos_and_the_signature_at_its_line(home: Household, client_as: ClientAs) -> None:
    village = client_as("village")
    bare = village.get(f"/registers/rows/{add(village, home)}/paper").content
    row = add(village, home, plot_no="Y-02", photos=[file(photo()), file(photo(colour="red")), file(b"%PDF-1.7 x")], **{"signed.drawn": signature()})
    full = village.get(f"/registers/rows/{row}/paper").content

    def pictures(content: bytes) -> int:
        return sum(1 for page in pypdfium2.PdfDocument(content) for found in page.get_objects() if found.type == pypdfium2.raw.FPDF_PAGEOBJ_IMAGE)

    assert (pictures(bare), pictures(full)) == (0, 3)
    text = "".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(full))
    assert "农户签字：" in text and "3 张" in text and SPOT in text


def test_files_say_how_many(yards: Register, pack: Pack, home: Household, client_as: ClientAs, acting: Acting, tmp_path: Path) -> None:
    add(client_as("village"), home, photos=[file(photo()), file(photo(colour="red"))])
    for name in ("county", "inspector"):
        table = exporting.table_of(yards, pack, acting(name), exporting.Wish(format="csv"))
        titles = [column.title for column in table.columns]
        (line,) = list(table.rows)
        assert line[titles.index("现场照片")] == "2 张" and line[titles.index("农户签字")] == "", name
        assert line[titles.index("地块位置")] == (SPOT if name == "county" else "＊＊＊")


# --- rules, snapshots --------------------------------------------------------------------------------------------------


def test_a_rule_asks_whether_there_are_any(home: Household, client_as: ClientAs, acting: Acting) -> None:
    village = client_as("village")

    def states() -> list[str]:
        acting("village")
        return list(Clue.objects.filter(rule_id="D004", household=home).values_list("state", flat=True))

    row = add(village, home, photos=file(photo()))
    assert states() == ["open"], "no signature"
    photos = values_of(row, acting)["photos"]
    more = sent(texts(home), seen="1", **{"signed.drawn": signature()}) | {"photos.id": photos}
    assert village.post(f"/registers/rows/{row}/edit", more).status_code == 302
    assert states() == ["closed"]


def test_the_engines_see_how_many_there_are(pack: Pack, home: Household, client_as: ClientAs, acting: Acting) -> None:
    village = client_as("village")
    add(village, home)
    add(village, home, plot_no="Y-02", photos=[file(photo()), file(photo(colour="red"))], **{"signed.drawn": signature()})
    acting("county")
    rules = [rule for rule in pack.rules if rule.id == "D004"]
    one_by_one = find_hits(load_unit(home, 2021), pack, only=lambda rule: rule.id == "D004")
    with snapshot.within(2021, pack, rules, [home.pk]) as database:
        by_sets = sweep.find_hits(database, pack, clock.now(clock.current()).date(), rules=rules)
        held = database.sql("SELECT photos, signed FROM yard ORDER BY photos NULLS FIRST").fetchall()
    assert held == [(None, None), (2, 1)]
    assert [hit.subject_id for hit in by_sets] == [hit.subject_id for hit in one_by_one] and len(by_sets) == 1


def test_what_goes_up_tells_how_many_pictures_and_no_exact_place(
    pack: Pack, yards: Register, home: Household, cast: dict[str, User], acting: Acting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reach = acting("county")
    spots = [f"33.31{place:04d}, 117.313422" for place in range(FEW)] + ["33.517612, 117.513422"]
    for number, spot in enumerate(spots):
        given = {"household_id": Given(chosen=(str(home.pk),)), "plot_no": Given((f"Y-{number}",)), "spot": Given((spot,))}
        services.add(register=yards, pack=pack, year=2021, record_id=uuid4(), given=given, sure=True, by=cast["county"], reach=reach)

    @contextmanager
    def reading(scans: Mapping[str, sql.Composed]) -> Iterator[Mapping[str, pa.Table]]:
        """As this transaction sees them: nothing of it is committed."""
        raw = {}
        with connection.cursor() as cursor:
            for name, scan in scans.items():
                cursor.execute(scan)
                raw[name] = as_arrow(cursor)
        yield raw

    monkeypatch.setattr(snapshot, "scanned", reading)
    campaign = clock.current()

    def rows(kind: str) -> list[tuple[Any, ...]]:
        today = clock.now(campaign).date()
        snapshot_files.write(kind, tmp_path / kind, year=2021, today=today, pack=pack, sources=campaign.pack.sources)
        with duckdb.connect() as database:
            table = database.read_parquet(str(tmp_path / kind / "county=340323" / "yard.parquet"))
            return table.project("spot, photos").order("spot").fetchall()

    assert rows("county") == [(spot, None) for spot in sorted(spots)]
    assert rows("upward") == [("33.31, 117.31", None)] * FEW + [(None, None)]


def test_a_place_is_typed_in_several_ways_and_kept_in_one(pack: Pack) -> None:
    item = pack.indicators["yard.spot"]
    for text in (
        "33.317612, 117.313422", "33.317612,117.313422", " 33.317612　117.313422 ", "３３．３１７６１２，１１７．３１３４２２",
        "北纬33.317612 东经117.313422",
        "N33.317612 E117.313422", "纬度：33.317612，经度：117.313422", "33.317612°N, 117.313422°E", "33.31761200，117.31342200",
        "33.3176121 117.3134219",
    ):  # fmt: skip
        assert pack.parse_text(item, text) == SPOT, text
    assert pack.check_json(item, SPOT) is None
    for wrong in ("33.317612,117.313422", "33.3176, 117.3134", "99.317612, 117.313422", 33, ["x"]):
        assert pack.check_json(item, wrong), wrong
