#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""Mix the training text into one stream of token ids.

usage: make_tokens.py DATA_DIR [MILLIONS_OF_TOKENS] [SEED]   -> DATA_DIR/tokens.npy (uint16)

Shares: PARALLEL of the tokens are parallel documents, the translations of one segment in two to four languages, a line
each; DOMAINS are code, mathematics, law and prose; the rest is text of one language, languages in proportion to the
square root of their size.
"""

import json
import random
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

PARALLEL = 0.35
DOMAINS = {"code": 0.06, "prose": 0.03, "math": 0.01, "law": 0.005}
LONGEST = 1024  # tokens of one document
END_OF_TEXT = 0


def encode(tokenizer, texts):
    """Token id arrays of texts, each ended by END_OF_TEXT."""
    return [np.array(e.ids[: LONGEST - 1] + [END_OF_TEXT], np.uint16) for e in tokenizer.encode_batch_fast(texts)]


def take(documents, budget):
    """Documents up to `budget` tokens, starting over where they run out; also the number of passes."""
    taken, used, passes = [], 0, 0
    while used < budget:
        passes += 1
        for document in documents:
            if used >= budget:
                break
            taken.append(document)
            used += len(document)
    return taken, passes


def parallel_text(texts, rng):
    """A parallel document: two to four translations of one segment, English usually among them."""
    others = [lang for lang in texts if lang != "en"]
    languages = rng.sample(others, min(len(others), rng.choice((1, 1, 2, 3))))
    if rng.random() < 0.75 or len(languages) == 1:
        languages.append("en")
    rng.shuffle(languages)
    return "\n".join(texts[lang] for lang in languages)


def single_language(path, tokenizer, budget, rng):
    """Documents of one language or domain each, by the shares above."""
    groups = defaultdict(list)
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            groups[record["group"]].append(record["text"])
    weights = {g: sum(len(t.encode()) for t in texts) ** 0.5 for g, texts in groups.items() if g not in DOMAINS}
    rest = budget * (1 - sum(DOMAINS.values()) / (1 - PARALLEL)) / sum(weights.values())
    documents = []
    for group, texts in groups.items():
        rng.shuffle(texts)
        share = budget * DOMAINS[group] / (1 - PARALLEL) if group in DOMAINS else weights[group] * rest
        chosen, passes = take(encode(tokenizer, texts), share)
        documents += chosen
        print(f"{group}: {share / 1e6:.2f} M tokens, {passes} passes", flush=True)
    return documents


def main():
    data = Path(sys.argv[1])
    total = float(sys.argv[2] if len(sys.argv) > 2 else 40) * 1e6
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 0)
    tokenizer = Tokenizer.from_file(str(data / "tokenizer.json"))
    with open(data / "train-parallel.jsonl", encoding="utf-8") as lines:
        segments = [json.loads(line) for line in lines]
    texts = (parallel_text(segment, rng) for _ in range(3) for segment in segments)
    documents, _ = take(encode(tokenizer, list(texts)), PARALLEL * total)
    documents += single_language(data / "train.jsonl", tokenizer, (1 - PARALLEL) * total, rng)
    rng.shuffle(documents)
    tokens = np.concatenate(documents)
    np.save(data / "tokens.npy", tokens)
    print(f"{len(tokens) / 1e6:.1f} M tokens in {len(documents)} documents")


if __name__ == "__main__":
    main()
