// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// RecordingLog: what a recording has got so far, in a file that survives being cut off, so that a run which was killed goes on there.
// LoggedSink: passes a recording on to a sink and notes it there.
#pragma once

#include "engine/core/trace.h"

#include <cstddef>
#include <filesystem>
#include <string>

namespace expertscope {

/// A line that says what is recorded, then records, each with its length and checksum. Written without waiting for the disk: it outlives
/// the program, not the machine; what is torn is left out. Throws Error (Input) wherever the file cannot be read or written.
class RecordingLog {
public:
    /// Opens the file, or makes it, for this program alone. One that nothing was written to is removed again.
    explicit RecordingLog(const std::filesystem::path &file);
    ~RecordingLog();
    RecordingLog(const RecordingLog &) = delete;
    RecordingLog &operator=(const RecordingLog &) = delete;

    /// header: one line of JSON. A file that begins with another one is begun anew with `overwrite`; else throws Error (Check) with the
    /// fields that differ.
    void begin(const std::string &header, bool overwrite);
    /// Where a run may go on: behind a batch that left no sequence unfinished.
    std::size_t sequences() const { return m_sequences; }
    std::int64_t tokens() const { return m_tokens; }
    const std::filesystem::path &file() const { return m_file; }

    /// Gives the sink, which has begun, all blocks and sequences up to there.
    void replay(TraceSink &to) const;
    void append(const TraceBlock &block);
    void endSequence(const SequenceInfo &info, std::span<const float> meanSoftmax);
    /// The recording is complete, or nobody wants to go on with it: removes the file.
    void remove();

private:
    struct Record;
    bool next(std::int64_t &at, Record &record) const;
    void write(char kind, const std::string &payload);
    void findWhereToGoOn();
    std::string firstLine() const;
    [[noreturn]] void fail(const char *doing) const;

    std::filesystem::path m_file;
    int m_descriptor = -1;
    std::int64_t m_begin = 0; ///< of the records
    std::int64_t m_end = 0; ///< of the records that count
    std::size_t m_sequences = 0;
    std::int64_t m_tokens = 0;
};

class LoggedSink final : public TraceSink {
public:
    /// Both outlive this.
    LoggedSink(TraceSink &to, RecordingLog &log)
        : m_to{to}
        , m_log{log}
    {
    }
    /// Then gives the sink what the log holds already.
    void begin(const TraceMeta &meta) override
    {
        m_to.begin(meta);
        m_log.replay(m_to);
    }
    void append(const TraceBlock &block) override
    {
        m_to.append(block); // which refuses a block of the wrong shape
        m_log.append(block);
    }
    void endSequence(const SequenceInfo &info, std::span<const float> meanSoftmax) override
    {
        m_to.endSequence(info, meanSoftmax);
        m_log.endSequence(info, meanSoftmax);
    }
    /// Then removes the log.
    void finish(std::span<const TraceCheck> checks) override
    {
        m_to.finish(checks);
        m_log.remove();
    }

private:
    TraceSink &m_to;
    RecordingLog &m_log;
};

} // namespace expertscope
