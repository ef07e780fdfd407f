// System calls which tests make and which Swift's Glibc does not show.
#ifndef AFSFUSE_CTESTCALLS_H
#define AFSFUSE_CTESTCALLS_H
#include <stddef.h>
#include <stdint.h>
#include <sys/xattr.h>

int test_renameat2(const char *from, const char *to, unsigned int flags);
int test_fallocate(int file, int mode, int64_t offset, int64_t length);
int64_t test_copy_file_range(int from, int to, int64_t count);
/// An ioctl that no file system knows.
int test_ioctl(int file);
/// O_DIRECT, whose value depends on the processor.
int test_o_direct(void);

#endif
