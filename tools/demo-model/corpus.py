#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""Filter the extracted text and split it into training and held-out parts.

usage: corpus.py DATA_DIR

The split is by a hash of the document's key, so a document is held out in every language or in none; a training text
that equals a held-out one, or whose English shares a run of eight words with a held-out sentence of the interface
sources (from which the bundled parallel corpus is taken), is dropped in every language.

Reads DATA_DIR/segments/*.jsonl and DATA_DIR/domains.jsonl, writes
  train.jsonl           {"group": language or domain, "text"}          one document a line
  train-parallel.jsonl  {language: text, ...}                          one aligned segment a line
  heldout.jsonl         {"source", "doc", "key", "texts": {language: text}}
  heldout-domains.jsonl records of domains.jsonl
"""

import hashlib
import json
import random
import sys
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path

from extract import LANGUAGES, SOURCES

INTERFACE = ("chromium", "firefox", "libreoffice-ui")
HELD_OUT_ONE_IN = {"chromium": 5, "firefox": 8, "libreoffice-ui": 8, "law": 4, "code": 20, "math": 8, "prose": 20}
DENSE_SCRIPTS = ("zh-CN", "ja", "ko")
OTHER_SCRIPTS = (*DENSE_SCRIPTS, "ru", "uk", "el", "ar", "hi")
RUN = 8  # words
LONGEST_DOCUMENT = 3000  # characters


def held_out(source, doc):
    """Whether a document is held out, by a hash of its name."""
    one_in = HELD_OUT_ONE_IN.get(source, 25)
    return int(hashlib.md5(f"{source}:{doc}".encode()).hexdigest()[:8], 16) % one_in == 0


def usable(text, lang, english):
    """Whether a segment is text in its language: long enough, mostly letters, translated."""
    if len(text) < (6 if lang in DENSE_SCRIPTS else 16) or (lang != "en" and text == english):
        return False
    letters = sum(c.isalpha() for c in text)
    wordlike = letters + sum(c.isspace() or unicodedata.category(c)[0] == "M" for c in text)
    if wordlike < 0.7 * len(text):
        return False
    latin = sum(c.isalpha() and c < "\u0250" for c in text)
    return lang not in OTHER_SCRIPTS or latin <= 0.5 * letters


def word_runs(text):
    """All runs of RUN consecutive words of a text."""
    words = "".join(c.lower() if c.isalnum() else " " for c in text).split()
    return {" ".join(words[i : i + RUN]) for i in range(len(words) - RUN + 1)}


def load_segments(path):
    """{(doc, key): {language: text}} of one source, usable segments only, in file order."""
    segments = defaultdict(dict)
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            segments[record["doc"], record["key"]][record["lang"]] = record["text"]
    for texts in segments.values():
        english = texts.get("en")
        for lang in [lang for lang, text in texts.items() if not usable(text, lang, english)]:
            del texts[lang]
    return segments


class Split:
    """Collects the training and held-out parts over all sources."""

    def __init__(self):
        self.documents = defaultdict(lambda: defaultdict(list))  # group -> (source, doc) -> texts
        self.parallel = []
        self.heldout = []
        self.heldout_texts = set()
        self.heldout_runs = set()
        self.bytes = Counter()

    def hold_out(self, source, segments):
        """First pass: the held-out documents of a source."""
        for (doc, key), texts in segments.items():
            if texts and held_out(source, doc.split("/", 1)[1] if doc.startswith("!") else doc):
                self.heldout_texts.update(texts.values())
                if doc[0] != "!":
                    self.heldout.append({"source": source, "doc": doc, "key": key, "texts": texts})
                if source in INTERFACE and all(lang in texts for lang in LANGUAGES):
                    self.heldout_runs |= word_runs(texts["en"])

    def train(self, source, segments, seen):
        """Second pass: the training documents of a source; seen: texts already used."""
        for (doc, _), texts in segments.items():
            base = doc.split("/", 1)[1] if doc.startswith("!") else doc
            if held_out(source, base) or self.contaminated(texts):
                continue
            if "en" in texts and len(texts) > 1 and len(texts["en"]) < 600:
                self.parallel.append(texts)
            for lang, text in texts.items():
                if text not in seen:
                    seen.add(text)
                    self.documents[lang][source, base].append(text)
                    self.bytes[lang] += len(text.encode())

    def contaminated(self, texts):
        """Whether a segment repeats held-out text."""
        if any(text in self.heldout_texts for text in texts.values()):
            return True
        return "en" in texts and not self.heldout_runs.isdisjoint(word_runs(texts["en"]))


def pieces(paragraphs):
    """Join paragraphs into documents of at most LONGEST_DOCUMENT characters, about."""
    document = []
    for paragraph in paragraphs:
        if document and sum(map(len, document)) + len(paragraph) > LONGEST_DOCUMENT:
            yield "\n".join(document)
            document = []
        document.append(paragraph)
    yield "\n".join(document)


def write_jsonl(path, records):
    with open(path, "w", encoding="utf-8") as out:
        for record in records:
            out.write(json.dumps(record, ensure_ascii=False) + "\n")


def split_domains(data):
    """(training passages, held-out passages) of the domain samples."""
    with open(data / "domains.jsonl", encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    parts = {True: [], False: []}
    for record in records:
        parts[held_out(record["domain"], record["doc"])].append(record)
    runs = set().union(*(word_runs(r["text"]) for r in parts[True] if r["domain"] == "law"))
    train = [r for r in parts[False] if r["domain"] != "law" or runs.isdisjoint(word_runs(r["text"]))]
    return train, parts[True]


def main():
    data = Path(sys.argv[1])
    split, seen, shuffle = Split(), set(), random.Random(0).shuffle
    sources = {name: load_segments(data / "segments" / f"{name}.jsonl") for name in SOURCES}
    for name, segments in sources.items():
        split.hold_out(name, segments)
    for name, segments in sources.items():
        split.train(name, segments, seen)
    train_domains, heldout_domains = split_domains(data)
    train = [{"group": lang, "text": piece} for lang, documents in split.documents.items()
             for paragraphs in documents.values() for piece in pieces(paragraphs)]
    train += [{"group": record["domain"], "text": record["text"]} for record in train_domains]
    shuffle(train)
    shuffle(split.parallel)
    write_jsonl(data / "train.jsonl", train)
    write_jsonl(data / "train-parallel.jsonl", split.parallel)
    write_jsonl(data / "heldout.jsonl", split.heldout)
    write_jsonl(data / "heldout-domains.jsonl", heldout_domains)
    for record in train_domains:
        split.bytes[record["domain"]] += len(record["text"].encode())
    print("training MB", {group: round(size / 1e6, 2) for group, size in split.bytes.items()})
    print("aligned training segments", len(split.parallel))
    complete = Counter(r["source"] for r in split.heldout if all(lang in r["texts"] for lang in LANGUAGES))
    print("held-out segments", len(split.heldout), "in every language", dict(complete))
    print("held-out domain passages", dict(Counter(r["domain"] for r in heldout_domains)))


if __name__ == "__main__":
    main()
