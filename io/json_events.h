// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Reads JSON from strangers as a stream of events: nothing is built that was not asked for, so memory stays within the text's own
// size, nesting is limited, and a key that occurs twice is an error instead of a choice.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <variant>
#include <vector>

namespace expertscope {

/// A number that is not an integer of 64 bits, as written.
struct JsonFloat {
    std::string text;
};
using JsonScalar = std::variant<std::monostate, bool, std::int64_t, std::uint64_t, JsonFloat, std::string>; ///< monostate = null

class JsonEvents {
public:
    enum class Container { Object, Array };

    /// Every fault becomes Error (Input) with this place and remedy; `deepest` is how many containers may be open at once.
    JsonEvents(std::string where, std::string remedy, std::size_t deepest);
    virtual ~JsonEvents() = default;
    void parse(std::string_view text);

protected:
    virtual void opened(Container kind) = 0; ///< depth() already counts it
    virtual void closing(Container kind) = 0; ///< depth() still counts it
    virtual void scalar(JsonScalar value) = 0;

    std::size_t depth() const { return m_levels.size(); }
    /// The key last read in the container at `level` (1 = outermost); empty in an array.
    const std::string &key(std::size_t level) const { return m_levels[level - 1].key; }
    [[noreturn]] void fail(const std::string &what) const;

private:
    struct Level {
        std::string key;
        std::unordered_set<std::string> seen;
    };
    struct Sax;

    std::string m_where, m_remedy;
    std::size_t m_deepest;
    std::vector<Level> m_levels;
};

} // namespace expertscope
