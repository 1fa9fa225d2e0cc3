// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// CSV as of RFC 4180: UTF-8, a header row, decimal point, empty where a value is missing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace expertscope {

class CsvWriter {
public:
    CsvWriter &field(std::string_view text);
    CsvWriter &field(const char *text) { return field(std::string_view{text}); }
    CsvWriter &field(double value); ///< shortest text that reads back the same number; NaN = empty
    CsvWriter &field(float value);
    CsvWriter &field(std::int64_t value);
    CsvWriter &field(int value) { return field(static_cast<std::int64_t>(value)); }
    void endRow();
    const std::string &text() const { return m_text; }

private:
    void separate();
    template<typename Real>
    CsvWriter &number(Real value);
    std::string m_text;
    bool m_rowStarted = false;
};

} // namespace expertscope
