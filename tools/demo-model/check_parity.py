#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""Check that transformers computes the exported model as the training code does.

usage: check_parity.py RUN_DIR MODEL_DIR CORPUS_DIR [--average]

The training code runs the checkpoint's weights (rounded to BF16 and computed in mixed precision, as in training) on the
English and Chinese sentences of the parallel corpus; transformers runs the exported folder in float32. The two losses
must agree within TOLERANCE nats a token.
"""

import argparse
import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from model import Config, Model

TOLERANCE = 0.01


def stream(corpus, tokenizer, context):
    """The sentences as one stream of ids cut into windows: inputs and targets (B, context)."""
    ids = []
    with open(corpus / "parallel.jsonl", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["language"] in ("en", "zh-CN"):
                ids += tokenizer(row["text"]).input_ids
    windows = (len(ids) - 1) // context
    tokens = torch.tensor(ids[: windows * context + 1])
    return tokens[:-1].view(windows, context), tokens[1:].view(windows, context)


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--average", action="store_true")
    arguments = parser.parse_args()
    checkpoint = torch.load(arguments.run / "checkpoint.pt", weights_only=True)
    weights = checkpoint["average" if arguments.average else "model"]
    ours = Model(Config(**checkpoint["config"]))
    ours.load_state_dict({name: value.bfloat16().float() for name, value in weights.items()})
    theirs = AutoModelForCausalLM.from_pretrained(arguments.model, dtype=torch.float32).eval()
    inputs, targets = stream(arguments.corpus, AutoTokenizer.from_pretrained(arguments.model), ours.config.context)
    with torch.autocast("cpu", torch.bfloat16):
        ours_loss = ours(inputs, targets)[0].item()
    logits = theirs(inputs).logits.flatten(0, 1)
    theirs_loss = torch.nn.functional.cross_entropy(logits, targets.flatten()).item()
    print(f"{inputs.numel()} tokens: training code {ours_loss:.4f}, transformers {theirs_loss:.4f} nats a token")
    if abs(ours_loss - theirs_loss) > TOLERANCE:
        raise SystemExit("the losses differ")


if __name__ == "__main__":
    main()
