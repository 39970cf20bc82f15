# What the foreign targets have in common: Debian's cross gcc, and QEMU to run what it makes.
#
# Included by i686.cmake and its neighbours, which set `foreign_triplet`, `foreign_processor` and
# `foreign_emulator`.  Programs are linked statically, so that QEMU needs no root file system of the
# target.  scripts/deps foreign installs all of it.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${foreign_processor})
set(CMAKE_C_COMPILER ${foreign_triplet}-gcc)
if(NOT DEFINED CMAKE_CROSSCOMPILING_EMULATOR) # empty: this machine runs its programs itself
    set(CMAKE_CROSSCOMPILING_EMULATOR ${foreign_emulator})
endif()
# Three windows of 1 GiB for each arena are free of charge in a real kernel; QEMU keeps a record of each
# of their pages, for ever.
set(CMAKE_C_FLAGS_INIT -DVMI_PORT_WINDOW_LOG2=24)
set(CMAKE_EXE_LINKER_FLAGS_INIT -static)

# Nothing of the machine that builds: not its libraries, and not its headers.
set(CMAKE_FIND_ROOT_PATH /usr/${foreign_triplet})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
