// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/errors.h"

#include <new>

namespace expertscope {

Error currentError()
{
    try {
        throw;
    } catch (const Error &error) {
        return error;
    } catch (const std::bad_alloc &) {
        return {ErrorKind::Device, "the memory is not enough for this", "", "Close something, or choose a smaller model or corpus"};
    } catch (const std::exception &error) {
        return {ErrorKind::Check, std::string{"unexpected: "} + error.what(), "", "Please report this, with what you did just before"};
    } catch (...) {
        return {ErrorKind::Check, "unexpected failure", "", "Please report this, with what you did just before"};
    }
}

} // namespace expertscope
