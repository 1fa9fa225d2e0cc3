#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""Train the byte-level BPE tokenizer on an even sample of all languages and domains.

usage: make_tokenizer.py DATA_DIR   -> DATA_DIR/tokenizer.json
"""

import json
import sys
from collections import Counter
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

VOCABULARY = 8192
END_OF_TEXT = "<|endoftext|>"
SAMPLE_BYTES = 1_500_000  # of each language; domains as much as there is, at most this
# Words keep their combining marks and one leading space; digits stand alone.
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}"
    r"| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def sample(path):
    """Documents of every group, each group up to SAMPLE_BYTES."""
    used = Counter()
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            if used[record["group"]] < SAMPLE_BYTES:
                used[record["group"]] += len(record["text"].encode())
                yield record["text"]


def main():
    data = Path(sys.argv[1])
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[AddedToken(END_OF_TEXT, special=True)],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(sample(data / "train.jsonl"), trainer)
    tokenizer.save(str(data / "tokenizer.json"))
    print("vocabulary", tokenizer.get_vocab_size())


if __name__ == "__main__":
    main()
