#include "base/version.h"

namespace qrx {

const char* const version = QRX_RELEASE;
const char* const user_agent = "qrx/" QRX_RELEASE;

}  // namespace qrx
