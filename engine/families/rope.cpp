// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/families/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace expertscope {

namespace {

constexpr Limits<double> factorLimits{1e-3, 1e6};

/// Of angles that turn slowly over the original context, divides the frequency by `factor`; Llama 3.1's smooth step between.
void scaleLlama3(const ConfigReader &rope, double original, std::vector<float> &invFreq)
{
    const double factor = rope.number("factor", factorLimits);
    const double low = rope.number("low_freq_factor", factorLimits);
    const double high = rope.number("high_freq_factor", factorLimits);
    if (high <= low)
        rope.fail("high_freq_factor", "is not above low_freq_factor");
    for (float &f : invFreq) {
        const double turns = original * static_cast<double>(f) / (2 * std::numbers::pi); // over the original context
        const double keep = std::clamp((turns - low) / (high - low), 0.0, 1.0);
        f = static_cast<float>(static_cast<double>(f) * ((1 - keep) / factor + keep));
    }
}

double yarnMscale(double factor, double mscale)
{
    return factor <= 1 ? 1.0 : 0.1 * mscale * std::log(factor) + 1;
}

/// YaRN (arXiv:2309.00071) section 3.2; returns what multiplies cos and sin.
double scaleYarn(const ConfigReader &rope, double original, double theta, int headDim, int maxPositions, std::vector<float> &invFreq)
{
    const double factor = rope.number("factor", factorLimits, maxPositions / original);
    const auto dimOfTurns = [&](double turns) {
        return headDim * std::log(original / (turns * 2 * std::numbers::pi)) / (2 * std::log(theta));
    };
    double low = dimOfTurns(rope.number("beta_fast", factorLimits, 32.0));
    double high = dimOfTurns(rope.number("beta_slow", factorLimits, 1.0));
    if (rope.boolean("truncate", true)) {
        low = std::floor(low);
        high = std::ceil(high);
    }
    low = std::max(low, 0.0);
    high = std::min(high, headDim - 1.0);
    if (low == high)
        high += 0.001;
    for (std::size_t d = 0; d < invFreq.size(); ++d) {
        const double ramp = std::clamp((static_cast<double>(d) - low) / (high - low), 0.0, 1.0);
        invFreq[d] = static_cast<float>(static_cast<double>(invFreq[d]) * (ramp / factor + 1 - ramp));
    }
    const double mscale = rope.number("mscale", {0, 1e3}, 0.0);
    const double mscaleAllDim = rope.number("mscale_all_dim", {0, 1e3}, 0.0);
    const bool both = mscale != 0 && mscaleAllDim != 0;
    return rope.number(
        "attention_factor", {1e-3, 1e3}, both ? yarnMscale(factor, mscale) / yarnMscale(factor, mscaleAllDim) : yarnMscale(factor, 1));
}

} // namespace

void readRope(const ConfigReader &config, double defaultTheta, int maxPositions, AttentionConfig &attention)
{
    constexpr Limits<double> thetaLimits{1.5, 1e15};
    const std::string_view key = config.present({"rope_parameters", "rope_scaling"});
    const ConfigReader rope = config.object(key).value_or(ConfigReader{"{}", "config.json, rope_parameters"});
    if (rope.has("full_attention") || rope.has("sliding_attention"))
        rope.fail("full_attention", "is set: rotary parameters that differ by layer are not supported for this family");
    const double outerTheta = config.number("rope_theta", thetaLimits, defaultTheta);
    const double theta = rope.number("rope_theta", thetaLimits, outerTheta);
    const double rotated = rope.number("partial_rotary_factor", {0, 1}, config.number("partial_rotary_factor", {0, 1}, 1.0));
    if (rotated != 1)
        rope.fail("partial_rotary_factor", "is below 1: rotating a part of each head is not supported for this family");

    attention.ropeInvFreq.resize(static_cast<std::size_t>(attention.headDim / 2));
    for (std::size_t d = 0; d < attention.ropeInvFreq.size(); ++d)
        // f32 throughout: the reference computes them so, and long contexts amplify the last bit
        attention.ropeInvFreq[d] =
            1.0f / std::pow(static_cast<float>(theta), static_cast<float>(2 * d) / static_cast<float>(attention.headDim));

    const std::string kind = rope.text(rope.present({"rope_type", "type"}), "default");
    const auto original = [&] {
        const std::int64_t inner = rope.integer("original_max_position_embeddings", {1, 1 << 28}, maxPositions);
        return static_cast<double>(config.integer("original_max_position_embeddings", {1, 1 << 28}, inner));
    };
    if (kind == "linear") {
        const double factor = rope.number("factor", factorLimits);
        for (float &f : attention.ropeInvFreq)
            f /= static_cast<float>(factor);
    } else if (kind == "llama3") {
        scaleLlama3(rope, original(), attention.ropeInvFreq);
    } else if (kind == "yarn") {
        attention.ropeScale =
            static_cast<float>(scaleYarn(rope, original(), theta, attention.headDim, maxPositions, attention.ropeInvFreq));
    } else if (kind != "default") {
        rope.fail(rope.present({"rope_type", "type"}), "is \"" + kind + "\"; supported are default, linear, llama3 and yarn");
    }
}

} // namespace expertscope
