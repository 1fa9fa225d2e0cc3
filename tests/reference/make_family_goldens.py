#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""Make small random checkpoints of each supported model family, and what transformers computes with them.

Every case below becomes one folder, <out>/<case name>, that holds a checkpoint as the family is published (config.json,
generation_config.json, model*.safetensors) and golden.safetensors, the reference's values for one packed batch.

Symbols in the shapes: T tokens of the batch, H hidden size, E routed experts, k experts per token, V vocabulary,
S sequences.

Tensors of golden.safetensors (the l of a name is the model's own layer number; routing tensors exist for MoE layers):

    token_id, seq_index, position   int32 [T]     the batch; each sequence was run alone, without padding
    embeddings                      float32 [T,H] input of layer 0
    hidden.l                        float32 [T,H] residual stream after decoder layer l, before the final norm
    attn_out.l                      float32 [T,H] output of o_proj, before it is added to the residual      (some cases)
    router_input.l                  float32 [T,H] what the router and the experts of layer l read           (some cases)
    router_logits.l                 float32 [T,E] router output before softmax
    expert_id.l                     int32   [T,k] chosen experts, largest weight first
    gate_weight.l                   float32 [T,k] what multiplies each chosen expert's output
    margin.l                        float32 [T]   softmax score of the k-th choice minus that of the (k+1)-th
    final_norm                      float32 [T,H] input of the output head
    logits                          float32 [T,V]
    logprob                         float32 [T]   log-probability of the token given its prefix; NaN at position 0
    greedy                          int32   [S,8] greedy continuation of each sequence; end of text does not stop it
    greedy_margin                   float32 [S,8] best logit minus second best at each step

A case with bf16_golden holds all but the batch and the embeddings again with the prefix "bf16.", computed by the
reference in bfloat16 from the same weights and widened to float32; the distance to the float32 values is what the
format costs.
"""

import argparse
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import torch
import torch.nn.functional as F
import transformers
from safetensors.torch import load_file, save
from transformers import AutoModelForCausalLM

SEQUENCE_LENGTHS = (33, 1, 17)
GREEDY_STEPS = 8
DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}


@dataclass
class Case:
    """One folder: the family's config fields, and how the checkpoint is written."""

    name: str
    family: str
    seed: int
    config: dict
    stored: str = "float32"
    fused_experts: bool = False  # experts as 3-D tensors (gate_up_proj, down_proj) instead of one tensor each
    max_shard_size: str = "1GB"
    config_generation: int = 5  # 4: rope_theta and torch_dtype at the top level, as transformers 4.x wrote them
    inner_tensors: bool = False  # also attn_out.l and router_input.l
    bf16_golden: bool = False
    dead_experts: int = 2  # per MoE layer, never chosen
    checks: list = field(default_factory=list)


OLMOE = dict(
    vocab_size=127, hidden_size=42, intermediate_size=9, num_hidden_layers=3, num_attention_heads=3,
    num_key_value_heads=3, num_experts=10, num_experts_per_tok=3, norm_topk_prob=False, tie_word_embeddings=False,
    max_position_embeddings=128, rms_norm_eps=1e-5, rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    bos_token_id=None, eos_token_id=5, pad_token_id=1,
)
MIXTRAL = dict(
    vocab_size=131, hidden_size=44, intermediate_size=17, num_hidden_layers=3, num_attention_heads=4,
    num_key_value_heads=2, head_dim=10, num_local_experts=6, num_experts_per_tok=2, tie_word_embeddings=False,
    max_position_embeddings=128, rms_norm_eps=1e-5, sliding_window=None,
    rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}, bos_token_id=1, eos_token_id=2,
)
QWEN2_MOE = dict(
    vocab_size=137, hidden_size=36, intermediate_size=38, moe_intermediate_size=11, shared_expert_intermediate_size=26,
    num_hidden_layers=4, num_attention_heads=6, num_key_value_heads=2, num_experts=8, num_experts_per_tok=3,
    norm_topk_prob=False, decoder_sparse_step=1, mlp_only_layers=[1], qkv_bias=True, tie_word_embeddings=False,
    max_position_embeddings=128, rms_norm_eps=1e-6, rope_parameters={"rope_type": "default", "rope_theta": 1000000.0},
    bos_token_id=3, eos_token_id=3,
)
QWEN3_MOE = dict(
    vocab_size=139, hidden_size=44, intermediate_size=30, moe_intermediate_size=10, num_hidden_layers=3,
    num_attention_heads=4, num_key_value_heads=2, head_dim=14, num_experts=9, num_experts_per_tok=4,
    norm_topk_prob=True, decoder_sparse_step=1, mlp_only_layers=[], tie_word_embeddings=True,
    max_position_embeddings=128, rms_norm_eps=1e-6, rope_parameters={"rope_type": "default", "rope_theta": 1000000.0},
    bos_token_id=3, eos_token_id=[4, 3],
)

CASES = [
    Case("olmoe", "olmoe", 11, OLMOE, inner_tensors=True),
    Case("olmoe_clip", "olmoe", 12,
         OLMOE | dict(num_key_value_heads=1, clip_qkv=1.1, norm_topk_prob=True, rms_norm_eps=1e-3),
         stored="bfloat16", config_generation=4, checks=["clip"]),
    Case("olmoe_bf16", "olmoe", 14,
         OLMOE | dict(hidden_size=60, num_attention_heads=6, num_key_value_heads=2, num_experts=8,
                      intermediate_size=13),
         stored="bfloat16", bf16_golden=True),
    Case("mixtral", "mixtral", 21, MIXTRAL, max_shard_size="120KB", inner_tensors=True),
    Case("mixtral_window", "mixtral", 22,
         MIXTRAL | dict(sliding_window=7, head_dim=None, rope_parameters={"rope_type": "default", "rope_theta": 500.0},
                        hidden_size=40),
         stored="bfloat16", config_generation=4, checks=["window"]),
    Case("qwen2_moe", "qwen2_moe", 31, QWEN2_MOE, inner_tensors=True),
    Case("qwen2_moe_f16", "qwen2_moe", 33,
         QWEN2_MOE | dict(mlp_only_layers=[], decoder_sparse_step=2, norm_topk_prob=True), stored="float16",
         config_generation=4),
    Case("qwen3_moe", "qwen3_moe", 41, QWEN3_MOE, inner_tensors=True),
    Case("qwen3_moe_fused", "qwen3_moe", 41, QWEN3_MOE, fused_experts=True),
    Case("qwen3_moe_bf16", "qwen3_moe", 44,
         QWEN3_MOE | dict(hidden_size=72, head_dim=16, moe_intermediate_size=9, num_experts_per_tok=3,
                           tie_word_embeddings=False),
         stored="bfloat16", config_generation=4, bf16_golden=True),
]


# ---------------------------------------------------------------------------------------------------------------------
# Weights


def moe_layers(model):
    """Pairs (layer number, sparse block) of the decoder layers that hold a router."""
    return [(i, layer.mlp) for i, layer in enumerate(model.model.layers) if hasattr(layer.mlp, "gate")]


def random_weights(model, generator):
    """Fill every parameter: no norm is all ones, no bias is zero, activations stay of order one."""
    config = model.config
    common = torch.sign(torch.randn(config.hidden_size, generator=generator))  # shared by all embeddings [H]
    for name, parameter in sorted(model.named_parameters()):
        noise = torch.randn(parameter.shape, generator=generator)
        if name.endswith("embed_tokens.weight"):
            value = 0.8 * noise + 0.6 * common
        elif name.endswith("norm.weight") or "layernorm" in name:
            centre = 0.4 if name == "model.norm.weight" and config.tie_word_embeddings else 1.0
            value = centre * (1.0 + 0.25 * noise)
        elif name.endswith(".bias"):
            value = 0.3 * noise
        elif name == "lm_head.weight":
            value = noise * (2.0 / parameter.shape[-1] ** 0.5)
        else:
            gain = 1.5 if ("q_proj" in name or "k_proj" in name) else 1.2
            value = noise * (gain / parameter.shape[-1] ** 0.5)
        parameter.data.copy_(value)


def shape_routers(model, case, generator):
    """Set the router rows [E,H], layer by layer: live experts compete evenly and sharply, dead ones always lose.

    All embeddings share a component, so a direction d with x.d near 1 for every router input x exists: a row along -d
    is never chosen. Live rows are made orthogonal to the mean input, so that no token-independent preference is left.
    """
    tokens = torch.randint(model.config.vocab_size, (16, 32), generator=generator)
    dead = {}
    for index, block in moe_layers(model):
        rows = block.gate.weight.shape[0]
        captured = []
        hook = block.gate.register_forward_pre_hook(lambda _, args: captured.append(args[0]))
        model(tokens, use_cache=False)
        hook.remove()
        inputs = captured[0].reshape(-1, model.config.hidden_size)
        unit = F.normalize(inputs.mean(0), dim=0)
        constant = torch.linalg.lstsq(inputs, torch.ones(len(inputs), 1)).solution[:, 0]

        weight = torch.randn(rows, unit.numel(), generator=generator)
        weight -= (weight @ unit)[:, None] * unit
        weight *= 2.0 / (inputs @ weight.T).std(0)[:, None]
        lost = sorted({(index + 3 * j) % rows for j in range(case.dead_experts)})
        for expert in lost:
            weight[expert] = 0.2 * weight[expert] - 12.0 * constant
        block.gate.weight.data.copy_(weight)
        dead[index] = lost
    return dead


def write_checkpoint(case, folder):
    """Write config and weights of a case as they are published; returns the never chosen experts by layer."""
    generator = torch.Generator().manual_seed(case.seed)
    config = transformers.AutoConfig.for_model(case.family, **case.config)
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", experts_implementation="eager")
    model.eval()
    random_weights(model, generator)
    dead = shape_routers(model, case, generator)
    model.to(DTYPES[case.stored])

    shutil.rmtree(folder, ignore_errors=True)
    model.save_pretrained(folder, max_shard_size=case.max_shard_size, save_original_format=not case.fused_experts)
    edit_config(case, folder / "config.json")
    return dead


def edit_config(case, path):
    """Make config.json read as published ones do."""
    config = json.loads(path.read_text())
    if case.config_generation == 4:
        config["rope_theta"] = config.pop("rope_parameters")["rope_theta"]
        config["rope_scaling"] = None
        config["torch_dtype"] = config.pop("dtype")
        config["transformers_version"] = "4.46.0"
        config.pop("layer_types", None)
        if case.family == "qwen3_moe":
            config["num_experts"] = config.pop("num_local_experts")  # the name 5.x writes is not the published one
        if case.family.startswith("qwen"):
            config["sliding_window"] = 7  # without effect, because use_sliding_window is false
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


# ---------------------------------------------------------------------------------------------------------------------
# Reference values


class Recorder:
    """Collects what the modules of a model read and return, one list entry a forward pass."""

    def __init__(self, model):
        self.values = {}
        self.router_output_is_raw = True
        self._watch(model.model.embed_tokens, "embeddings", lambda args, out: out)
        self._watch(model.model.norm, "final_norm", lambda args, out: out)
        for index, layer in enumerate(model.model.layers):
            self._watch(layer, f"hidden.{index}", lambda args, out: out if torch.is_tensor(out) else out[0])
            self._watch(layer.self_attn.o_proj, f"attn_out.{index}", lambda args, out: out)
        for index, block in moe_layers(model):
            block.gate.register_forward_hook(lambda gate, args, out, i=index: self._router(i, gate, args[0], out))

    def _watch(self, module, name, pick):
        module.register_forward_hook(lambda _, args, out: self._keep(name, pick(args, out)))

    def _keep(self, name, tensor):
        # the copy matters: a later in-place operation would change what was recorded
        self.values.setdefault(name, []).append(tensor.detach().reshape(-1, tensor.shape[-1]).clone())

    def _router(self, index, gate, inputs, output):
        """The raw logits are computed here again, since what a release calls router_logits may be softmaxed."""
        inputs = inputs.reshape(-1, inputs.shape[-1])
        logits = F.linear(inputs, gate.weight)
        returned, weights, experts = output
        self.router_output_is_raw &= torch.equal(returned, logits)
        order = torch.sort(weights, dim=-1, descending=True, stable=True)
        k = weights.shape[-1]
        assert torch.equal(order.indices, torch.arange(k).expand_as(order.indices)), "weights not in descending order"
        ranked = torch.softmax(logits.float(), -1).sort(-1, descending=True).values
        self._keep(f"router_input.{index}", inputs)
        self._keep(f"router_logits.{index}", logits)
        self._keep(f"expert_id.{index}", experts)
        self._keep(f"gate_weight.{index}", weights)
        self._keep(f"margin.{index}", (ranked[:, k - 1] - ranked[:, k])[:, None])

    def packed(self):
        """name -> tensor [T,*] over all sequences run so far; forgets them."""
        result = {name: torch.cat(parts) for name, parts in self.values.items()}
        self.values = {}
        return result


def make_batch(vocabulary, seed):
    """Token ids, a list of int64 [length]; the first and last id of the vocabulary occur."""
    generator = torch.Generator().manual_seed(seed + 1000)
    batch = [torch.randint(vocabulary, (length,), generator=generator) for length in SEQUENCE_LENGTHS]
    batch[0][3], batch[0][4] = 0, vocabulary - 1
    return batch


def greedy_continuation(model, tokens):
    """Ids and logit margins [steps]; every step runs the whole prefix again, and generate() with its cache agrees."""
    sequence, margins = tokens.clone(), []
    for _ in range(GREEDY_STEPS):
        best = model(sequence[None], use_cache=False).logits[0, -1].float().topk(2)
        margins.append(best.values[0] - best.values[1])
        sequence = torch.cat([sequence, best.indices[:1]])
    ids, margins = sequence[len(tokens):], torch.stack(margins)
    cached = model.generate(tokens[None], attention_mask=torch.ones_like(tokens[None]), do_sample=False,
                            min_new_tokens=GREEDY_STEPS, max_new_tokens=GREEDY_STEPS, eos_token_id=-1, pad_token_id=0)
    if model.dtype == torch.float32:
        assert torch.equal(cached[0, len(tokens):], ids), "decoding with a cache gives other tokens"
    return ids, margins


def run_reference(folder, batch, dtype, rope_theta):
    """All golden tensors of one checkpoint folder in one dtype, and whether the router module returns raw logits."""
    model, info = AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation="eager", experts_implementation="eager", output_loading_info=True)
    assert not info["missing_keys"] and not info["unexpected_keys"] and not info["mismatched_keys"], info
    model.eval()
    assert model.config.rope_parameters["rope_theta"] == rope_theta
    greedy = [greedy_continuation(model, tokens) for tokens in batch]

    recorder = Recorder(model)
    logits, logprob = [], []
    for tokens in batch:
        out = model(tokens[None], use_cache=False).logits[0]
        logits.append(out)
        follow = F.log_softmax(out.float(), -1)[:-1].gather(1, tokens[1:, None])[:, 0]
        logprob.append(torch.cat([torch.tensor([float("nan")]), follow]))
    values = recorder.packed()
    for name in values:
        if name.startswith("margin."):
            values[name] = values[name][:, 0]
    values |= dict(logits=torch.cat(logits), logprob=torch.cat(logprob), greedy=torch.stack([g[0] for g in greedy]),
                   greedy_margin=torch.stack([g[1] for g in greedy]))
    values = {name: v.float() if v.is_floating_point() else v.int() for name, v in values.items()}
    return values, model, recorder.router_output_is_raw


# ---------------------------------------------------------------------------------------------------------------------
# Checks and output


def check_case(case, values, model, dead, batch):
    """Assert what the case was built for; returns a line of measured figures."""
    layers = sorted(dead)
    experts, k = values[f"router_logits.{layers[0]}"].shape[1], values[f"expert_id.{layers[0]}"].shape[1]
    used_counts = []
    for index in layers:
        ids, weights = values[f"expert_id.{index}"], values[f"gate_weight.{index}"]
        used = set(ids.flatten().tolist())
        never = set(range(experts)) - used
        assert set(dead[index]) <= never and len(never) >= 2, f"layer {index}: never chosen {sorted(never)}"
        assert len(used) > k, f"layer {index}: the same experts for every token"
        used_counts.append(f"{len(used)}/{experts}")

        logits = values[f"router_logits.{index}"]
        expected = torch.softmax(logits, -1).gather(1, ids.long())
        sums = weights.sum(-1)
        if case.family == "mixtral" or case.config["norm_topk_prob"]:
            assert torch.allclose(sums, torch.ones(()), atol=1e-6)
            expected = expected / expected.sum(-1, keepdim=True)
        else:
            assert (sums < 1).all()
        assert torch.allclose(weights, expected, atol=1e-6), f"layer {index}: weights do not follow from the logits"

    margins = torch.cat([values[f"margin.{index}"] for index in layers])
    ties = int((margins < 5e-5).sum())
    assert ties == 0, f"{ties} routing decisions within 5e-5 of a tie: take another seed"
    assert values["greedy_margin"].min() > 1e-3, "greedy decoding is close to a tie: take another seed"

    if "clip" in case.checks:
        shares = clipped_shares(model, batch[0], case.config["clip_qkv"])
        assert min(shares) > 0.02, shares
    if "window" in case.checks:
        check_window(model, batch[0], case.config["sliding_window"])
    return (f"used {' '.join(used_counts)}  margin min {margins.min():.2e} median {margins.median():.3f}  "
            f"greedy margin min {values['greedy_margin'].min():.2e}")


def clipped_shares(model, tokens, limit):
    """Share of q, k and v elements that the clamp changes in layer 0."""
    attention = model.model.layers[0].self_attn
    x = model.model.layers[0].input_layernorm(model.model.embed_tokens(tokens))
    q, k, v = attention.q_norm(attention.q_proj(x)), attention.k_norm(attention.k_proj(x)), attention.v_proj(x)
    return [float((t.abs() > limit).float().mean()) for t in (q, k, v)]


def check_window(model, tokens, window):
    """Query i attends to the keys j with i - window < j <= i, its own position included."""
    attentions = model(tokens[None], use_cache=False, output_attentions=True).attentions
    rows = torch.arange(len(tokens))
    allowed = (rows[None] <= rows[:, None]) & (rows[None] > rows[:, None] - window)
    for attention in attentions:
        assert torch.equal(attention[0, 0] > 0, allowed), "unexpected attention window"


def compare_dtypes(values, rounded, layers):
    """Differences of a bfloat16 run from the float32 one, by kind of tensor, and the agreement of the routing."""
    lines = []
    agree = torch.ones(len(values["logits"]), dtype=torch.bool)
    for index in layers:
        agree &= (values[f"expert_id.{index}"].sort(-1).values == rounded[f"expert_id.{index}"].sort(-1).values).all(-1)
    for kind in ("hidden", "router_logits", "final_norm", "logits", "logprob"):
        names = [n for n in values if n == kind or n.startswith(kind + ".")]
        mask = agree.roll(1) if kind == "logprob" else agree  # the row that predicted the token
        errors = [(values[n] - rounded[n]).nan_to_num() for n in names]
        rms = max(float(e.square().mean().sqrt()) for e in errors)
        largest, alike = max(float(e.abs().max()) for e in errors), max(float(e[mask].abs().max()) for e in errors)
        scale = max(float(values[n].nan_to_num().square().mean().sqrt()) for n in names)
        lines.append(f"{kind} max {largest:.3f} ({alike:.3f} where routed alike) rms {rms:.4f} "
                     f"(values rms {scale:.2f})")
    same, total, clear, clear_total = 0, 0, 0, 0
    for index in layers:
        a, b = (v[f"expert_id.{index}"].sort(-1).values for v in (values, rounded))
        equal = (a == b).all(-1)
        far = values[f"margin.{index}"] > 0.02
        same, total = same + int(equal.sum()), total + len(equal)
        clear, clear_total = clear + int(equal[far].sum()), clear_total + int(far.sum())
    lines.append(f"same expert set {same}/{total}, with margin > 0.02 {clear}/{clear_total}")
    return lines


def write_safetensors(tensors, path, metadata):
    """save_file() writes the metadata in random order; here the same input always gives the same bytes."""
    data = save(tensors, metadata=metadata)
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + length:])


def rounding_note(values, double):
    """Largest differences from a float64 run, whose norms and softmax compute in float32 all the same."""
    largest = {}
    for name in values:
        kind = name.split(".")[0]
        if kind in ("hidden", "router_logits", "gate_weight", "logits", "logprob"):
            error = float((values[name] - double[name]).nan_to_num().abs().max())
            largest[kind] = max(error, largest.get(kind, 0.0))
    return "float64: " + "  ".join(f"{kind} {error:.1e}" for kind, error in largest.items())


def make_case(case, out):
    """Write one folder and print what was measured."""
    folder = out / case.name
    dead = write_checkpoint(case, folder)
    batch = make_batch(case.config["vocab_size"], case.seed)
    theta = case.config["rope_parameters"]["rope_theta"]
    values, model, raw = run_reference(folder, batch, torch.float32, theta)
    summary = check_case(case, values, model, dead, batch)

    def wanted(name):
        return case.inner_tensors or not name.startswith(("attn_out.", "router_input."))

    lengths = torch.tensor(SEQUENCE_LENGTHS)
    tensors = dict(
        token_id=torch.cat(batch).int(),
        seq_index=torch.repeat_interleave(torch.arange(len(lengths)), lengths).int(),
        position=torch.cat([torch.arange(n) for n in SEQUENCE_LENGTHS]).int(),
    )
    tensors |= {name: value.contiguous() for name, value in values.items() if wanted(name)}
    double, _, _ = run_reference(folder, batch, torch.float64, theta)
    notes = [rounding_note(values, double)]
    if case.bf16_golden:
        rounded, _, _ = run_reference(folder, batch, torch.bfloat16, theta)
        del rounded["embeddings"]  # exactly the float32 ones
        tensors |= {f"bf16.{name}": value.contiguous() for name, value in rounded.items() if wanted(name)}
        notes += ["bf16: " + line for line in compare_dtypes(values, rounded, sorted(dead))]
    metadata = dict(
        transformers=transformers.__version__, torch=torch.__version__.split("+")[0], seed=str(case.seed),
        family=case.family, attention="eager", experts="eager", stored_dtype=case.stored, golden_dtype="float32",
        moe_layers=json.dumps(sorted(dead)), never_chosen=json.dumps({str(k): v for k, v in dead.items()}),
        reference_router_output="raw logits" if raw else "not the raw logits",
    )
    write_safetensors(tensors, folder / "golden.safetensors", metadata)

    size = sum(p.stat().st_size for p in folder.iterdir())
    print(f"{case.name:16s} {size / 1000:5.0f} kB  {summary}")
    for note in notes:
        print(f"{'':16s} {note}")
    if not raw:
        print(f"{'':16s} note: the router module does not return raw logits")


def check_fused_equals_plain(out):
    """The fused and the plain qwen3_moe folder hold the same numbers."""
    plain, fused = (load_file(out / name / "model.safetensors") for name in ("qwen3_moe", "qwen3_moe_fused"))
    for layer in range(QWEN3_MOE["num_hidden_layers"]):
        for expert in range(QWEN3_MOE["num_experts"]):
            base = f"model.layers.{layer}.mlp.experts"
            gate, up, down = (plain[f"{base}.{expert}.{n}_proj.weight"] for n in ("gate", "up", "down"))
            assert torch.equal(fused[f"{base}.gate_up_proj"][expert], torch.cat([gate, up]))
            assert torch.equal(fused[f"{base}.down_proj"][expert], down)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "data" / "families")
    parser.add_argument("--only", nargs="*", help="names of the cases to make (all by default)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    options.out.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        if not options.only or case.name in options.only:
            make_case(case, options.out)
    if not options.only:
        check_fused_equals_plain(options.out)


if __name__ == "__main__":
    main()
