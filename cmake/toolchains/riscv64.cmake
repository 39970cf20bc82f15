# riscv64: 64 bits, little-endian, weakly ordered; no byte atomics.
set(foreign_processor riscv64)
set(foreign_triplet riscv64-linux-gnu)
set(foreign_emulator qemu-riscv64-static)
include(${CMAKE_CURRENT_LIST_DIR}/foreign.cmake)
