#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <errno.h>
#include <fcntl.h>

int afsfuse_punch_hole(int fd, int64_t offset, int64_t count) {
  int result;
  do {
    result = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, count);
  } while (result != 0 && errno == EINTR);
  return result == 0 ? 0 : errno;
}
