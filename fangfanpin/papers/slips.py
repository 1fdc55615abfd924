"""First passwords on paper slips, eight to a page."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from fangfanpin.papers.render import render


@dataclass(frozen=True, slots=True)
class Slip:
    """One person's slip. `posts`: every post with its place, as many as they hold."""

    name: str
    unit: str
    posts: tuple[str, ...]
    username: str
    password: str
    site: str


def render_slips(slips: Sequence[Slip]) -> bytes:
    """PDF with cut lines; the passwords are kept nowhere else."""
    return render("slips", {"slips": [asdict(slip) for slip in slips]})
