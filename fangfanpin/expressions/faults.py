"""What is wrong with an expression: where, and what to do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """Characters [start, end) of the text as written."""

    message_zh: str
    message_en: str
    start: int
    end: int


class ExpressionFaults(Exception):
    """Every fault found at once."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__("; ".join(f"{fault.start}: {fault.message_en}" for fault in faults))
        self.faults = faults
