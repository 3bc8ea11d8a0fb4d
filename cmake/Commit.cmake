# Writes OUTPUT, a header with GSV3D_COMMIT, when the commit is another than at the last build: nothing is rebuilt otherwise.
#   cmake -DSOURCE=folder -DOUTPUT=header -P Commit.cmake
# In archives made by git (git archive, downloads of a release) the first line of cmake/commit.txt is the commit.
execute_process(COMMAND git -C "${SOURCE}" describe --always --dirty --abbrev=12 --exclude=* OUTPUT_VARIABLE commit
  OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
execute_process(COMMAND git -C "${SOURCE}" rev-parse --show-toplevel OUTPUT_VARIABLE top OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
file(REAL_PATH "${SOURCE}" source)
if(failed OR NOT top STREQUAL source)  # also when the sources lie inside another project's repository
  file(STRINGS "${SOURCE}/cmake/commit.txt" commit LIMIT_COUNT 1)
  if(NOT commit MATCHES "^[0-9a-f]+$")
    set(commit "unknown")
  endif()
endif()
file(CONFIGURE OUTPUT "${OUTPUT}" CONTENT "#pragma once\n#define GSV3D_COMMIT \"@commit@\"\n" @ONLY)
