// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/app/app_fixture.h"

#include "app/window/banner.h"

#include <QAction>
#include <QDir>
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QTest>

#include <cmath>
#include <random>

namespace expertscope::test {

namespace {

constexpr int hidden = 32, layers = 3, experts = 8, width = 12, vocab = 257, heads = 4, headDim = 8;
constexpr int endOfText = 256;

void write(const QString &file, const QByteArray &bytes)
{
    QFile to{file};
    if (!to.open(QIODevice::WriteOnly) || to.write(bytes) != bytes.size())
        qFatal("cannot write %s", qUtf8Printable(file));
}

/// The characters that stand for the bytes in byte-level BPE: printable ones for themselves, the others moved to 256 and up.
QString byteCharacter(int byte)
{
    static const std::vector<char16_t> characters = [] {
        std::vector<char16_t> all(256);
        char16_t moved = 256;
        for (char16_t b = 0; b < 256; ++b) {
            const bool printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || (b >= 0xAE && b <= 0xFF);
            all[b] = printable ? b : moved++;
        }
        return all;
    }();
    return QString{QChar{characters[static_cast<std::size_t>(byte)]}};
}

QByteArray tokenizerJson()
{
    QJsonObject words;
    for (int byte = 0; byte < 256; ++byte)
        words.insert(byteCharacter(byte), byte);
    const QJsonObject byteLevel{{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}};
    const QJsonObject end{{"id", endOfText}, {"content", "<|end|>"}, {"single_word", false}, {"lstrip", false}, {"rstrip", false},
        {"normalized", false}, {"special", true}};
    const QJsonObject bpe{{"type", "BPE"}, {"dropout", {}}, {"unk_token", {}}, {"continuing_subword_prefix", {}},
        {"end_of_word_suffix", {}}, {"fuse_unk", false}, {"byte_fallback", false}, {"ignore_merges", false}, {"vocab", words},
        {"merges", QJsonArray{}}};
    return QJsonDocument{
        QJsonObject{{"version", "1.0"}, {"truncation", {}}, {"padding", {}}, {"added_tokens", QJsonArray{end}}, {"normalizer", {}},
            {"pre_tokenizer", byteLevel}, {"post_processor", {}}, {"decoder", byteLevel}, {"model", bpe}}}
        .toJson();
}

QByteArray configJson(int maxPositions)
{
    return QJsonDocument{QJsonObject{{"architectures", QJsonArray{"Qwen3MoeForCausalLM"}}, {"model_type", "qwen3_moe"},
                             {"attention_bias", false}, {"decoder_sparse_step", 1}, {"torch_dtype", "float32"}, {"eos_token_id", endOfText},
                             {"head_dim", headDim}, {"hidden_act", "silu"}, {"hidden_size", hidden}, {"intermediate_size", width},
                             {"max_position_embeddings", maxPositions}, {"mlp_only_layers", QJsonArray{}}, {"moe_intermediate_size", width},
                             {"norm_topk_prob", true}, {"num_attention_heads", heads}, {"num_experts_per_tok", 2},
                             {"num_hidden_layers", layers}, {"num_key_value_heads", 2}, {"num_experts", experts}, {"rms_norm_eps", 1e-6},
                             {"rope_theta", 10000.0}, {"tie_word_embeddings", true}, {"use_sliding_window", false}, {"vocab_size", vocab}}}
        .toJson();
}

class Weights {
public:
    void add(const QString &name, int rows, int columns)
    {
        std::normal_distribution<float> draw{0.0f, 1.0f / std::sqrt(static_cast<float>(std::max(columns, 1)))};
        QJsonArray shape{rows};
        if (columns)
            shape.append(columns);
        const qsizetype begin = m_data.size();
        for (int i = 0; i < rows * std::max(columns, 1); ++i) {
            const float value = columns ? draw(m_random) : 1.0f;
            m_data.append(reinterpret_cast<const char *>(&value), sizeof value);
        }
        m_header.insert(name, QJsonObject{{"dtype", "F32"}, {"shape", shape}, {"data_offsets", QJsonArray{begin, m_data.size()}}});
    }
    QByteArray file() const
    {
        QByteArray header = QJsonDocument{m_header}.toJson(QJsonDocument::Compact);
        header.append((8 - header.size() % 8) % 8, ' ');
        const auto size = static_cast<quint64>(header.size());
        return QByteArray{reinterpret_cast<const char *>(&size), sizeof size} + header + m_data;
    }

private:
    std::mt19937 m_random{7};
    QJsonObject m_header;
    QByteArray m_data;
};

} // namespace

void writeTinyModel(const QString &folder, int maxPositions)
{
    QDir{}.mkpath(folder);
    const QDir to{folder};
    write(to.filePath("config.json"), configJson(maxPositions));
    write(to.filePath("tokenizer.json"), tokenizerJson());
    Weights weights;
    weights.add("model.embed_tokens.weight", vocab, hidden);
    weights.add("model.norm.weight", hidden, 0);
    for (int layer = 0; layer < layers; ++layer) {
        const QString at = QStringLiteral("model.layers.%1.").arg(layer);
        weights.add(at + "input_layernorm.weight", hidden, 0);
        weights.add(at + "post_attention_layernorm.weight", hidden, 0);
        weights.add(at + "self_attn.q_proj.weight", heads * headDim, hidden);
        weights.add(at + "self_attn.k_proj.weight", 2 * headDim, hidden);
        weights.add(at + "self_attn.v_proj.weight", 2 * headDim, hidden);
        weights.add(at + "self_attn.o_proj.weight", hidden, heads * headDim);
        weights.add(at + "self_attn.q_norm.weight", headDim, 0);
        weights.add(at + "self_attn.k_norm.weight", headDim, 0);
        weights.add(at + "mlp.gate.weight", experts, hidden);
        for (int expert = 0; expert < experts; ++expert) {
            const QString one = at + QStringLiteral("mlp.experts.%1.").arg(expert);
            weights.add(one + "gate_proj.weight", width, hidden);
            weights.add(one + "up_proj.weight", width, hidden);
            weights.add(one + "down_proj.weight", hidden, width);
        }
    }
    write(to.filePath("model.safetensors"), weights.file());
}

void writeTinyCorpus(const QString &file, int texts)
{
    const std::pair<const char *, const char *> languages[] = {{"en", "The bridge over the river is closed."},
        {"de", "Die Brücke über den Fluss ist gesperrt."}, {"ar", "الجسر فوق النهر مغلق."}, {"hi", "नदी पर बना पुल बंद है।"},
        {"zh", "河上的桥封闭了。"}};
    QByteArray lines;
    const auto add = [&](const QJsonObject &row) { lines += QJsonDocument{row}.toJson(QJsonDocument::Compact) + '\n'; };
    for (int text = 0; text < texts; ++text)
        for (const auto &[language, sentence] : languages)
            add({{"id", QStringLiteral("t%1-%2").arg(text).arg(language)},
                {"text", QStringLiteral("%1 %2").arg(QString::fromUtf8(sentence)).arg(text)}, {"language", language}, {"domain", "news"},
                {"parallel_id", QStringLiteral("t%1").arg(text)}});
    for (const char *code : {"for (int i = 0; i < n; ++i) sum += a[i];", "def bridge(river): return river.closed"})
        add({{"id", QStringLiteral("code-%1").arg(qHash(QByteArray{code}, 0))}, {"text", code}, {"domain", "code"}});
    write(file, lines);
}

AppFixture::AppFixture()
{
    writeTinyModel(model());
    writeTinyCorpus(corpus());
    qputenv("EXPERTSCOPE_DATA_DIR", path("demo").toUtf8()); // each test says itself whether there is a demo
}

AppFixture::~AppFixture()
{
    close();
}

void AppFixture::start(const QStringList &paths)
{
    Dialogs dialogs;
    dialogs.openFolder = [this](QWidget *, const QString &) { return chosenFolder; };
    dialogs.openFiles = [this](QWidget *, const QString &, const QString &) { return chosenFiles; };
    dialogs.saveFile = [this](QWidget *, const QString &, const QString &, const QString &) { return chosenSave; };
    settings = std::make_unique<Settings>(path("settings.ini"));
    workbench = std::make_unique<Workbench>(nullptr, backends);
    workbench->experiments().setHome(path("experiments"));
    window = std::make_unique<MainWindow>(*workbench, *settings, dialogs);
    window->resize(1280, 720);
    window->show();
    window->start(paths);
}

void AppFixture::close()
{
    if (window)
        window->close();
    window.reset();
    workbench.reset();
    settings.reset();
}

bool AppFixture::settle(int seconds)
{
    return QTest::qWaitFor([this] { return !workbench->busy() && workbench->jobs().idle(); }, seconds * 1000);
}

QAction *AppFixture::action(const QString &name) const
{
    auto *found = window->findChild<QAction *>(name);
    if (!found)
        qFatal("no action %s", qUtf8Printable(name));
    return found;
}

QString AppFixture::bannerText() const
{
    const auto *banner = window->findChild<Banner *>();
    return banner->isVisible() ? banner->text() : QString{};
}

} // namespace expertscope::test
