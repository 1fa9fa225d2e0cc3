#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/data/importers: small recordings as torch.save and numpy write them, and a file that would run a command.

The layouts are those of SGLang's expert distribution recorder (per_token and stat modes); the numbers are made up.
"""
import os
import pathlib

import numpy as np
import torch

folder = pathlib.Path(__file__).parent.parent / "data" / "importers"
folder.mkdir(exist_ok=True)
rng = np.random.default_rng(42)
LAYERS, LOGICAL, PHYSICAL, TOP = 4, 6, 8, 3  # layer 0 is dense; SGLang always stores 8 places


def physical_map():
    """Every logical expert once, then two replicas, in another order in every layer."""
    rows = [np.concatenate([rng.permutation(LOGICAL), rng.choice(LOGICAL, PHYSICAL - LOGICAL, replace=False)]) for _ in range(LAYERS)]
    return torch.tensor(np.stack(rows), dtype=torch.int64)


def topk(physical_to_logical, tokens):
    ids = torch.full((LAYERS, tokens, 8), -1, dtype=torch.int32)
    for layer in range(1, LAYERS):
        for token in range(tokens):
            chosen = rng.permutation(LOGICAL)[:TOP]
            for slot, logical in enumerate(chosen):
                places = np.flatnonzero(physical_to_logical[layer].numpy() == logical)
                ids[layer, token, slot] = int(rng.choice(places))
    return ids


def record(step, mode, positions, lengths, physical_to_logical, rank=0):
    ids = topk(physical_to_logical, len(positions))
    counts = torch.stack([torch.bincount(row[row >= 0].flatten().long(), minlength=PHYSICAL) for row in ids]).int()
    return {
        "forward_pass_id": step,
        "rank": rank,
        "gatherer_key": "primary",
        "input_ids": [int(i) for i in rng.integers(0, 70000, len(positions))],
        "positions": positions,
        "extend_seq_lens": lengths,
        "forward_mode": mode,
        "topk_ids_of_layer": ids,
        "misc_objects": [],
        "global_physical_count": counts,
    }


mapping = physical_map()
# two prompts of 5 and 300 tokens in one pass, then three steps of both, then one of the first
per_token = {
    "records": [
        record(1, 1, list(range(5)) + list(range(300)), [5, 300], mapping),
        record(2, 2, [5, 300], None, mapping),
        record(3, 2, [6, 301], None, mapping),
        record(4, 2, [7, 302], None, mapping),
        record(5, 2, [8], None, mapping),
        record(6, 4, [], None, mapping),
    ],
    "last_physical_to_logical_map": mapping,
}
torch.save(per_token, folder / "sglang_per_token.pt")
expected = []
for row in per_token["records"][0]["topk_ids_of_layer"][:, :2].tolist():  # the first two tokens, logical
    expected.append(row)
print("first tokens:", [[[int(mapping[l, i]) if i >= 0 else -1 for i in slots] for slots in row] for l, row in enumerate(expected)])
print("last of the first prompt:", [[int(mapping[l, i]) if i >= 0 else -1 for i in row[0]] for l, row in enumerate(per_token["records"][4]["topk_ids_of_layer"].tolist())])

count = np.zeros((3, LAYERS, LOGICAL), np.int32)
for step in (0, 1):
    for layer in range(1, LAYERS):
        for _ in range(10):
            count[step, layer, rng.permutation(LOGICAL)[:TOP]] += 1
torch.save({"rank": 0, "logical_count": torch.tensor(count), "average_utilization_rate_over_window": 0.75}, folder / "sglang_stat.pt")
print("stat:", count.sum(0).tolist())


class Hostile:
    def __reduce__(self):
        return os.system, ("touch /tmp/expertscope-was-here",)


torch.save({"records": [Hostile()], "last_physical_to_logical_map": mapping}, folder / "hostile.pt")

ids = np.stack([[np.sort(rng.permutation(60)[:4]) for _ in range(3)] for _ in range(500)]).astype(np.uint8)
weights = -np.sort(-rng.random(ids.shape), axis=2).astype(np.float16) / 4
np.savez_compressed(folder / "numpy.npz", expert_id=ids, gate_weight=weights, sequence_offset=np.array([0, 200, 200, 500]), layer=np.array([1, 2, 5], np.int32))
print("npz:", ids[499].tolist(), weights[0, 0].tolist())
for file in sorted(folder.iterdir()):
    print(file.name, file.stat().st_size)
