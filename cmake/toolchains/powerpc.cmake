# powerpc: 32 bits, big-endian; no 64-bit atomics.
set(foreign_processor ppc)
set(foreign_triplet powerpc-linux-gnu)
set(foreign_emulator qemu-ppc-static)
include(${CMAKE_CURRENT_LIST_DIR}/foreign.cmake)
