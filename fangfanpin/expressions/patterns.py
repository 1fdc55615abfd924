"""The named patterns of `matches`: no free patterns, for every engine's flavour differs. Each engine implements them all."""

import re
from collections.abc import Callable

_PHONE = re.compile(r"1[3-9][0-9]{9}")
_LANDLINE = re.compile(r"0[0-9]{2,3}-?[0-9]{7,8}")
_HAN = re.compile(
    "[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff](?:[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff\u00b7]{0,18}"
    "[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])"
)
_DIGITS = re.compile(r"[0-9]+")
_SAME = re.compile(r"(.)\1*", re.DOTALL)
_DUMMY_PHONE = re.compile(r"([0-9])\1{10}|12345678901|[0-9]{3}([0-9])\2{7}")
_PLACEHOLDER = re.compile("未取名|无名|之子|之女|测试")

PATTERNS: dict[str, Callable[[str], bool]] = {
    "mobile_cn": lambda text: _PHONE.fullmatch(text) is not None,
    "phone_cn": lambda text: _PHONE.fullmatch(text) is not None or _LANDLINE.fullmatch(text) is not None,
    "name_cn": lambda text: _HAN.fullmatch(text) is not None,
    "digits": lambda text: _DIGITS.fullmatch(text) is not None,
    "same_digits": lambda text: _SAME.fullmatch(text) is not None,
    "dummy_phone": lambda text: _DUMMY_PHONE.fullmatch(text) is not None,
    "placeholder_name": lambda text: _PLACEHOLDER.search(text) is not None,
}
