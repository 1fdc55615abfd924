"""Small rosters for the import's tests: two households whom nobody else knows."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fangfanpin.demo.people import check_character
from fangfanpin.demo.roster import write_workbook

Cell = str | float
Row = dict[str, Cell]


def number(first17: str) -> str:
    """A valid identity number."""
    return first17 + check_character(first17)


WANG, LI, WANG_SON, ZHAO = (number(f) for f in ("34032319700101123", "34032319710202124", "34032320000303125", "34032319480404126"))


@dataclass
class Roster:
    """Rows as somebody would type them; change them and write the file."""

    homes: list[Row]
    people: list[Row]
    sheets: tuple[str, str] = ("户", "成员")
    titles: list[Sequence[Cell]] = field(default_factory=list)  # above the header

    def table(self, rows: Sequence[Row]) -> list[Sequence[Cell]]:
        headers = list(dict.fromkeys(header for row in rows for header in row))
        return [*self.titles, headers, *([row.get(header, "") for header in headers] for row in rows)]

    def write(self, path: Path) -> Path:
        write_workbook(path, {self.sheets[0]: self.table(self.homes), self.sheets[1]: self.table(self.people)})
        return path

    def merged(self) -> list[Row]:
        """One row per member, the household's columns repeated."""
        homes = {row["户编号"]: row for row in self.homes}
        return [{**homes[person["户编号"]], **person} for person in self.people]

    def again(self) -> "Roster":
        return copy.deepcopy(self)


def roster(village: str) -> Roster:
    home: Row = {
        "户编号": "NEW0001", "村代码": village, "家庭住址": "1组7号", "家庭人口数": "3", "户类型": "脱贫户", "银行卡号": "6217001234567890123",
        "脱贫年度": "2018", "工资性收入": "30000", "生产经营性收入": "5000.50", "低保金": "1200", "生产经营性支出": "2000", "耕地面积": "3.5",
        "是否解决安全饮用水": "是", "监测对象类别": "脱贫不稳定户", "识别监测时间": "2020-05",
    }  # fmt: skip
    person: Row = {
        "户编号": "NEW0001", "人编号": "NEW000101", "姓名": "王建国", "性别": "男", "出生日期": "1970-01-01", "证件类型": "居民身份证",
        "证件号码": WANG, "残疾证号": "", "与户主关系": "户主", "民族": "汉族", "文化程度": "初中", "健康状况": "健康", "务工时间（月）": "6.5",
    }  # fmt: skip
    return Roster(
        [home, home | {"户编号": "NEW0002", "家庭人口数": "1", "工资性收入": "0", "银行卡号": "", "监测对象类别": "", "识别监测时间": ""}],
        [
            person,
            person | {"人编号": "NEW000102", "姓名": "李秀兰", "性别": "女", "出生日期": "1971-02-02", "证件号码": LI, "与户主关系": "妻"},
            person
            | {
                "人编号": "NEW000103",
                "姓名": "王浩",
                "出生日期": "2000-03-03",
                "证件号码": WANG_SON,
                "与户主关系": "之子",
                "残疾证号": WANG_SON + "41",
            },
            person | {"户编号": "NEW0002", "人编号": "NEW000201", "姓名": "赵桂英", "性别": "女", "出生日期": "1948-04-04", "证件号码": ZHAO},
        ],
    )
