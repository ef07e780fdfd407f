#include "CLinuxShims.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>

/// A name has 255 octets at most; the rest of a question is 12 + 4, and EDNS adds 11.
enum { QUESTION_MAX = 512 };

int afsfuse_dns_query(const char *name, int type, uint32_t server, uint16_t port, uint8_t *answer, int capacity) {
  struct __res_state state;
  memset(&state, 0, sizeof state);
  if (res_ninit(&state) != 0) return -EIO;
  state.retrans = 2;
  state.retry = 2;
  if (server != 0) {
    state.nscount = 1;
    state.nsaddr_list[0] = (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {.s_addr = htonl(server)}};
  }
  uint8_t question[QUESTION_MAX];
  int result = -EINVAL;
  int length = res_nmkquery(&state, QUERY, name, C_IN, type, NULL, 0, NULL, question, sizeof question);
  if (length > 0) {
    errno = 0;
    int received = res_nsend(&state, question, length, answer, capacity);
    if (received >= 0) {
      // The C library tells the whole length of an answer that it had to cut off.
      result = received < capacity ? received : capacity;
    } else {
      result = errno != 0 ? -errno : -ETIMEDOUT;
    }
  }
  res_nclose(&state);
  return result;
}
