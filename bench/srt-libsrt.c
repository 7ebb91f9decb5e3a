/* The smallest relay on libsrt, for comparison: who says "publish" is passed on to all others.
   Built by the benchmark where a C compiler and libsrt are: cc srt-libsrt.c -lsrt. Usage: srt-libsrt PORT */
#include <arpa/inet.h>
#include <srt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SOCKETS = 1024, MAX_PAYLOAD = 1456 };

static SRTSOCKET subscribers[MAX_SOCKETS];
static int subscriber_count;

static int fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, srt_getlasterror_str());
  return 1;
}

static void admit(SRTSOCKET listener, int poll_id) {
  SRTSOCKET socket = srt_accept(listener, NULL, NULL);
  if (socket == SRT_INVALID_SOCK) return;
  char stream_id[513] = "";
  int length = sizeof stream_id - 1, off = 0;
  srt_getsockflag(socket, SRTO_STREAMID, stream_id, &length);
  srt_setsockflag(socket, SRTO_RCVSYN, &off, sizeof off);
  srt_setsockflag(socket, SRTO_SNDSYN, &off, sizeof off);
  if (strstr(stream_id, "publish") != NULL) {
    int events = SRT_EPOLL_IN | SRT_EPOLL_ERR;
    srt_epoll_add_usock(poll_id, socket, &events);
  } else if (subscriber_count < MAX_SOCKETS) {
    subscribers[subscriber_count++] = socket;
  }
}

static void relay(SRTSOCKET publisher) {
  char payload[MAX_PAYLOAD];
  int length;
  while ((length = srt_recvmsg(publisher, payload, sizeof payload)) > 0) {
    for (int i = 0; i < subscriber_count; i++) srt_sendmsg(subscribers[i], payload, length, -1, 1);
  }
  if (srt_getsockstate(publisher) >= SRTS_BROKEN) srt_close(publisher);
}

int main(int argc, char **argv) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(argc > 1 ? atoi(argv[1]) : 0)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  srt_startup();
  SRTSOCKET listener = srt_create_socket();
  int off = 0, events = SRT_EPOLL_IN;
  srt_setsockflag(listener, SRTO_RCVSYN, &off, sizeof off);
  if (srt_bind(listener, (struct sockaddr *)&address, sizeof address) != 0) return fail("bind");
  if (srt_listen(listener, 1024) != 0) return fail("listen");
  int poll_id = srt_epoll_create();
  srt_epoll_add_usock(poll_id, listener, &events);
  puts("listening");
  fflush(stdout);
  for (;;) {
    SRT_EPOLL_EVENT ready[64];
    int count = srt_epoll_uwait(poll_id, ready, 64, 1000);
    for (int i = 0; i < count && i < 64; i++) {
      if (ready[i].fd == listener) admit(listener, poll_id);
      else relay(ready[i].fd);
    }
  }
}
