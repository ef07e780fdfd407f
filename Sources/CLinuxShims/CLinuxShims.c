#include "CLinuxShims.h"

#include <errno.h>
#include <linux/time_types.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_bool lacks_pwait2;

int afsfuse_epoll_wait(int epoll, struct epoll_event *events, int count, int64_t nanoseconds) {
  if (nanoseconds < 0) return epoll_wait(epoll, events, count, -1);
  if (nanoseconds == 0) return epoll_wait(epoll, events, count, 0);
#ifdef SYS_epoll_pwait2
  // The C library's wrapper came with glibc 2.35, the system call with Linux 5.11.
  if (!atomic_load_explicit(&lacks_pwait2, memory_order_relaxed)) {
    struct __kernel_timespec limit = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
    int result = (int)syscall(SYS_epoll_pwait2, epoll, events, count, &limit, (void *)0, (size_t)0);
    if (result >= 0 || errno != ENOSYS) return result;
    atomic_store_explicit(&lacks_pwait2, true, memory_order_relaxed);
  }
#endif
  int64_t milliseconds = (nanoseconds + 999999) / 1000000;
  return epoll_wait(epoll, events, count, milliseconds > 86400000 ? 86400000 : (int)milliseconds);
}
