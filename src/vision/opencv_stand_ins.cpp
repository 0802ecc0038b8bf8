// OpenCV linked as it comes in archives names functions of LAPACK, BLAS and GLX; as shared libraries these load fifteen
// more, from X11 to Fortran, and take half of the scan helper's start. None is reached by what src/vision calls: LAPACK
// only solves systems of 30 rows or more, BLAS multiplies matrices, GLX shows windows. Who reaches one ends here.

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
