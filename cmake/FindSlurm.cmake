# SPDX-License-Identifier: MIT
# Finds libslurm (Slurm::slurm) and the configured source of the same Slurm, whose internal headers
# the slurmctld plugins need (Slurm::internal). The source is build/slurm-source, fetched by
# cmake/bootstrap.sh, or what -DVESC_SLURM_SOURCE names.
find_path(Slurm_INCLUDE_DIR slurm/slurm.h)
find_library(Slurm_LIBRARY slurm)
set(VESC_SLURM_SOURCE ${PROJECT_SOURCE_DIR}/build/slurm-source CACHE PATH
  "Configured source tree of the installed Slurm")
find_path(Slurm_SOURCE_DIR src/slurmctld/slurmctld.h PATHS ${VESC_SLURM_SOURCE} NO_DEFAULT_PATH)
if(Slurm_INCLUDE_DIR)
  file(STRINGS ${Slurm_INCLUDE_DIR}/slurm/slurm_version.h version_line REGEX "SLURM_VERSION_NUMBER 0x")
  string(REGEX MATCH "0x([0-9a-f][0-9a-f])([0-9a-f][0-9a-f])([0-9a-f][0-9a-f])" _ "${version_line}")
  math(EXPR Slurm_VERSION_NUMBER "0x${CMAKE_MATCH_1}${CMAKE_MATCH_2}${CMAKE_MATCH_3}")
  math(EXPR Slurm_MAJOR "0x${CMAKE_MATCH_1}")
  math(EXPR Slurm_MINOR "0x${CMAKE_MATCH_2}")
  math(EXPR Slurm_MICRO "0x${CMAKE_MATCH_3}")
  set(Slurm_VERSION ${Slurm_MAJOR}.${Slurm_MINOR}.${Slurm_MICRO})
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Slurm
  REQUIRED_VARS Slurm_LIBRARY Slurm_INCLUDE_DIR Slurm_SOURCE_DIR
  VERSION_VAR Slurm_VERSION
  REASON_FAILURE_MESSAGE "run 'sudo cmake/bootstrap.sh build', which fetches the source of the installed Slurm")
if(Slurm_FOUND AND NOT TARGET Slurm::slurm)
  add_library(Slurm::slurm UNKNOWN IMPORTED)
  set_target_properties(Slurm::slurm PROPERTIES IMPORTED_LOCATION ${Slurm_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${Slurm_INCLUDE_DIR})
  add_library(Slurm::internal INTERFACE IMPORTED)
  set_target_properties(Slurm::internal PROPERTIES
    INTERFACE_COMPILE_DEFINITIONS HAVE_CONFIG_H
    INTERFACE_INCLUDE_DIRECTORIES "${Slurm_SOURCE_DIR};${Slurm_SOURCE_DIR}/slurm")
endif()
mark_as_advanced(Slurm_INCLUDE_DIR Slurm_LIBRARY Slurm_SOURCE_DIR)
