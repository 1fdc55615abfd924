"""What is wrong with a pack: in which file, on which line, and what to do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PackFault:
    file: str
    line: int
    message_zh: str
    message_en: str
    column: int = 0


class PackFaults(Exception):
    """Every fault found at once."""

    def __init__(self, faults: tuple[PackFault, ...]) -> None:
        super().__init__(f"{len(faults)} faults, first: {faults[0].file}:{faults[0].line} {faults[0].message_en}" if faults else "")
        self.faults = faults
