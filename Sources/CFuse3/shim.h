// The libfuse3 low-level API, version 3.14. _FILE_OFFSET_BITS stays undefined: setting it makes two
// definitions of `struct flock` meet in Swift's Glibc module, and a 64-bit system does not need it.
#ifndef AFSFUSE_CFUSE3_SHIM_H
#define AFSFUSE_CFUSE3_SHIM_H
// Nor is _GNU_SOURCE defined: C library structures must look as in Glibc's module and in CLinuxShims.
#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>

// fuse_session_loop_mt is a function-like macro, which Swift does not import.
static inline int afsfuse_session_loop_mt(struct fuse_session *session, struct fuse_loop_config *config) {
  return fuse_session_loop_mt(session, config);
}
#endif
