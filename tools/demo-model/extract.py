#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""Extract text segments, aligned across languages by key, from unpacked Debian packages.

usage: extract.py DATA_DIR [SOURCE ...]

Reads DATA_DIR/x/<package>/ (see fetch.sh) and writes DATA_DIR/segments/<source>.jsonl, one segment a line:
{"doc": document, "key": key within the document, "lang": language, "text": text}. Segments of one (doc, key) are
translations of each other. A doc that begins with "!lang/" could not be aligned (its structure differs from the English).
"""

import gzip
import hashlib
import html
import json
import re
import struct
import sys
import zipfile
from collections import defaultdict
from html.parser import HTMLParser
from pathlib import Path

LANGUAGES = "en de fr es it pt-BR ru uk el tr vi ar hi zh-CN ja ko".split()

_WHITESPACE = re.compile(r"\s+")
_TAG = re.compile(r"<[^<>]*>")
_LOCALE_ALIASES = {"c": "en", "en-us": "en", "pt-br": "pt-BR", "zh-cn": "zh-CN", "es-es": "es", "ar-ma": "ar"}
_REGIONAL = re.compile(r"^(de-DE|fr-FR|it-IT|ru-RU|el-GR|tr-TR|vi-VN|hi-IN|ja-JP|ko-KR|uk-UA)$")


def language_of(locale):
    """The language code of a locale name (pt_BR, es-ES, C, ...), or None if the model does not know it."""
    locale = locale.replace("_", "-")
    code = _LOCALE_ALIASES.get(locale.lower(), locale)
    if _REGIONAL.match(code):
        code = code[:2]
    return code if code in LANGUAGES else None


def squeeze(text):
    """Collapse white space, drop soft hyphens and bidirectional marks."""
    text = re.sub("[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069]", "", text.replace("\u00a0", " "))
    return _WHITESPACE.sub(" ", text).strip()


def plain(text):
    """Text of a message without its inline markup."""
    return squeeze(html.unescape(_TAG.sub("", text)))


# ---------------------------------------------------------------- marked-up documents


class TextRuns(HTMLParser):
    """Splits an HTML or Mallard page into runs of text between block boundaries.

    runs: list of (tag of the innermost block, its id, text), in document order.
    """

    BLOCKS = set("p title desc h1 h2 h3 h4 h5 h6 td th dt dd li item div ul ol dl table tr section list".split())
    SKIPPED = set("script style pre screen head code-block info aside nav footer".split())
    VOID = set("br img hr meta link input col wbr".split())

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.runs = []
        self._blocks = [("", "")]
        self._text = []
        self._skip_depth = 0
        self._hidden_spans = []

    def _flush(self):
        text = squeeze("".join(self._text))
        self._text = []
        if text:
            self.runs.append((*self._blocks[-1], text))

    def handle_starttag(self, tag, attrs):
        if tag in self.VOID:
            return
        attrs = dict(attrs)
        if tag in self.SKIPPED:
            self._skip_depth += 1
        elif tag == "span":
            # LibreOffice hides the variants of a sentence that belong to other platforms.
            hidden = attrs.get("hidden") == "true" and not (attrs.get("id") or "").startswith("default")
            self._hidden_spans.append(hidden)
            self._skip_depth += hidden
        elif tag in self.BLOCKS:
            self._flush()
            self._blocks.append((tag, attrs.get("id") or ""))

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        if tag in self.SKIPPED:
            self._skip_depth = max(0, self._skip_depth - 1)
        elif tag == "span" and self._hidden_spans:
            self._skip_depth -= self._hidden_spans.pop()
        elif tag in self.BLOCKS and len(self._blocks) > 1:
            self._flush()
            self._blocks.pop()

    def handle_data(self, data):
        if not self._skip_depth:
            self._text.append(data)


def text_runs(path):
    """The text runs of one page, or None if it cannot be read."""
    parser = TextRuns()
    try:
        parser.feed(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, AssertionError):
        return None
    return parser.runs


def align_pages(pages, read_blocks):
    """Segments of pages = {doc: {lang: path}}; a translation is aligned if its block tags begin with the English ones.

    read_blocks(path) -> list of (tag, text).
    """
    for doc, versions in sorted(pages.items()):
        english = read_blocks(versions["en"]) if "en" in versions else None
        tags = [tag for tag, _ in english] if english else None
        for lang, path in sorted(versions.items()):
            blocks = read_blocks(path) or []
            aligned = tags is not None and [tag for tag, _ in blocks[: len(tags)]] == tags
            for index, (_, text) in enumerate(blocks):
                shared = aligned and index < len(tags)
                yield (doc if shared else f"!{lang}/{doc}"), str(index), lang, text


def page_blocks(path):
    """(tag, text) of each text run of a page."""
    return [(tag, text) for tag, _, text in text_runs(path) or []]


def libreoffice_help(root):
    """LibreOffice help: paragraphs carry ids shared by all languages."""
    for base in sorted(root.glob("libreoffice-help-*/usr/share/libreoffice/help/*/text")):
        lang = language_of(base.parent.name)
        for path in sorted(base.rglob("*.html")):
            for _, ident, text in text_runs(path) or []:
                if lang and re.match(r"(par|hd|tit|N)_?id", ident):
                    yield str(path.relative_to(base)), ident, lang, text


def gnome_docs(root):
    """GNOME user documentation: Mallard pages."""
    pages = defaultdict(dict)
    for path in root.glob("gnome-user-docs/usr/share/help/*/*/*.page"):
        lang = language_of(path.parent.parent.name)
        if lang:
            pages[f"{path.parent.name}/{path.name}"][lang] = path
    return align_pages(pages, page_blocks)


def debian_handbook(root):
    """The Debian Administrator's Handbook."""
    pages = defaultdict(dict)
    for path in root.glob("debian-handbook/usr/share/doc/debian-handbook/html/*/*.html"):
        lang = language_of(path.parent.name)
        if lang:
            pages[path.name][lang] = path
    return align_pages(pages, page_blocks)


def install_guide(root):
    """The Debian installation guide."""
    pages = defaultdict(dict)
    for path in root.glob("installation-guide-amd64/usr/share/doc/installation-guide-amd64/*/*.html"):
        lang = language_of(path.parent.name)
        if lang:
            pages[path.name][lang] = path
    return align_pages(pages, page_blocks)


def debian_books(root):
    """The Debian history and FAQ (HTML, English and some translations)."""
    pages = defaultdict(dict)
    for package in ("debian-history", "debian-faq"):
        for path in root.glob(f"{package}/usr/share/doc/**/*.html"):
            match = re.match(r"(.+?)(?:\.([a-z]{2}(?:-[a-z]{2})?))?\.html$", path.name)
            folder = language_of(path.parent.name)
            lang = language_of(match[2]) if match[2] else folder or "en"
            if lang:
                pages[f"{package}/{match[1]}"][lang] = path
    return align_pages(pages, page_blocks)


# ---------------------------------------------------------------- manual pages

_ROFF_INLINE = {"B", "I", "BR", "IR", "RB", "RI", "BI", "IB", "SM", "Xr", "Nm", "Fl", "Ar", "Pa", "Dv", "Em", "Va"}
_ROFF_ESCAPES = [
    (re.compile(r"\\f(\[\w*\]|\(\w\w|\w)"), ""),
    (re.compile(r"\\(\*\[[^\]]*\]|\*\(\w\w|\*.)"), ""),
    (re.compile(r"\\\((aq|cq|oq)|\\\[(aq|cq|oq)\]"), "'"),
    (re.compile(r"\\\((dq|lq|rq)|\\\[(dq|lq|rq)\]"), '"'),
    (re.compile(r"\\\((em|en)|\\\[(em|en)\]"), "–"),
    (re.compile(r"\\-"), "-"),
    (re.compile(r"\\[~ ]"), " "),
    (re.compile(r"\\e"), r"\\"),
    (re.compile(r"\\s[-+]?\d|\\\(..|\\\[[^\]]*\]|\\[&%/,:|^c]"), ""),
]


def roff_text(line):
    """The readable text of one line of roff source."""
    for pattern, replacement in _ROFF_ESCAPES:
        line = pattern.sub(replacement, line)
    return squeeze(line.replace('"', "") if line.startswith('"') else line)


def man_blocks(path):
    """(macro or "text", text) blocks of one manual page; preformatted passages are left out."""
    blocks, words, preformatted = [], [], False

    def flush():
        if words:
            blocks.append(("text", roff_text(" ".join(words))))
            words.clear()

    with gzip.open(path, "rt", encoding="utf-8", errors="replace") as lines:
        for line in lines:
            line = line.rstrip("\n")
            if line.startswith(('.\\"', "'\\\"")):
                continue
            macro = re.match(r"[.'](\w+)\s*(.*)", line)
            if preformatted:
                preformatted = not (macro and macro[1] in ("EE", "fi"))
            elif macro and macro[1] in _ROFF_INLINE:
                words.append(macro[2])
            elif macro:
                flush()
                blocks.append((macro[1], ""))
                preformatted = macro[1] in ("EX", "nf")
            elif line.strip():
                words.append(line)
            else:
                flush()
    flush()
    return [block for block in blocks if block[0] != "text" or block[1]]


def manual_pages(root):
    """Manual pages, aligned by their macro sequence."""
    pages = defaultdict(dict)
    for path in root.glob("manpages*/usr/share/man/**/*.gz"):
        relative = str(path).split("/usr/share/man/")[1]
        match = re.match(r"(?:([a-z]{2}(?:_[A-Z]{2})?)(?:\.[\w-]+)?/)?(man\d/.+)$", relative)
        lang = language_of(match[1] or "en") if match else None
        if lang and not path.is_symlink():
            pages[match[2]][lang] = path
    return ((doc, key, lang, text) for doc, key, lang, text in align_pages(pages, man_blocks) if text)


# ---------------------------------------------------------------- message catalogues


def read_mo(path):
    """(context, message id, translation) of a gettext catalogue; the singular of plural messages."""
    data = path.read_bytes()
    order = "<" if data[:4] == b"\xde\x12\x04\x95" else ">"
    count, ids, texts = struct.unpack(order + "3I", data[8:20])

    def string(table, index):
        length, start = struct.unpack_from(order + "2I", data, table + 8 * index)
        return data[start : start + length].decode("utf-8").split("\0")[0]

    for index in range(count):
        try:
            ident, text = string(ids, index), string(texts, index)
        except UnicodeDecodeError:
            continue
        context, _, ident = ident.rpartition("\4")
        if ident:
            yield context, ident, text


def message_text(text):
    """A catalogue message without markup and keyboard accelerators."""
    text = plain(text)
    return text if "%" in text else text.replace("&", "").replace("_", "").replace("~", "")


def catalogues(paths, strip_context=False):
    """Segments of gettext catalogues (.../<locale>/LC_MESSAGES/<domain>.mo), each message its own document."""
    english_done = set()
    for path in sorted(paths):
        lang = language_of(path.parent.parent.name)
        if not lang or lang == "en":
            continue
        for context, ident, text in read_mo(path):
            digest = hashlib.md5(f"{context}\4{ident}".encode()).hexdigest()[:12]
            doc = f"{path.stem}-{digest}"
            if doc not in english_done:
                english_done.add(doc)
                yield doc, "0", "en", message_text(ident.split("^", 1)[-1] if strip_context else ident)
            yield doc, "0", lang, message_text(text)


def libreoffice_ui(root):
    """LibreOffice's user interface."""
    return catalogues(root.glob("libreoffice-l10n-*/**/LC_MESSAGES/*.mo"))


def wesnoth(root):
    """Campaign texts of The Battle for Wesnoth: fiction and dialogue."""
    return catalogues(root.glob("wesnoth-1.16-*/**/LC_MESSAGES/*.mo"), strip_context=True)


def desktop_ui(root):
    """Message catalogues of other desktop programs."""
    paths = root.glob("*/usr/share/locale/*/LC_MESSAGES/*.mo")
    return catalogues(path for path in paths if not str(path.relative_to(root)).startswith(("libreoffice", "wesnoth")))


def read_pak(path):
    """(resource id, text) of a Chromium data pack, format version 5."""
    data = path.read_bytes()
    version, encoding, count, _ = struct.unpack("<IBxxxHH", data[:12])
    if version != 5:
        raise ValueError(f"{path}: data pack version {version}")
    entries = [struct.unpack_from("<HI", data, 12 + 6 * index) for index in range(count + 1)]
    codec = "utf-8" if encoding == 1 else "utf-16le"
    for (ident, start), (_, end) in zip(entries, entries[1:]):
        try:
            yield ident, data[start:end].decode(codec)
        except UnicodeDecodeError:
            continue


def chromium_ui(root):
    """Chromium's user interface; plural forms and binary resources are left out."""
    paths = [*root.glob("chromium-l10n/**/locales/*.pak"), *root.glob("chromium-common/**/locales/en-US.pak")]
    for path in sorted(paths):
        lang = None if "_" in path.stem else language_of(path.stem)
        if not lang:
            continue
        for ident, text in read_pak(path):
            if "\0" not in text and "plural" not in text[:60] and text[:1] not in ("{", "<"):
                yield f"{ident}", "0", lang, plain(text)


def read_fluent(text):
    """{message id: value} of a Fluent file; a message's attributes count as messages of their own."""
    messages, current = {}, None
    for line in text.split("\n"):
        message = re.match(r"^(-?[A-Za-z][\w-]*)\s*=\s*(.*)$", line)
        attribute = re.match(r"^\s+\.([\w-]+)\s*=\s*(.*)$", line)
        if message:
            current = message[1]
            messages[current] = message[2]
        elif attribute and current:
            current = f"{current.split('.')[0]}.{attribute[1]}"
            messages[current] = attribute[2]
        elif current and re.match(r"^\s+\S", line):
            messages[current] += " " + line.strip()
        elif line.strip():
            current = None
    return messages


def read_properties(text):
    """{key: value} of a .properties file."""
    return dict(re.findall(r"^([\w.-]+)\s*=\s*(.*)$", text, re.M))


def firefox_ui(root):
    """Firefox's user interface (Fluent and .properties files of the language packs)."""
    packs = [(path, language_of(re.search(r"langpack-([\w-]+)@", path.name)[1]))
             for path in sorted(root.glob("firefox-esr-l10n-*/**/*.xpi"))]
    packs += [(path, "en") for path in sorted(root.glob("firefox-esr/**/omni.ja"))]
    for path, lang in packs:
        with zipfile.ZipFile(path) as pack:
            for name in pack.namelist():
                if not name.endswith((".ftl", ".properties")) or not re.search(r"(localization|locale)/", name):
                    continue
                relative = re.split(r"(?:localization|locale)/", name)[-1]
                relative = re.sub(r"^[\w-]+/", "", relative)
                reader = read_fluent if name.endswith(".ftl") else read_properties
                for ident, text in reader(pack.read(name).decode("utf-8", "replace")).items():
                    if "->" not in text and "[one]" not in text:
                        text = re.sub(r"\{\s*-brand-[\w-]+\s*\}", "Firefox", text)
                        yield f"{relative}#{ident}", "0", lang, plain(text)


SOURCES = {
    "chromium": chromium_ui,
    "firefox": firefox_ui,
    "libreoffice-ui": libreoffice_ui,
    "libreoffice-help": libreoffice_help,
    "gnome-docs": gnome_docs,
    "debian-handbook": debian_handbook,
    "install-guide": install_guide,
    "debian-books": debian_books,
    "manual-pages": manual_pages,
    "desktop-ui": desktop_ui,
    "wesnoth": wesnoth,
}


def main():
    data = Path(sys.argv[1])
    (data / "segments").mkdir(exist_ok=True)
    for name in sys.argv[2:] or SOURCES:
        count = 0
        with open(data / "segments" / f"{name}.jsonl", "w", encoding="utf-8") as out:
            for doc, key, lang, text in SOURCES[name](data / "x"):
                if text:
                    record = {"doc": doc, "key": key, "lang": lang, "text": text}
                    out.write(json.dumps(record, ensure_ascii=False) + "\n")
                    count += 1
        print(f"{name}: {count} segments", flush=True)


if __name__ == "__main__":
    main()
