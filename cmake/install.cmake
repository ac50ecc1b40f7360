# Installed, framework and policies are one folder, so that an include line is the same as in the tree.
include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/mulproc)

install(DIRECTORY framework/mulproc policies/mulproc ${PROJECT_BINARY_DIR}/configured/mulproc
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.hpp")
install(TARGETS mulproc mulproc_configured EXPORT mulproc)
install(EXPORT mulproc NAMESPACE mulproc:: FILE mulproc-targets.cmake DESTINATION ${package})

set(MULPROC_CONFIGURED_COMPONENTS "")
if(MULPROC_CONFIGURED_BOOST)
  list(JOIN MULPROC_CONFIGURED_BOOST " " components)
  set(MULPROC_CONFIGURED_COMPONENTS " COMPONENTS ${components}")
endif()
configure_package_config_file(cmake/mulproc-config.cmake.in ${PROJECT_BINARY_DIR}/mulproc-config.cmake INSTALL_DESTINATION ${package})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/mulproc-config-version.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/mulproc-config.cmake ${PROJECT_BINARY_DIR}/mulproc-config-version.cmake DESTINATION ${package})
