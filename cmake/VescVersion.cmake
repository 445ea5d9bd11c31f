# SPDX-License-Identifier: MIT
# Version and git revision in every binary: the revision is looked up at build time, and only a
# changed one recompiles version.cpp.
set(VESC_VERSION_CPP ${PROJECT_BINARY_DIR}/version.cpp)
add_custom_target(vesc_git_revision
  COMMAND ${CMAKE_COMMAND} -DSOURCE_DIR=${PROJECT_SOURCE_DIR} -DVERSION=${PROJECT_VERSION}
          -DOUTPUT=${VESC_VERSION_CPP} -P ${PROJECT_SOURCE_DIR}/cmake/git_revision.cmake
  BYPRODUCTS ${VESC_VERSION_CPP}
  COMMENT "Looking up the git revision")
