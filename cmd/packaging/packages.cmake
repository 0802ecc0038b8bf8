# The packages of `make deb`: qrx, the programs; qrx-server, which runs one of them as a service; and qrx-server-cluster, what
# that needs to be one of several nodes. CPack makes them of what is installed, component by component.
set(QRX_DOC ${CMAKE_INSTALL_DATADIR}/doc)
set(QRX_PACKAGING ${CMAKE_SOURCE_DIR}/cmd/packaging)

# The date of the changelog is that of the build, or the one that reproducible builds are given.
string(TIMESTAMP QRX_DATE "%a, %d %b %Y %H:%M:%S +0000" UTC)
foreach(package qrx qrx-server qrx-server-cluster)
  file(WRITE ${CMAKE_BINARY_DIR}/packages/${package}/changelog
       "${package} (${PROJECT_VERSION}) unstable; urgency=low\n\n  * What is new stands in README.md, under News.\n\n"
       " -- the qrx authors <maintainers@qrx.example.org>  ${QRX_DATE}\n")
endforeach()
install(FILES ${QRX_PACKAGING}/copyright ${CMAKE_BINARY_DIR}/packages/qrx/changelog DESTINATION ${QRX_DOC}/qrx COMPONENT tools)
install(FILES ${QRX_PACKAGING}/copyright ${CMAKE_BINARY_DIR}/packages/qrx-server/changelog
        DESTINATION ${QRX_DOC}/qrx-server COMPONENT server)
install(FILES ${QRX_PACKAGING}/copyright ${CMAKE_BINARY_DIR}/packages/qrx-server-cluster/changelog
        DESTINATION ${QRX_DOC}/qrx-server-cluster COMPONENT cluster)
install(FILES ${QRX_PACKAGING}/serve.toml DESTINATION /etc/qrx COMPONENT server)
install(FILES ${QRX_PACKAGING}/qrx-serve.service ${QRX_PACKAGING}/qrx-serve.socket ${QRX_PACKAGING}/qrx-sweep.service
              ${QRX_PACKAGING}/qrx-sweep.timer DESTINATION lib/systemd/system COMPONENT server)
install(FILES ${QRX_PACKAGING}/sysusers.conf DESTINATION lib/sysusers.d RENAME qrx-server.conf COMPONENT server)
install(FILES ${QRX_PACKAGING}/tmpfiles.conf DESTINATION lib/tmpfiles.d RENAME qrx-server.conf COMPONENT server)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "the qrx authors <maintainers@qrx.example.org>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "move files between any two devices by a QR code")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ
    WORLD_EXECUTE)
set(CPACK_COMPONENTS_ALL tools server cluster)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_PRE_BUILD_SCRIPTS ${QRX_PACKAGING}/staged.cmake)
set(CPACK_OUTPUT_FILE_PREFIX ${CMAKE_BINARY_DIR}/packages)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME qrx)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION net)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_TOOLS_PACKAGE_RECOMMENDS "ca-certificates, libheif1")
set(CPACK_DEBIAN_TOOLS_PACKAGE_SUGGESTS "ffmpeg, qrx-server")
set(CPACK_DEBIAN_TOOLS_DESCRIPTION
    "The receiving end shows a code on its screen; the sending end scans it and
uploads. The receiver needs a terminal or a browser, the sender a camera and
a browser, or just curl.
.
qrx-recv shows the code and saves what arrives, qrx-send reads a code from a
picture or a camera and sends, qrx-share passes it on to many, qrx-serve
keeps the data in between.")

set(CPACK_DEBIAN_SERVER_PACKAGE_NAME qrx-server)
set(CPACK_DEBIAN_SERVER_PACKAGE_SECTION net)
set(CPACK_DEBIAN_SERVER_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_SERVER_PACKAGE_DEPENDS "qrx (>= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_SERVER_PACKAGE_SUGGESTS qrx-server-cluster)
set(CPACK_DEBIAN_SERVER_PACKAGE_CONTROL_EXTRA
    "${QRX_PACKAGING}/postinst;${QRX_PACKAGING}/prerm;${QRX_PACKAGING}/postrm;${QRX_PACKAGING}/conffiles")
set(CPACK_DEBIAN_SERVER_DESCRIPTION
    "This package runs qrx-serve of the package qrx as a service with a user of
its own, configured by /etc/qrx/serve.toml.")

set(CPACK_DEBIAN_CLUSTER_PACKAGE_NAME qrx-server-cluster)
set(CPACK_DEBIAN_CLUSTER_PACKAGE_SECTION net)
set(CPACK_DEBIAN_CLUSTER_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_CLUSTER_PACKAGE_DEPENDS "qrx (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_CLUSTER_DESCRIPTION
    "With this package qrx-serve keeps its catalog in PostgreSQL and contents in an
S3 store, so that several nodes behind a load balancer are one server:
qrx-cluster(7).")
include(CPack)
