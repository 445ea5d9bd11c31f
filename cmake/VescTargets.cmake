# SPDX-License-Identifier: MIT
# How every target of the tree is compiled, and the few ways a target comes about.

set(VESC_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize= (set by the asan and tsan presets)")

find_program(VESC_CCACHE ccache)
if(VESC_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER ${VESC_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${VESC_CCACHE})
endif()

add_library(vesc_options INTERFACE)
target_compile_options(vesc_options INTERFACE
  -Wall -Wextra -Wshadow -Wconversion -Wnon-virtual-dtor -Werror
  # GCC 12 sees overlaps and overflows in std::string and fmt that are not there (PR105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict> $<$<CXX_COMPILER_ID:GNU>:-Wno-stringop-overflow>
  -fstack-protector-strong -fno-omit-frame-pointer)
target_compile_definitions(vesc_options INTERFACE
  $<$<CONFIG:Release>:_FORTIFY_SOURCE=2> _GLIBCXX_ASSERTIONS)
target_link_options(vesc_options INTERFACE -Wl,-z,relro,-z,now -Wl,--as-needed)
if(VESC_SANITIZE)
  target_compile_options(vesc_options INTERFACE -fsanitize=${VESC_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(vesc_options INTERFACE -fsanitize=${VESC_SANITIZE})
endif()
option(VESC_FUZZ "Build the libFuzzer targets (Clang only)" OFF)
if(VESC_FUZZ)
  target_compile_options(vesc_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
# Programmer errors abort in release too.
string(REPLACE "-O3" "-O2" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
string(REPLACE "-DNDEBUG" "" CMAKE_CXX_FLAGS_RELEASE "${CMAKE_CXX_FLAGS_RELEASE}")
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")

# vesc_library(NAME SOURCES...): static library vesc_NAME, alias vesc::NAME; include/ beside it is public.
function(vesc_library name)
  add_library(vesc_${name} STATIC ${ARGN})
  add_library(vesc::${name} ALIAS vesc_${name})
  target_include_directories(vesc_${name} PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/include
                                          PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/src)
  target_link_libraries(vesc_${name} PRIVATE vesc_options)
endfunction()

# vesc_program(NAME SOURCES...): program build/<preset>/bin/NAME.
function(vesc_program name)
  add_executable(${name} ${ARGN})
  target_link_libraries(${name} PRIVATE vesc_options)
endfunction()

# vesc_unit_test(NAME SOURCES...): GoogleTest program NAME, label "unit"; link what it tests afterwards.
function(vesc_unit_test name)
  add_executable(${name} ${ARGN})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/test)
  target_link_libraries(${name} PRIVATE vesc_options GTest::gtest_main GTest::gmock)
  target_compile_definitions(${name} PRIVATE VESC_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS unit TIMEOUT 300)
endfunction()
