# Build options and the flags every target is compiled with.
option(TICKWIRE_TESTS "Build the tests" ON)
option(TICKWIRE_BENCHMARKS "Build the benchmarks" ON)
option(TICKWIRE_FUZZ "Build the libFuzzer targets (clang)" OFF)
option(TICKWIRE_PLAIN_RUNNER "Run unit tests with the plain runner instead of Criterion" OFF)
option(TICKWIRE_CHECK_EVERY_CHANGE "Walk the order book's invariants after every change (slow)" OFF)
option(TICKWIRE_WERROR "Warnings are errors" ON)
set(TICKWIRE_SANITIZE "" CACHE STRING "Sanitizers, as for -fsanitize=")

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON) # everything may end up in libtickwire.so
set(CMAKE_C_VISIBILITY_PRESET hidden)

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_C_FLAGS_RELEASE "-O3 -g") # -O3: a fifth of the hot path; assertions stay on, they are part of the product
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O1 -g")

add_library(tickwire_flags INTERFACE)
target_compile_definitions(tickwire_flags INTERFACE _GNU_SOURCE TICKWIRE_VERSION="${PROJECT_VERSION}")
target_compile_options(tickwire_flags INTERFACE
    -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wundef
    -Wvla -Wformat=2 -fno-omit-frame-pointer -fno-plt)
target_include_directories(tickwire_flags INTERFACE ${CMAKE_SOURCE_DIR})
if(TICKWIRE_WERROR)
    target_compile_options(tickwire_flags INTERFACE -Werror)
endif()
if(TICKWIRE_CHECK_EVERY_CHANGE)
    target_compile_definitions(tickwire_flags INTERFACE OB_CHECK_EVERY_CHANGE)
endif()
if(TICKWIRE_SANITIZE)
    # -g1: their traces need lines alone, and a debugger's variables cost a sixth of these builds' time.
    target_compile_options(tickwire_flags INTERFACE -g1 -fsanitize=${TICKWIRE_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(tickwire_flags INTERFACE -fsanitize=${TICKWIRE_SANITIZE})
endif()
if(TICKWIRE_FUZZ)
    target_compile_options(tickwire_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# One translation unit's worth of view for the hot path; sanitizer builds stay plain.
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT TICKWIRE_SANITIZE)
    include(CheckIPOSupported)
    check_ipo_supported(RESULT tickwire_ipo OUTPUT tickwire_ipo_reason LANGUAGES C)
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ${tickwire_ipo})
    # Libraries hold both forms: programs are optimised as a whole, what tests are made of is linked in no time (tests/CMakeLists.txt).
    if(tickwire_ipo AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
        target_compile_options(tickwire_flags INTERFACE -ffat-lto-objects)
        set(tickwire_test_link_options -fno-lto)
    endif()
endif()
if(TICKWIRE_SANITIZE OR CMAKE_BUILD_TYPE STREQUAL "Debug")
    target_compile_definitions(tickwire_flags INTERFACE TW_HOT_ASSERTIONS)
endif()
