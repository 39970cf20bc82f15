# i686: 32 bits, little-endian; 64-bit integers are aligned to 4 in structures.
set(foreign_processor i686)
set(foreign_triplet i686-linux-gnu)
set(foreign_emulator qemu-i386-static)
include(${CMAKE_CURRENT_LIST_DIR}/foreign.cmake)
