// OpenCV linked as it comes in archives names functions of LAPACK, BLAS, GLX and TBB; as shared libraries these load
// seventeen more, from X11 to Fortran, and take half of the scan helper's start. None is reached by what src/vision
// calls: LAPACK only solves systems of 30 rows or more, BLAS multiplies matrices, GLX shows windows, TBB divides work
// among threads, which is turned off below, before main(). Who reaches one ends here.
#include <opencv2/core/utility.hpp>

#define STAND_IN(name)                  \
  extern "C" [[noreturn]] void name();  \
  extern "C" [[noreturn]] void name() { \
    __builtin_trap();                   \
  }

STAND_IN(cblas_cgemm)
STAND_IN(cblas_dgemm)
STAND_IN(cblas_sgemm)
STAND_IN(cblas_zgemm)
STAND_IN(dgels_)
STAND_IN(dgeqrf_)
STAND_IN(dgesdd_)
STAND_IN(dgesv_)
STAND_IN(dgetrf_)
STAND_IN(dposv_)
STAND_IN(dpotrf_)
STAND_IN(sgels_)
STAND_IN(sgeqrf_)
STAND_IN(sgesdd_)
STAND_IN(sgesv_)
STAND_IN(sgetrf_)
STAND_IN(sposv_)
STAND_IN(spotrf_)
STAND_IN(glXGetCurrentContext)
STAND_IN(glXGetCurrentDisplay)
STAND_IN(glXGetProcAddressARB)

// TBB's, as its headers spell them for the compiler (Itanium C++ ABI): tbb::detail::r1::spawn and the others.
STAND_IN(_ZN3tbb6detail2r110deallocateERNS0_2d117small_object_poolEPvmRKNS2_14execution_dataE)
STAND_IN(_ZN3tbb6detail2r110initializeERNS0_2d115task_arena_baseE)
STAND_IN(_ZN3tbb6detail2r110initializeERNS0_2d118task_group_contextE)
STAND_IN(_ZN3tbb6detail2r114execution_slotEPKNS0_2d114execution_dataE)
STAND_IN(_ZN3tbb6detail2r114notify_waitersEm)
STAND_IN(_ZN3tbb6detail2r116execute_and_waitERNS0_2d14taskERNS2_18task_group_contextERNS2_12wait_contextES6_)
STAND_IN(_ZN3tbb6detail2r124cache_aligned_deallocateEPv)
STAND_IN(_ZN3tbb6detail2r128is_group_execution_cancelledERNS0_2d118task_group_contextE)
STAND_IN(_ZN3tbb6detail2r14waitERNS0_2d112wait_contextERNS2_18task_group_contextE)
STAND_IN(_ZN3tbb6detail2r15resetERNS0_2d118task_group_contextE)
STAND_IN(_ZN3tbb6detail2r15spawnERNS0_2d14taskERNS2_18task_group_contextE)
STAND_IN(_ZN3tbb6detail2r17destroyERNS0_2d118task_group_contextE)
STAND_IN(_ZN3tbb6detail2r17executeERNS0_2d115task_arena_baseERNS2_13delegate_baseE)
STAND_IN(_ZN3tbb6detail2r18allocateERPNS0_2d117small_object_poolEm)
STAND_IN(_ZN3tbb6detail2r18allocateERPNS0_2d117small_object_poolEmRKNS2_14execution_dataE)
STAND_IN(_ZN3tbb6detail2r19terminateERNS0_2d115task_arena_baseE)

// How many threads there are: asked for by filters that divide a picture.
extern "C" int _ZN3tbb6detail2r115max_concurrencyEPKNS0_2d115task_arena_baseE(const void* arena);
extern "C" int _ZN3tbb6detail2r115max_concurrencyEPKNS0_2d115task_arena_baseE(const void* /*arena*/) {
  return 1;
}

namespace {
[[maybe_unused]] const bool no_threads = (cv::setNumThreads(0), true);
}
