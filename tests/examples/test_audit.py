"""The audit's numbers, each reached a second time by other means than the audit's syntax trees."""

import atexit
import dis
import functools
import io
import os
import re
import shutil
import symtable
import sys
import tempfile
import textwrap
import tokenize
import warnings
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

EXAMPLES = Path(__file__).parents[2] / "examples"
sys.path[:0] = [str(EXAMPLES / "source_audit" / "functions"), str(EXAMPLES)]

# The example is not a package: its functions' folder is what Lambda puts on the path.
import source_tree  # noqa: E402
from audit import imports, markers, outline, reviews, rules, tree  # noqa: E402

MADE_UP = 120


@functools.cache
def root():
    """A folder with a made-up tree, and with code that people wrote: this project's own."""
    folder = Path(tempfile.mkdtemp(prefix="statebag-audit-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    source_tree.write(folder, MADE_UP)
    left_out = shutil.ignore_patterns("__pycache__", "golden", "node_modules", ".*")
    for name in ("src", "examples", "benchmarks", "torture"):
        shutil.copytree(EXAMPLES.parent / name, folder / f"own_{name}", ignore=left_out)
    return folder


@functools.cache
def sources():
    """Every third file: large and small, of all packages."""
    return {
        file["path"]: tree.read_source(root(), file["path"])
        for file in tree.list_files(root())[::3]
    }


@functools.cache
def modules():
    return {path: outline.outline(path, text) for path, text in sources().items()}


@functools.cache
def findings():
    return {path: rules.inspect(path, text) for path, text in sources().items()}


@pytest.fixture(autouse=True)
def python_warns_of_nothing():
    """The second ways compile the same old code that the audit reads without a word."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def tokens_of(text):
    """The tokens that Python's grammar sees; what stands inside an f-string is left out."""
    inside = 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        name = tokenize.tok_name[token.type]
        inside += name.endswith("STRING_START")
        if not inside and token.type not in {tokenize.NL, tokenize.COMMENT}:
            yield token
        elif name.endswith("STRING_START"):
            yield token._replace(type=tokenize.STRING)
        inside -= name.endswith("STRING_END")


def keywords_in_f_strings(text):
    return re.search(r"""[fF][rR]?["'].*\{.*\b(?:if|for|and|or)\b.*\}""", text) is not None


class TestFiles:
    def test_finds_what_a_walk_of_the_folder_finds(self):
        expected = {}
        for folder, folders, names in os.walk(root()):
            folders[:] = [
                name
                for name in folders
                if name not in tree.SKIPPED_FOLDERS and not name.startswith(".")
            ]
            for name in names:
                if name.endswith(".py"):
                    path = Path(folder, name)
                    expected[path.relative_to(root()).as_posix()] = path.stat().st_size
        found = {file["path"]: file["bytes"] for file in tree.list_files(root())}
        assert found == expected
        assert len(found) > 400

    def test_a_limit_takes_the_first_by_path(self):
        assert tree.list_files(root(), 5) == tree.list_files(root())[:5]

    def test_lines_are_the_bytes_between_line_ends(self):
        for path, text in sources().items():
            data = (root() / path).read_bytes().replace(b"\r\n", b"\n")
            assert modules()[path]["lines"] == len(data.removesuffix(b"\n").split(b"\n")) * bool(
                data
            )
            assert tree.count_lines(text) == modules()[path]["lines"]

    @pytest.mark.parametrize(
        ("path", "module", "package"),
        [
            ("os.py", "os", "(single modules)"),
            ("email/mime/text.py", "email.mime.text", "email"),
            ("email/__init__.py", "email", "email"),
            ("__init__.py", "__init__", "(single modules)"),
        ],
    )
    def test_names(self, path, module, package):
        assert tree.module_name(path) == module
        assert tree.package_of(path) == package

    @given(
        st.lists(st.integers(min_value=0, max_value=5_000), max_size=60),
        st.integers(min_value=1, max_value=9_000),
    )
    def test_batches_hold_every_file_once_and_keep_to_their_size(self, sizes, limit):
        batches = tree.cut([{"bytes": size} for size in sizes], limit)
        held = []
        for index, batch in enumerate(batches):
            run = sizes[batch["first"] : batch["first"] + batch["count"]]
            assert (batch["index"], batch["bytes"]) == (index, sum(run))
            assert batch["bytes"] <= limit or batch["count"] == 1
            held += run
        assert held == sizes

    def test_a_folder_that_is_not_there_is_refused(self, tmp_path):
        with pytest.raises(NotADirectoryError):
            tree.root_of(str(tmp_path / "missing"))


class TestOutline:
    def test_functions_and_classes_are_those_of_the_symbol_table(self):
        def count(table, kinds):
            for child in table.get_children():
                # Type parameters and annotations have tables of their own in newer versions.
                kind = str(child.get_type()).rpartition(".")[2].lower()
                made = child.get_name() in {
                    "lambda",
                    "listcomp",
                    "setcomp",
                    "dictcomp",
                    "genexpr",
                    "<lambda>",
                    "<listcomp>",
                    "<setcomp>",
                    "<dictcomp>",
                    "<genexpr>",
                }
                if kind in {"function", "class"} and not made:
                    kinds[kind] += 1
                count(child, kinds)
            return kinds

        for path, text in sources().items():
            kinds = count(symtable.symtable(text, path, "exec"), Counter())
            assert len(modules()[path]["functions"]) == kinds["function"], path
            assert len(modules()[path]["classes"]) == kinds["class"], path

    def test_decisions_are_the_keywords_that_decide(self):
        words = {"if", "elif", "for", "while", "except", "and", "or"}
        checked = 0
        for path, text in sources().items():
            if keywords_in_f_strings(text):
                continue
            checked += 1
            decisions = sum(token.string in words for token in tokens_of(text))
            decisions += len(re.findall(r"^ +case (?!=)", text, re.MULTILINE))
            assert modules()[path]["decisions"] == decisions, path
        assert checked > len(sources()) * 0.8

    def test_imports_are_those_of_the_compiled_code(self):
        def names(code):
            level = 0
            for step in dis.get_instructions(code):
                if step.opname == "LOAD_SMALL_INT" or isinstance(step.argval, int):
                    level = step.argval if step.opname.startswith("LOAD") else level
                if step.opname == "IMPORT_NAME":
                    yield level, step.argval
            for constant in code.co_consts:
                if isinstance(constant, type(code)):
                    yield from names(constant)

        for path, text in sources().items():
            package = modules()[path]["module"].split(".")
            if not path.endswith("__init__.py"):
                package = package[:-1]
            expected = set()
            for level, name in names(compile(text, path, "exec", optimize=0)):
                base = package[: len(package) - level + 1] if level else []
                expected.add(".".join([*base, *filter(None, [name])]))
            outlined = modules()[path]["imports"] + modules()[path]["deferred_imports"]
            found = {imported.partition(":")[0] for imported in outlined}
            # What stands behind `if False:` or `if __debug__ is False:` is not compiled.
            assert expected <= found, path
            assert len(found - expected) <= 1, path

    def test_docstrings_are_the_strings_that_follow_a_def(self):
        for path, text in sources().items():
            expected = {}
            tokens = [token for token in tokens_of(text) if token.string != "async"]
            starts = {tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
            for position, token in enumerate(tokens):
                before = tokens[position - 1].type if position else tokenize.NEWLINE
                if token.string != "def" or before not in starts:
                    continue
                end, depth = position, 0
                while depth or tokens[end].string != ":":
                    depth += (tokens[end].string in set("([{")) - (tokens[end].string in set(")]}"))
                    end += 1
                body = tokens[end + 1 : end + 40]
                while body[0].type in {tokenize.NEWLINE, tokenize.INDENT}:
                    body.pop(0)
                first = body[0].type == tokenize.STRING and body[0].string.lower()[0] not in "bf"
                line = next(token for token in body if token.type != tokenize.STRING)
                expected[token.start[0]] = first and line.string in {"\n", "\r\n", ";", ""}
            found = {one["line"]: one["documented"] for one in modules()[path]["functions"]}
            assert found == expected, path

    def test_a_functions_lines_begin_with_its_def_and_end_with_code(self):
        for path, module in modules().items():
            lines = sources()[path].split("\n")
            for one in module["functions"]:
                assert re.match(
                    rf"\s*(async\s+)?def\s+{one['name'].split('.')[-1]}\b", lines[one["line"] - 1]
                )
                last = lines[one["line"] + one["lines"] - 2].strip()
                assert last
                assert not last.startswith("#")


class TestFindings:
    @pytest.mark.parametrize(
        ("rule", "words"),
        [("bare-except", ["except", ":"]), ("star-import", ["import", "*"])],
    )
    def test_pairs_of_words(self, rule, words):
        for path, text in sources().items():
            strings = [token.string for token in tokens_of(text)]
            pairs = sum(strings[at : at + 2] == words for at in range(len(strings)))
            assert sum(found["rule"] == rule for found in findings()[path]) == pairs, path

    def test_global_statements(self):
        for path, text in sources().items():
            lines = [token.start[0] for token in tokens_of(text) if token.string == "global"]
            found = [one["line"] for one in findings()[path] if one["rule"] == "global-statement"]
            assert found == lines, path

    def test_calls_of_eval_and_exec(self):
        for path, text in sources().items():
            strings = [token.string for token in tokens_of(text)]
            calls = sum(
                word in {"eval", "exec"}
                and strings[at + 1] == "("
                and strings[at - 1] not in {".", "def"}
                for at, word in enumerate(strings)
            )
            calls += len(re.findall(r"\bbuiltins\.(?:eval|exec)\(", text))
            found = sum(one["rule"] == "eval-or-exec" for one in findings()[path])
            assert found == calls, path

    def test_a_snippet_is_the_line_it_names(self):
        for path, places in findings().items():
            data = (root() / path).read_bytes().replace(b"\r\n", b"\n").split(b"\n")
            for finding in places:
                line = data[finding["line"] - 1].strip().decode("utf-8", "replace")
                assert line.startswith(finding["snippet"]) or "\ufffd" in line

    def test_markers_are_the_lines_with_such_words(self):
        for path, text in sources().items():
            found = Counter(match["marker"] for match in markers.search(path, text))
            lines = [set(re.split(r"\W+", line)) for line in text.split("\n")]
            notes = sum(not words.isdisjoint({"TODO", "FIXME", "XXX", "HACK"}) for words in lines)
            assert found["to-do"] == notes, path
            assert found["deprecation"] == sum("DeprecationWarning" in words for words in lines)


class TestReviews:
    def test_import_circles_are_the_modules_that_reach_each_other(self):
        some = ("account/", "address/", "amount/", "own_examples/")
        graph = imports.edges(
            [
                outline.outline(file["path"], tree.read_source(root(), file["path"]))
                for file in tree.list_files(root())
                if file["path"].startswith(some)
            ]
        )
        # Warshall's closure: who reaches whom.
        reach = {name: set(targets) for name, targets in graph.items()}
        for middle, beyond in reach.items():
            for reached in reach.values():
                reached.update(beyond if middle in reached else ())
        groups = {
            tuple(two for two in sorted(reach) if two in reach[one] and one in reach[two])
            for one in reach
        }
        found = {tuple(group) for group in imports.circles(graph)}
        assert found == {group for group in groups if len(group) > 1}
        assert len(found) >= 3  # each package of the made-up tree has one at least

    def test_bands_and_rankings_agree_with_the_functions(self):
        review = reviews.complexity(list(modules().values()))
        values = sorted(
            (one["complexity"] for module in modules().values() for one in module["functions"]),
            reverse=True,
        )
        assert review["functions"] == len(values) == sum(review["bands"].values())
        assert review["bands"]["F"] == sum(value > 40 for value in values)
        assert [one["complexity"] for one in review["most_complex"]] == values[: reviews.TOP]

    def test_coverage_adds_up(self):
        review = reviews.documentation(list(modules().values()))
        assert review["public"] - review["documented"] == len(review["missing"])
        for parts in ("by_kind", "by_package"):
            assert sum(one["public"] for one in review[parts].values()) == review["public"]


HANDMADE = {
    "shop/__init__.py": '"""A shop."""\n',
    "shop/cart.py": '''
        from . import prices
        from .prices import *
        import os, hashlib


        class Cart:
            def total(self, items=[], *, rate=1.0):
                """The sum."""
                amount = 0
                for item in items:
                    if item and item.price:
                        amount += item.price
                    elif item is "free":
                        continue
                        amount = None
                try:
                    return eval("amount * rate")
                except:
                    pass

            def _secret(self):
                return hashlib.md5(b"x", usedforsecurity=False), hashlib.sha1(b"y")


        async def close(name):  # TODO: say why
            def inner():
                global STATE
                return [x for x in name if x if x != 1] or None
            assert (inner, "never fails")
            os.system(name)
            return inner
        ''',
    "shop/prices.py": '''
        """See http://example.com."""
        import shop.cart


        def load(path, shell):
            import pickle, subprocess
            subprocess.run(path, shell=True)
            subprocess.run(path, shell=shell)
            match path:
                case "a" if shell:
                    return 1
                case _:
                    return pickle.loads(path)
        ''',
    "shop/tests/test_cart.py": "raise SystemExit  # not shipped\n",
    "broken.py": "def f(:\n",
    "latin.py": b"# coding: latin-1\nNAME = '\xe9'\n",
    "nocoding.py": b"NAME = '\xe9'\n",
}


@pytest.fixture
def handmade(tmp_path):
    for name, content in HANDMADE.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        data = content if isinstance(content, bytes) else textwrap.dedent(content).encode()
        path.write_bytes(data)
    return tmp_path


class TestHandmadeTree:
    def outline(self, root, path):
        return outline.outline(path, tree.read_source(root, path))

    def test_lists_what_is_shipped(self, handmade):
        assert [file["path"] for file in tree.list_files(handmade)] == [
            "broken.py",
            "latin.py",
            "nocoding.py",
            "shop/__init__.py",
            "shop/cart.py",
            "shop/prices.py",
        ]

    def test_reads_by_the_coding_cookie_and_never_guesses(self, handmade):
        assert tree.read_source(handmade, "latin.py").endswith("'é'\n")
        # Which of the two depends on the version of Python.
        with pytest.raises((UnicodeDecodeError, SyntaxError)):
            tree.read_source(handmade, "nocoding.py")

    def test_a_file_that_does_not_parse_is_named_as_such(self, handmade):
        module = self.outline(handmade, "broken.py")
        assert (module["unparsed"], module["lines"], module["functions"]) == ("SyntaxError", 1, [])
        assert rules.inspect("broken.py", "def f(:\n") == []

    def test_outline(self, handmade):
        module = self.outline(handmade, "shop/cart.py")
        functions = [
            (
                one["name"],
                one["line"],
                one["lines"],
                one["complexity"],
                one["arguments"],
                one["documented"],
                one["public"],
            )
            for one in module["functions"]
        ]
        assert functions == [
            ("Cart.total", 8, 13, 6, 3, True, True),
            ("Cart._secret", 22, 2, 1, 1, False, False),
            ("close", 26, 7, 1, 1, False, True),
            ("close.inner", 27, 3, 5, 0, False, False),
        ]
        assert module["decisions"] == 9
        assert [one["name"] for one in module["classes"]] == ["Cart"]
        assert module["imports"] == ["hashlib", "os", "shop.prices:*", "shop:prices"]
        deferred = self.outline(handmade, "shop/prices.py")
        assert deferred["deferred_imports"] == ["pickle", "subprocess"]
        assert deferred["functions"][0]["complexity"] == 4

    def test_findings(self, handmade):
        found = [
            (finding["line"], finding["rule"])
            for finding in rules.inspect("c", tree.read_source(handmade, "shop/cart.py"))
        ]
        assert found == [
            (3, "star-import"),
            (8, "mutable-default"),
            (14, "is-with-literal"),
            (16, "unreachable-code"),
            (18, "eval-or-exec"),
            (19, "bare-except"),
            (19, "silent-except"),
            (23, "weak-hash"),
            (28, "global-statement"),
            (30, "assert-on-tuple"),
            (31, "shell-command"),
        ]
        found = [
            (finding["line"], finding["rule"])
            for finding in rules.inspect("p", tree.read_source(handmade, "shop/prices.py"))
        ]
        assert found == [(8, "shell-command"), (14, "unsafe-load")]

    def test_markers(self, handmade):
        found = [
            (match["marker"], match["line"])
            for path in ("shop/cart.py", "shop/prices.py")
            for match in markers.search(path, tree.read_source(handmade, path))
        ]
        assert found == [("to-do", 26), ("plain-http", 2)]

    def test_imports_and_documentation(self, handmade):
        shop = [
            self.outline(handmade, path)
            for path in ("shop/__init__.py", "shop/cart.py", "shop/prices.py")
        ]
        graph = imports.edges(shop)
        assert graph == {"shop": [], "shop.cart": ["shop.prices"], "shop.prices": ["shop.cart"]}
        assert imports.circles(graph) == [["shop.cart", "shop.prices"]]
        review = reviews.documentation(shop)
        # Documented: shop, shop.prices, Cart.total. Not: shop.cart, Cart, close, load.
        assert (review["documented"], review["public"], review["percent"]) == (3, 7, 42.9)

    def test_imports_that_no_import_runs_make_no_circle(self):
        text = """
            from typing import TYPE_CHECKING
            if TYPE_CHECKING:
                import first
            else:
                import second
            if __name__ == "__main__":
                import third
            def late():
                import fourth
        """
        module = outline.outline("m.py", textwrap.dedent(text))
        assert module["imports"] == ["second", "typing:TYPE_CHECKING"]
        assert module["deferred_imports"] == ["first", "fourth", "third"]

    def test_duplicates_are_the_same_code_whatever_stands_around_it(self):
        body = "\n".join(f"    value{number} = {number}" for number in range(8))
        other = body.replace("value3 = 3", "value3 = 4")
        short = "\n".join(body.split("\n")[:7])
        text = (
            f"def one():\n{body}\n\n"
            f"class C:\n    def two(self):\n        '''Said.'''\n\n"
            f"        # why\n{textwrap.indent(body, '    ')}\n\n"
            f"def three():\n{other}\ndef four():\n{short}\ndef five():\n{short}\n"
        )
        review = reviews.complexity([outline.outline("m.py", text)])
        places = [[place["name"] for place in group["places"]] for group in review["duplicates"]]
        assert places == [["one", "C.two"]]
        assert review["duplicate_lines"] == review["duplicates"][0]["places"][1]["lines"] == 12

    def test_long_expressions_do_not_exhaust_the_stack(self):
        text = "x = " + " + ".join(["1"] * 500) + "\n" + "if x:\n    pass\n"
        assert outline.outline("m.py", text)["decisions"] == 1

    def test_security_ranks_and_quotes(self, handmade):
        path = "shop/cart.py"
        text = tree.read_source(handmade, path)
        review = reviews.security(rules.inspect(path, text), {path: text})
        assert review["by_rule"] == {"eval-or-exec": 1, "shell-command": 1, "weak-hash": 1}
        assert review["by_severity"] == {"high": 2, "medium": 0, "low": 1}
        assert review["hot_spots"] == [{"path": path, "score": 21}]
        quoted = review["findings"][0]["context"].split("\n")
        assert quoted == text.split("\n")[15:20]
