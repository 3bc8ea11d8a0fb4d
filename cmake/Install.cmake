# What "cmake --install" puts where, and the packages that CPack makes of it (scripts/package.sh; docs/install.md).
# Components: runtime (program, model, pages, completions, licences), development (library, headers, CMake files); in packages
# also torch (LibTorch's shared libraries) and system (all others but the C library's, for the tarball).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(gsv3d_private "${CMAKE_INSTALL_LIBDIR}/gsv3d")  # libraries that are ours alone
set(gsv3d_data "${CMAKE_INSTALL_DATADIR}/gsv3d")
set(gsv3d_doc "${CMAKE_INSTALL_DATADIR}/doc/gsv3d")  # Debian's place for licences

# gsv3d_install_rpath(TARGET FOLDER): where a target that is installed in FOLDER finds shared libraries.
function(gsv3d_install_rpath target folder)
  file(RELATIVE_PATH private "/prefix/${folder}" "/prefix/${gsv3d_private}")
  set(path "$ORIGIN/${private}")
  if(NOT GSV3D_PORTABLE)
    list(APPEND path "${GSV3D_TORCH}/lib")
  endif()
  set_target_properties(${target} PROPERTIES INSTALL_RPATH "${path}")
endfunction()

if(TARGET gsv3d)
  gsv3d_install_rpath(gsv3d "${CMAKE_INSTALL_BINDIR}")
  install(TARGETS gsv3d RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT runtime)
  install(DIRECTORY models/tiny DESTINATION "${gsv3d_data}/models" COMPONENT runtime)
  install(FILES web/dist/viewer.html DESTINATION "${gsv3d_data}" COMPONENT runtime)
  install(FILES README.md CHANGELOG.md DESTINATION "${gsv3d_doc}" COMPONENT runtime)
  install(FILES LICENSE DESTINATION "${gsv3d_doc}" RENAME copyright COMPONENT runtime)
  install(FILES THIRD_PARTY.md DESTINATION "${gsv3d_doc}" COMPONENT runtime)

  # Written by the program itself while it is installed.
  set(described "${CMAKE_BINARY_DIR}/described")
  install(CODE "
    execute_process(COMMAND \"$<TARGET_FILE:gsv3d>\" manual \"${described}/man\" COMMAND_ERROR_IS_FATAL ANY)
    foreach(shell bash zsh fish)
      execute_process(COMMAND \"$<TARGET_FILE:gsv3d>\" completions \${shell} OUTPUT_FILE \"${described}/completion.\${shell}\"
        COMMAND_ERROR_IS_FATAL ANY)
    endforeach()" COMPONENT runtime)
  install(DIRECTORY "${described}/man/" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT runtime)
  set(shares "${CMAKE_INSTALL_DATADIR}")
  install(FILES "${described}/completion.bash" DESTINATION "${shares}/bash-completion/completions" RENAME gsv3d COMPONENT runtime)
  install(FILES "${described}/completion.zsh" DESTINATION "${shares}/zsh/site-functions" RENAME _gsv3d COMPONENT runtime)
  install(FILES "${described}/completion.fish" DESTINATION "${shares}/fish/vendor_completions.d" RENAME gsv3d.fish COMPONENT runtime)
  if(GSV3D_PORTABLE AND GSV3D_WITH_SERVICE)
    install(FILES packaging/gsv3d.service DESTINATION lib/systemd/system COMPONENT runtime)
  endif()
endif()

gsv3d_install_rpath(gsv3d_library "${CMAKE_INSTALL_LIBDIR}")
install(TARGETS gsv3d_library EXPORT gsv3d LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development)
install(DIRECTORY include/gsv3d DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" COMPONENT development)
set(gsv3d_cmake "${CMAKE_INSTALL_LIBDIR}/cmake/gsv3d")
install(EXPORT gsv3d FILE gsv3dTargets.cmake NAMESPACE gsv3d:: DESTINATION "${gsv3d_cmake}" COMPONENT development)
install(FILES cmake/gsv3dConfig.cmake DESTINATION "${gsv3d_cmake}" COMPONENT development)
if(TARGET gsv3d_static)
  install(FILES "${CMAKE_BINARY_DIR}/lib/libgsv3d.a" DESTINATION "${CMAKE_INSTALL_LIBDIR}" COMPONENT development)
  install(FILES "${CMAKE_BINARY_DIR}/lib/gsv3dStaticNeeds.cmake" DESTINATION "${gsv3d_cmake}" COMPONENT development)
endif()
write_basic_package_version_file("${CMAKE_BINARY_DIR}/gsv3dConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/gsv3dConfigVersion.cmake" DESTINATION "${gsv3d_cmake}" COMPONENT development)

if(GSV3D_PORTABLE AND TARGET gsv3d)
  foreach(component torch system)
    install(CODE "
      set(program \"$<TARGET_FILE:gsv3d>\")
      set(torch \"${GSV3D_TORCH}\")
      set(part ${component})
      set(libraries \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${gsv3d_private}\")
      set(documents \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${gsv3d_doc}\")
      include(\"${CMAKE_SOURCE_DIR}/cmake/BundleLibraries.cmake\")" COMPONENT ${component} EXCLUDE_FROM_ALL)
  endforeach()
endif()

set(CPACK_PACKAGE_NAME gsv3d)
set(CPACK_PACKAGE_FILE_NAME "gsv3d-${PROJECT_VERSION}-linux-${CMAKE_SYSTEM_PROCESSOR}")
set(CPACK_PACKAGE_VENDOR "The GSV3D project")
set(CPACK_PACKAGE_CONTACT "The GSV3D project <gsv3d@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_RESOURCE_FILE_LICENSE "${CMAKE_SOURCE_DIR}/LICENSE")
set(CPACK_PACKAGING_INSTALL_PREFIX "/usr")
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_ARCHIVE_COMPONENT_INSTALL ON)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE zstd)  # LibTorch: a third of xz's time for a few percent more
set(CPACK_DEBIAN_PACKAGE_SECTION graphics)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${GSV3D_TORCH}/lib")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_PROJECT_CONFIG_FILE "${CMAKE_SOURCE_DIR}/cmake/PackageKinds.cmake")
include(CPack)
