"""What is wrong with an identity number, said where it is typed or read in; what rules say of one that is kept stands in the pack (F001-F008)."""

import re

from django.utils.translation import gettext as _

from fangfanpin.privacy.facts import IdentityFacts, identity_facts

IDENTITY_CARD = frozenset({None, "01"})
CHECKED_TYPES = frozenset({None, "01", "09"})  # with the disability card, whose number begins with the identity number
_DIGITS = re.compile(r"\d{15}|\d{17}[\dX].*", re.DOTALL)


def identity_fault(number: str, facts: IdentityFacts) -> tuple[str, frozenset[str | None]] | None:
    """What is wrong with a number of a roster, and for which types of card that is a fault."""
    if facts.id_placeholder:
        return None
    if facts.id_form == "other":
        return _("身份证号码应是 18 位（或老的 15 位），这里是 %(count)d 位；不是身份证请改证件类型") % {"count": len(number)}, IDENTITY_CARD
    if facts.id_birth is None:
        return _("号码里的出生日期（第 7 位起）不存在，请核对"), CHECKED_TYPES
    if facts.id_check_ok is False:
        return _("第 18 位校验码不对，号码有错字，请核对证件"), CHECKED_TYPES
    return None


def impossible(number: str, id_type: str | None) -> str | None:
    """Why no card of this type bears this number; None where one may. Twin of field/src/engine/identity.ts.

    A placeholder (999999…) and other types of card stay possible. So does a wrong check character: such cards have been issued, so it is told
    (F003) and a person answers.
    """
    id_type = id_type or None
    facts = identity_facts(number)
    if facts.id_placeholder or id_type not in CHECKED_TYPES:
        return None
    if facts.id_form == "other":
        if id_type not in IDENTITY_CARD:
            return _("残疾人证号应是 20 位（补证 22 位），这里是 %(count)d 位") % {"count": len(number)}
        return _("身份证号码应是 18 位（或老的 15 位），这里是 %(count)d 位；不是身份证请改证件类型") % {"count": len(number)}
    if not _DIGITS.fullmatch(number.upper()):
        return _("身份证号码只有最后一位可以是 X，其余都是数字")
    if facts.id_birth is None:
        return _("号码里的出生日期（第 7 位起）不存在，请核对")
    return None
