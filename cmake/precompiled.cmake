# What nearly every unit includes, parsed once. Measured on one of 16 files in tools/: 24 s instead of 29 s of processor time.
# For debug builds of g++: at -O3 it warns falsely about library headers that it has from here, and what is compiled without this
# (release, sanitizers) keeps each file's own includes honest.
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_BUILD_TYPE STREQUAL Debug)
  option(BERTH_PRECOMPILES "Parse the common headers once (OFF: what ccache shares between trees)" ON)
endif()
set(BERTH_PRECOMPILED
  <algorithm> <array> <chrono> <cstdint> <cstdio> <cstring> <functional> <limits> <map> <memory> <optional> <set> <span>
  <string> <string_view> <utility> <variant> <vector> <fmt/format.h> <nlohmann/json.hpp>)

# ccache keeps what is compiled with a precompiled header only if the preprocessor's output says so.
if(BERTH_PRECOMPILES AND CMAKE_CXX_COMPILER_LAUNCHER MATCHES ccache)
  add_compile_options(-fpch-preprocess)
endif()

# berth_make_precompiled(NAME HEADERS <a> <b> LINK GTest::gtest) makes what berth_library() and the others take them from. LINK:
# whose definitions its users have, too; with others g++ would not take it.
function(berth_make_precompiled name)
  cmake_parse_arguments(A "" "" "HEADERS;LINK" ${ARGN})
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/${name}.cc CONTENT "// The headers are the point.\n")
  add_library(${name} OBJECT ${CMAKE_BINARY_DIR}/${name}.cc)
  target_compile_options(${name} PRIVATE ${BERTH_WARNINGS})
  target_link_libraries(${name} PRIVATE ${A_LINK})
  target_precompile_headers(${name} PRIVATE ${A_HEADERS})
endfunction()

function(berth_use_precompiled target name)
  if(TARGET ${name})
    target_precompile_headers(${target} REUSE_FROM ${name})
  endif()
endfunction()
