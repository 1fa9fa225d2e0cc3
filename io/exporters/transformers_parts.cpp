// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/exporters/transformers_parts.h"

#include <array>

namespace expertscope {

std::span<const PythonPart> pythonLogitEdits()
{
    static constexpr std::array parts{
        PythonPart{"add", R"(def add(z, before, experts, edit):
    z[:, experts] += edit["strength"]
    return z
)"},
        PythonPart{"soft", R"(def soft(z, before, experts, edit):
    """In units of the standard deviation of the token's logits before all edits."""
    z[:, experts] += edit["strength"] * before.std(-1, correction=0, keepdim=True)
    return z
)"},
        PythonPart{"force-max", R"(def force_max(z, before, experts, edit):
    """Just above the largest logit, the first expert highest."""
    top = z.max(-1, keepdim=True).values
    rank = torch.arange(len(experts), 0, -1, device=z.device)
    z[:, experts] = top + edit["epsilon"] * (1 + top.abs()) * rank
    return z
)"},
        PythonPart{"force-min", R"(def force_min(z, before, experts, edit):
    """Just below the smallest logit of the experts that are not masked."""
    bottom = z.masked_fill(z == -torch.inf, torch.inf).min(-1, keepdim=True).values
    z[:, experts] = bottom - edit["epsilon"] * (1 + bottom.abs())
    return z
)"},
        PythonPart{"log-max", R"(def log_max(z, before, experts, edit):
    z = z.log_softmax(-1)
    z[:, experts] = z.max(-1, keepdim=True).values + edit["epsilon"]
    return z
)"},
        PythonPart{"log-min", R"(def log_min(z, before, experts, edit):
    z = z.log_softmax(-1)
    z[:, experts] = z.masked_fill(z == -torch.inf, torch.inf).min(-1, keepdim=True).values - edit["epsilon"]
    return z
)"},
        PythonPart{"scale-abs", R"(def scale_abs(z, before, experts, edit):
    z[:, experts] += edit["strength"] * z[:, experts].abs()
    return z
)"},
        PythonPart{"mask", R"(def mask(z, before, experts, edit):
    z[:, experts] = -torch.inf
    return z
)"},
        PythonPart{"bias", R"(def bias(z, before, vector, edit):
    return z + edit["strength"] * torch.tensor(vector, device=z.device)
)"},
    };
    return parts;
}

std::span<const PythonPart> pythonWeightEdits()
{
    static constexpr std::array parts{
        PythonPart{"weight-scale", R"(def weight_scale(weights, named, edit):
    return torch.where(named, weights * edit["strength"], weights)
)"},
        PythonPart{"weight-set", R"(def weight_set(weights, named, edit):
    return weights.masked_fill(named, edit["strength"])
)"},
        PythonPart{"weight-rescale", R"(def weight_rescale(weights, named, edit):
    total = weights.sum(-1, keepdim=True)
    return torch.where(total > 0, weights * edit["strength"] / total, weights)
)"},
    };
    return parts;
}

std::span<const PythonPart> pythonPolicies()
{
    static constexpr std::array parts{
        PythonPart{"top-k", R"(def top_k(ranked, logits, policy):
    return places(ranked) < policy["k"]
)"},
        PythonPart{"top-p", R"(def top_p(ranked, logits, policy):
    """The best experts until their probabilities sum to more than theta, the one that crosses it included."""
    before = F.pad(ranked.cumsum(-1)[:, :-1], (1, 0))
    most = min(policy["k_max"] or ranked.shape[-1], TOP_K if policy["variant"] == "cap-renormalise" else ranked.shape[-1])
    return ((before <= policy["theta"]) | (places(ranked) < policy["k_min"])) & (places(ranked) < most)
)"},
        PythonPart{"min-p", R"(def min_p(ranked, logits, policy):
    most = policy["k_max"] or ranked.shape[-1]
    enough = ranked >= policy["ratio"] * ranked[:, :1]
    return (enough | (places(ranked) < policy["k_min"])) & (places(ranked) < most)
)"},
        PythonPart{"entropy-hybrid", R"(def entropy_hybrid(ranked, logits, policy):
    """All experts where the router is undecided, else those whose probabilities sum to at most top_p."""
    q, n = policy["q"], ranked.shape[-1]
    if abs(q - 1) < 1e-9:
        entropy = torch.special.entr(ranked).sum(-1, keepdim=True) / math.log(n)
    else:
        entropy = (1 - (ranked ** q).sum(-1, keepdim=True)) / (1 - n ** (1 - q))
    few = (ranked.cumsum(-1) <= policy["top_p"]) | (places(ranked) < policy["keep_top_k"])
    return few | (entropy > policy["threshold"])
)",
            "raw"},
        PythonPart{"rank-k", R"(def rank_k(ranked, logits, policy):
    return (places(ranked) == min(policy["rank"], ranked.shape[-1]) - 1).expand_as(ranked)
)"},
        PythonPart{"uniform-weights", R"(def uniform_weights(ranked, logits, policy):
    """The model's own choice; with_sum() makes the weights equal."""
    return places(ranked) < TOP_K
)",
            "equal"},
        PythonPart{"all-experts", R"(def all_experts(ranked, logits, policy):
    return torch.ones_like(ranked, dtype=torch.bool)
)"},
        PythonPart{"null-threshold", R"(def null_threshold(ranked, logits, policy):
    """Of the model's choice, the experts whose logit reaches that of experts that do nothing."""
    return (logits >= policy["tau"]) & (places(ranked) < TOP_K)
)"},
    };
    return parts;
}

std::span<const PythonPart> policiesWithoutScript()
{
    static constexpr std::array parts{
        PythonPart{"random", "its numbers come from Expertscope's own generator"},
        PythonPart{"fixed-random-router", "its numbers come from Expertscope's own generator"},
        PythonPart{"repeat-layer", "a layer that is run again needs a cache of its own for each run"},
        PythonPart{"self-contrast", "it runs every token twice, each time with a cache of its own"},
    };
    return parts;
}

const std::string_view pythonImports = R"py(
import argparse
import contextlib
import math

import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM, AutoTokenizer

)py";

const std::string_view pythonRun = R"py(

class Run:
    """What is being run: where each row [T] of a forward call stands in its text."""

    def __init__(self, labels, prompt_tokens):
        self.labels, self.prompt_tokens = labels, prompt_tokens
        self.prompt = self.past = 0

    def begin(self, module, args, given):
        tokens = next(t for t in (given.get("input_ids"), given.get("inputs_embeds"), *args) if t is not None)
        cache = given.get("past_key_values")
        self.past = int(cache.get_seq_length()) if cache is not None else 0
        batch, length = tokens.shape[:2]
        if self.past == 0:
            self.prompt = length if self.prompt_tokens is None else self.prompt_tokens
        self.position = self.past + torch.arange(length, device=tokens.device).repeat(batch)

    def rows(self, setting, like):
        """Which rows an edit or policy acts on, [T, 1], where the tensor `like` is."""
        tokens, phase = setting.get("tokens", "all"), setting.get("phase", "both")
        rows = torch.ones_like(self.position, dtype=torch.bool)
        if tokens == "prompt":
            rows = self.position < self.prompt
        elif tokens == "generated":
            rows = self.position >= self.prompt
        elif tokens != "all" and self.labels.get(tokens["label"]) != tokens["is"]:
            rows = ~rows
        if phase != "both" and (phase == "decode") != (self.past > 0):
            rows = torch.zeros_like(rows)
        return rows[:, None].to(like.device)
)py";

const std::string_view pythonPlaces = R"py(
def places(ranked):
    """0, 1, 2, ... for the experts of a token in the order of their probabilities, [1, E]."""
    return torch.arange(ranked.shape[-1], device=ranked.device)[None]

)py";

const std::string_view pythonRoute = R"py(
def route(z, layer, run):
    """Expert ids and weights [T, K] of edited logits, as the model routes, and which of them count."""
    weights, experts = z.softmax(-1).topk(TOP_K, -1)
    if NORMALISE:
        weights = weights / weights.sum(-1, keepdim=True)
    return experts, weights, torch.ones_like(experts, dtype=torch.bool)
)py";

const std::string_view pythonRouteWithExclusions = R"py(
def route(z, layer, run):
    """Expert ids and weights [T, K] of edited logits, as the model routes without the excluded, and which of them count."""
    p = z.softmax(-1)
    choice = p
    for edit in EXCLUSIONS:
        if layer in edit["layers"]:
            without = choice.index_fill(-1, torch.tensor(edit["layers"][layer], device=z.device), -torch.inf)
            choice = torch.where(run.rows(edit, z), without, choice)
    best, experts = choice.topk(TOP_K, -1)
    kept = best > -torch.inf
    weights = p.gather(-1, experts) * kept
    if NORMALISE:
        weights = weights / weights.sum(-1, keepdim=True).clamp_min(1e-30)
    return experts, weights, kept
)py";

const std::string_view pythonRouteWithPolicies = R"py(
def with_sum(weights, kept, how, usual):
    """Weights [T, E] with the sum that a policy asks for; usual: [T, 1], what the model's own rule sums to."""
    total = weights.sum(-1, keepdim=True).clamp_min(1e-30)
    if how == "renormalise" or (how == "as-model" and NORMALISE):
        return weights / total
    if how == "rescale":
        return weights / total * usual
    if how == "equal":
        return kept * usual / kept.sum(-1, keepdim=True)
    return weights


def route(z, layer, run):
    """Expert ids and weights [T, K] of edited logits, best first, and which of them count; K is the most that any token takes."""
    ranked, order = z.softmax(-1).sort(stable=True, dim=-1, descending=True)
    kept = places(ranked) < TOP_K
    weights = with_sum(ranked * kept, kept, "as-model", None)
    for policy in POLICIES:
        if layer in policy["layers"]:
            other = POLICY_CODE[policy["policy"]](ranked, z.gather(-1, order), policy)
            usual = weights.sum(-1, keepdim=True)
            rows = run.rows(policy, z)
            weights = torch.where(rows, with_sum(ranked * other, other, policy["sum"], usual), weights)
            kept = torch.where(rows, other, kept)
    most = max(1, int((kept * (1 + places(ranked))).max()))
    return order[:, :most], weights[:, :most], kept[:, :most]
)py";

const std::string_view pythonSkip = R"py(
def skip(layer, run, args, given, output):
    """The layer is run all the same, for its cache; what it computes is left out."""
    before = args[0] if args else given["hidden_states"]
    after = output[0] if isinstance(output, tuple) else output
    hidden = after
    for policy in SKIPS:
        if layer in policy["layers"]:
            hidden = torch.where(run.rows(policy, after).reshape(*after.shape[:2], 1), before, hidden)
    return (hidden, *output[1:]) if isinstance(output, tuple) else hidden
)py";

const std::string_view pythonSteer = R"py(
def edited(logits, layer, run):
    """Router logits [T, E] in float32, after all edits."""
    z = logits.float()
    for policy in TEMPERATURES:
        if layer in policy["layers"]:
            z = torch.where(run.rows(policy, z), z / policy["t"], z)
    before = z
    for edit in LOGIT_EDITS:
        if layer in edit["layers"]:
            z = torch.where(run.rows(edit, z), LOGIT_CODE[edit["op"]](z.clone(), before, edit["layers"][layer], edit), z)
    return z


def steered_router(layer, run, gate, args, output):
    """What the router of a layer returns instead of `output`."""
    if torch.is_tensor(output):  # transformers 4: a linear layer; the block behind it chooses the experts
        if EXCLUSIONS or WEIGHT_EDITS or POLICIES:
            raise RuntimeError("This recipe changes how experts are chosen or weighed, which needs transformers 5")
        return edited(output, layer, run)
    hidden = args[0].reshape(-1, args[0].shape[-1])
    experts, weights, kept = route(edited(F.linear(hidden, gate.weight), layer, run), layer, run)
    for edit in WEIGHT_EDITS:
        if layer in edit["layers"]:
            named = torch.isin(experts, torch.tensor(edit["layers"][layer], device=experts.device)) & kept
            weights = torch.where(run.rows(edit, weights), WEIGHT_CODE[edit["op"]](weights, named, edit), weights)
    return output[0], weights.to(output[1].dtype), experts


@contextlib.contextmanager
def steer(model, labels=None, prompt_tokens=None):
    """Within it the model routes as the recipe says.

    labels: those of the text that is run, as {"language": "fr"}; only edits that act on a label ask for them.
    prompt_tokens: how many tokens of the first call are the prompt, if not all.
    """
    run = Run(labels or {}, prompt_tokens)
    hooks = [model.model.register_forward_pre_hook(run.begin, with_kwargs=True)]
    try:
        for layer in LAYERS:
            decoder = model.model.layers[layer]
            block = decoder.mlp if hasattr(decoder, "mlp") else decoder.block_sparse_moe
            hooks.append(block.gate.register_forward_hook(
                lambda gate, args, output, layer=layer: steered_router(layer, run, gate, args, output)))
)py";

const std::string_view pythonSteerSkips = R"py(        for layer in {layer for policy in SKIPS for layer in policy["layers"]}:
            hooks.append(model.model.layers[layer].register_forward_hook(
                lambda _, args, given, output, layer=layer: skip(layer, run, args, given, output), with_kwargs=True))
)py";

const std::string_view pythonMain = R"py(        yield model
    finally:
        for hook in hooks:
            hook.remove()


def main():
    parser = argparse.ArgumentParser(description="Continues a prompt, without the recipe and with it.")
    parser.add_argument("model", help="folder, or name on the hub")
    parser.add_argument("prompt")
    parser.add_argument("--max-new-tokens", type=int, default=40)
    parser.add_argument("--label", action="append", default=[], help="of the prompt, as language=fr")
    options = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype="auto").eval()
    prompt = tokenizer(options.prompt, return_tensors="pt")
    settings = dict(max_new_tokens=options.max_new_tokens, do_sample=False)
    with torch.no_grad():
        plain = model.generate(**prompt, **settings)
        with steer(model, labels=dict(label.split("=", 1) for label in options.label)):
            steered = model.generate(**prompt, **settings)
    print("without:", tokenizer.decode(plain[0], skip_special_tokens=True))
    print("with:   ", tokenizer.decode(steered[0], skip_special_tokens=True))


if __name__ == "__main__":
    main()
)py";

} // namespace expertscope
