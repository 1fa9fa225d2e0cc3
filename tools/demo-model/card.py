#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""Write the model card from its text, the training log and the evaluation.

usage: card.py RUN_DIR MODEL_DIR   -> MODEL_DIR/README.md

card.md holds the text; its {{names}} are replaced by numbers and tables.
"""

import json
import re
import sys
from pathlib import Path

import torch

from model import Config

HERE = Path(__file__).resolve().parent


def table(header, rows):
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def loss_table(summaries, first):
    header = [first, "bits/byte", "nats/token", "bits/sentence", "bytes/token", "bytes"]
    return table(header, [
        [name, f"{s['bits_per_byte']:.3f}", f"{s['nats_per_token']:.3f}", f"{s['bits_per_sentence']:.0f}",
         f"{s['bytes_per_token']:.2f}", s["n_bytes"]]
        for name, s in sorted(summaries.items(), key=lambda item: item[1]["bits_per_byte"])
    ])


def layer_table(routing):
    """One column per layer, one row per statistic."""
    names = {
        "load_min": "least used expert, share of load",
        "load_max": "most used expert, share of load",
        "router_entropy_english": "entropy of mean English routing / log E",
        "divergence_to_english": "D_HJS to English, mean of 15 languages",
        "divergence_floor_other_english_sentences": "floor: D_HJS of two different English sentences",
        "pooled_divergence_to_english": "D_HJS to English, sentences pooled",
        "pooled_divergence_floor_english_halves": "floor: halves of the English sentences, pooled",
        "language_accuracy": "language guessed from routing (16 classes)",
        "largest_share_of_an_expert_in_one_language": "largest share one language has of an expert",
        "domain_accuracy": "domain guessed from routing (5 classes)",
    }
    rows = [[title, *(f"{value:.3f}" for value in routing[name])] for name, title in names.items()]
    return table(["layer", *range(len(routing["load_min"]))], rows)


def values_table(first, rows):
    """One row of layer values per name."""
    layers = range(len(next(iter(rows.values()))))
    return table([first, *layers], [[name, *(f"{value:.2f}" for value in values)] for name, values in rows.items()])


def facts(run, evaluation):
    """{name: text} for the card."""
    checkpoint = torch.load(run / "checkpoint.pt", weights_only=True)
    config = Config(**checkpoint["config"])
    log = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    routing = evaluation["routing"]
    total, active = config.parameters()
    decay = checkpoint["decay_start"]
    return {
        "parameters": f"{total / 1e6:.2f}",
        "active": f"{active / 1e6:.2f}",
        "steps": str(checkpoint["step"]),
        "tokens": f"{checkpoint['tokens'] / 1e6:.1f}",
        "minutes": f"{log[-1]['seconds'] / 60:.0f}",
        "last_loss": f"{log[-1]['loss']:.2f}",
        "schedule": (
            "the rate was not lowered: the weights are a running average over about the last 200 steps" if decay is None
            else f"the rate fell linearly to zero over the last {checkpoint['step'] - decay} steps"
        ),
        "language_losses": loss_table(evaluation["languages"], "language"),
        "domain_losses": loss_table(evaluation["domains"], "domain"),
        "layers": layer_table(routing),
        "by_language": values_table("language", routing["divergence_to_english_by_language"]),
        "by_domain": values_table("domain", routing["pooled_divergence_to_english_ui"]),
        "nearest": ", ".join(f"{a} → {b}" for a, b in routing["nearest_language"].items()),
    }


def main():
    run, folder = Path(sys.argv[1]), Path(sys.argv[2])
    evaluation = json.loads((folder / "eval.json").read_text())
    known = facts(run, evaluation)
    text = (HERE / "card.md").read_text(encoding="utf-8")
    (folder / "README.md").write_text(re.sub(r"\{\{(\w+)\}\}", lambda m: known[m[1]], text), encoding="utf-8")


if __name__ == "__main__":
    main()
