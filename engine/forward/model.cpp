// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/forward/model.h"

#include "engine/core/error.h"
#include "engine/core/memory_plan.h"
#include "engine/forward/binder.h"

namespace expertscope {

namespace {

ModelInfo describe(const ModelConfig &config, const ModelFiles &files, const char *quantisation)
{
    const MoeFfn &moe = *config.layers[static_cast<std::size_t>(config.moeLayers().front())].moe();
    ModelInfo info;
    info.name = files.name;
    info.family = config.family;
    info.revision = files.revision;
    info.sha256 = files.sha256;
    info.fileFormat = files.fileFormat;
    info.quantisation = quantisation;
    info.tokenizerSha256 = files.tokenizerSha256;
    info.scoreFunction = moe.score == ScoreFunction::Softmax ? "softmax" : "sigmoid";
    info.nLayers = static_cast<int>(config.layers.size());
    info.nExperts = config.maxExperts();
    info.topK = config.maxTopK();
    info.nShared = moe.sharedWidth > 0 ? 1 : 0;
    info.normalise = moe.normalise;
    info.scaling = moe.scale;
    info.nGroup = moe.groups;
    info.topkGroup = moe.topkGroups;
    return info;
}

} // namespace

std::shared_ptr<const Model> Model::load(std::shared_ptr<const ModelFiles> files, Backend &backend, const Progress &progress)
{
    const std::shared_ptr<Model> model{new Model};
    model->m_files = std::move(files);
    try {
        model->m_config = configure(model->m_files->configJson, model->m_files->generationConfigJson);
    } catch (const Error &error) {
        throw Error{error.kind, error.message, model->m_files->path + '/' + error.where, error.remedy};
    }

    // of the layouts a family is stored in, the one these files come closest to
    const std::vector<TensorNames> layouts = familyOf(model->m_config.family).layouts();
    const TensorNames *best = nullptr;
    std::size_t fewest = 0;
    for (const TensorNames &names : layouts) {
        const std::size_t problems = Binder{*model, names}.problems();
        if (!best || problems < fewest) {
            best = &names;
            fewest = problems;
        }
    }
    const Binder binder{*model, *best};
    binder.check();

    model->m_weightBytes = binder.bytes();
    const std::vector<std::vector<StoredMlp>> experts = binder.experts();
    std::int64_t expertBytes = 0;
    for (const std::vector<StoredMlp> &layer : experts)
        for (const StoredMlp &mlp : layer)
            expertBytes += static_cast<std::int64_t>(mlp.gate.bytes() + mlp.up.bytes() + mlp.down.bytes());
    const bool hasRoom = backend.makeRoom(model->m_weightBytes - expertBytes, experts, model->m_config.maxTopK());
    const std::int64_t available = backend.info().memoryFreeBytes;
    if (!hasRoom && available > 0 && model->m_weightBytes > available)
        throw Error{ErrorKind::Device,
            "the model needs " + sizeText(model->m_weightBytes) + " for its weights, and " + sizeText(available) + " are free",
            model->m_files->path, "Close other programs, or use a smaller model or a machine with more memory"};
    binder.prepare(backend, progress);
    model->m_info = describe(model->m_config, *model->m_files, binder.expertType());
    return model;
}

} // namespace expertscope
