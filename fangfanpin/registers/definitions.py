"""A form of the pack as a register: what its lists show, filter, sort and search, and which reference names its subject."""

from dataclasses import dataclass
from functools import cached_property

from fangfanpin.pack import Indicator, Pack
from fangfanpin.pack.dictionary import SLOT_MARKS, subject_item
from fangfanpin.pack.model import Form
from fangfanpin.pack.once import once_per_pack


@dataclass(frozen=True)
class Register:
    """`subject`: the reference that says whose row it is. The tuples follow the dictionary's order; the subject, which leads every line of a list,
    is none of `columns`."""

    form: Form
    subject: Indicator
    columns: tuple[Indicator, ...]
    filters: tuple[Indicator, ...]
    sorts: tuple[Indicator, ...]
    searched: tuple[Indicator, ...]
    labels: tuple[Indicator, ...]
    unique: tuple[Indicator, ...]
    marked: tuple[Indicator, ...]

    @property
    def key(self) -> str:
        return self.form.key

    @property
    def title(self) -> str:
        return self.form.title

    @cached_property
    def asked(self) -> tuple[Indicator, ...]:
        """Items that a person types, chooses or hands in, the subject among them."""
        return tuple(item for item in self.form.indicators if not item.retired and item.home == "record")

    @cached_property
    def in_cells(self) -> tuple[Indicator, ...]:
        """As `asked`, of those what a cell of a grid or file can say: a picture is handed in with its row."""
        return tuple(item for item in self.asked if not item.is_picture)

    @cached_property
    def pictures(self) -> tuple[Indicator, ...]:
        """Photos, papers, signatures."""
        return tuple(item for item in self.asked if item.is_picture)

    @cached_property
    def shown(self) -> tuple[Indicator, ...]:
        """As `asked`, with what is computed of it."""
        return tuple(item for item in self.form.indicators if not item.retired and item.home in ("record", "computed"))

    @cached_property
    def typed(self) -> tuple[Indicator, ...]:
        """As `asked`, without the subject."""
        return tuple(item for item in self.asked if item != self.subject)

    @cached_property
    def lines(self) -> tuple[Indicator, ...]:
        """As `shown`, without the subject: pages and papers say it on top."""
        return tuple(item for item in self.shown if item != self.subject)

    @property
    def is_yearly(self) -> bool:
        """Filled once a year by every village or natural village; rows are opened, not added."""
        return self.form.is_yearly_of_place

    @cached_property
    def stated(self) -> tuple[tuple[Indicator, Indicator], ...]:
        """(computed item, what another document states of it): an item called as a computed one with `_stated` behind."""
        known = {item.name: item for item in self.form.indicators if not item.retired}
        return tuple(
            (item, stated) for name, item in known.items() if item.home == "computed" and (stated := known.get(f"{name}_stated")) is not None
        )

    def is_stated(self, item: Indicator) -> bool:
        return any(item.name == stated.name for _computed, stated in self.stated)

    def item(self, name: str) -> Indicator | None:
        return next((item for item in self.form.indicators if item.name == name), None)


@once_per_pack
def registers_of(pack: Pack) -> tuple[Register, ...]:
    """Every register of a pack, in the dictionary's order."""
    return tuple(_register(form, subject) for form in pack.forms.values() if form.is_register and (subject := subject_item(form)) is not None)


def register_of(pack: Pack, key: str) -> Register | None:
    return next((register for register in registers_of(pack) if register.key == key), None)


def _register(form: Form, subject: Indicator) -> Register:
    items = [item for item in form.indicators if not item.retired]

    def having(*marks: str) -> tuple[Indicator, ...]:
        return tuple(item for item in items if item.marks & set(marks))

    return Register(
        form=form,
        subject=subject,
        columns=tuple(item for item in having("column") if item != subject),
        filters=having("filter"),
        sorts=having("sort"),
        searched=having("search"),
        labels=having("label"),
        unique=having("unique"),
        marked=having(*SLOT_MARKS),
    )
