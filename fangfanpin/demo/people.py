"""Names by frequency, identity numbers that pass GB 11643, phones, cards: all invented."""

import datetime
import random

_SURNAMES = (
    "王 李 张 刘 陈 杨 赵 黄 周 吴 徐 孙 胡 朱 高 林 何 郭 马 罗 梁 宋 郑 谢 韩 唐 冯 于 董 萧 程 曹 袁 邓 许 傅 沈 曾 彭 吕 苏 卢 蒋 蔡 贾 丁 魏 薛 "
    "叶 阎 余 潘 杜 戴 夏 钟 汪 田 任 姜 范 方 石 姚 谭 廖 邹 熊 金 陆 郝 孔 白 崔 康 毛 邱 秦 江 "
    "史 顾 侯 邵 孟 龙 万 段 雷 钱 汤 尹 黎 易 常 武 乔 贺 赖 龚 文"
).split()
_SURNAME_WEIGHTS = [100 / (rank + 3) for rank in range(len(_SURNAMES))]
_MALE = {
    1950: "国 建 志 文 明 德 福 永 长 广 义 忠 学 金 林 玉 传 成 家 兆".split(),
    1980: "军 强 勇 伟 刚 涛 超 鹏 飞 斌 峰 波 磊 亮 辉 杰 兵 健 俊 凯".split(),
    2010: "浩 宇 轩 泽 子 梓 博 晨 涵 睿 航 毅 哲 瑞 嘉 俊 昊 铭 诚 翔".split(),
}
_FEMALE = {
    1950: "兰 英 秀 芳 珍 玉 凤 桂 素 云 莲 翠 荣 春 梅 花 侠 芝 侠 贞".split(),
    1980: "丽 艳 敏 静 霞 娟 燕 红 梅 玲 娜 莉 萍 慧 婷 雪 洁 晶 琴 倩".split(),
    2010: "欣 怡 梓 涵 诗 雨 佳 琪 思 语 彤 萱 可 馨 瑶 妍 悦 诺 汐 妙".split(),
}
RARE = ("堃", "喆", "犇", "淼", "㛃", "𬱖")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def surname(draw: random.Random) -> str:
    return draw.choices(_SURNAMES, _SURNAME_WEIGHTS)[0]


def given_name(draw: random.Random, sex: str, birth_year: int) -> str:
    """One character for a quarter of the people, two for the rest, by sex and decade."""
    pools = _MALE if sex == "1" else _FEMALE
    pool = pools[1950 if birth_year < 1968 else 1980 if birth_year < 2000 else 2010]
    return draw.choice(pool) if draw.random() < 0.25 else draw.choice(pool) + draw.choice(pool)


def check_character(first17: str) -> str:
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, first17, strict=True))
    return "10X98765432"[total % 11]


class Numbers:
    """Hands out identity numbers, phones and cards, each once."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._identities: set[str] = set()
        self._phone = 0

    def identity(self, birth: datetime.date, sex: str) -> str:
        """18 characters, nearly all of the county's own code, the rest of neighbours for those who married in."""
        while True:
            region = "340323" if self._draw.random() < 0.93 else self._draw.choice(("340321", "340322", "341302"))
            order = self._draw.randrange(500) * 2 + (1 if sex == "1" else 0)
            first = f"{region}{birth:%Y%m%d}{order:03d}"
            if first not in self._identities:
                self._identities.add(first)
                return first + check_character(first)

    def phone(self) -> str:
        """Eleven digits from a walk that never repeats and never looks like a dummy."""
        self._phone += 1
        tail = self._phone * 7919 % 100_000_000
        number = f"1{('35', '38', '59', '87', '77')[self._phone % 5]}{tail:08d}"
        return number if len(set(number[-8:])) > 2 else self.phone()

    def bank_card(self) -> str:
        """19 digits that pass Luhn."""
        body = "621700" + f"{self._draw.randrange(10**12):012d}"
        total = 0
        for place, digit in enumerate(reversed(body)):
            value = int(digit) * (2 if place % 2 == 0 else 1)
            total += value - 9 if value > 9 else value
        return body + str(-total % 10)
