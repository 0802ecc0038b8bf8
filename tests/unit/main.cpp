// The main function of the unit tests. Catch2 3 has it in a library of its own; version 2 makes it here.
#define CATCH_CONFIG_MAIN
#include "unit/catch.h"
