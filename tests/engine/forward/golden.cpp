// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "golden.h"

#include "io/model_folder.h"
#include "io/safetensors.h"
#include "plain_backend.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace expertscope {

namespace {

const std::string data = testData() + '/';
const std::string root = data + "families/";

} // namespace

std::string testData()
{
    const char *folder = std::getenv("EXPERTSCOPE_TEST_DATA");
    return folder && *folder ? folder : TEST_DATA_DIR;
}

GoldenTensors::GoldenTensors(const std::string &file)
{
    SafetensorsFile golden = mapSafetensors(data + file);
    m_tensors.insert(golden.tensors.begin(), golden.tensors.end());
    m_owners = std::move(golden.owners);
}

Golden::Golden(const std::string &name)
    : GoldenTensors{"families/" + name + "/golden.safetensors"}
    , m_name{name}
{
    auto files = std::make_shared<ModelFiles>(*openModelFolder(root + name));
    files->generationConfigJson = R"({"eos_token_id": 2147483647})";
    m_files = files;
}

std::vector<float> GoldenTensors::floats(const std::string &tensor) const
{
    const Tensor &stored = m_tensors.at(tensor);
    if (stored.dtype != DType::F32)
        throw std::runtime_error{tensor + " is not F32"};
    return {stored.f32(), stored.f32() + stored.count()};
}

std::vector<std::int32_t> GoldenTensors::ints(const std::string &tensor) const
{
    const Tensor &stored = m_tensors.at(tensor);
    if (stored.dtype != DType::I32)
        throw std::runtime_error{tensor + " is not I32"};
    return {stored.i32(), stored.i32() + stored.count()};
}

std::vector<TokenSequence> Golden::sequences() const
{
    const std::vector<std::int32_t> tokens = ints("token_id");
    const std::vector<std::int32_t> index = ints("seq_index");
    std::vector<TokenSequence> out;
    for (std::size_t t = 0; t < tokens.size(); ++t) {
        if (static_cast<std::size_t>(index[t]) == out.size()) {
            out.emplace_back();
            out.back().info.id = "s" + std::to_string(index[t]);
        }
        out.back().tokens.push_back(tokens[t]);
        ++out.back().nPrompt;
    }
    return out;
}

std::vector<std::string> Golden::names()
{
    std::vector<std::string> out;
    for (const auto &entry : std::filesystem::directory_iterator{root})
        if (std::filesystem::exists(entry.path() / "golden.safetensors"))
            out.push_back(entry.path().filename().string());
    std::sort(out.begin(), out.end());
    return out;
}

void Capturer::onRouting(const Batch &, const RoutingTap &tap)
{
    const std::string layer = "." + std::to_string(tap.layer);
    const Assignments &assignments = tap.routed.assignments;
    const auto append = [](auto &to, const auto &from) { to.insert(to.end(), from.begin(), from.end()); };
    append(floats["router_logits" + layer], tap.logits);
    append(floats["gate_weight" + layer], assignments.weight);
    append(ids["expert_id" + layer], assignments.expert);
}

void Capturer::keep(const std::string &name, const Tensor &tensor)
{
    std::vector<float> &to = floats[name];
    const std::size_t before = to.size();
    to.resize(before + static_cast<std::size_t>(tensor.count()));
    m_backend.download(tensor, std::span{to}.subspan(before));
}

double rootMeanSquare(const std::vector<float> &v)
{
    double sum = 0;
    for (float x : v)
        sum += static_cast<double>(x) * static_cast<double>(x);
    return std::sqrt(sum / static_cast<double>(v.size()));
}

double largestError(const std::vector<float> &ours, const std::vector<float> &reference)
{
    if (ours.size() != reference.size())
        return INFINITY;
    const double floor = rootMeanSquare(reference);
    double largest = 0;
    for (std::size_t i = 0; i < ours.size(); ++i) {
        const double size = std::max(std::fabs(static_cast<double>(reference[i])), floor);
        const double error = std::fabs(static_cast<double>(ours[i]) - static_cast<double>(reference[i])) / size;
        largest = std::isnan(error) ? INFINITY : std::max(largest, error);
    }
    return largest;
}

std::unique_ptr<Backend> makeBackend(const std::string &name)
{
    if (name == "plain")
        return std::make_unique<PlainBackend>();
    return makeCpuBackend();
}

} // namespace expertscope
