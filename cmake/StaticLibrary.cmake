# libgsv3d.a: what libgsv3d.so contains, as one object of which only gsv3d_… is to be seen, so that a program may have an fmt, a
# matrix or a "core" of its own. LibTorch and the system's libraries stay shared: there is no static LibTorch for Python's wheels.

# gsv3d_rooms_below(OUT ROOM): ROOM and every room that it uses, however far down.
function(gsv3d_rooms_below out room)
  set(found ${${out}})
  if(NOT "gsv3d_${room}" IN_LIST found)
    list(APPEND found "gsv3d_${room}")
    get_target_property(used "gsv3d_${room}" INTERFACE_LINK_LIBRARIES)
    list(FILTER used INCLUDE REGEX "^gsv3d::")
    list(TRANSFORM used REPLACE "^gsv3d::" "")
    foreach(below ${used})
      gsv3d_rooms_below(found ${below})
    endforeach()
  endif()
  set(${out} ${found} PARENT_SCOPE)
endfunction()

# gsv3d_static_library(ROOM SHARED): builds lib/libgsv3d.a from ROOM and what it uses, and beside it lib/gsv3dStaticNeeds.cmake,
# the list of the shared libraries that it needs: those of SHARED, which is linked from the same rooms.
function(gsv3d_static_library room shared)
  gsv3d_rooms_below(rooms ${room})
  if(TARGET xatlas)
    list(APPEND rooms xatlas)
  endif()
  list(REMOVE_ITEM rooms "gsv3d_${room}")
  list(TRANSFORM rooms REPLACE "(.+)" "$<TARGET_FILE:\\1>" OUTPUT_VARIABLE archives)
  set(library "${CMAKE_BINARY_DIR}/lib/libgsv3d.a")
  set(object "${CMAKE_CURRENT_BINARY_DIR}/gsv3d.o")
  set(needs "${CMAKE_BINARY_DIR}/lib/gsv3dStaticNeeds.cmake")
  add_custom_command(OUTPUT "${library}" "${needs}" VERBATIM
    # Groups that a program's own templates share with ours would be thrown away when it is linked, and hidden ones with them.
    COMMAND "${CMAKE_LINKER}" -r --force-group-allocation -o "${object}" --whole-archive "$<TARGET_FILE:gsv3d_${room}>" --no-whole-archive
      --start-group ${archives} --end-group
    COMMAND "${CMAKE_OBJCOPY}" --wildcard "--keep-global-symbol=gsv3d_*" "${object}"
    COMMAND "${CMAKE_COMMAND}" -E rm -f "${library}"
    COMMAND "${CMAKE_AR}" rcs "${library}" "${object}"
    COMMAND "${CMAKE_COMMAND}" "-DREADELF=${CMAKE_READELF}" "-DSHARED=$<TARGET_FILE:${shared}>" "-DTORCH=${GSV3D_TORCH}/lib" "-DNEEDS=${needs}"
      -P "${CMAKE_SOURCE_DIR}/cmake/StaticNeeds.cmake"
    DEPENDS ${shared} "gsv3d_${room}" ${rooms} "${CMAKE_SOURCE_DIR}/cmake/StaticNeeds.cmake"
    COMMENT "Linking the rooms of libgsv3d.a")
  add_custom_target(gsv3d_static ALL DEPENDS "${library}" "${needs}")
endfunction()
