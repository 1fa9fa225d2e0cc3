#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""Make steering recipes, and what transformers computes when its routers are changed as they say.

The checkpoints are the F32 ones of tests/data/families (olmoe, mixtral, qwen2_moe, qwen3_moe). Written below <out>:

    recipes/<recipe>.json        a recipe that fits all four
    <family>/<recipe>.json       one that needs the family's number of experts
    <family>/golden.safetensors  the values

Symbols in the shapes: T tokens of the batch, S sequences, E routed experts, V vocabulary, K the most experts any token of a
layer was given, G generated tokens.

    token_id, seq_index          int32 [T]   the batch; each sequence was run alone, without padding
    prompt_tokens                int32 [S]   how many of a sequence are its prompt, the rest counts as generated
    <recipe>/router_logits.l     float32 [T,E] router output, before any edit
    <recipe>/expert_id.l         int32   [T,K] chosen experts, largest weight first, lower index first of equal ones; -1 = none
    <recipe>/gate_weight.l       float32 [T,K] what multiplies each chosen expert's output; 0 = none
    <recipe>/logprob             float32 [T]   log-probability of the token given its prefix; NaN at position 0
    <recipe>/logits              float32 [S,V] next-token logits after each sequence

The l of a name is the model's own layer number. Layers that a recipe skips or repeats have no routing tensors. A recipe that
acts on generated text has instead, for the prompt of sequence 0:

    <recipe>/generated           int32   [G]   greedy continuation; end of text does not stop it
    <recipe>/step_logits         float32 [G,V] what each was the largest of; -inf where self-contrast rules a token out
    <recipe>/strong_logits       float32 [G,V] of the pass by the model's own rule, with self-contrast

Sequence s has the label "language": LANGUAGES[s]. No decision in these files is close: the weight of a chosen expert differs
from that of the next by more than 3e-5 of itself (or not at all), and sums from the threshold they are compared with by as
much. Random policies have no golden:
their numbers come from our own generator, so tests of their properties are in tests/engine/steering.
"""

import argparse
import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
import transformers
from transformers import AutoModelForCausalLM

from make_family_goldens import write_safetensors

FAMILIES = {"olmoe": 1, "mixtral": 1, "qwen2_moe": 2, "qwen3_moe": 1}  # seeds of the tokens, for want of close decisions
LENGTHS, PROMPT_TOKENS, LANGUAGES = (13, 6), (8, 6), ("en", "fr")
STEPS = 6
CLOSE = 3e-5


# ---------------------------------------------------------------------------------------------------------------------
# Recipes


def edit(op, experts, **settings):
    return dict(op=op, experts=experts, **settings)


def policy(name, layers="*", **settings):
    return dict(policy=name, layers=layers, **settings)


def recipe(name, notes, edits=(), policies=()):
    return dict(expertscope_recipe=1, name=name, notes=notes, edits=list(edits), policies=list(policies))


SHARED_RECIPES = [
    recipe("add", "a constant, both signs", [edit("add", {"0": [1, 4], "2": [0]}, strength=1.75),
                                             edit("add", {"0": [2]}, strength=-2.5)]),
    recipe("soft", "standard deviations of the router's logits", [edit("soft", {"0": [0, 3], "2": [1, 5]}, strength=0.5)]),
    recipe("soft-down", "the same in every layer, downwards", [edit("soft", {"*": [2, 4]}, strength=-1.25)]),
    recipe("soft-generated", "generated tokens only", [edit("soft", {"*": [0, 5]}, strength=1.5, tokens="generated")]),
    recipe("soft-label", "sequences in French only",
           [edit("soft", {"0": [1, 2], "2": [3]}, strength=1.0, tokens={"label": "language", "is": "fr"})]),
    recipe("force-max", "one and two experts, the gap given",
           [edit("force-max", {"0": [4, 1], "2": [3]}, epsilon=0.001)]),
    recipe("force-max-prompt", "prompt tokens only", [edit("force-max", {"0": [5], "2": [0, 2]}, epsilon=0.01, tokens="prompt")]),
    recipe("force-min", "suppressed below all others", [edit("force-min", {"0": [0, 1], "2": [5]}, epsilon=0.001)]),
    recipe("log-max", "SteerMoE, activation", [edit("log-max", {"0": [2, 5], "2": [4]})]),
    recipe("log-min", "SteerMoE, deactivation", [edit("log-min", {"0": [1], "2": [0, 3]}, epsilon=0.02)]),
    recipe("log-extra", "more than k: the later ones are left as they are",
           [edit("log-max", {"2": [5, 3, 0, 1, 4]}, extra="skip")]),
    recipe("scale-abs", "z + c |z|, both signs", [edit("scale-abs", {"0": [0, 1], "2": [2]}, strength=0.6),
                                                  edit("scale-abs", {"2": [4]}, strength=-0.8)]),
    recipe("mask", "ablation", [edit("mask", {"0": [1], "2": [0, 5]})]),
    recipe("exclude", "not chosen, the others' weights as they were; in mixtral one expert is left in layer 2",
           [edit("exclude", {"0": [1], "2": [0, 2, 3, 4, 5]})]),
    recipe("mask-then-min", "the smallest logit is that of an expert that is not masked",
           [edit("mask", {"0": [0], "2": [2]}), edit("force-min", {"0": [3], "2": [4]}, epsilon=0.1),
            edit("log-max", {"0": [1]})]),
    recipe("weight-scale", "RICE", [edit("weight-scale", {"*": [0, 2, 4]}, strength=4)]),
    recipe("weight-set", "a fixed weight where chosen", [edit("weight-set", {"0": [1, 3, 5], "2": [0, 1]}, strength=0.35)]),
    recipe("weight-rescale", "the sum of a token's weights", [edit("weight-rescale", {"0": "*", "2": "*"}, strength=1.5)]),
    recipe("in-order", "two edits of the same experts, then one that is off",
           [edit("force-max", {"0": [2], "2": [1]}, epsilon=0.1), edit("soft", {"0": [2, 3], "2": [1]}, strength=-0.75),
            edit("mask", {"*": "*"}, enabled=False)]),
    recipe("logits-and-weights", "an edit before selection, one after it, by span",
           [edit("soft", {"2": [0, 2]}, strength=0.8, tokens="prompt"),
            edit("weight-scale", {"2": [0, 2]}, strength=0.25, tokens="generated")]),
    recipe("decode-only", "while decoding", [edit("soft", {"*": [1, 3]}, strength=2.0, phase="decode")]),
    recipe("prefill-only", "while the prompt is read", [edit("soft", {"*": [0, 4]}, strength=2.0, phase="prefill")]),
    recipe("top-1", "one expert, weights as the model makes them", policies=[policy("top-k", k=1, sum="as-model")]),
    recipe("top-k-as-model", "more experts in one layer", policies=[policy("top-k", [2], k=5, sum="as-model")]),
    recipe("top-k-renormalise", "weights that sum to 1", policies=[policy("top-k", k=3, sum="renormalise")]),
    recipe("top-k-rescale", "weights that sum to what they did", policies=[policy("top-k", k=5, sum="rescale")]),
    recipe("top-p", "the crossing expert included, raw weights",
           policies=[policy("top-p", theta=0.6, variant="include-raw")]),
    recipe("top-p-cap", "not more than k, renormalised",
           policies=[policy("top-p", theta=0.8, variant="cap-renormalise")]),
    recipe("top-p-renormalise", "included and renormalised",
           policies=[policy("top-p", theta=0.7, variant="include-renormalise")]),
    recipe("top-p-bounds", "at least 2, at most 4",
           policies=[policy("top-p", [0, 2], theta=0.75, variant="include-raw", k_min=2, k_max=4)]),
    recipe("min-p", "all that reach a share of the largest", policies=[policy("min-p", ratio=0.2)]),
    recipe("rank-2", "only the second choice", policies=[policy("rank-k", rank=2)]),
    recipe("uniform-weights", "the same experts, equal weights", policies=[policy("uniform-weights")]),
    recipe("all-experts", "every expert", policies=[policy("all-experts", [0])]),
    recipe("entropy-hybrid", "all experts where the router is undecided, else a strict prefix",
           policies=[policy("entropy-hybrid", q=1.1, threshold=0.6, top_p=0.75, keep_top_k=1)]),
    recipe("entropy-shannon", "q = 1", policies=[policy("entropy-hybrid", [2], q=1, threshold=0.7, top_p=0.6, keep_top_k=2)]),
    recipe("null-threshold", "experts whose logit does not beat tau are dropped",
           policies=[policy("null-threshold", tau=1.2)]),
    recipe("skip-layer", "layer 0 left out, attention included", policies=[policy("skip-layer", [0])]),
    recipe("repeat-layer", "layer 0 run twice", policies=[policy("repeat-layer", [0], times=2)]),
    recipe("self-contrast", "SCMoE: against the second choice in every layer",
           policies=[policy("self-contrast", beta=0.5, alpha=0.1, weak="rank-k", rank=2)]),
    recipe("temperature", "flatter", policies=[policy("temperature", t=2.5)]),
    recipe("temperature-and-add", "edits see logits that the temperature has divided",
           [edit("add", {"0": [1, 3], "2": [0, 5]}, strength=1.5)], [policy("temperature", t=2)]),
    recipe("top-p-after-soft", "a policy sees edited logits", [edit("soft", {"0": [1, 2], "2": [1, 2]}, strength=1.0)],
           [policy("top-p", theta=0.6, variant="include-renormalise")]),
]


def family_recipes(rule):
    """Recipes that hold a number for every expert."""
    generator = torch.Generator().manual_seed(rule.experts)
    vectors = {str(layer): [round(float(v), 3) for v in torch.randn(rule.experts, generator=generator)] for layer in (0, 2)}
    return [recipe("bias", "a vector a layer, at half strength", [dict(op="bias", vectors=vectors, strength=0.5)])]


# ---------------------------------------------------------------------------------------------------------------------
# The rules, a token at a time: z is [E] float32


@dataclass
class Rule:
    """How the family routes: softmax over E, the k largest, their softmax values, made to sum to 1 where `normalise`."""

    experts: int
    k: int
    normalise: bool


@dataclass
class Place:
    layer: int
    position: int
    prompt_tokens: int
    language: str
    decoding: bool  # the row is one that was generated in this run


def descending(values):
    """Indices, largest first, lower index first of equal values."""
    return torch.sort(values, descending=True, stable=True).indices


class Decisions:
    """Refuses what would not survive another order of additions: call with the numbers that a choice depends on."""

    def __init__(self):
        self.closest = math.inf

    def gap(self, a, b):
        a, b = float(a), float(b)
        if a != b:  # equal numbers are ordered by index
            self.closest = min(self.closest, abs(a - b) / max(abs(a), abs(b)))

    def order(self, values, count):
        """The first `count` places of the values in descending order, and which value is the first one left out."""
        ordered = values[descending(values)]
        for a, b in zip(ordered[:count], ordered[1:count + 1]):
            self.gap(a, b)


def acts_on(setting, place):
    """Whether the tokens, the phase and the switch of an edit or policy include this row."""
    if not setting.get("enabled", True):
        return False
    phase = setting.get("phase", "both")
    if phase != "both" and (phase == "decode") != place.decoding:
        return False
    tokens = setting.get("tokens", "all")
    if isinstance(tokens, dict):
        assert tokens["label"] == "language"
        return tokens["is"] == place.language
    return {"all": True, "prompt": place.position < place.prompt_tokens,
            "generated": place.position >= place.prompt_tokens}[tokens]


def experts_of(setting, place, rule):
    """Expert numbers that an edit names in the layer of this row, in the order given."""
    named = setting["experts"].get(str(place.layer), setting["experts"].get("*", []))
    return list(range(rule.experts)) if named == "*" else named


def smallest(z):
    """The smallest logit of the experts that are not masked."""
    return z[z > -math.inf].min()


def edit_logits(z, edits, place, rule):
    """z' [E]: all edits of logits, one after another; std is that of the logits before them, max and min are current ones."""
    own_std = z.std(correction=0)
    z = z.clone()
    for setting in edits:
        op, strength = setting["op"], setting.get("strength", 1.0)
        if not acts_on(setting, place):
            continue
        if op == "bias":
            if str(place.layer) in setting["vectors"]:
                z = z + strength * torch.tensor(setting["vectors"][str(place.layer)])
            continue
        chosen = experts_of(setting, place, rule)
        if not chosen or op == "exclude" or op.startswith("weight-"):
            continue
        if op == "add":
            z[chosen] += strength
        elif op == "soft":
            z[chosen] += strength * own_std
        elif op == "scale-abs":
            z[chosen] += strength * z[chosen].abs()
        elif op == "mask":
            z[chosen] = -math.inf
        elif op == "force-max":
            top, n = z.max(), len(chosen)
            step = setting["epsilon"] * (1 + top.abs())  # in units of 1 + |z|, so that float32 keeps small steps apart
            for i, e in enumerate(chosen):
                z[e] = top + step * (n - i)
        elif op == "force-min":
            z[chosen] = smallest(z) - setting["epsilon"] * (1 + smallest(z).abs())
        elif op in ("log-max", "log-min"):
            z = torch.log_softmax(z, -1)
            epsilon = setting.get("epsilon", 0.01)
            if op == "log-min":
                z[chosen] = smallest(z) - epsilon
            else:
                if setting.get("extra") == "skip":
                    chosen = chosen[:rule.k]
                assert len(chosen) <= rule.k
                z[chosen] = z.max() + epsilon
        else:
            raise ValueError(op)
    return z


def edit_weights(ids, weights, edits, place, rule):
    """Final weights of the chosen experts after the edits that act on weights."""
    weights = weights.clone()
    for setting in edits:
        if not acts_on(setting, place) or not setting["op"].startswith("weight-"):
            continue
        named = experts_of(setting, place, rule)
        if not named:
            continue
        hit = torch.tensor([int(e) in named for e in ids])
        if setting["op"] == "weight-scale":
            weights[hit] *= setting["strength"]
        elif setting["op"] == "weight-set":
            weights[hit] = setting["strength"]
        elif setting["op"] == "weight-rescale":
            weights *= setting["strength"] / weights.sum()
        else:
            raise ValueError(setting["op"])
    return weights


def active_policies(policies, place):
    return [s for s in policies if acts_on(s, place) and (s.get("layers", "*") == "*" or place.layer in s["layers"])]


def with_temperature(z, policies, place):
    for setting in active_policies(policies, place):
        if setting["policy"] == "temperature":
            z = z / setting["t"]
    return z


def as_model(p, ids, rule):
    return p[ids] / p[ids].sum() if rule.normalise else p[ids]


def smallest_prefix(p, theta, decisions):
    """How many of the sorted experts it takes until their sum exceeds theta; all if it never does."""
    total = 0.0
    for n, value in enumerate(p[descending(p)], 1):
        total = total + value
        decisions.gap(total, theta)
        if total > theta:
            return n
    return len(p)


def relative_entropy(p, q):
    """Tsallis entropy of order q (Shannon's for 1) as a share of its largest value."""
    n = len(p)
    if q == 1:
        return -(p * p.log()).sum() / math.log(n)
    return (1 - (p ** q).sum()) / (1 - n ** (1 - q))


def route(z, edits, policies, place, rule, decisions):
    """Chosen experts and their weights, for edited logits."""
    active = active_policies(policies, place)
    p = torch.softmax(z, -1)
    excluded = {e for s in edits if s["op"] == "exclude" and acts_on(s, place) for e in experts_of(s, place, rule)}
    order = torch.tensor([int(e) for e in descending(p) if int(e) not in excluded])
    count, weigh = rule.k, as_model
    ids = None
    for setting in active:
        name = setting["policy"]
        if name == "top-k":
            count = setting["k"]
            usual = as_model(p, order[:rule.k], rule).sum()
            if setting["sum"] == "renormalise":
                weigh = lambda p, ids, rule: p[ids] / p[ids].sum()
            elif setting["sum"] == "rescale":
                weigh = lambda p, ids, rule, usual=usual: p[ids] / p[ids].sum() * usual
        elif name == "top-p":
            count = smallest_prefix(p, setting["theta"], decisions)
            if setting["variant"] == "cap-renormalise":
                count = min(count, rule.k)
            count = max(setting.get("k_min", 1), min(count, setting.get("k_max", rule.experts)))
            raw = setting["variant"] == "include-raw"
            weigh = lambda p, ids, rule, raw=raw: p[ids] if raw else p[ids] / p[ids].sum()
        elif name == "min-p":
            for value in p:
                decisions.gap(value, setting["ratio"] * p.max())
            count = int((p >= setting["ratio"] * p.max()).sum())
        elif name == "rank-k":
            ids = order[setting["rank"] - 1:setting["rank"]]
            decisions.order(p, setting["rank"])
        elif name == "entropy-hybrid":
            entropy = relative_entropy(p, setting["q"])
            decisions.gap(entropy, setting["threshold"])
            weigh = lambda p, ids, rule: p[ids]
            if entropy > setting["threshold"]:
                count = rule.experts
            else:
                sums = p[order].cumsum(0)
                for total in sums:
                    decisions.gap(total, setting["top_p"])
                count = max(int((sums <= setting["top_p"]).sum()), setting["keep_top_k"])
        elif name == "null-threshold":
            # k null experts of logit tau compete for the k places; they get none of the weight
            with_null = descending(torch.cat([z, torch.full((rule.k,), setting["tau"])]))[:rule.k]
            for value in z:
                decisions.gap(value, setting["tau"])
            ids = with_null[with_null < rule.experts]
            decisions.order(p, rule.k)
            weigh = lambda p, ids, rule: p[ids] / p[ids].sum()
        elif name == "uniform-weights":
            weigh = lambda p, ids, rule: as_model(p, ids, rule).sum() / len(ids) * torch.ones(len(ids))
        elif name == "all-experts":
            count = rule.experts
        elif name not in ("temperature", "skip-layer", "repeat-layer", "self-contrast"):
            raise ValueError(name)
    if ids is None:
        ids = order[:count]
        decisions.order(p[order], count)
    return ids, weigh(p, ids, rule)


# ---------------------------------------------------------------------------------------------------------------------
# transformers with these rules


class Steered:
    """Puts a recipe in place of the routers of a model, and keeps what they then did."""

    def __init__(self, model, rule, recipe, decisions):
        self.model, self.rule, self.recipe, self.decisions = model, rule, recipe, decisions
        self.place = None  # position -> Place without its layer
        self.rows = {}  # layer -> list of (logits, ids, weights), a row each
        for index, layer in enumerate(model.model.layers):
            if hasattr(layer.mlp, "gate"):
                layer.mlp.gate.forward = lambda hidden, i=index, gate=layer.mlp.gate: self._router(i, gate, hidden)
            times = self._times(index)
            if times != 1:
                layer.forward = lambda hidden, times=times, own=layer.forward, **given: repeated(own, times, hidden, given)

    def _times(self, layer):
        """How often a decoder layer, attention included, is run."""
        for setting in self.recipe["policies"]:
            if setting["policy"] in ("skip-layer", "repeat-layer") and layer in setting["layers"]:
                return setting.get("times", 0)
        return 1

    def remove(self):
        """The classes' own functions are back."""
        for layer in self.model.model.layers:
            vars(layer).pop("forward", None)
            if hasattr(layer.mlp, "gate"):
                del layer.mlp.gate.forward

    def run(self, tokens, place):
        """Logits [n,V] of a whole sequence; place(position) says what each row is."""
        self.place, self.rows = place, {}
        return self.model(tokens[None], use_cache=False).logits[0]

    def _router(self, layer, gate, hidden):
        logits = F.linear(hidden.reshape(-1, hidden.shape[-1]), gate.weight)
        rows = []
        for position, z in enumerate(logits):
            place = self.place(position)
            place.layer = layer
            tempered = with_temperature(z, self.recipe["policies"], place)
            edited = edit_logits(tempered, self.recipe["edits"], place, self.rule)
            ids, weights = route(edited, self.recipe["edits"], self.recipe["policies"], place, self.rule, self.decisions)
            weights = edit_weights(ids, weights, self.recipe["edits"], place, self.rule)
            self.decisions.order(weights, len(weights))
            by_weight = descending(weights)
            rows.append((z.clone(), ids[by_weight], weights[by_weight]))
        self.rows[layer] = rows
        # the reference takes the expert number E for an empty place
        ids, weights = padded([r[1] for r in rows], self.rule.experts), padded([r[2] for r in rows], 0.0)
        return logits, weights, ids


def repeated(layer, times, hidden, given):
    for _ in range(times):
        hidden = layer(hidden, **given)
    return hidden


def padded(rows, filler):
    """Rows of unequal length as one tensor [n, longest]."""
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=filler)


def traced(steered, batch):
    """The tensors of one recipe over the batch."""
    logprob, last, rows = [], [], {}
    for s, tokens in enumerate(batch):
        out = steered.run(tokens, lambda position: Place(-1, position, PROMPT_TOKENS[s], LANGUAGES[s], False))
        follow = F.log_softmax(out, -1)[:-1].gather(1, tokens[1:, None])[:, 0]
        logprob.append(torch.cat([torch.tensor([math.nan]), follow]))
        last.append(out[-1])
        for layer, of_layer in steered.rows.items():
            rows.setdefault(layer, []).extend(of_layer)
    values = dict(logprob=torch.cat(logprob), logits=torch.stack(last))
    for layer, of_layer in rows.items():
        if steered._times(layer) != 1:
            continue
        values[f"router_logits.{layer}"] = torch.stack([r[0] for r in of_layer])
        values[f"expert_id.{layer}"] = padded([r[1] for r in of_layer], -1).int()
        values[f"gate_weight.{layer}"] = padded([r[2] for r in of_layer], 0.0)
    return values


def contrasted(strong, weak, setting, decisions):
    """Next-token logits [V]: tokens that are plausible to the strong pass, moved away from the weak one."""
    bar = strong.max() + math.log(setting["alpha"])
    for value in strong:
        decisions.gap(value, bar)
    return torch.where(strong >= bar, (1 + setting["beta"]) * strong - setting["beta"] * weak, -math.inf)


def generated(steered, prompt, decisions):
    """Greedy continuation; every step runs the whole prefix again, so that no cache can hide a mistake."""
    sequence, rows, strong_rows = prompt.clone(), [], []
    strong_recipe = steered.recipe
    contrast = [s for s in strong_recipe["policies"] if s["policy"] == "self-contrast"]
    for _ in range(STEPS):
        def place(position):
            return Place(-1, position, len(prompt), LANGUAGES[0], position >= len(prompt))
        logits = steered.run(sequence, place)[-1]
        for setting in contrast:
            strong_rows.append(logits)
            steered.recipe = recipe("weak", "", policies=[policy(setting["weak"], rank=setting["rank"])])
            logits = contrasted(logits, steered.run(sequence, place)[-1], setting, decisions)
            steered.recipe = strong_recipe
        best = logits.topk(2)
        decisions.gap(*best.values)
        rows.append(logits)
        sequence = torch.cat([sequence, best.indices[:1]])
    values = dict(generated=sequence[len(prompt):].int(), step_logits=torch.stack(rows))
    return values | dict(strong_logits=torch.stack(strong_rows)) if contrast else values


def acts_while_decoding(recipe):
    return any(s.get("phase", "both") != "both" or s.get("policy") == "self-contrast"
               for s in recipe["edits"] + recipe["policies"])


# ---------------------------------------------------------------------------------------------------------------------


def largest_change(values, plain):
    """Largest difference of the log-probabilities, or of the logits of the steps, from those without a recipe."""
    name = "logprob" if "logprob" in values else "step_logits"
    return float((values[name] - plain[name]).nan_to_num(0, 0, 0).abs().max())


def make_family(family, seed, checkpoints, out):
    model = AutoModelForCausalLM.from_pretrained(checkpoints / family, dtype=torch.float32, attn_implementation="eager",
                                                 experts_implementation="eager").eval()
    config = model.config
    experts = getattr(config, "num_experts", None) or config.num_local_experts
    rule = Rule(experts, config.num_experts_per_tok, family == "mixtral" or config.norm_topk_prob)
    generator = torch.Generator().manual_seed(seed + 5000)
    batch = [torch.randint(config.vocab_size, (n,), generator=generator) for n in LENGTHS]
    tensors = dict(token_id=torch.cat(batch).int(),
                   seq_index=torch.repeat_interleave(torch.arange(len(batch)), torch.tensor(LENGTHS)).int(),
                   prompt_tokens=torch.tensor(PROMPT_TOKENS).int())

    nothing = recipe("none", "")
    plain = {}
    (out / family).mkdir(parents=True, exist_ok=True)
    own = family_recipes(rule)
    for case in own:
        write_recipe(case, out / family)
    for case in [nothing] + SHARED_RECIPES + own:
        decisions = Decisions()
        steered = Steered(model, rule, case, decisions)
        values = {}
        if case is nothing or acts_while_decoding(case):
            values |= generated(steered, batch[0][:PROMPT_TOKENS[0]], decisions)
        if case is nothing or not acts_while_decoding(case):
            values |= traced(steered, batch)
        steered.remove()
        assert decisions.closest > CLOSE, f"{case['name']}: a decision is within {decisions.closest:.1e} of a tie"
        if case is nothing:
            plain = values
            untouched = torch.stack([model(tokens[None], use_cache=False).logits[0, -1] for tokens in batch])
            assert torch.allclose(plain["logits"], untouched, rtol=0, atol=1e-6), "no recipe is not the model itself"
        else:
            change = largest_change(values, plain)
            print(f"{family:10s} {case['name']:20s} closest decision {decisions.closest:.1e}  largest change {change:.3f}")
            assert change > 1e-2, f"{case['name']}: does too little to be a test"
        tensors |= {f"{case['name']}/{name}": value.contiguous() for name, value in values.items()}
    write_safetensors(tensors, out / family / "golden.safetensors",
                      dict(transformers=transformers.__version__, torch=torch.__version__.split("+")[0], seed=str(seed),
                           checkpoint=f"tests/data/families/{family}", attention="eager", experts="eager"))


def write_recipe(case, folder):
    """One line for each edit and policy, so that a person can read it."""
    def lines(settings):
        return "[" + ",".join("\n    " + json.dumps(s) for s in settings) + ("\n  ]" if settings else "]")

    fields = [f'"{key}": {lines(value) if isinstance(value, list) else json.dumps(value)}' for key, value in case.items()]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{case['name']}.json").write_text("{\n  " + ",\n  ".join(fields) + "\n}\n")


def main():
    data = Path(__file__).resolve().parents[1] / "data"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoints", type=Path, default=data / "families")
    parser.add_argument("--out", type=Path, default=data / "steering")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    for case in SHARED_RECIPES:
        write_recipe(case, options.out / "recipes")
    for family, seed in FAMILIES.items():
        make_family(family, seed, options.checkpoints, options.out)


if __name__ == "__main__":
    main()
