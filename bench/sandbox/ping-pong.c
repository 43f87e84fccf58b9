/* The yardstick of host calls: two processes, one socket pair, blocking reads and writes, 96 bytes each way.
   Prints microseconds per round trip. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SIZE 96

static void transfer(int fd, char *bytes, int isWrite) {
  for (int done = 0; done < SIZE;) {
    long n = isWrite ? write(fd, bytes + done, SIZE - done) : read(fd, bytes + done, SIZE - done);
    if (n <= 0) exit(0);
    done += n;
  }
}

int main(int argc, char **argv) {
  int ends[2], rounds = argc > 1 ? atoi(argv[1]) : 20000;
  char bytes[SIZE] = {0};
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return 1;
  if (fork() == 0) {
    close(ends[0]);
    for (;;) {
      transfer(ends[1], bytes, 0);
      transfer(ends[1], bytes, 1);
    }
  }
  close(ends[1]);
  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  for (int i = 0; i < rounds; i++) {
    transfer(ends[0], bytes, 1);
    transfer(ends[0], bytes, 0);
  }
  clock_gettime(CLOCK_MONOTONIC, &to);
  close(ends[0]);
  wait(NULL);
  printf("%.3f\n", ((to.tv_sec - from.tv_sec) * 1e6 + (to.tv_nsec - from.tv_nsec) / 1e3) / rounds);
  return 0;
}
