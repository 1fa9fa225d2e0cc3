#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""Evaluate the exported model with transformers: loss per language and domain, and the structure of its routing.

usage: evaluate.py MODEL_DIR CORPUS_DIR   -> MODEL_DIR/eval.json

Every text is run alone after the end-of-text token, in float32. Loss counts every token of the text. Routing statistics
leave the end-of-text token out. Shapes: S texts, L layers, E experts, n tokens of a text (the first not counted).
"""

import json
import math
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer

BATCH = 64


class Router:
    """Keeps the router probabilities of the last pass, by layer: (batch * tokens, E)."""

    def __init__(self, model):
        self.probabilities = {}
        for index, layer in enumerate(model.model.layers):
            layer.mlp.gate.register_forward_hook(lambda gate, args, _, i=index: self.keep(i, gate, args[0]))

    def keep(self, index, gate, hidden):
        logits = F.linear(hidden.reshape(-1, hidden.shape[-1]), gate.weight)
        self.probabilities[index] = logits.float().softmax(-1)


class Measured:
    """Results of a list of S texts: loss (S,) in nats, tokens (S,), bytes (S,), mean router probabilities
    pooled (S, L, E) and shares of the top-k choices used (S, L, E)."""

    def __init__(self, model, tokenizer, router, texts):
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        rows = {}
        for start in range(0, len(order), BATCH):
            picks = order[start : start + BATCH]
            rows |= zip(picks, measure_batch(model, tokenizer, router, [texts[i] for i in picks]))
        rows = [rows[i] for i in range(len(texts))]
        self.loss, self.tokens, self.pooled, self.used = (np.array(column) for column in zip(*rows))
        self.bytes = np.array([len(text.encode()) for text in texts])

    def summary(self):
        nats = self.loss.sum()
        return {
            "bits_per_byte": round(nats / math.log(2) / self.bytes.sum(), 4),
            "nats_per_token": round(nats / self.tokens.sum(), 4),
            "bits_per_sentence": round(nats / math.log(2) / len(self.loss), 2),
            "bytes_per_token": round(self.bytes.sum() / self.tokens.sum(), 3),
            "n_sentences": len(self.loss),
            "n_tokens": int(self.tokens.sum()),
            "n_bytes": int(self.bytes.sum()),
        }


@torch.no_grad()
def measure_batch(model, tokenizer, router, texts):
    """Per text: loss in nats, number of tokens, pooled (L, E), used (L, E). Padding follows the text, so that causal
    attention keeps it out."""
    limit = model.config.max_position_embeddings
    sequences = [tokenizer(text).input_ids[:limit] for text in texts]
    length = max(map(len, sequences))
    ids = torch.tensor([sequence + [0] * (length - len(sequence)) for sequence in sequences])
    log_probabilities = model(ids).logits.float().log_softmax(-1)
    losses = -log_probabilities[:, :-1].gather(-1, ids[:, 1:, None]).squeeze(-1)
    layers = [router.probabilities[i].view(*ids.shape, -1) for i in range(model.config.num_hidden_layers)]
    probabilities = torch.stack(layers, 2)  # (batch, tokens, L, E)
    chosen = probabilities.topk(model.config.num_experts_per_tok, -1).indices
    used = torch.zeros_like(probabilities).scatter_(-1, chosen, 1.0 / model.config.num_experts_per_tok)
    for row, sequence in enumerate(sequences):
        text = slice(1, len(sequence))
        yield (losses[row, : len(sequence) - 1].sum().item(), len(sequence) - 1,
               probabilities[row, text].mean(0).numpy(), used[row, text].mean(0).numpy())


def entropy(p):
    return -(p * np.log(np.maximum(p, 1e-12))).sum(-1)


def divergence(p, q):
    """Entropy-normalised Jensen-Shannon divergence D_HJS over the last axis: 0 (same) to 1 (disjoint)."""
    mean_entropy = (entropy(p) + entropy(q)) / 2
    return (entropy((p + q) / 2) - mean_entropy) / np.maximum(np.log(p.shape[-1]) - mean_entropy, 1e-9)


def centroid_accuracy(classes):
    """Share of texts whose nearest class centroid (Hellinger distance) is their own, by layer (L,).

    classes: list of (S, L, E); centroids from the texts of even number, accuracy on those of odd number.
    """
    centroids = np.stack([np.sqrt(pooled[::2]).mean(0) for pooled in classes])  # (C, L, E)
    correct = total = 0
    for number, pooled in enumerate(classes):
        distance = ((np.sqrt(pooled[1::2])[:, None] - centroids) ** 2).sum(-1)  # (S/2, C, L)
        correct = correct + (distance.argmin(1) == number).sum(0)
        total += len(distance)
    return correct / total


def rounded(values):
    return [round(float(value), 4) for value in np.asarray(values)]


def language_routing(languages):
    """Routing by language: languages {language: Measured} over the same S sentences in the same order."""
    english = languages["en"].pooled
    others = [lang for lang in languages if lang != "en"]
    to_english = {lang: divergence(languages[lang].pooled, english).mean(0) for lang in others}
    pooled = {lang: divergence(languages[lang].pooled.mean(0), english.mean(0)) for lang in others}
    load = np.stack([m.used.mean(0) for m in languages.values()])  # (languages, L, E)
    share = load / load.sum(0)
    return {
        "load_min": rounded(load.mean(0).min(-1)),
        "load_max": rounded(load.mean(0).max(-1)),
        "router_entropy_english": rounded(entropy(english.mean(0)) / np.log(english.shape[-1])),
        "divergence_to_english": rounded(np.mean(list(to_english.values()), 0)),
        "divergence_floor_other_english_sentences": rounded(divergence(english, np.roll(english, 1, 0)).mean(0)),
        "pooled_divergence_to_english": rounded(np.mean(list(pooled.values()), 0)),
        "pooled_divergence_floor_english_halves": rounded(divergence(english[::2].mean(0), english[1::2].mean(0))),
        "divergence_to_english_by_language": {lang: rounded(values) for lang, values in to_english.items()},
        "language_accuracy": rounded(centroid_accuracy([m.pooled for m in languages.values()])),
        "language_chance": round(1 / len(languages), 4),
        "largest_share_of_an_expert_in_one_language": rounded(share.max((0, 2))),
    }


def nearest_languages(languages):
    """The nearest other language by pooled routing, averaged over the layers."""
    names = list(languages)
    means = np.stack([languages[name].pooled.mean(0) for name in names])
    distance = divergence(means[:, None], means[None]).mean(-1) + 9 * np.eye(len(names))
    return {name: names[index] for name, index in zip(names, distance.argmin(1))}


def domain_routing(domains, interface):
    """Routing by domain against English interface text."""
    classes = {"ui": interface, **domains}
    return {
        "pooled_divergence_to_english_ui": {
            name: rounded(divergence(m.pooled.mean(0), interface.pooled.mean(0))) for name, m in domains.items()
        },
        "domain_accuracy": rounded(centroid_accuracy([m.pooled for m in classes.values()])),
        "domain_classes": list(classes),
    }


def read_corpus(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def main():
    folder, corpus = Path(sys.argv[1]), Path(sys.argv[2])
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    router = Router(model)
    texts = {"parallel": defaultdict(list), "domains": defaultdict(list)}
    for row in sorted(read_corpus(corpus / "parallel.jsonl"), key=lambda row: row["parallel_id"]):
        texts["parallel"][row["language"]].append(row["text"])
    for row in read_corpus(corpus / "domains.jsonl"):
        texts["domains"][row["domain"]].append(row["text"])
    for text in (text for group in texts["parallel"].values() for text in group):
        if tokenizer.decode(tokenizer(text).input_ids, skip_special_tokens=True) != text:
            raise ValueError(f"the tokenizer does not round-trip: {text}")
    languages = {lang: Measured(model, tokenizer, router, group) for lang, group in texts["parallel"].items()}
    domains = {name: Measured(model, tokenizer, router, group) for name, group in texts["domains"].items()}
    results = {
        "languages": {lang: measured.summary() for lang, measured in languages.items()},
        "domains": {name: measured.summary() for name, measured in domains.items()},
        "routing": {
            **language_routing(languages),
            "nearest_language": nearest_languages(languages),
            **domain_routing(domains, languages["en"]),
        },
    }
    (folder / "eval.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    for name, summary in (results["languages"] | results["domains"]).items():
        print(f"{name:6} {summary['bits_per_byte']:.3f} bits/byte  {summary['nats_per_token']:.3f} nats/token")


if __name__ == "__main__":
    main()
