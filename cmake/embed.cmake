# cmake -DFILE=… -DNAME=… -DOUT=… -P embed.cmake: see TickwireEmbed.cmake.
file(READ ${FILE} hex HEX)
string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
string(REGEX REPLACE "(................................................................................)" "\\1\n" bytes "${bytes}")
file(WRITE ${OUT} "#include <stddef.h>\nextern const unsigned char ${NAME}[];\nextern const size_t ${NAME}_length;\n"
    "const unsigned char ${NAME}[] = {\n${bytes}};\nconst size_t ${NAME}_length = sizeof ${NAME};\n")
