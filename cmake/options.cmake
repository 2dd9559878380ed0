# SPDX-License-Identifier: Apache-2.0
# How every target of Avow is compiled.
option(AVOW_WERROR "Treat compiler warnings as errors" OFF)
set(AVOW_SANITIZE "" CACHE STRING "Sanitizers to build with, as in -fsanitize=")
option(AVOW_FUZZ "Build the libFuzzer targets (needs clang)" OFF)

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(avow_flags INTERFACE)
target_compile_definitions(avow_flags INTERFACE _GNU_SOURCE AVOW_VERSION="${PROJECT_VERSION}")
target_compile_options(avow_flags INTERFACE
	-Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes
	-Wold-style-definition -Wpointer-arith -Wwrite-strings -Wvla -Wformat=2 -Wundef
	-fno-strict-aliasing -fno-omit-frame-pointer -fstack-protector-strong)
target_include_directories(avow_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR})
if(AVOW_WERROR)
	target_compile_options(avow_flags INTERFACE -Werror)
endif()
if(AVOW_SANITIZE)
	# gcc's view of what is initialised is blurred by what a sanitizer adds; dev looks at it clearly
	target_compile_options(avow_flags INTERFACE -fsanitize=${AVOW_SANITIZE}
		-fno-sanitize-recover=all $<$<C_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
	target_link_options(avow_flags INTERFACE -fsanitize=${AVOW_SANITIZE})
endif()

if(AVOW_FUZZ)
	target_compile_options(avow_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# avow_library(NAME DIR... LINK libs...): one static library from a folder's sources.
function(avow_library name)
	cmake_parse_arguments(A "" "" "LINK" ${ARGN})
	file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
	if(NOT sources)
		add_library(${name} INTERFACE)
		target_link_libraries(${name} INTERFACE avow_flags ${A_LINK})
		return()
	endif()
	add_library(${name} STATIC ${sources})
	target_link_libraries(${name} PUBLIC avow_flags ${A_LINK})
endfunction()
