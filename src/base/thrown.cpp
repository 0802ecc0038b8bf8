#include "base/thrown.h"

#include <exception>
#include <new>

namespace qrx {

Error thrown_error() {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return {Kind::other, "out of memory", {}};
  } catch (const std::exception& exception) {
    return {Kind::other, exception.what(), {}};
  } catch (...) {
    return {Kind::other, "an exception of an unknown type", {}};
  }
}

}  // namespace qrx
