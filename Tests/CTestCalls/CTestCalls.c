#define _GNU_SOURCE
#include "CTestCalls.h"
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

int test_renameat2(const char *from, const char *to, unsigned int flags) {
  return renameat2(AT_FDCWD, from, AT_FDCWD, to, flags);
}

int test_fallocate(int file, int mode, int64_t offset, int64_t length) {
  return fallocate(file, mode, offset, length);
}

int64_t test_copy_file_range(int from, int to, int64_t count) {
  return copy_file_range(from, NULL, to, NULL, (size_t)count, 0);
}

int test_ioctl(int file) {
  int value = 0;
  return ioctl(file, _IOR('z', 99, int), &value);
}

int test_o_direct(void) { return O_DIRECT; }
