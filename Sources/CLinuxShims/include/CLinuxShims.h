// Linux constants and macros which Swift's Glibc module does not show.
#ifndef AFSFUSE_CLINUX_SHIMS_H
#define AFSFUSE_CLINUX_SHIMS_H

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <netinet/udp.h>

#endif
