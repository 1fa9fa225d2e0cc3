# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
# es_library(NAME FILES... LINK LIBS...): one folder, one static library. Link what the folder may know, nothing more.
function(es_library name)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  add_library(${name} STATIC ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC es_common ${arg_LINK})
endfunction()

# es_test(NAME LABEL FILES... LINK LIBS...): one QtTest program. Labels: unit golden parity gui slow fuzz.
function(es_test name label)
  cmake_parse_arguments(arg "" "" "LINK" ${ARGN})
  add_executable(${name} ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE es_common Qt6::Core Qt6::Test ${arg_LINK})
  target_compile_definitions(${name} PRIVATE TEST_DATA_DIR="${CMAKE_SOURCE_DIR}/tests/data" SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  # moc output is generated code
  target_compile_options(${name} PRIVATE -Wno-old-style-cast)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS ${label} TIMEOUT 300 ENVIRONMENT "QT_QPA_PLATFORM=offscreen;LC_ALL=C.UTF-8")
endfunction()
