#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""Extract domain samples (source code, mathematics, law, prose) from unpacked Debian packages.

usage: domains.py DATA_DIR

Writes DATA_DIR/domains.jsonl, one passage a line: {"domain", "language", "source", "licence", "doc", "text"} and
"programming_language" for code. "doc" is the unit that is held out from training as a whole.
"""

import ast
import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

PASSAGE = 1200  # characters, about

# glob below DATA_DIR/x, programming language, project, licence
CODE = [
    ("libpython3.11-stdlib/usr/lib/python3.11/**/*.py", "python", "CPython standard library", "PSF-2.0"),
    ("golang-golang-x-net-dev/**/*.go", "go", "golang.org/x/net", "BSD-3-Clause"),
    ("golang-golang-x-text-dev/**/*.go", "go", "golang.org/x/text", "BSD-3-Clause"),
    ("librust-regex-dev/**/*.rs", "rust", "regex", "MIT OR Apache-2.0"),
    ("librust-serde-dev/**/*.rs", "rust", "serde", "MIT OR Apache-2.0"),
    ("librust-clap-3-dev/**/*.rs", "rust", "clap", "MIT OR Apache-2.0"),
    ("libeigen3-dev/usr/include/**/*.h", "c++", "Eigen", "MPL-2.0"),
    ("libfmt-dev/usr/include/**/*.h", "c++", "fmt", "MIT"),
    ("nlohmann-json3-dev/usr/include/**/*.hpp", "c++", "JSON for Modern C++", "MIT"),
    ("node-lodash/usr/share/nodejs/**/*.js", "javascript", "Lodash", "MIT"),
    ("node-express/usr/share/nodejs/**/*.js", "javascript", "Express", "MIT"),
]
MATHEMATICS = [
    ("python3-sympy/**/*.py", "SymPy", "BSD-3-Clause"),
    ("python3-mpmath/**/*.py", "mpmath", "BSD-3-Clause"),
    ("python3-scipy/**/*.py", "SciPy", "BSD-3-Clause"),
    ("python3-sklearn/**/*.py", "scikit-learn", "BSD-3-Clause"),
    ("python3-statsmodels/**/*.py", "statsmodels", "BSD-3-Clause"),
]
LICENCE_TEXTS = Path("/usr/share/common-licenses")


def passages(parts, separator, size=PASSAGE):
    """Join consecutive parts (lines, paragraphs, verses) into passages of about `size` characters."""
    passage = []
    for part in parts:
        if passage and sum(map(len, passage)) + len(part) > size:
            yield separator.join(passage)
            passage = []
        passage.append(part)
    if passage:
        yield separator.join(passage)


def code(root):
    for pattern, language, project, licence in CODE:
        for path in sorted(root.glob(pattern)):
            if not path.is_file() or path.stat().st_size > 300_000:
                continue
            if re.search(r"test|tables|data\b|\.min\.", str(path.relative_to(root))):
                continue
            text = path.read_text(encoding="utf-8", errors="replace").expandtabs(4)
            text = re.sub(r"^(\s*(#|//)[^\n]*\n)+|^\s*/\*.*?\*/", "", text, flags=re.S)
            for passage in passages(text.split("\n"), "\n"):
                yield {"domain": "code", "language": "zxx", "programming_language": language, "source": project,
                       "licence": licence, "doc": f"{project}/{path.name}", "text": passage.strip("\n")}


def docstrings(path):
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (SyntaxError, UnicodeDecodeError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Module)):
            text = ast.get_docstring(node)
            if text and "\\" in text:
                yield text


def latex_paragraphs(text):
    """The paragraphs of a reStructuredText docstring that hold LaTeX, with math roles written as $...$."""
    text = re.sub(r":(?:math|obj|ref|class|func):`([^`]*)`", r"$\1$", text)
    text = re.sub(r"\.\. math::\n*((?:\n?[ \t]+\S[^\n]*)+)",
                  lambda m: "$$" + re.sub(r"\s+", " ", m[1]).strip() + "$$", text)
    text = re.sub(r"\n\s*\n(\$\$)", r" \1", text)
    for paragraph in re.split(r"\n\s*\n", text):
        paragraph = re.sub(r"\s+", " ", paragraph).strip()
        mathematical = "$" in paragraph and re.search(r"\\[a-zA-Z]{2,}", paragraph)
        if mathematical and ">>>" not in paragraph and ".. " not in paragraph and len(paragraph) > 80:
            yield paragraph


def mathematics(root):
    for pattern, project, licence in MATHEMATICS:
        for path in sorted(root.glob(pattern)):
            for text in docstrings(path):
                for paragraph in latex_paragraphs(text):
                    yield {"domain": "math", "language": "en", "source": project, "licence": licence,
                           "doc": f"{project}/{path.name}", "text": paragraph}


def law(_root):
    """Paragraphs of common licence texts; a paragraph that several licences share is one document."""
    for path in sorted(LICENCE_TEXTS.iterdir()):
        if path.is_symlink():
            continue
        for paragraph in re.split(r"\n\s*\n", path.read_text(encoding="utf-8", errors="replace")):
            paragraph = re.sub(r"\s+", " ", paragraph).strip(" *-=")
            if len(paragraph) > 120:
                digest = hashlib.md5(re.sub(r"\W+", " ", paragraph).lower().encode()).hexdigest()[:12]
                yield {"domain": "law", "language": "en", "source": f"{path.name} licence text",
                       "licence": "verbatim copying permitted", "doc": digest, "text": paragraph}


def prose(root):
    """The King James Bible, in passages that keep to one chapter."""
    data = root / "bible-kjv-text/usr/lib/bible.data"
    command = [root / "bible-kjv/usr/bin/bible", "-d", data, "-f", "gen1:1-rev22:21"]
    chapters = {}
    for line in subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout.splitlines():
        match = re.match(r"(\w+?)(\d+):\d+ (.*)", line.decode("ascii", "replace"))
        if match:
            chapters.setdefault(f"{match[1]} {match[2]}", []).append(match[3].strip())
    for chapter, verses in chapters.items():
        for passage in passages(verses, " ", 800):
            yield {"domain": "prose", "language": "en", "source": "King James Bible", "licence": "public domain",
                   "doc": chapter, "text": passage}


def main():
    data = Path(sys.argv[1])
    seen = set()
    with open(data / "domains.jsonl", "w", encoding="utf-8") as out:
        for extract in (code, mathematics, law, prose):
            count = 0
            for record in extract(data / "x"):
                if record["text"] not in seen:
                    seen.add(record["text"])
                    out.write(json.dumps(record, ensure_ascii=False) + "\n")
                    count += 1
            print(f"{extract.__name__}: {count} passages", flush=True)


if __name__ == "__main__":
    main()
