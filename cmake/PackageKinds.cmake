# Read by CPack once per kind of package: what each one holds.
if(CPACK_GENERATOR STREQUAL "DEB")
  set(CPACK_COMPONENTS_ALL runtime development torch)  # the other libraries are Debian packages that it depends on
else()
  set(CPACK_COMPONENTS_ALL runtime development torch system)
  set(CPACK_PACKAGING_INSTALL_PREFIX "/")
  set(CPACK_COMPONENT_INCLUDE_TOPLEVEL_DIRECTORY ON)
endif()
