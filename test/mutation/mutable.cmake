# The library in the form that scripts/mutate works on.
#
# Programs are linked once.  Their core is a shared library with all its symbols visible, since unit
# tests call internal functions; the environment names the directory that it is loaded from, and with
# it the mutant.  The port is linked into each program, where tests can still wrap what it calls.
add_library(openvmem_objects OBJECT ${VMEM_CORE})
add_library(openvmem_port STATIC ${VMEM_PORT})
foreach(target openvmem_objects openvmem_port)
    target_include_directories(${target}
        PUBLIC ${PROJECT_SOURCE_DIR}/include
        PRIVATE ${CMAKE_CURRENT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/port/posix)
    target_compile_definitions(${target} PUBLIC VMEM_CHECK_LEVEL=${VMEM_CHECK_LEVEL})
    set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
endforeach()

add_library(openvmem_static SHARED $<TARGET_OBJECTS:openvmem_objects>)
target_include_directories(openvmem_static PUBLIC ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(openvmem_static INTERFACE openvmem_port)
set_target_properties(openvmem_static PROPERTIES
    OUTPUT_NAME openvmem_core
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR})
set(CMAKE_SKIP_BUILD_RPATH ON PARENT_SCOPE)
