// Linux constants and macros which Swift's Glibc module does not show.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#ifndef AFSFUSE_CLINUX_SHIMS_H
#define AFSFUSE_CLINUX_SHIMS_H

#include <netinet/udp.h>
#include <pthread.h>
#include <stdint.h>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/socket.h>

/// epoll_pwait2(2) without a signal mask; where kernel or C library lack it, epoll_wait(2) with the time rounded up
/// to milliseconds. `nanoseconds` below zero waits without limit.
int afsfuse_epoll_wait(int epoll, struct epoll_event *events, int count, int64_t nanoseconds);

/// Frees the blocks of a file's range, which then reads as zeros; the file's size stays. 0, or an errno.
int afsfuse_punch_hole(int fd, int64_t offset, int64_t count);

#endif
