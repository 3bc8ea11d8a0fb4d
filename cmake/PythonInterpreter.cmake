# Python and nanobind for the option GSV3D_PYTHON, before LibTorch is looked for: the extension and the interpreter's torch must be of
# one version, so LibTorch is that interpreter's unless -DGSV3D_TORCH names another folder of the same version.
if(NOT Python_EXECUTABLE AND EXISTS "${CMAKE_SOURCE_DIR}/.venv/bin/python")
  set(Python_EXECUTABLE "${CMAKE_SOURCE_DIR}/.venv/bin/python")
endif()
find_package(Python 3.10 REQUIRED COMPONENTS Interpreter Development.Module)

# gsv3d_python_says(VARIABLE CODE): what the interpreter prints; empty when it fails.
function(gsv3d_python_says variable code)
  execute_process(COMMAND "${Python_EXECUTABLE}" -c "${code}" OUTPUT_VARIABLE output ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  set(${variable} "${output}" PARENT_SCOPE)
endfunction()

if(NOT GSV3D_TORCH)
  gsv3d_python_says(GSV3D_TORCH "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])")
endif()
if(NOT nanobind_ROOT)
  gsv3d_python_says(nanobind_ROOT "import nanobind; print(nanobind.cmake_dir())")
endif()
if(NOT GSV3D_TORCH OR NOT nanobind_ROOT)
  message(FATAL_ERROR "GSV3D_PYTHON needs torch and nanobind in ${Python_EXECUTABLE}: pip install the versions that pyproject.toml names.")
endif()
find_package(nanobind CONFIG REQUIRED)
