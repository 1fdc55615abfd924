"""The rule language: parse, check, evaluate, compile. docs/rule-language.md; no Django here."""

from fangfanpin.expressions.check import Expression, check, infer
from fangfanpin.expressions.evaluate import evaluate
from fangfanpin.expressions.faults import ExpressionFaults, Fault
from fangfanpin.expressions.json_form import from_json, to_json
from fangfanpin.expressions.parse import Parsed, parse
from fangfanpin.expressions.schema import Relation, Schema, Table
from fangfanpin.expressions.types import Bool, Code, Codes, Date, Int, Month, Null, Number, Text, Type

__all__ = [
    "Bool", "Code", "Codes", "Date", "Expression", "ExpressionFaults", "Fault", "Int", "Month", "Null", "Number", "Parsed",
    "Relation", "Schema", "Table", "Text", "Type", "check", "evaluate", "from_json", "infer", "parse", "to_json",
]  # fmt: skip
