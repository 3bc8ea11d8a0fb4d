# find_package(gsv3d CONFIG): gsv3d::gsv3d, the shared library; and, where it was installed, gsv3d::gsv3d_static.
include("${CMAKE_CURRENT_LIST_DIR}/gsv3dTargets.cmake")
get_filename_component(gsv3d_libraries "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)
if(EXISTS "${gsv3d_libraries}/libgsv3d.a" AND NOT TARGET gsv3d::gsv3d_static)
  include("${CMAKE_CURRENT_LIST_DIR}/gsv3dStaticNeeds.cmake")
  add_library(gsv3d::gsv3d_static STATIC IMPORTED)
  get_target_property(gsv3d_headers gsv3d::gsv3d INTERFACE_INCLUDE_DIRECTORIES)
  set_target_properties(gsv3d::gsv3d_static PROPERTIES IMPORTED_LOCATION "${gsv3d_libraries}/libgsv3d.a"
    INTERFACE_INCLUDE_DIRECTORIES "${gsv3d_headers}" INTERFACE_COMPILE_FEATURES cxx_std_20
    INTERFACE_LINK_LIBRARIES "${gsv3d_static_needs}")
endif()
