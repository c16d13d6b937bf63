"""A tree of Python source for the examples to read: made by rule, the same on every machine.

The examples review source code. Which files a Python ships depends on its version and on who
packaged it, so they read this tree instead: packages of a made-up shop, with the faults, notes and
imports that the examples look for. The same number of files has the same bytes everywhere.

    python examples/source_tree.py FOLDER --files 360
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FILES = 360
MODULES_IN_PACKAGE = 3  # besides `__init__.py`
SINGLE_MODULES = 5
_LEAST_FUNCTIONS, _MORE_FUNCTIONS = 26, 24


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


_NOUNS = _words("""
account address amount article basket branch budget carrier catalog charge claim contract coupon
courier credit customer delivery deposit discount document exchange factor figure freight
gateway index invoice item journal label ledger limit margin market member message method note
offer order outlet package parcel partner payment period plan point policy price product profile
quantity quote rate receipt record refund region report request reserve result route sample
schedule season section seller service shelf shipment signal source stock store supplier supply
target tariff tax term ticket total track trade transfer unit value vendor visit voucher
warehouse week weight zone
""")
_VERBS = _words("""
accept add adjust apply approve assign balance book cancel change charge check clear close
collect combine compare confirm convert copy count credit cut deliver divide drop estimate
expect fetch fill filter find fix group hold issue join limit list load lock mark match measure
merge move open order pack pay pick place plan post price print prove queue rank read record
reduce refuse release renew repeat replace report reserve resolve return route save scan select
send settle share ship show sort split start stop store sum take test trace track trim update
verify weigh write
""")
_ADJECTIVES = _words("""
active annual average base blank broken closed common current daily double early empty entire
exact final first fixed foreign former free full future global gross half heavy initial internal
joint known large last late legal light local lost main manual maximal minimal missing monthly
narrow net new next old open other own partial past pending plain previous prior private public
quick rare recent regular rejected remote second shared short single small special spare
standard strict sudden tidy total unique unpaid upper urgent usual valid weekly whole wide
yearly
""")
# Stands in every third module, as code does that was copied instead of imported.
_COPIED = '''

def _in_pence(amount):
    """Return an amount such as "12.50" in pence."""
    pounds, _, pence = amount.strip().partition(".")
    if not pounds.isdigit() or (pence and not pence.isdigit()):
        raise ValueError("amount must have digits and at most one point")
    if len(pence) > 2:
        raise ValueError("amount must have at most two digits behind the point")
    total = 0
    for digit in pounds + (pence + "00")[:2]:
        total = total * 10 + int(digit)
    return total
'''
# Each is one fault or note that a review finds; none of it ever runs.
_FAULTS = (
    "    total = eval(str({noun}_total))  # TODO: a parser instead\n",
    "    try:\n        total += int({noun}_text)\n    except:\n        pass\n",
    '    if {noun} is "{adjective}":\n        total += 1\n',
    "    digest = hashlib.md5({noun}_text.encode()).hexdigest()\n    total += len(digest)\n",
    '    os.system("echo " + {noun}_text)\n',
    '    warnings.warn("{verb}_{noun} goes away", DeprecationWarning, stacklevel=2)\n',
    '    assert ({noun}_total >= 0, "never negative")\n',
    '    {noun}_text += f"{adjective}"  # XXX: no field in it\n',
)


class _Numbers:
    """Whole numbers that a name decides; `random` promises the same ones for one version only."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._made = 0
        self._left: list[int] = []

    def below(self, end: int) -> int:
        if not self._left:
            digest = hashlib.sha256(f"{self._name}/{self._made}".encode()).digest()
            self._left = [int.from_bytes(digest[at : at + 4], "big") for at in range(0, 32, 4)]
            self._made += 1
        return self._left.pop() % end

    def one_of(self, words: Sequence[str]) -> str:
        return words[self.below(len(words))]


def write(folder: Path, files: int = FILES) -> Path:
    """Write the first so many files of the tree below a folder, and return the folder.

    A file's bytes depend on its path alone, so a smaller tree is a part of a larger one.
    """
    for path in _paths(files):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(source(path).encode())
    return folder


def _paths(files: int) -> list[str]:
    """The first so many paths, in the order in which a listing sorts them."""
    paths: list[str] = []
    for number, package in enumerate(sorted(_NOUNS)):
        modules = _module_names(package)
        paths += [f"{package}/__init__.py", *(f"{package}/{module}.py" for module in modules)]
        if number < SINGLE_MODULES:
            paths.append(f"{package}_main.py")
    if files > len(paths):
        raise ValueError(f"files must be at most {len(paths)}, not {files}")
    return sorted(paths)[:files]


def _module_names(package: str) -> list[str]:
    numbers = _Numbers(package)
    names: set[str] = set()
    while len(names) < MODULES_IN_PACKAGE:
        names.add(f"{numbers.one_of(_VERBS)}_{numbers.one_of(_NOUNS)}")
    return sorted(names)


def source(path: str) -> str:
    """The text of one file of the tree."""
    package, _, name = path.removesuffix(".py").rpartition("/")
    if name == "__init__":
        return _init(package)
    numbers = _Numbers(path)
    topic = f"{numbers.one_of(_ADJECTIVES)} {name.replace('_', ' ')}"
    lines = [f'"""How the shop works on the {topic}."""\n\nimport hashlib\nimport os\n']
    lines.append("import warnings\n")
    if package:
        others = [other for other in _module_names(package) if other != name]
        lines += [f"\nfrom {package} import {numbers.one_of(others)}\n" for _ in range(2)]
        if numbers.below(4) == 0:
            lines.append(f"from {package}.{numbers.one_of(others)} import *\n")
    if numbers.below(3) == 0:
        lines.append(_COPIED)
    lines += [f"\n{name.upper()}_LIMIT = {numbers.below(100_000)}\n"]
    lines += [
        _function(numbers, position) if numbers.below(6) else _class(numbers, position)
        for position in range(_LEAST_FUNCTIONS + numbers.below(_MORE_FUNCTIONS))
    ]
    return "".join(lines)


def _init(package: str) -> str:
    imports = "".join(f"from {package} import {name}\n" for name in _module_names(package)[:3])
    return f'"""What the shop knows of each {package}."""\n\n{imports}'


def _class(numbers: _Numbers, position: int) -> str:
    noun = numbers.one_of(_NOUNS)
    methods = [_function(numbers, place, indent="    ") for place in range(1 + numbers.below(4))]
    name = f"{numbers.one_of(_ADJECTIVES).title()}{noun.title()}{position}"
    return f'\n\nclass {name}:\n    """One {noun} of the shop."""\n' + "".join(methods)


def _function(numbers: _Numbers, position: int, indent: str = "") -> str:
    verb, noun = numbers.one_of(_VERBS), numbers.one_of(_NOUNS)
    adjective = numbers.one_of(_ADJECTIVES)
    owner = "self, " if indent else ""
    name = f"{'_' * (numbers.below(5) == 0)}{verb}_{adjective}_{noun}_{position}"
    default = ", seen=[]" if numbers.below(40) == 0 else ""
    lines = [f'def {name}({owner}{noun}, {noun}_total=0, {noun}_text=""{default}):\n']
    if numbers.below(3):
        others = " ".join(numbers.one_of(_ADJECTIVES) for _ in range(6))
        lines.append(f'    """{verb.title()} the {adjective} {noun}: {others}."""\n')
    lines.append(f"    total = {noun}_total + {numbers.below(1_000_000)}\n")
    lines += [_step(numbers) for _ in range(3 + numbers.below(6))]
    if numbers.below(5) == 0:
        fault = numbers.one_of(_FAULTS)
        lines.append(fault.format(noun=noun, verb=verb, adjective=adjective))
    lines.append(f"    return {noun}, total\n")
    gap = "\n" if indent else "\n\n"
    return gap + "".join(indent + line for text in lines for line in text.splitlines(keepends=True))


def _step(numbers: _Numbers) -> str:
    noun, number = numbers.one_of(_NOUNS), numbers.below(10_000)
    adjective = numbers.one_of(_ADJECTIVES)
    match numbers.below(5):
        case 0:
            return (
                f"    for {noun}_{number} in range({number}):\n        total += {noun}_{number}\n"
            )
        case 1:
            return f"    if total > {number} and total % {number + 2}:\n        total -= {number}\n"
        case 2:
            return f"    {noun}_{number} = {{'{adjective}': total, 'number': {number}}}\n"
        case 3:
            return f"    # The {adjective} {noun} counts once.\n    total += {number}\n"
        case _:
            return f"    while total > {number + 7}:\n        total //= {number % 7 + 2}\n"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the tree into a folder that the command line names."""
    parser = argparse.ArgumentParser(description="Write a made-up tree of Python source.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, default=FILES, help=f"how many; default {FILES}")
    options = parser.parse_args(arguments)
    write(options.folder, options.files)
    return 0


if __name__ == "__main__":
    sys.exit(main())
