# cmake -DFILES=a;b -DOUT=pages_data.cpp -P embed.cmake: the files as string literals, found by pages.cpp by name.
set(code "// Made from src/serve/pages by embed.cmake.\n#include \"serve/pages/pages_data.h\"\n\nnamespace qrx::serve {\n\n")
string(APPEND code "std::string_view embedded_page(std::string_view name) {\n")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  # Brackets and semicolons mean something to CMake in lists, not in a string that is read as a whole.
  file(READ ${file} text)
  string(APPEND code "  if (name == \"${name}\")\n    return R\"~page~(${text})~page~\";\n")
endforeach()
string(APPEND code "  return {};\n}\n\n}  // namespace qrx::serve\n")
file(WRITE ${OUT} "${code}")
