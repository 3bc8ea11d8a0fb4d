# Writes to NEEDS, as a CMake list, the shared libraries that the library SHARED names: by file name, so that those who link the
# static library need no -dev packages; LibTorch by its path in TORCH, from which CMake takes the run path of programs as well.
execute_process(COMMAND "${READELF}" -d "${SHARED}" OUTPUT_VARIABLE described COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "Shared library: \\[[^]]+\\]" lines "${described}")
set(libraries "")
foreach(line ${lines})
  string(REGEX REPLACE ".*\\[(.+)\\]" "\\1" library "${line}")
  if(EXISTS "${TORCH}/${library}")
    list(APPEND libraries "${TORCH}/${library}")
  elseif(NOT library MATCHES "^(libc|ld-linux.*)\\.so")
    list(APPEND libraries "-l:${library}")
  endif()
endforeach()
file(WRITE "${NEEDS}" "set(gsv3d_static_needs \"${libraries}\")\n")
