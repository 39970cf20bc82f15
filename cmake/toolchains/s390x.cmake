# s390x: 64 bits, big-endian.
set(foreign_processor s390x)
set(foreign_triplet s390x-linux-gnu)
set(foreign_emulator qemu-s390x-static)
include(${CMAKE_CURRENT_LIST_DIR}/foreign.cmake)
