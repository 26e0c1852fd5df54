from typing import TypedDict

class _Mutant(TypedDict):
    name: str
    breaks: str
    section: str
    needs: str

def main(argv: list[str], /) -> int: ...
def mutants() -> list[_Mutant]: ...
def build_info() -> dict[str, str]: ...
