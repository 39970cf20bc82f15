# Run a program; it must end with STATUS and print what the file EXPECTED says, no more and no less.
#
#   cmake -D PROGRAM=... -D EXPECTED=... [-D STATUS=0] [-D EMULATOR=...] -P run.cmake
if(NOT DEFINED STATUS)
    set(STATUS 0)
endif()
execute_process(COMMAND ${EMULATOR} ${PROGRAM} OUTPUT_VARIABLE printed RESULT_VARIABLE status)
file(READ ${EXPECTED} expected)
message(STATUS "it printed:\n${printed}")
if(NOT status STREQUAL STATUS)
    message(FATAL_ERROR "${PROGRAM} ended with ${status}, not with ${STATUS}")
endif()
if(NOT printed STREQUAL expected)
    message(FATAL_ERROR "${EXPECTED} says:\n${expected}")
endif()
