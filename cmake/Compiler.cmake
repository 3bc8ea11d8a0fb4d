# Language level, warnings, sanitizers and the compiler cache for all of our own code.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
# For programs too, not only libraries: the precompiled header works only where all files agree on this.
add_compile_options(-fPIC)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

find_program(CCACHE ccache)
if(CCACHE)
  # pch_defines and time_macros: ccache refuses to cache files that use a precompiled header otherwise.
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" "${CCACHE}")
endif()

add_library(gsv3d_options INTERFACE)
target_compile_options(gsv3d_options INTERFACE -Wall -Wextra -Wno-unknown-pragmas -fno-math-errno -fpch-preprocess)
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(gsv3d_options INTERFACE -Wno-unused-command-line-argument)
  add_compile_options(-pthread)  # some libraries bring it, and Clang's precompiled header must be made with it, too
endif()
if(GSV3D_WERROR)
  target_compile_options(gsv3d_options INTERFACE -Werror)
endif()
if(GSV3D_SANITIZE)
  target_compile_options(gsv3d_options INTERFACE -fsanitize=${GSV3D_SANITIZE} -fno-omit-frame-pointer)
  target_link_options(gsv3d_options INTERFACE -fsanitize=${GSV3D_SANITIZE})
  target_compile_options(gsv3d_options INTERFACE "$<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>")  # GCC's false alarms in instrumented code
  if(GSV3D_SANITIZE MATCHES "thread")
    target_compile_options(gsv3d_options INTERFACE -Wno-tsan)  # fences in LibTorch's headers
  endif()
endif()
