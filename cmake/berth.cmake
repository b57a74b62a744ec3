# The house's rules as CMake functions.
#
# berth_library(image SOURCES ... DEPENDS sys base PRIVATE CURL::libcurl)
#   makes berth_image. Its include root is a generated directory that holds one symlink, named after
#   the folder, so `#include "image/store.h"` works only for those that DEPEND on image: an arrow
#   that the design does not have is "no such file".

set(BERTH_WARNINGS -Wall -Wextra -Werror -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual
                   -Wimplicit-fallthrough -Wswitch -Wformat=2 -Wvla
                   # Designated initialisers name what matters; the rest has its default.
                   -Wno-missing-field-initializers)
# g++ 12 at -O2 and above warns falsely about "text" + string (GCC bug 105651). Clang does not know the name.
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  list(APPEND BERTH_WARNINGS -Wno-restrict)
endif()

include(cmake/precompiled.cmake)

function(berth_library name)
  cmake_parse_arguments(A "" "" "SOURCES;DEPENDS;PRIVATE" ${ARGN})
  set(root ${CMAKE_BINARY_DIR}/include-roots/${name})
  file(MAKE_DIRECTORY ${root})
  file(CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${root}/${name} SYMBOLIC)
  add_library(berth_${name} STATIC ${A_SOURCES})
  # -iquote, not -I: <sys/socket.h> must stay the system's although we have a folder sys/.
  target_compile_options(berth_${name} PUBLIC "SHELL:-iquote ${root}")
  target_compile_options(berth_${name} PRIVATE ${BERTH_WARNINGS})
  berth_use_precompiled(berth_${name} berth_precompiled)
  if(BERTH_FAULTS)
    target_compile_definitions(berth_${name} PRIVATE BERTH_FAULTS=1)
  endif()
  foreach(dep ${A_DEPENDS})
    target_link_libraries(berth_${name} PUBLIC berth_${dep})
  endforeach()
  target_link_libraries(berth_${name} PRIVATE ${A_PRIVATE})
endfunction()

# berth_program(berth-oci STATIC SOURCES ... DEPENDS runtime sys base PRIVATE ...)
# STATIC programs are linked statically when BERTH_STATIC is on.
function(berth_program name)
  cmake_parse_arguments(A "STATIC" "" "SOURCES;DEPENDS;PRIVATE" ${ARGN})
  add_executable(${name} ${A_SOURCES})
  target_compile_options(${name} PRIVATE ${BERTH_WARNINGS})
  berth_use_precompiled(${name} berth_precompiled)
  foreach(dep ${A_DEPENDS})
    target_link_libraries(${name} PRIVATE berth_${dep})
  endforeach()
  target_link_libraries(${name} PRIVATE ${A_PRIVATE})
  if(A_STATIC AND BERTH_STATIC)
    target_link_options(${name} PRIVATE -static)
  endif()
endfunction()

# berth_test(sys_test LABEL unit SOURCES ... DEPENDS sys base)
# One program per folder under test; every TEST in it is a ctest of its own.
# LABEL unit needs no root; LABEL priv does, and has the host for itself among those that do.
function(berth_test name)
  cmake_parse_arguments(A "" "LABEL;TIMEOUT" "SOURCES;DEPENDS;PRIVATE" ${ARGN})
  if(NOT A_TIMEOUT)
    set(A_TIMEOUT 300)
  endif()
  add_executable(${name} ${A_SOURCES})
  target_compile_options(${name} PRIVATE ${BERTH_WARNINGS})
  berth_use_precompiled(${name} berth_precompiled_tests)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/tests)
  foreach(dep ${A_DEPENDS})
    target_link_libraries(${name} PRIVATE berth_${dep})
  endforeach()
  target_link_libraries(${name} PRIVATE ${A_PRIVATE} GTest::gmock GTest::gtest_main)
  if(A_LABEL STREQUAL "unit")
    if(NOT TARGET unit-tests)
      add_custom_target(unit-tests)
    endif()
    add_dependencies(unit-tests ${name})
  endif()
  set(properties LABELS ${A_LABEL} TIMEOUT ${A_TIMEOUT})
  if(A_LABEL STREQUAL "priv")
    list(APPEND properties RESOURCE_LOCK host)
  endif()
  gtest_discover_tests(${name} PROPERTIES ${properties} DISCOVERY_TIMEOUT 300)
endfunction()
