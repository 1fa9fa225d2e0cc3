// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/recording_log.h"

#include "engine/core/error.h"

#include <nlohmann/json.hpp>
#include <zlib.h>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <type_traits>

namespace expertscope {

namespace {

constexpr char blockKind = 'b';
constexpr char sequenceKind = 's';
constexpr std::int64_t longestHeader = 1 << 20;

/// In front of every payload.
struct RecordHead {
    std::uint64_t bytes = 0;
    std::uint32_t checksum = 0;
    char kind = 0;
    char unused[3] = {};
};

std::uint32_t checksumOf(const std::string &payload)
{
    return static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const unsigned char *>(payload.data()), payload.size()));
}

/// Puts values behind one another, or takes them out again: one function lists the fields for both.
class Writer {
public:
    std::string payload;

    template<typename T>
    void operator()(const T &value) requires std::is_arithmetic_v<T> || std::is_enum_v<T>
    {
        bytes(&value, sizeof value);
    }
    void operator()(const std::string &text)
    {
        (*this)(text.size());
        bytes(text.data(), text.size());
    }
    template<typename T>
    void operator()(const std::vector<T> &values)
    {
        (*this)(values.size());
        if constexpr (std::is_same_v<T, std::string>)
            for (const std::string &value : values)
                (*this)(value);
        else
            bytes(values.data(), values.size() * sizeof(T));
    }

private:
    void bytes(const void *from, std::size_t count) { payload.append(static_cast<const char *>(from), count); }
};

class Reader {
public:
    Reader(std::string_view payload, std::string where)
        : m_left{payload}
        , m_where{std::move(where)}
    {
    }
    template<typename T>
    void operator()(T &value) requires std::is_arithmetic_v<T> || std::is_enum_v<T>
    {
        std::memcpy(&value, take(1, sizeof value), sizeof value);
    }
    void operator()(std::string &text)
    {
        const std::size_t size = count();
        text.assign(take(size, 1), size);
    }
    template<typename T>
    void operator()(std::vector<T> &values)
    {
        const std::size_t size = count();
        values.clear();
        if constexpr (std::is_same_v<T, std::string>) {
            for (std::size_t i = 0; i < size; ++i)
                (*this)(values.emplace_back());
        } else if (size > 0) {
            const char *from = take(size, sizeof(T));
            values.resize(size);
            std::memcpy(values.data(), from, size * sizeof(T));
        }
    }
    void end() const
    {
        if (!m_left.empty())
            damaged();
    }

private:
    [[noreturn]] void damaged() const
    {
        throw Error{ErrorKind::Input, "the recording so far is damaged", m_where, "Delete this file, and the run begins anew"};
    }
    std::size_t count()
    {
        std::size_t size = 0;
        (*this)(size);
        return size;
    }
    const char *take(std::size_t items, std::size_t itemBytes)
    {
        if (items > m_left.size() / itemBytes)
            damaged();
        const char *from = m_left.data();
        m_left.remove_prefix(items * itemBytes);
        return from;
    }

    std::string_view m_left;
    std::string m_where;
};

template<typename Visitor, typename Block>
void visitBlock(Visitor &visit, Block &block)
{
    visit(block.count);
    visit(block.tokenId);
    visit(block.position);
    visit(block.seqIndex);
    visit(block.predictedId);
    visit(block.phase);
    visit(block.logprob);
    visit(block.bytes);
    visit(block.expertId);
    visit(block.gateWeight);
    visit(block.routerLogit);
    visit(block.selectionScore);
    visit(block.expertOutNorm);
}

template<typename Visitor, typename Info, typename Mean>
void visitSequence(Visitor &visit, Info &info, Mean &meanSoftmax)
{
    visit(info.id);
    visit(info.language);
    visit(info.domain);
    visit(info.parallelId);
    visit(info.labels);
    visit(info.sha256);
    visit(info.firstToken);
    visit(info.nPrompt);
    visit(info.nGenerated);
    visit(meanSoftmax);
}

std::string difference(std::string_view found, const std::string &wanted)
{
    const nlohmann::json there = nlohmann::json::parse(found, nullptr, false), here = nlohmann::json::parse(wanted);
    std::string fields;
    for (const auto &[key, value] : here.items())
        if (!there.is_object() || !there.contains(key) || there.at(key) != value)
            fields += (fields.empty() ? "" : ", ") + key;
    return "this is the beginning of another recording: different in " + fields;
}

} // namespace

struct RecordingLog::Record {
    char kind = 0;
    std::string payload;
};

RecordingLog::RecordingLog(const std::filesystem::path &file)
    : m_file{file}
    , m_descriptor{open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)}
{
    if (m_descriptor < 0)
        fail("create a file here");
    if (flock(m_descriptor, LOCK_EX | LOCK_NB) != 0) {
        close(m_descriptor);
        throw Error{ErrorKind::Input, "another program is writing this recording", m_file.string(), "Wait for it, or give another output"};
    }
}

RecordingLog::~RecordingLog()
{
    struct stat info { };
    if (fstat(m_descriptor, &info) == 0 && info.st_size == 0 && info.st_nlink > 0)
        remove();
    close(m_descriptor);
}

void RecordingLog::begin(const std::string &header, bool overwrite)
{
    struct stat info { };
    if (fstat(m_descriptor, &info) != 0 || !S_ISREG(info.st_mode))
        fail("read the file");
    const std::string line = header + '\n';
    std::string first(static_cast<std::size_t>(std::min<std::int64_t>(info.st_size, std::ssize(line))), '\0');
    if (pread(m_descriptor, first.data(), first.size(), 0) != std::ssize(first))
        fail("read the file");
    m_begin = m_end = std::ssize(line);
    if (first == line) {
        findWhereToGoOn();
    } else {
        // a file cut off inside its first line is as good as new
        if (!overwrite && !line.starts_with(first))
            throw Error{ErrorKind::Check, difference(firstLine(), header), m_file.string(),
                "Give the settings it was begun with or another output, or begin anew (--force)"};
        if (pwrite(m_descriptor, line.data(), line.size(), 0) != std::ssize(line))
            fail("write the file");
    }
    if (ftruncate(m_descriptor, m_end) != 0)
        fail("write the file");
}

std::string RecordingLog::firstLine() const
{
    std::string text(longestHeader, '\0');
    const ssize_t got = pread(m_descriptor, text.data(), text.size(), 0);
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return text.substr(0, text.find('\n'));
}

void RecordingLog::findWhereToGoOn()
{
    std::size_t sequences = 0;
    std::int64_t appended = 0;
    std::int64_t ended = 0;
    Record record;
    for (std::int64_t at = m_begin; next(at, record);) {
        Reader read{record.payload, m_file.string()};
        if (record.kind == blockKind) {
            std::int64_t count = 0;
            read(count);
            appended += count;
        } else {
            SequenceInfo sequence;
            std::vector<float> mean;
            visitSequence(read, sequence, mean);
            ended = sequence.range().end;
            ++sequences;
        }
        if (ended == appended) {
            m_end = at;
            m_sequences = sequences;
            m_tokens = ended;
        }
    }
}

/// The record at `at`, which moves on; false where none is whole.
bool RecordingLog::next(std::int64_t &at, Record &record) const
{
    struct stat info { };
    RecordHead head;
    if (fstat(m_descriptor, &info) != 0)
        fail("read the file");
    if (info.st_size - at < static_cast<std::int64_t>(sizeof head)
        || pread(m_descriptor, &head, sizeof head, at) != static_cast<ssize_t>(sizeof head)
        || (head.kind != blockKind && head.kind != sequenceKind)
        || head.bytes > static_cast<std::uint64_t>(info.st_size - at) - sizeof head)
        return false;
    at += static_cast<std::int64_t>(sizeof head);
    record.kind = head.kind;
    record.payload.resize(head.bytes);
    for (std::size_t done = 0; done < record.payload.size();) {
        const ssize_t got = pread(m_descriptor, record.payload.data() + done, record.payload.size() - done, at);
        if (got <= 0)
            fail("read the file");
        done += static_cast<std::size_t>(got);
        at += got;
    }
    return checksumOf(record.payload) == head.checksum;
}

void RecordingLog::replay(TraceSink &to) const
{
    Record record;
    TraceBlock block;
    SequenceInfo info;
    std::vector<float> mean;
    for (std::int64_t at = m_begin; at < m_end && next(at, record);) {
        Reader read{record.payload, m_file.string()};
        if (record.kind == blockKind)
            visitBlock(read, block);
        else
            visitSequence(read, info, mean);
        read.end();
        if (record.kind == blockKind)
            to.append(block);
        else
            to.endSequence(info, mean);
    }
}

void RecordingLog::append(const TraceBlock &block)
{
    Writer writer;
    visitBlock(writer, block);
    write(blockKind, writer.payload);
}

void RecordingLog::endSequence(const SequenceInfo &info, std::span<const float> meanSoftmax)
{
    Writer writer;
    const std::vector<float> mean{meanSoftmax.begin(), meanSoftmax.end()};
    visitSequence(writer, info, mean);
    write(sequenceKind, writer.payload);
}

void RecordingLog::write(char kind, const std::string &payload)
{
    RecordHead head;
    head.bytes = payload.size();
    head.checksum = checksumOf(payload);
    head.kind = kind;
    const auto put = [this](const void *from, std::size_t bytes) {
        for (std::size_t done = 0; done < bytes;) {
            const ssize_t got = pwrite(m_descriptor, static_cast<const char *>(from) + done, bytes - done, m_end);
            if (got <= 0)
                fail("write the file");
            done += static_cast<std::size_t>(got);
            m_end += got;
        }
    };
    put(&head, sizeof head);
    put(payload.data(), payload.size());
}

void RecordingLog::remove()
{
    unlink(m_file.c_str());
}

void RecordingLog::fail(const char *doing) const
{
    const int code = errno;
    throw Error{ErrorKind::Input, std::string{"cannot "} + doing + ": " + std::strerror(code), m_file.string(),
        code == ENOSPC || code == EDQUOT ? "The disk is full: free some space, or record without this file (--no-resume)"
                                         : "Choose another folder, or record without this file (--no-resume)"};
}

} // namespace expertscope
