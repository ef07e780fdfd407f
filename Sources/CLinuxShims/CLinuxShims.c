#define _GNU_SOURCE
#include "CLinuxShims.h"

#include <errno.h>
#include <linux/time_types.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

_Static_assert(sizeof(struct afsfuse_message) == sizeof(struct mmsghdr), "afsfuse_message is not mmsghdr");
_Static_assert(
    offsetof(struct afsfuse_message, msg_len) == offsetof(struct mmsghdr, msg_len), "afsfuse_message is not mmsghdr");

int afsfuse_receive_messages(int socket, struct afsfuse_message *messages, unsigned int count) {
  return recvmmsg(socket, (struct mmsghdr *)messages, count, MSG_DONTWAIT, NULL);
}

int afsfuse_send_messages(int socket, struct afsfuse_message *messages, unsigned int count) {
  return sendmmsg(socket, (struct mmsghdr *)messages, count, MSG_DONTWAIT);
}

int afsfuse_random(void *bytes, size_t count) {
  ssize_t result = getrandom(bytes, count, 0);
  return result == (ssize_t)count ? 0 : errno;
}

void afsfuse_name_thread(const char *name) { (void)pthread_setname_np(pthread_self(), name); }

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

void afsfuse_timestamp(char text[25]) {
  struct timespec now;
  struct tm calendar;
  clock_gettime(CLOCK_REALTIME, &now);
  gmtime_r(&now.tv_sec, &calendar);
  strftime(text, 25, "%Y-%m-%dT%H:%M:%S", &calendar);
  snprintf(text + 19, 6, ".%03dZ", (int)(now.tv_nsec / 1000000));
}

int afsfuse_timer_create(void) { return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK); }

int afsfuse_timer_set(int timer, int64_t nanoseconds) {
  struct itimerspec setting = {
      .it_value = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000},
  };
  return timerfd_settime(timer, TFD_TIMER_ABSTIME, &setting, NULL) == 0 ? 0 : errno;
}
