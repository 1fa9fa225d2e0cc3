// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/steering/interventions.h"

#include "engine/core/error.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

namespace expertscope {

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

constexpr std::string_view bandarkar = "Bandarkar et al., Multilingual Routing in Mixture-of-Experts, arXiv:2510.04694, ";
constexpr std::string_view steerMoe = "Fayyaz et al., SteerMoE, arXiv:2509.09660, section 3: log-softmax, then the maximum + 0.01";

constexpr ParamKind strengthOf(std::string_view standard, std::string_view help)
{
    return {"strength", "Strength", help, ParamKind::Type::Real, standard, -1e6, 1e6};
}

constexpr std::array addParams{strengthOf("1", "Added to the router logit; negative suppresses")};
constexpr std::array softParams{strengthOf("0.5", "Standard deviations of the token's logits; -1 to 1 is stable, negative suppresses")};
constexpr std::array absoluteParams{strengthOf("0.022", "Share of the logit's size; negative suppresses")};
constexpr std::array biasParams{strengthOf("1", "Multiplies the vector")};
constexpr std::array scaleParams{strengthOf("2", "The weight is multiplied by this")};
constexpr std::array setParams{strengthOf("0.5", "The weight becomes this")};
constexpr std::array rescaleParams{strengthOf("1", "The weights of the token sum to this")};
constexpr ParamKind extra{"extra", "Experts beyond k", "More forced experts than the layer takes: an error, or the later ones are left out",
    ParamKind::Type::Choice, "error", 0, 0, "error|skip"};
constexpr ParamKind epsilonOf(std::string_view standard, std::string_view help)
{
    return {"epsilon", "Margin", help, ParamKind::Type::Real, standard, 0, 1e3};
}
constexpr std::array forceMaxParams{
    epsilonOf("1e-06", "Above the largest logit, per rank among the forced experts, in units of 1 + |largest logit|"), extra};
constexpr std::array forceMinParams{epsilonOf("1e-06", "Below the smallest logit, in units of 1 + |smallest logit|")};
constexpr std::array logMaxParams{epsilonOf("0.01", "Above the largest log-probability"), extra};
constexpr std::array logMinParams{epsilonOf("0.01", "Below the smallest log-probability")};

float &at(std::span<float> values, std::int32_t expert)
{
    return values[static_cast<std::size_t>(expert)];
}

float largest(std::span<const float> z)
{
    return *std::max_element(z.begin(), z.end());
}

/// Of the experts that are not masked.
float smallest(std::span<const float> z)
{
    float least = infinity;
    for (float value : z)
        if (value > -infinity)
            least = std::min(least, value);
    return least;
}

/// Population standard deviation.
float deviation(std::span<const float> z)
{
    const double n = static_cast<double>(z.size());
    const double mean = std::accumulate(z.begin(), z.end(), 0.0) / n;
    const double squares =
        std::accumulate(z.begin(), z.end(), 0.0, [&](double sum, float value) { return sum + (value - mean) * (value - mean); });
    return static_cast<float>(std::sqrt(squares / n));
}

void logSoftmax(std::span<float> z)
{
    const double top = static_cast<double>(largest(z));
    const double sum = std::accumulate(
        z.begin(), z.end(), 0.0, [&](double total, float value) { return total + std::exp(static_cast<double>(value) - top); });
    for (float &value : z)
        value = static_cast<float>(static_cast<double>(value) - top - std::log(sum));
}

void add(const EditArguments &with, std::span<float> z)
{
    for (std::int32_t e : with.experts)
        at(z, e) += with.strength;
}

void soft(const EditArguments &with, std::span<float> z)
{
    const float step = with.strength * deviation(with.own);
    for (std::int32_t e : with.experts)
        at(z, e) += step;
}

void forceMax(const EditArguments &with, std::span<float> z)
{
    const float top = largest(z);
    const float step = with.epsilon * (1 + std::abs(top));
    auto rank = static_cast<float>(with.experts.size());
    for (std::int32_t e : with.experts)
        at(z, e) = top + step * rank--;
}

void forceMin(const EditArguments &with, std::span<float> z)
{
    const float bottom = smallest(z);
    for (std::int32_t e : with.experts)
        at(z, e) = bottom - with.epsilon * (1 + std::abs(bottom));
}

void logMax(const EditArguments &with, std::span<float> z)
{
    logSoftmax(z);
    const float top = largest(z);
    for (std::int32_t e : with.experts)
        at(z, e) = top + with.epsilon;
}

void logMin(const EditArguments &with, std::span<float> z)
{
    logSoftmax(z);
    const float bottom = smallest(z);
    for (std::int32_t e : with.experts)
        at(z, e) = bottom - with.epsilon;
}

void scaleAbsolute(const EditArguments &with, std::span<float> z)
{
    for (std::int32_t e : with.experts)
        at(z, e) += with.strength * std::abs(at(z, e));
}

void mask(const EditArguments &with, std::span<float> z)
{
    for (std::int32_t e : with.experts)
        at(z, e) = -infinity;
}

void bias(const EditArguments &with, std::span<float> z)
{
    for (std::size_t e = 0; e < z.size(); ++e)
        z[e] += with.strength * with.vector[e];
}

template<typename Change>
void changeWeights(const EditArguments &with, std::span<const std::int32_t> chosen, std::span<float> weights, const Change &change)
{
    for (std::size_t i = 0; i < chosen.size(); ++i)
        if (std::find(with.experts.begin(), with.experts.end(), chosen[i]) != with.experts.end())
            change(weights[i]);
}

void scaleWeights(const EditArguments &with, std::span<const std::int32_t> chosen, std::span<float> weights)
{
    changeWeights(with, chosen, weights, [&](float &w) { w *= with.strength; });
}

void setWeights(const EditArguments &with, std::span<const std::int32_t> chosen, std::span<float> weights)
{
    changeWeights(with, chosen, weights, [&](float &w) { w = with.strength; });
}

void rescaleWeights(const EditArguments &with, std::span<const std::int32_t>, std::span<float> weights)
{
    const float sum = std::accumulate(weights.begin(), weights.end(), 0.0f);
    if (sum > 0)
        for (float &w : weights)
            w *= with.strength / sum;
}

} // namespace

std::span<const InterventionKind> interventionKinds()
{
    static const std::string softSource = std::string{bandarkar} + "equation 4";
    static const std::string hardSource = std::string{bandarkar} + "equation 5; its random tie-break made a fixed rank";
    static const std::array kinds{
        InterventionKind{.id = "add",
            .op = RoutingOp::Add,
            .title = "Add",
            .help = "z + strength: a constant added to the router logit.",
            .source = "The common form of a steering bias",
            .params = addParams,
            .editLogits = add},
        InterventionKind{.id = "soft",
            .op = RoutingOp::Soft,
            .title = "Boost softly",
            .help = "z + strength * s: in units of the standard deviation s of the token's router logits over all experts.",
            .source = softSource,
            .params = softParams,
            .editLogits = soft},
        InterventionKind{.id = "force-max",
            .op = RoutingOp::ForceMax,
            .title = "Force",
            .help = "Just above the largest router logit, the first expert listed highest: the experts are chosen.",
            .source = hardSource,
            .params = forceMaxParams,
            .forces = true,
            .editLogits = forceMax},
        InterventionKind{.id = "force-min",
            .op = RoutingOp::ForceMin,
            .title = "Suppress",
            .help = "Just below the smallest router logit: the experts are chosen last.",
            .source = hardSource,
            .params = forceMinParams,
            .editLogits = forceMin},
        InterventionKind{.id = "log-max",
            .op = RoutingOp::LogMax,
            .title = "Force (log-softmax)",
            .help = "The logits become log-probabilities, and the experts' the largest of them plus the margin.",
            .source = steerMoe,
            .params = logMaxParams,
            .forces = true,
            .editLogits = logMax},
        InterventionKind{.id = "log-min",
            .op = RoutingOp::LogMin,
            .title = "Suppress (log-softmax)",
            .help = "The logits become log-probabilities, and the experts' the smallest of them minus the margin.",
            .source = steerMoe,
            .params = logMinParams,
            .editLogits = logMin},
        InterventionKind{.id = "scale-abs",
            .op = RoutingOp::ScaleAbs,
            .title = "Add a share of its size",
            .help = "z + strength * |z|.",
            .source = "Understanding Multilingualism in Mixture-of-Experts LLMs, arXiv:2601.14050",
            .params = absoluteParams,
            .editLogits = scaleAbsolute},
        InterventionKind{.id = "mask",
            .op = RoutingOp::Mask,
            .title = "Mask",
            .help =
                "The router logit becomes minus infinity: as if the layer did not have the experts. Their probability goes to all others, "
                "so where a family does not normalise weights, every token's weights grow.",
            .source = "SAFEx, arXiv:2506.17368",
            .params = {},
            .editLogits = mask},
        InterventionKind{.id = "exclude",
            .op = RoutingOp::Exclude,
            .title = "Ablate",
            .help = "The experts are never chosen, and nothing else: tokens that do not use them are left alone bit for bit. The next best "
                    "expert takes the slot, with its own score.",
            .source = "Single-expert ablation as a causal test, arXiv:2606.10703",
            .params = {},
            .editChoice = mask},
        InterventionKind{.id = "bias",
            .op = RoutingOp::Bias,
            .title = "Add a vector",
            .help = "z + strength * vector: one number for each expert of a layer.",
            .source = "Rewiring the router: a learned vector per layer added to the logits",
            .params = biasParams,
            .takesVectors = true,
            .editLogits = bias},
        InterventionKind{.id = "weight-scale",
            .op = RoutingOp::WeightScale,
            .title = "Scale the weight",
            .help = "The weight of an expert that is chosen is multiplied by the strength; the others stay, nothing is normalised again.",
            .source = "RICE, arXiv:2505.14681",
            .params = scaleParams,
            .editWeights = scaleWeights},
        InterventionKind{.id = "weight-set",
            .op = RoutingOp::WeightSet,
            .title = "Set the weight",
            .help = "The weight of an expert that is chosen becomes the strength.",
            .source = "Routing weights as free parameters, as in C3PO, arXiv:2504.07964",
            .params = setParams,
            .editWeights = setWeights},
        InterventionKind{.id = "weight-rescale",
            .op = RoutingOp::WeightRescale,
            .title = "Rescale all weights",
            .help = "All weights of the token are multiplied so that they sum to the strength, whichever experts are listed for the layer.",
            .source = "The sum of weights as a setting of its own: it differs between families",
            .params = rescaleParams,
            .editWeights = rescaleWeights},
    };
    return kinds;
}

const InterventionKind &interventionKind(std::string_view id)
{
    const auto all = interventionKinds();
    const auto found = std::find_if(all.begin(), all.end(), [&](const InterventionKind &kind) { return kind.id == id; });
    if (found != all.end())
        return *found;
    std::string known;
    for (const InterventionKind &kind : all)
        known += (known.empty() ? "" : ", ") + std::string{kind.id};
    throw Error{ErrorKind::Usage, "there is no op \"" + std::string{id} + '"', "op", "There are " + known};
}

} // namespace expertscope
