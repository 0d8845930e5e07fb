"""The configuration as it was written: YAML to plain values, with the line of every key and item.

Values stay text: what ``1.10``, ``no`` or ``08`` means is decided by the type of the key, not by YAML's rules for
plain words. Only null is known (``key:``, ``~``, ``null``). Anchors, aliases and ``<<`` work; tags of other
programs, repeated keys and aliases that contain themselves are errors.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import yaml

from exporter.config.problems import Path, Problem, unseen
from exporter.config.variables import VariableError, expand

MAX_VALUES: Final = 100_000
"""Aliases of aliases can make a small file huge; no configuration has so many values."""

Value = None | str | list["Value"] | dict[str, "Value"]

_TAGS: Final = frozenset(
    f"tag:yaml.org,2002:{kind}"
    for kind in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge", "map", "seq")
)
_NULL: Final = frozenset(("", "~", "null", "Null", "NULL"))
_MERGE: Final = "<<"


@dataclass(slots=True)
class Written:
    """A document: its values, the line (from 1) of each path, and what was written where a variable was put in.

    ``quoted`` are the texts in quotes or blocks, for which YAML knows no other meaning than text.
    """

    value: Value = None
    lines: dict[Path, int] = field(default_factory=dict)
    variables: dict[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    quoted: set[Path] = field(default_factory=set)

    def broken(self, path: Path) -> set[str]:
        """Return the keys of the mapping at ``path`` in which something could not be read."""
        start = len(path)
        return {
            str(found.path[start]) for found in self.problems if found.path[:start] == path and len(found.path) > start
        }

    def line(self, path: Path) -> int | None:
        """Return the line of ``path``, or of the nearest thing around it."""
        for end in range(len(path), -1, -1):
            if path[:end] in self.lines:
                return self.lines[path[:end]]
        return None


class _Entry(NamedTuple):
    key: str
    key_line: int
    value: yaml.Node
    merged: bool


def parse(text: str, environ: Mapping[str, str] | None) -> Written:
    """Read a YAML document. Never raises for what is in it: everything wrong is in ``problems``, and reads as "".

    Without ``environ`` a ``$`` is a character like any other.
    """
    try:
        return _parsed(text, environ)
    except RecursionError:
        return Written(problems=[Problem((), "is nested too deeply", None)])


def _parsed(text: str, environ: Mapping[str, str] | None) -> Written:
    written = Written()
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        written.problems.append(Problem((), _syntax(error, text, environ), mark.line + 1 if mark else None))
        return written
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        found = f"U+{error.character:04X}"
        written.problems.append(Problem((), f"holds a character that YAML does not allow ({found}); remove it", line))
        return written
    if node is not None:
        reader = _Reader(written, environ)
        written.value = reader.read(node, ())
    return written


# What the parser says (a part of it), and what it means to somebody who writes the file.
_SYNTAX: Final[Mapping[str, str]] = {
    "\\t": "a tab where spaces are needed",
    "undefined alias": 'there is no such anchor; quote a value that begins with "*"',
    "duplicate anchor": "the anchor is defined twice",
    "cannot start any token": 'quote a value that begins with "@", "`" or "%"',
    "mapping values are not allowed": 'a second ": " in one line; check the indentation, or quote the value',
    "but found another document": 'only one document is read; remove what follows "---"',
    "found unexpected end of stream": "a quote or bracket is opened and never closed",
    "could not find expected ':'": "a key without its colon; check the indentation",
    "did not find expected": "something that does not belong here; check the indentation, quotes and brackets",
}

_UNCLEAR: Final = "check the indentation, quotes and brackets here"

# A "${" inside brackets opens a mapping, unless it is quoted. No key before it: what looks like one with its value is
# blanked when the sentence is shown.
_BARE_VARIABLE: Final = 'is not YAML: quote a value with ${...} inside { } or [ ], such as "${NAME}"'


def _syntax(error: yaml.MarkedYAMLError, text: str, environ: Mapping[str, str] | None) -> str:
    """Say what the parser stumbled over, without quoting the file: the words there may be a secret."""
    said, mark = error.problem or "", error.problem_mark
    if environ is not None and mark and "expected ','" in said and text[: mark.index + 1].endswith("${"):
        return _BARE_VARIABLE
    found = next((meaning for words, meaning in _SYNTAX.items() if words in said), _UNCLEAR)
    # What looks like a space and is none is the last that somebody would look for. The parser may notice a line later.
    first = max(mark.line - 1, 0) if mark else 0
    for number, line in enumerate(text.split("\n")[first : first + 2] if mark else (), first + 1):
        if unseen(line):
            return f"is not YAML: {found}; line {number} holds {unseen(line)}"
    return f"is not YAML: {found}"


class _Reader:
    """Walks the nodes once, notes lines and puts variables in."""

    def __init__(self, written: Written, environ: Mapping[str, str] | None) -> None:
        self._written = written
        self._environ = environ
        self._around: set[int] = set()
        self._count = 0

    def read(self, node: yaml.Node, path: Path) -> Value:
        """Return the value of ``node``; what is wrong becomes a problem and reads as an empty text."""
        line = node.start_mark.line + 1
        self._written.lines.setdefault(path, line)
        self._count += 1
        if self._count > MAX_VALUES:
            if self._count == MAX_VALUES + 1:
                self._problem(path, line, f"holds more than {MAX_VALUES} values; aliases repeat too much")
            return ""
        if id(node) in self._around:
            self._problem(path, line, "is an alias of something that contains it")
            return ""
        if node.tag not in _TAGS:
            self._problem(path, line, 'has a YAML tag; only plain values are read, quote one that begins with "!"')
            return ""
        self._around.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
            return self._scalar(node, path, line) if isinstance(node, yaml.ScalarNode) else ""
        finally:
            self._around.discard(id(node))

    def _problem(self, path: Path, line: int, text: str) -> None:
        self._written.problems.append(Problem(path, text, line))

    def _scalar(self, node: yaml.ScalarNode, path: Path, line: int) -> Value:
        text: str = node.value
        if node.style is None and text in _NULL:
            return None
        if node.style is not None:
            self._written.quoted.add(path)
        if self._environ is None:
            return text
        try:
            value = expand(text, self._environ)
        except VariableError as error:
            self._problem(path, line, str(error))
            return ""
        if value != text:
            self._written.variables[path] = text
        return value

    def _mapping(self, node: yaml.MappingNode, path: Path) -> Value:
        result: dict[str, Value] = {}
        first: dict[str, int] = {}
        merged: list[_Entry] = []
        for entry in self._entries(node, path):
            if entry.merged:
                merged.append(entry)
            elif entry.key in first:
                place = (*path, entry.key)
                self._problem(place, entry.key_line, f"is written twice; the first is in line {first[entry.key]}")
            else:
                first[entry.key] = entry.key_line
                self._put(result, path, entry)
        for entry in merged:  # what is written here wins over what is merged in, the first merged over the next
            if entry.key not in result:
                self._put(result, path, entry)
        return result

    def _put(self, result: dict[str, Value], path: Path, entry: _Entry) -> None:
        place = (*path, entry.key)
        self._written.lines[place] = entry.key_line
        result[entry.key] = self.read(entry.value, place)

    def _entries(self, node: yaml.MappingNode, path: Path, *, merged: bool = False) -> Iterator[_Entry]:
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self._problem(path, line, "has a key that is not a word")
            elif key.value == _MERGE and key.style is None:
                yield from self._merged(value, path, line)
            else:
                yield _Entry(key.value, line, value, merged)

    def _merged(self, node: yaml.Node, path: Path, line: int) -> Iterator[_Entry]:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for source in sources:
            if not isinstance(source, yaml.MappingNode):
                self._problem(path, line, "merges something that is not a mapping")
            elif id(source) in self._around:
                self._problem(path, line, "is an alias of something that contains it")
            else:
                self._around.add(id(source))
                try:
                    yield from self._entries(source, path, merged=True)
                finally:
                    self._around.discard(id(source))
