"""What the codec says of a value, by language; twin of field/src/words (`values` and `typed`)."""

from collections.abc import Mapping

ZH: Mapping[str, str] = {
    "number": "“{item}”要填数字",
    "too_large_item": "“{item}”的数字太大，请核对单位",
    "negative_item": "“{item}”不能是负数",
    "year": "“{item}”要填四位年份，如 2019",
    "yes_or_no_item": "“{item}”要填是或否",
    "from_list": "“{item}”要从清单中选择",
    "not_of_list": "“{item}”的清单里没有“{code}”",
    "unsorted": "“{item}”的选项重复或未排序",
    "day": "“{item}”要填日期，如 2021-09-30",
    "month": "“{item}”要填年月，如 2021-09",
    "text": "“{item}”要填文字",
    "too_long_item": "“{item}”太长",
    "control_item": "“{item}”里有看不见的控制字符，请重新输入",
    "digits_only": "“{item}”只能是数字和字母",
    "control": "里面有看不见的控制字符，请删掉后重新输入",
    "yes_or_no": "“{typed}”要改成“是”或“否”",
    "phone_spoilt": "号码被表格存成了科学计数，请把这一列设为文本后重新填写",
    "too_long": "文字太长（{length} 个字）",
    "not_number": "“{typed}”不是数字，请只填数字",
    "too_large": "“{typed}”太大，请核对单位",
    "negative": "不能是负数",
    "decimals": "最多 {most} 位小数",
    "not_whole": "“{typed}”不是整数",
    "not_year": "“{typed}”不是四位年份",
    "zero_lost": "代码“{typed}”前面的 0 可能丢了，请改成文字“{word}”",
    "is_it": "清单里没有“{typed}”，是不是“{near}”？",
    "choose_from": "清单里没有“{typed}”，请从清单中选择：{words}",
    "not_day": "“{typed}”不是日期，请写成 2021-09-30",
    "no_such_day": "没有“{typed}”这一天",
    "not_month": "“{typed}”不是年月，请写成 2021-09",
    "no_such_month": "没有“{typed}”这个月份",
    "number_spoilt": "号码被表格存成了数字，末几位已丢失；请把这一列设为文本，再重新填写原号码",
    "odd": "号码里有数字和字母以外的字符",
    "yes": "是",
    "no": "否",
    "comma": "、",
}

EN: Mapping[str, str] = {
    "number": "“{item}” must be a number",
    "too_large_item": "The number in “{item}” is too large, please check the unit",
    "negative_item": "“{item}” cannot be negative",
    "year": "“{item}” must be a year of four digits, e.g. 2019",
    "yes_or_no_item": "“{item}” must be yes or no",
    "from_list": "“{item}” must be chosen from the list",
    "not_of_list": "The list of “{item}” has no “{code}”",
    "unsorted": "The choices of “{item}” are doubled or not in order",
    "day": "“{item}” must be a date, e.g. 2021-09-30",
    "month": "“{item}” must be year and month, e.g. 2021-09",
    "text": "“{item}” must be text",
    "too_long_item": "“{item}” is too long",
    "control_item": "“{item}” contains invisible control characters, please type it again",
    "digits_only": "“{item}” may hold digits and letters only",
    "control": "There are invisible control characters, please delete them and type it again",
    "yes_or_no": "“{typed}” must be “yes” or “no”",
    "phone_spoilt": "A spreadsheet turned the number into scientific notation; please set the column to text and fill it in again",
    "too_long": "The text is too long ({length} characters)",
    "not_number": "“{typed}” is not a number, please type digits only",
    "too_large": "“{typed}” is too large, please check the unit",
    "negative": "It cannot be negative",
    "decimals": "At most {most} decimals",
    "not_whole": "“{typed}” is not a whole number",
    "not_year": "“{typed}” is not a year of four digits",
    "zero_lost": "The code “{typed}” may have lost a leading 0, please write “{word}” instead",
    "is_it": "“{typed}” is not in the list; is it “{near}”?",
    "choose_from": "“{typed}” is not in the list, please choose: {words}",
    "not_day": "“{typed}” is not a date, please write 2021-09-30",
    "no_such_day": "There is no day “{typed}”",
    "not_month": "“{typed}” is not a month, please write 2021-09",
    "no_such_month": "There is no month “{typed}”",
    "number_spoilt": (
        "A spreadsheet turned the number into digits it cannot hold, the last ones are lost; "
        "please set the column to text and fill in the original number again"
    ),
    "odd": "The number holds characters other than digits and letters",
    "yes": "yes",
    "no": "no",
    "comma": ", ",
}

_LANGUAGES: Mapping[str, Mapping[str, str]] = {"zh": ZH, "en": EN}


def say(language: str, key: str, **fills: object) -> str:
    """A sentence with its places filled in; what has no English is said in Chinese."""
    return _LANGUAGES.get(language, ZH)[key].format_map(fills)
