// libkeyutils: the kernel's keyrings (keyutils(7)). Its header relies on the includer for its integer types.
#ifndef AFSFUSE_CKEYUTILS_SHIM_H
#define AFSFUSE_CKEYUTILS_SHIM_H
#include <sys/types.h>
#include <stdint.h>
#include <keyutils.h>
#endif
