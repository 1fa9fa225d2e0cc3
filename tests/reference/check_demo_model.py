#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""Compare a routing trace (HDF5) written by Expertscope with what transformers computes for the same tokens.

To be used by hand, on any model folder that transformers can load:

    check_demo_model.py MODEL_FOLDER TRACE.h5 [--corpus TEXTS.txt|TEXTS.jsonl] [--dtype bfloat16]

Every sequence of the trace is run alone through transformers, with the token ids of the trace. Shapes below: T tokens,
M MoE layers, K experts per token, E experts, n tokens of one sequence.
"""

import argparse
import json
import sys
from pathlib import Path

import h5py
import numpy as np
import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM


class RouterRecorder:
    """Collects, by layer, the raw router logits [n,E], the chosen experts [n,K] and their weights [n,K] of one pass."""

    def __init__(self, model):
        self.by_layer = {}
        for index, layer in enumerate(model.model.layers):
            if hasattr(layer.mlp, "gate"):
                layer.mlp.gate.register_forward_hook(lambda gate, args, out, i=index: self._keep(i, gate, args[0], out))

    def _keep(self, index, gate, inputs, output):
        _, weights, experts = output
        # computed again from the weights: what a release calls router_logits may be softmaxed
        logits = F.linear(inputs.reshape(-1, inputs.shape[-1]), gate.weight)
        self.by_layer[index] = (logits.float().numpy(), experts.numpy(), weights.float().numpy())


class Errors:
    """Running largest and mean absolute error of each compared quantity, with the place of the largest."""

    def __init__(self):
        self.rows = {}

    def add(self, name, error, place):
        error = np.abs(np.asarray(error, dtype=np.float64))
        if error.size == 0:
            return
        largest, total, count, where = self.rows.get(name, (-1.0, 0.0, 0, ""))
        if error.max() > largest:
            largest, where = float(error.max()), place
        self.rows[name] = (largest, total + float(error.sum()), count + error.size, where)

    def show(self):
        for name, (largest, total, count, where) in self.rows.items():
            print(f"{name:14s} largest error {largest:.3e} ({where}), mean {total / count:.3e}, {count} values")


def read_texts(path):
    """Texts of a corpus: one a line, or the field "text" of each JSON line."""
    lines = [line for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    return [json.loads(line)["text"] for line in lines] if path.suffix in (".jsonl", ".json") else lines


def check_tokens(folder, texts, sequences):
    """Compare the ids of each sequence with the library's of the text with its number; returns whether all agree."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    same = 0
    for number, (text, ids) in enumerate(zip(texts, sequences)):
        readings = [tokenizer.encode(text, add_special_tokens=special).ids for special in (False, True)]
        if any(list(ids[:len(reading)]) == reading for reading in readings):
            same += 1
        else:
            pairs = list(zip(ids, readings[0]))
            first = next((i for i, (a, b) in enumerate(pairs) if a != b), len(pairs))
            print(f"tokens differ in sequence {number} from token {first}: {text[:60]!r}")
    print(f"tokenizer: {same} of {min(len(texts), len(sequences))} texts have the same ids")
    return same == min(len(texts), len(sequences))


def compare_layer(trace_ids, trace_weights, reference, k, counts, margin_limit, errors, place):
    """Expert sets and weights of one layer and sequence; trace_ids and trace_weights are [n,K]."""
    logits, experts, weights = reference
    probabilities = np.sort(torch.softmax(torch.from_numpy(logits), -1).numpy(), axis=-1)
    clear = probabilities[:, -k] - probabilities[:, -k - 1] > margin_limit
    mine, theirs = np.argsort(trace_ids, axis=-1), np.argsort(experts, axis=-1)
    same = (np.take_along_axis(trace_ids, mine, -1) == np.take_along_axis(experts, theirs, -1)).all(-1)
    error = np.take_along_axis(trace_weights, mine, -1) - np.take_along_axis(weights, theirs, -1)
    errors.add("gate_weight", error[same], place)
    counts += np.array([same.sum(), same.size, same[clear].sum(), clear.sum()])


def check_trace(model, trace, options):
    """Run every sequence and compare; returns the counts [same, all, same and clear, clear] of expert sets."""
    ids, sequence_of, position = (trace[name][:] for name in ("token_id", "seq_index", "position"))
    layers, k = trace["layer"][:].tolist(), trace["expert_id"].shape[2]
    recorder, errors, counts = RouterRecorder(model), Errors(), np.zeros(4, dtype=np.int64)
    predicted = {"after this token": [0, 0], "for this token": [0, 0]}
    for sequence in np.unique(sequence_of)[:options.sequences]:
        rows = np.flatnonzero(sequence_of == sequence)
        rows = rows[np.argsort(position[rows], kind="stable")]
        if not np.array_equal(position[rows], np.arange(len(rows))):
            print(f"sequence {sequence}: positions are not 0..n-1, left out")
            continue
        tokens = torch.from_numpy(ids[rows].astype(np.int64))
        scores = model(tokens[None], use_cache=False).logits[0].float()
        if sorted(recorder.by_layer) != layers:
            sys.exit(f"the trace has the MoE layers {layers}, the model {sorted(recorder.by_layer)}")

        # h5py reads a range much faster than a list of rows
        low, high, inside = rows.min(), rows.max() + 1, rows - rows.min()
        trace_ids = trace["expert_id"][low:high][inside].astype(np.int64)
        trace_weights = trace["gate_weight"][low:high][inside].astype(np.float32)
        for m, layer in enumerate(layers):
            place = f"sequence {sequence}, layer {layer}"
            reference = recorder.by_layer[layer]
            if reference[1].shape[-1] != k:
                sys.exit(f"the trace has {k} experts a token, the model chooses {reference[1].shape[-1]}")
            compare_layer(trace_ids[:, m], trace_weights[:, m], reference, k, counts, options.margin, errors, place)
            if "router_logit" in trace:
                stored = trace["router_logit"][low:high, m][inside].astype(np.float32)
                errors.add("router_logit", stored - reference[0], place)
        expected = F.log_softmax(scores, -1)[:-1].gather(1, tokens[1:, None])[:, 0].numpy()
        errors.add("logprob", trace["logprob"][low:high][inside][1:] - expected, f"sequence {sequence}")
        if "predicted_id" in trace:
            best, stored = scores.argmax(-1).numpy(), trace["predicted_id"][low:high][inside]
            for name, hits in (("after this token", stored == best), ("for this token", stored[1:] == best[:-1])):
                predicted[name][0] += int(hits.sum())
                predicted[name][1] += hits.size
    errors.show()
    for name, (hits, total) in predicted.items():
        if total:
            print(f"predicted_id read as the most likely token {name}: {hits} of {total} agree")
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("trace", type=Path)
    parser.add_argument("--corpus", type=Path, help="the texts the trace was made from, in the order of its sequences")
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16", "float16"])
    parser.add_argument("--sequences", type=int, help="compare only the first sequences of the trace")
    parser.add_argument("--margin", type=float, default=1e-3,
                        help="softmax margin below which a choice counts as a tie")
    options = parser.parse_args()

    torch.set_grad_enabled(False)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=getattr(torch, options.dtype),
                                                 attn_implementation="eager", experts_implementation="eager").eval()
    with h5py.File(options.trace, "r") as trace:
        tokens_agree = True
        if options.corpus:
            order = trace["seq_index"][:]
            sequences = [trace["token_id"][:][order == s].tolist() for s in np.unique(order)]
            tokens_agree = check_tokens(options.model, read_texts(options.corpus), sequences)
        same, total, same_clear, clear = check_trace(model, trace, options).tolist()
    print(f"expert sets: {same} of {total} equal; away from ties (margin > {options.margin:g}) {same_clear} of {clear} "
          f"({100 * same_clear / max(clear, 1):.3f} %)")
    sys.exit(0 if tokens_agree and total and same_clear == clear else 1)


if __name__ == "__main__":
    main()
