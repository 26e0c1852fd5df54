from typing import TypedDict

class _Mutant(TypedDict):
    kind: str
    name: str
    breaks: str
    section: str
    needs: str
    legal: str
    always: bool

class _Fault(TypedDict):
    name: str
    does: str
    expect: str

def main(argv: list[str], /) -> int: ...
def proxy_main(argv: list[str], /) -> int: ...
def fault_check(spec: str, /) -> None: ...
def faults() -> list[_Fault]: ...
def mutants() -> list[_Mutant]: ...
def build_info() -> dict[str, str]: ...
