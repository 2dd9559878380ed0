# SPDX-License-Identifier: Apache-2.0
# What `cmake --install` puts where, besides the program itself.
install(FILES LICENSE README.md CHANGELOG.md proto/PROTOCOL.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY proto/examples DESTINATION ${CMAKE_INSTALL_DOCDIR})

# avow_print(FILE WORDS…): a file that the program itself prints, out of its tables
function(avow_print file)
	set(output ${PROJECT_BINARY_DIR}/${file})
	add_custom_command(OUTPUT ${output} COMMAND avow ${ARGN} > ${output} DEPENDS avow VERBATIM)
	add_custom_target(print_${file} ALL DEPENDS ${output})
endfunction()
avow_print(avow.1 man)
avow_print(avow.bash completion bash)
install(FILES ${PROJECT_BINARY_DIR}/avow.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${PROJECT_BINARY_DIR}/avow.bash RENAME avow
	DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
