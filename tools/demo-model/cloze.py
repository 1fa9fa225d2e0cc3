# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""Multiple choice out of the bundled parallel sentences: which of four sentences translates the English one?

The three wrong ones are sentences of the same language and source, nearest in bytes to the right one. Writes JSONL that
`expertscope eval` reads: python3 tools/demo-model/cloze.py resources/demo/corpus/parallel.jsonl > resources/demo/corpus/cloze.jsonl
"""
import hashlib
import json
import sys

SENTENCES = 60  # of those in the corpus; the first by a hash of their name
WRONG = 3


def order(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def main() -> None:
    rows = [json.loads(line) for line in open(sys.argv[1], encoding="utf-8")]
    text = {(row["parallel_id"], row["language"]): row for row in rows}
    names = sorted({row["parallel_id"] for row in rows}, key=order)
    languages = list(dict.fromkeys(row["language"] for row in rows if row["language"] != "en"))
    for name in sorted(names[:SENTENCES]):
        english = text[name, "en"]
        for language in languages:
            right = text[name, language]
            others = [row for row in rows if row["language"] == language and row["source"] == right["source"]
                      and row["text"] != right["text"]]
            size = len(right["text"].encode())
            others.sort(key=lambda row: (abs(len(row["text"].encode()) - size), order(row["id"])))
            choices = [right["text"]]
            for row in others:
                if row["text"] not in choices and len(choices) <= WRONG:
                    choices.append(row["text"])
            choices.sort(key=lambda choice: order(right["id"] + choice))
            print(json.dumps({"id": f"cloze-{name}-{language}", "parallel_id": name, "language": language,
                              "question": english["text"], "choices": choices, "answer": choices.index(right["text"]),
                              "source": right["source"], "licence": right["licence"]}, ensure_ascii=False))


main()
