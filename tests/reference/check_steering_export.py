#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""Compare a steered run of Expertscope with transformers steered by what Expertscope exports from the same recipe.

    check_steering_export.py EXPERTSCOPE [MODEL_FOLDER --recipe FILE...] [--texts FILE.jsonl]

EXPERTSCOPE is the program. Without a model, the four F32 checkpoints that tests/data/steering has recipes for, and all of
these recipes. For each recipe and model: `expertscope trace --recipe --logits`, then the exported script runs the same
tokens, and router logits (stored as float16), chosen experts, their weights and log-probabilities are compared. Where a
recipe is a constant, so are the exported vectors, added to the routers' logits. With transformers 4, which has no router modules,
only logits and log-probabilities are compared, and recipes that need transformers 5 are named.
"""

import argparse
import contextlib
import importlib.util
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
import torch
import torch.nn.functional as F
import transformers
from safetensors.numpy import load_file
from transformers import AutoModelForCausalLM

DATA = Path(__file__).resolve().parents[1] / "data"
TEXTS = [
    dict(id="one", prompt="the routers of this model", continuation=" send a word to the experts", language="en"),
    dict(id="two", prompt="un texte en entier", language="fr"),
]


def with_tokenizer(checkpoint, folder):
    """A copy of a checkpoint that has a tokenizer: one token for each of the first printable bytes, no merges."""
    shutil.copytree(checkpoint, folder)
    vocabulary = {"Ġ": 0} | {chr(code): code - 32 for code in range(33, 127)}
    byte_level = dict(type="ByteLevel", add_prefix_space=False, trim_offsets=True, use_regex=True)
    (folder / "tokenizer.json").write_text(json.dumps(dict(
        version="1.0", truncation=None, padding=None, added_tokens=[], normalizer=None, pre_tokenizer=byte_level,
        post_processor=None, decoder=byte_level,
        model=dict(type="BPE", dropout=None, unk_token=None, continuing_subword_prefix=None, end_of_word_suffix=None,
                   fuse_unk=False, byte_fallback=False, ignore_merges=False, vocab=vocabulary, merges=[]))))
    return folder


def imported(path):
    """The exported script as a module."""
    spec = importlib.util.spec_from_file_location("steering_script", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextlib.contextmanager
def with_vectors(model, vectors):
    """Adds the exported vectors to the output of the routers, and routes by it as the family does."""
    def route(gate, args, output, vector):
        if torch.is_tensor(output):
            return output + vector
        logits = F.linear(args[0].reshape(-1, args[0].shape[-1]), gate.weight)
        weights, experts = torch.topk(torch.softmax(logits + vector, -1), gate.top_k)
        if getattr(gate, "norm_topk_prob", True):
            weights = weights / weights.sum(-1, keepdim=True)
        return output[0], weights, experts

    hooks = []
    for name, vector in vectors.items():
        block = sparse_block(model.model.layers[int(name.split(".")[1])])
        hooks.append(block.gate.register_forward_hook(
            lambda gate, args, output, vector=torch.from_numpy(vector): route(gate, args, output, vector)))
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def sparse_block(decoder):
    return decoder.mlp if hasattr(decoder, "mlp") else decoder.block_sparse_moe


def recorded(model, tokens, steering):
    """Log-probabilities [n] and, by layer, the router's own logits and what it returned, of a steered pass."""
    layers = {}
    with steering:
        hooks = []
        for index, decoder in enumerate(model.model.layers):
            gate = getattr(sparse_block(decoder), "gate", None)
            if gate is not None:
                hooks.append(gate.register_forward_hook(lambda gate, args, output, i=index: layers.update(
                    {i: (F.linear(args[0].reshape(-1, args[0].shape[-1]), gate.weight), output)})))
        try:
            scores = F.log_softmax(model(tokens[None], use_cache=False).logits[0].float(), -1)
        finally:
            for hook in hooks:
                hook.remove()
    return scores[:-1].gather(1, tokens[1:, None])[:, 0].numpy(), layers


def relative(ours, theirs):
    """Largest |ours - theirs| / max(|theirs|, rms of theirs)."""
    ours, theirs = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
    return float((np.abs(ours - theirs) / np.maximum(np.abs(theirs), np.sqrt((theirs ** 2).mean()))).max())


def chosen(ids, weights, experts):
    """Weights [n,E] of all experts, 0 for those that were not chosen."""
    out = np.zeros((len(ids), experts))
    for slot in range(ids.shape[1]):
        used = ids[:, slot] >= 0
        out[np.flatnonzero(used), ids[used, slot]] = weights[used, slot]
    return out


def compare(trace, model, steering_of, worst, skipped):
    """Adds the largest errors of all sequences to `worst`."""
    token_ids, sequence_of = trace["token_id"][:], trace["seq_index"][:]
    layers, experts = trace["layer"][:].tolist(), len(trace["expert"])
    empty = trace["expert_id"].attrs["_FillValue"]
    for sequence in np.unique(sequence_of):
        rows = np.flatnonzero(sequence_of == sequence)
        logprob, theirs = recorded(model, torch.from_numpy(token_ids[rows].astype(np.int64)), steering_of(int(sequence)))
        worst["logprob"] = max(worst["logprob"], relative(trace["logprob"][:][rows][1:], logprob))
        for m, layer in enumerate(layers):
            if layer in skipped:
                continue
            logits, output = theirs[layer]
            worst["logits"] = max(worst["logits"], relative(trace["router_logit"][:, m][rows], logits.numpy()))
            if torch.is_tensor(output):
                continue
            ids = trace["expert_id"][:, m][rows].astype(np.int64)
            ids[ids == empty] = -1
            ours = chosen(ids, trace["gate_weight"][:, m][rows], experts)
            reference = chosen(output[2].numpy(), output[1].numpy(), experts)
            worst["other experts"] += int(((ours != 0) != (reference != 0)).any(-1).sum())
            worst["weights"] = max(worst["weights"], relative(ours, reference))
            worst["rows"] += len(rows)


def check(program, folder, model, recipe, work, texts):
    """Lines on one recipe, and whether all of it agrees."""
    def expertscope(*arguments):
        return subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)

    settings = json.loads(recipe.read_text())
    skipped = {layer for policy in settings.get("policies", []) if policy["policy"] == "skip-layer" for layer in policy["layers"]}
    script, vectors, trace_file = work / "script.py", work / "vectors", work / "trace.h5"
    export = expertscope("recipe", recipe, "--model", folder, "--export-transformers", script, "--force", "-q")
    if export.returncode:
        print(f"  {recipe.stem:22s} no script: {export.stderr.strip().splitlines()[0]}")
        return export.returncode == 4  # refused in words
    run = expertscope("trace", "--model", folder, "--corpus", texts, "--recipe", recipe, "--logits", "-o", trace_file, "--force", "-q")
    if run.returncode:
        print(f"  {recipe.stem:22s} {run.stderr.strip()}")
        return False
    labels = [json.loads(line).get("language") for line in texts.read_text().splitlines()]
    fine = True
    with h5py.File(trace_file) as trace:
        prompts = trace["sequences/n_prompt"][:].tolist()
        module = imported(script)
        ways = {"script": lambda s: module.steer(model, labels={"language": labels[s]}, prompt_tokens=prompts[s])}
        for ending, load in ((".npz", lambda path: dict(np.load(path))), (".safetensors", load_file)):
            path = vectors.with_suffix(ending)
            if expertscope("recipe", recipe, "--model", folder, "--export-vectors", path, "--force", "-q").returncode == 0:
                ways[ending] = lambda s, path=path, load=load: with_vectors(model, load(path))
        for name, way in ways.items():
            worst = dict(logprob=0.0, logits=0.0, weights=0.0, rows=0) | {"other experts": 0}
            try:
                compare(trace, model, way, worst, skipped)
            except RuntimeError as error:
                print(f"  {recipe.stem:22s} {name}: {error}")
                continue
            good = worst["logits"] < 1e-3 and max(worst["weights"], worst["logprob"]) < 1e-4 and not worst["other experts"]
            print(f"  {recipe.stem:22s} {name:12s} logits {worst['logits']:.1e}  weights {worst['weights']:.1e}  "
                  f"logprob {worst['logprob']:.1e}  other experts {worst['other experts']} of {worst['rows']}{'' if good else '  WRONG'}")
            fine &= good
    return fine


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", type=Path)
    parser.add_argument("model", type=Path, nargs="?", help="a folder with tokenizer.json")
    parser.add_argument("--recipe", type=Path, nargs="*", default=[])
    parser.add_argument("--texts", type=Path, help="JSONL as `expertscope trace` takes it")
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    shared = sorted((DATA / "steering" / "recipes").glob("*.json"))
    all_fine = True
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        texts = options.texts or work / "texts.jsonl"
        if not options.texts:
            texts.write_text("".join(json.dumps(text) + "\n" for text in TEXTS))
        if options.model:
            cases = [(options.model, options.recipe or shared)]
        else:
            cases = [(with_tokenizer(DATA / "families" / family, work / family),
                      shared + sorted((DATA / "steering" / family).glob("*.json")))
                     for family in ("olmoe", "mixtral", "qwen2_moe", "qwen3_moe")]
        for folder, recipes in cases:
            settings = {"experts_implementation": "eager"} if int(transformers.__version__.split(".")[0]) >= 5 else {}
            model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager", **settings).eval()
            print(f"{folder.name}, transformers {transformers.__version__}")
            for recipe in recipes:
                all_fine &= check(options.program, folder, model, recipe, work, texts)
    sys.exit(0 if all_fine else 1)


if __name__ == "__main__":
    main()
