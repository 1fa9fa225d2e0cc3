#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""Choose the bundled demo corpus from the held-out text.

usage: bundle.py DATA_DIR CORPUS_DIR

Writes CORPUS_DIR/parallel.jsonl (every sentence in every language) and CORPUS_DIR/domains.jsonl. Only sources whose
licence allows bundling are used, and only sentences without markup or placeholders.
"""

import hashlib
import json
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

from corpus import word_runs, write_jsonl
from extract import LANGUAGES

# source: number of sentences, domain, name, licence
PARALLEL = {
    "chromium": (150, "browser-ui", "Chromium user interface", "BSD-3-Clause"),
    "firefox": (50, "browser-ui", "Firefox user interface", "MPL-2.0"),
    "libreoffice-ui": (40, "office-ui", "LibreOffice user interface", "MPL-2.0"),
}
PASSAGES = 50  # of each domain
WORDS = range(6, 41)  # of the English sentence
ODD = re.compile(r"[<>{}|%$\[\]\\#*=_^~]|&|https?:|//|\.\.\.|…|\bwww\.|\d{4,}|^\W*$")


def order(name):
    """A fixed shuffled order."""
    return hashlib.md5(name.encode()).hexdigest()


def clean_sentence(texts):
    """Whether a segment is a plain sentence of fitting length in every language."""
    if len(texts["en"].split()) not in WORDS or not texts["en"][0].isupper() or texts["en"][-1] not in ".?!":
        return False
    if len(set(texts.values())) < len(LANGUAGES) or any(ODD.search(text) for text in texts.values()):
        return False
    bytes_in = {lang: len(text.encode()) for lang, text in texts.items()}
    return max(bytes_in.values()) < 6 * min(bytes_in.values())


def parallel_rows(data):
    """Rows of the parallel corpus; sentences that share a run of eight words with an earlier one are left out."""
    candidates = defaultdict(list)
    with open(data / "heldout.jsonl", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            texts = {lang: record["texts"].get(lang, "") for lang in LANGUAGES}
            if record["source"] in PARALLEL and all(texts.values()) and clean_sentence(texts):
                candidates[record["source"]].append((order(record["doc"]), texts))
    runs, seen = set(), set()
    for source, (wanted, domain, name, licence) in PARALLEL.items():
        number = 0
        for _, texts in sorted(candidates[source], key=lambda item: item[0]):
            own = word_runs(texts["en"])
            key = re.sub(r"\W+", " ", texts["en"]).lower()
            if number == wanted or key in seen or not runs.isdisjoint(own):
                continue
            runs |= own
            seen.add(key)
            number += 1
            ident = f"{source}-{number:03}"
            for lang in LANGUAGES:
                yield {"id": f"{ident}-{lang}", "text": texts[lang], "language": lang, "domain": domain,
                       "parallel_id": ident, "source": name, "licence": licence}


def shorten(text, limit=700):
    """A passage cut at a line, sentence or word end."""
    if len(text) <= limit:
        return text
    cut = max(text.rfind("\n", 0, limit), text.rfind(". ", 0, limit) + 1)
    return text[: cut if cut > limit // 2 else text.rfind(" ", 0, limit)].rstrip()


def domain_rows(data):
    """Rows of the domain samples: sources in turn, so that a large one does not crowd out the others."""
    groups = defaultdict(lambda: defaultdict(list))
    with open(data / "heldout-domains.jsonl", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if 150 <= len(record["text"]) and (record["domain"] != "law" or "Inc." not in record["text"]):
                kind = record.get("programming_language", record["source"])
                groups[record["domain"]][kind].append(record)
    for domain, kinds in groups.items():
        queues = [sorted(records, key=lambda r: order(r["text"])) for records in kinds.values()]
        number = 0
        while number < PASSAGES and any(queues):
            for queue in queues:
                if queue and number < PASSAGES:
                    record = queue.pop()
                    number += 1
                    row = {"id": f"{domain}-{number:03}", "text": shorten(record["text"])}
                    row |= {k: record[k] for k in ("language", "domain", "source", "licence")}
                    if "programming_language" in record:
                        row["programming_language"] = record["programming_language"]
                    yield row


def main():
    data, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    for name, rows in (("parallel", list(parallel_rows(data))), ("domains", list(domain_rows(data)))):
        write_jsonl(out / f"{name}.jsonl", rows)
        print(name, len(rows), dict(Counter(row["domain"] for row in rows)), dict(Counter(r["source"] for r in rows)))


if __name__ == "__main__":
    main()
