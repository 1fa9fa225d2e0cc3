// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The one exception type of engine and io, and the one that says "the user stopped it".
// Thrown anywhere below the app; caught at three borders: engine thread, job runner, main/cli.
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace expertscope {

/// What went wrong in kind; the command line turns it into its exit code.
enum class ErrorKind {
    Usage = 2, ///< the request itself is wrong (unknown option, empty selection)
    Input = 3, ///< a file or text cannot be read as what it should be
    Check = 4, ///< readable, but fails a consistency check
    Device = 5, ///< model, memory or device problem
};

/// A failure a person can act on: what happened, where, and what to do about it.
class Error : public std::exception {
public:
    Error(ErrorKind kind, std::string what, std::string where, std::string remedy)
        : kind{kind}
        , message{std::move(what)}
        , where{std::move(where)}
        , remedy{std::move(remedy)}
        , m_full{text()}
    {
    }

    /// All three parts in one line, for logs and the command line.
    const char *what() const noexcept override { return m_full.c_str(); }

    ErrorKind kind;
    std::string message; ///< one sentence, no trailing full stop
    std::string where; ///< file, tensor, line, layer...; may be empty
    std::string remedy; ///< what the person can do; never empty

private:
    std::string text() const { return (where.empty() ? message : where + ": " + message) + ". " + remedy + '.'; }

    std::string m_full;
};

/// Thrown by Progress::check() when the person stopped the work. Not an Error: nothing went wrong.
class Cancelled : public std::exception {
public:
    const char *what() const noexcept override { return "stopped"; }
};

} // namespace expertscope
