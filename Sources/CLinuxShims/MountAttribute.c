#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <errno.h>
#include <grp.h>
#include <sys/xattr.h>
#include <unistd.h>

int64_t afsfuse_attribute(const char *path, const char *name, void *value, size_t size) {
  ssize_t count = lgetxattr(path, name, value, size);
  return count < 0 ? -errno : count;
}

int afsfuse_become(uint32_t user, uint32_t group) {
  if (setgroups(0, NULL) != 0 || setresgid(group, group, group) != 0 || setresuid(user, user, user) != 0) return errno;
  return 0;
}
