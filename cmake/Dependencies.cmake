# Every library the program uses, found in one place. Versions: the Debian 12 packages named in scripts/apt-packages.txt and the
# LibTorch wheel in scripts/versions.sh; docs/dependencies.md says what each is for.
find_package(PkgConfig)

# LibTorch from a Python wheel: its folder is given, or asked of the private environment or the system's Python.
if(NOT Torch_DIR AND NOT GSV3D_TORCH)
  file(GLOB GSV3D_TORCH "${CMAKE_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch")
  if(NOT GSV3D_TORCH)
    find_package(Python3 QUIET COMPONENTS Interpreter)
    execute_process(COMMAND "${Python3_EXECUTABLE}" -c "import torch; print(torch.__path__[0], end='')"
      OUTPUT_VARIABLE GSV3D_TORCH ERROR_QUIET)
  endif()
endif()
if(NOT GSV3D_TORCH AND NOT Torch_DIR)
  message(FATAL_ERROR "LibTorch not found: run scripts/setup.sh, or pass -DGSV3D_TORCH=<site-packages/torch>.")
endif()

# Only the CPU library's headers and shared objects are named, not find_package(Torch), which drags in Caffe2's CUDA configuration.
add_library(gsv3d_torch INTERFACE)
# After all other folders: the wheel brings headers of its own fmt, which must not hide the system's.
target_compile_options(gsv3d_torch INTERFACE "SHELL:-idirafter ${GSV3D_TORCH}/include")
target_link_directories(gsv3d_torch INTERFACE "${GSV3D_TORCH}/lib")
# A path of CMake's own and not a linker option, so that installing can replace it (cmake/Install.cmake).
list(APPEND CMAKE_BUILD_RPATH "${GSV3D_TORCH}/lib")
target_link_options(gsv3d_torch INTERFACE "-Wl,--disable-new-dtags")
target_link_libraries(gsv3d_torch INTERFACE torch_cpu c10)
set(GSV3D_CUDA OFF)
if(EXISTS "${GSV3D_TORCH}/lib/libtorch_cuda.so")
  set(GSV3D_CUDA ON)
  # Nothing of libtorch_cuda is called by name: without --no-as-needed the linker would drop it and no GPU would be seen.
  target_link_libraries(gsv3d_torch INTERFACE "-Wl,--no-as-needed" torch_cuda c10_cuda "-Wl,--as-needed")
endif()

find_package(Threads REQUIRED)
# By flag and not as an imported library: the program must run with the OpenMP library that the LibTorch wheel brings, one for both.
add_library(gsv3d_openmp INTERFACE)
if(NOT GSV3D_FUZZ)  # Clang would bring an OpenMP library of its own
  target_compile_options(gsv3d_openmp INTERFACE -fopenmp)
  target_link_options(gsv3d_openmp INTERFACE -fopenmp)
endif()
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(CLI11 REQUIRED)

function(gsv3d_pkg target module)
  pkg_check_modules(${target} REQUIRED IMPORTED_TARGET ${module})
endfunction()
if(GSV3D_WITH_IMAGE_FILES)
  gsv3d_pkg(VIPS vips)
endif()
if(GSV3D_WITH_MATTING)
  # Debian's CMake file is part of libopencv-dev (about 470 packages with all that it needs); the -dev packages of the three modules
  # (about 90) come without one.
  find_package(OpenCV QUIET COMPONENTS core imgproc dnn)
  add_library(gsv3d_opencv INTERFACE)
  if(OpenCV_FOUND)
    target_link_libraries(gsv3d_opencv INTERFACE opencv_dnn opencv_imgproc opencv_core)
  else()
    find_path(OPENCV_HEADERS opencv2/dnn.hpp PATH_SUFFIXES opencv4 REQUIRED)
    target_include_directories(gsv3d_opencv SYSTEM INTERFACE "${OPENCV_HEADERS}")
    foreach(module dnn imgproc core)
      find_library(OPENCV_${module} opencv_${module} REQUIRED)
      target_link_libraries(gsv3d_opencv INTERFACE "${OPENCV_${module}}")
    endforeach()
  endif()
endif()
if(GSV3D_WITH_VIDEO)
  pkg_check_modules(FFMPEG REQUIRED IMPORTED_TARGET libavcodec libavformat libavutil libswscale)
endif()
if(GSV3D_WITH_OBJECT_FILES)
  find_package(assimp REQUIRED)
  pkg_check_modules(DRACO REQUIRED IMPORTED_TARGET draco)
  pkg_check_modules(LIBZIP REQUIRED IMPORTED_TARGET libzip)
endif()
if(GSV3D_WITH_EMBREE)
  find_package(embree 3 REQUIRED)
endif()
find_package(ZLIB REQUIRED)
gsv3d_pkg(ICU icu-uc)
if(GSV3D_WITH_MESH_LIBRARIES)
  find_package(meshoptimizer REQUIRED)
  # xatlas is two source files, unpacked from its PyPI sdist by scripts/setup.sh.
  find_path(GSV3D_XATLAS xatlas.cpp PATHS "${CMAKE_SOURCE_DIR}/.deps/xatlas" NO_DEFAULT_PATH)
  if(NOT GSV3D_XATLAS)
    message(FATAL_ERROR "xatlas not found: run scripts/setup.sh, or pass -DGSV3D_WITH_MESH_LIBRARIES=OFF to build without meshes.")
  endif()
  add_library(xatlas STATIC "${GSV3D_XATLAS}/xatlas.cpp")
  target_include_directories(xatlas SYSTEM PUBLIC "${GSV3D_XATLAS}")
  target_compile_options(xatlas PRIVATE -w)
  # Without its own threads: they are woken without their lock held, so that a wake-up can be lost and Destroy() waits forever
  # for a thread that sleeps. One mesh gives them little to share: 20,000 triangles take 4.6 s instead of 4.0 s.
  target_compile_definitions(xatlas PRIVATE XA_MULTITHREADED=0)
  add_library(gsv3d_mesh_libraries INTERFACE)
  target_link_libraries(gsv3d_mesh_libraries INTERFACE meshoptimizer::meshoptimizer xatlas)
endif()
if(GSV3D_WITH_SERVICE)
  find_package(SQLite3 REQUIRED)
  find_path(GSV3D_BOOST boost/beast.hpp REQUIRED)  # headers alone
  add_library(gsv3d_service_libraries INTERFACE)
  target_include_directories(gsv3d_service_libraries SYSTEM INTERFACE "${GSV3D_BOOST}")
  find_package(CURL REQUIRED)  # gsv3d submit
  gsv3d_pkg(PROMETHEUS prometheus-cpp-core)  # not its CMake file, which wants the library's web server, too
  target_link_libraries(gsv3d_service_libraries INTERFACE SQLite::SQLite3 CURL::libcurl PkgConfig::PROMETHEUS Threads::Threads)
  if(GSV3D_WITH_POSTGRESQL)
    gsv3d_pkg(LIBPQ libpq)
    target_link_libraries(gsv3d_service_libraries INTERFACE PkgConfig::LIBPQ)
  endif()
else()
  set(GSV3D_WITH_POSTGRESQL OFF)
endif()
if(GSV3D_WITH_QHULL)
  gsv3d_pkg(QHULL qhull_r)
endif()
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
pkg_check_modules(WEBP IMPORTED_TARGET libwebp)
# Headers alone, in /usr/include: nothing to link.
find_path(GSV3D_STB stb/stb_image.h)
