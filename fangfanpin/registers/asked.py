"""What an address of registers asks for; what is not there is not found."""

from django.http import Http404

from fangfanpin.pack import Pack
from fangfanpin.records.current_year import CurrentYear, NoYear, current_year
from fangfanpin.registers.definitions import Register, register_of


def asked_year() -> CurrentYear:
    try:
        return current_year()
    except NoYear:
        raise Http404 from None


def asked_register(form: str, pack: Pack) -> Register:
    """The register in the language of the pack: its own for what is stored and filed, `spoken` for what screens say."""
    register = register_of(pack, form)
    if register is None:
        raise Http404
    return register
