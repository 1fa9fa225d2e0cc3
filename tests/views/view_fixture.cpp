// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "view_fixture.h"

#include "engine/core/tensor.h"

#include <QPointer>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace expertscope::test {

namespace {

std::uint64_t mix(std::uint64_t x)
{
    x ^= x >> 33;
    x *= 0xff51afd7ed558ccdULL;
    x ^= x >> 33;
    x *= 0xc4ceb9fe1a85ec53ULL;
    return x ^ (x >> 33);
}

double unit(std::uint64_t x)
{
    return static_cast<double>(mix(x) >> 11) / 9007199254740992.0;
}

/// Logits of one token at one layer: a taste of the language, a taste of the token, some noise.
void fillLogits(std::span<float> logits, std::uint64_t language, std::uint64_t token, std::uint64_t position, int layer)
{
    for (std::size_t e = 0; e < logits.size(); ++e) {
        const std::uint64_t expert = mix(e * 131 + static_cast<std::uint64_t>(layer) * 7919);
        logits[e] = static_cast<float>(
            2.2 * unit(expert ^ mix(language)) + 2.5 * unit(expert ^ mix(token + 17)) + 1.2 * unit(expert ^ mix(position * 31 + token)));
    }
}

void route(TraceBlock &block, std::size_t row, int layer, const TraceMeta &meta, std::span<const float> logits)
{
    const auto perToken = static_cast<std::size_t>(meta.slotCount);
    const auto n = static_cast<std::size_t>(block.count);
    std::vector<int> order(logits.size());
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + meta.slotCount, order.end(),
        [&](int a, int b) { return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)]; });
    double sum = 0;
    for (std::size_t s = 0; s < perToken; ++s)
        sum += std::exp(static_cast<double>(logits[static_cast<std::size_t>(order[s])]));
    for (std::size_t s = 0; s < perToken; ++s) {
        const std::size_t at = (static_cast<std::size_t>(layer) * n + row) * perToken + s;
        block.expertId[at] = static_cast<ExpertId>(order[s]);
        block.gateWeight[at] = static_cast<float>(std::exp(static_cast<double>(logits[static_cast<std::size_t>(order[s])])) / sum);
    }
}

TraceMeta metaFor(const TraceOptions &options)
{
    TraceMeta meta;
    meta.title = "test trace";
    meta.model.name = "tiny-moe";
    meta.model.family = "olmoe";
    meta.model.nLayers = options.layers + 1;
    meta.model.nExperts = meta.experts = options.experts;
    meta.model.topK = meta.slotCount = options.topK;
    meta.fields.gateWeight = true;
    meta.fields.routerLogit = options.logits;
    meta.fields.logprob = true;
    meta.fields.predictedId = true;
    meta.fields.tokenText = true;
    for (int layer = 0; layer < options.layers; ++layer)
        meta.layers.push_back(layer + 1);
    return meta;
}

TraceBlock emptyBlock(const TraceMeta &meta, std::size_t n)
{
    TraceBlock block;
    block.count = static_cast<std::int64_t>(n);
    block.phase.assign(n, Phase::Prefill);
    const std::size_t rows = n * meta.layers.size();
    block.expertId.resize(rows * static_cast<std::size_t>(meta.slotCount));
    block.gateWeight.resize(block.expertId.size());
    if (meta.fields.routerLogit)
        block.routerLogit.resize(rows * static_cast<std::size_t>(meta.experts));
    return block;
}

void appendSequence(MemoryTrace &trace, const TraceMeta &meta, const TextSequence &sequence, int index, std::int64_t firstToken)
{
    const std::size_t n = sequence.tokens.size();
    TraceBlock block = emptyBlock(meta, n);
    std::vector<float> logits(static_cast<std::size_t>(meta.experts));
    const std::uint64_t language = std::hash<std::string>{}(sequence.language + sequence.domain);
    for (std::size_t i = 0; i < n; ++i) {
        const std::uint64_t token = std::hash<std::string>{}(sequence.tokens[i]);
        block.tokenId.push_back(static_cast<std::int32_t>(token % 50'000));
        block.position.push_back(static_cast<std::int32_t>(i));
        block.seqIndex.push_back(index);
        block.predictedId.push_back(static_cast<std::int32_t>(mix(token) % 50'000));
        block.logprob.push_back(i == 0 ? std::nanf("") : static_cast<float>(-6 * unit(token + i)));
        block.bytes.push_back(sequence.tokens[i]);
        for (int layer = 0; layer < meta.moeLayers(); ++layer) {
            fillLogits(logits, language, token, i, layer);
            route(block, i, layer, meta, logits);
            if (meta.fields.routerLogit) {
                const std::size_t at = (static_cast<std::size_t>(layer) * n + i) * logits.size();
                for (std::size_t e = 0; e < logits.size(); ++e)
                    block.routerLogit[at + e] = f32ToF16(logits[e]);
            }
        }
    }
    trace.append(block);
    SequenceInfo info;
    info.id = sequence.id;
    info.language = sequence.language;
    info.domain = sequence.domain;
    info.parallelId = sequence.parallelId;
    info.firstToken = firstToken;
    info.nPrompt = static_cast<std::int64_t>(n);
    trace.endSequence(info, {});
}

} // namespace

std::vector<std::string> cutIntoTokens(const std::string &text, unsigned seed)
{
    std::mt19937 random(seed);
    std::vector<std::string> tokens;
    for (std::size_t at = 0; at < text.size();) {
        std::size_t length = 1 + random() % 6;
        // Mostly whole characters, as tokenizers do; one time in eight the cut falls where it falls.
        if (random() % 8 != 0) {
            while (at + length < text.size() && (static_cast<unsigned char>(text[at + length]) & 0xc0) == 0x80)
                ++length;
        }
        const std::size_t space = text.find(' ', at + 1);
        if (space != std::string::npos)
            length = std::min(length, space - at);
        tokens.push_back(text.substr(at, length));
        at += tokens.back().size();
    }
    return tokens;
}

std::vector<TextSequence> manyLanguages(int rounds)
{
    struct Text {
        const char *language, *domain, *text;
    };
    static const Text texts[] = {
        {"en", "news",
            "The council met on Tuesday to discuss the new bridge, and after three hours of debate it agreed to ask the citizens once "
            "more."},
        {"de", "news",
            "Der Stadtrat traf sich am Dienstag, um über die neue Brücke zu beraten, und beschloss nach drei Stunden, die Bürger noch "
            "einmal zu fragen."},
        {"ar", "news",
            "اجتمع المجلس يوم الثلاثاء لمناقشة الجسر الجديد، وبعد ثلاث ساعات من النقاش وافق على سؤال المواطنين مرة أخرى عن BRIDGE 2026."},
        {"he", "news", "המועצה התכנסה ביום שלישי כדי לדון בגשר החדש, ולאחר שלוש שעות של דיון הסכימה לשאול את התושבים פעם נוספת."},
        {"hi", "news", "परिषद ने मंगलवार को नए पुल पर चर्चा करने के लिए बैठक की, और तीन घंटे की बहस के बाद नागरिकों से फिर पूछने पर सहमति दी।"},
        {"zh", "news", "市议会星期二开会讨论新桥，经过三个小时的辩论，同意再次征求市民的意见。"},
        {"ja", "news", "市議会は火曜日に新しい橋について話し合い、三時間の議論の末、もう一度市民に尋ねることに同意した。"},
        {"th", "news", "สภาเทศบาลประชุมกันในวันอังคารเพื่อหารือเรื่องสะพานใหม่"},
        {"en", "code",
            "def route(x):\n\tlogits = x @ W.T  # [T, E]\n\treturn logits.topk(8)\n\nif __name__ == '__main__':\n\tprint(route(1))\n"},
        {"en", "chat", "Wow 👩‍👩‍👧 that cafe\u0301 is naïve 😀!"},
    };
    std::vector<TextSequence> sequences;
    for (int round = 0; round < rounds; ++round) {
        for (const Text &text : texts) {
            const auto number = static_cast<unsigned>(sequences.size());
            sequences.push_back({std::string(text.domain) + '-' + std::to_string(round + 1) + '-' + text.language, text.language,
                text.domain, cutIntoTokens(text.text, number),
                text.domain == std::string("news") ? "news-" + std::to_string(round + 1) : std::string()});
        }
    }
    return sequences;
}

TracePtr textTrace(const std::vector<TextSequence> &sequences, const TraceOptions &options)
{
    const TraceMeta meta = metaFor(options);
    MemoryTrace trace;
    trace.begin(meta);
    std::int64_t firstToken = 0;
    for (std::size_t i = 0; i < sequences.size(); ++i) {
        appendSequence(trace, meta, sequences[i], static_cast<int>(i), firstToken);
        firstToken += static_cast<std::int64_t>(sequences[i].tokens.size());
    }
    trace.finish({});
    return trace.snapshot();
}

TracePtr largeTrace(std::int64_t tokens, int layers, int experts, int topK)
{
    constexpr std::int64_t perSequence = 1000;
    const TraceMeta meta = metaFor({layers, experts, topK, false});
    MemoryTrace trace;
    trace.begin(meta);
    for (std::int64_t first = 0; first < tokens; first += perSequence) {
        const std::int64_t n = std::min(perSequence, tokens - first);
        TraceBlock block = emptyBlock(meta, static_cast<std::size_t>(n));
        for (std::int64_t i = 0; i < n; ++i) {
            const std::uint64_t hash = mix(static_cast<std::uint64_t>(first + i));
            block.tokenId.push_back(static_cast<std::int32_t>(hash % 50'000));
            block.position.push_back(static_cast<std::int32_t>(i));
            block.seqIndex.push_back(static_cast<std::int32_t>(first / perSequence));
            block.predictedId.push_back(0);
            block.logprob.push_back(static_cast<float>(-8 * unit(hash)));
            block.bytes.push_back(std::string(" ") + std::string(1 + hash % 7, static_cast<char>('a' + hash % 26)));
        }
        for (std::size_t i = 0; i < block.expertId.size(); ++i) {
            block.expertId[i] = static_cast<ExpertId>(
                (mix(i / static_cast<std::size_t>(topK)) + i % static_cast<std::size_t>(topK)) % static_cast<std::uint64_t>(experts));
            block.gateWeight[i] = 1.0F / static_cast<float>(topK);
        }
        trace.append(block);
        SequenceInfo info;
        info.id = "s" + std::to_string(first / perSequence);
        info.language = "en";
        info.domain = "test";
        info.firstToken = first;
        info.nPrompt = n;
        trace.endSequence(info, {});
    }
    trace.finish({});
    return trace.snapshot();
}

Subject subjectOf(const TracePtr &trace)
{
    Subject subject;
    subject.trace = trace;
    if (trace) {
        const auto sum = [&](const char *grouping) {
            return std::make_shared<RoutingSummary>(summarise(*trace, grouping, groupBy(trace->meta(), grouping), Progress{}));
        };
        subject.byLanguage = sum("language");
        subject.byDomain = sum("domain");
    }
    return subject;
}

std::shared_ptr<const SteeringOutcome> steeringOutcome(const TracePtr &trace)
{
    auto outcome = std::make_shared<SteeringOutcome>();
    outcome->comparison.baseline = trace;
    outcome->comparison.steered = trace;
    outcome->comparison.divergence.assign(static_cast<std::size_t>(trace->meta().tokens), 0.25f);
    outcome->comparison.baselineContinuation = {{1, "same"}, {2, " old"}, {3, " end"}};
    outcome->comparison.steeredContinuation = {{1, "same"}, {4, " <new>"}, {3, " end"}};
    outcome->result = comparisonResult(outcome->comparison);
    outcome->recipe.edits.push_back(
        {.op = "mask", .enabled = true, .experts = {{2, false, {3}}}, .vectors = {}, .settings = {}, .tokens = {}, .phase = {}});
    outcome->text = QStringLiteral("a text");
    outcome->firstToken = 0;
    return outcome;
}

ViewContext Jobs::context(SelectionModel &selection)
{
    return {&selection, steering.get(), effects.get(), routes.get(),
        [this](QObject *owner, const QString &tag, std::function<std::any(const Progress &)> work, std::function<void(std::any)> done) {
            ++posted;
            const auto call = [alive = QPointer<QObject>(owner), work = std::move(work), done = std::move(done)] {
                std::any result = work(Progress{});
                if (alive)
                    done(std::move(result));
            };
            if (!hold)
                return call();
            std::erase_if(m_held, [&](const Job &job) { return job.tag == tag; });
            m_held.push_back({tag, call});
        },
        [this](QObject *, const QString &tag) {
            ++stopped;
            std::erase_if(m_held, [&](const Job &job) { return job.tag == tag; });
        },
        experiments.get()};
}

void Jobs::run()
{
    while (!m_held.empty()) {
        const Job job = m_held.front();
        m_held.pop_front();
        job.call();
    }
}

} // namespace expertscope::test
