# tickwire_embed(VARIABLE NAME FILE): a C source made from a file, `const unsigned char NAME[]` and `const size_t NAME_length`;
# its path goes into VARIABLE. Run again when the file changes.
function(tickwire_embed variable name file)
    set(out ${CMAKE_CURRENT_BINARY_DIR}/${name}.c)
    add_custom_command(OUTPUT ${out}
        COMMAND ${CMAKE_COMMAND} -DFILE=${file} -DNAME=${name} -DOUT=${out} -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
        DEPENDS ${file} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
    set(${variable} ${out} PARENT_SCOPE)
endfunction()
