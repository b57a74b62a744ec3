// getaddrinfo(3) of musl, as Alpine's containers have it: NAME -> each address on a line.
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char** argv) {
  struct addrinfo hints, *found = NULL;
  memset(&hints, 0, sizeof(hints));
  hints.ai_socktype = SOCK_STREAM;
  if (argc != 2) return 2;
  int error = getaddrinfo(argv[1], NULL, &hints, &found);
  if (error != 0) {
    printf("%s\n", gai_strerror(error));
    return 1;
  }
  for (; found != NULL; found = found->ai_next) {
    char text[INET6_ADDRSTRLEN];
    const void* address = found->ai_family == AF_INET
                              ? (const void*)&((struct sockaddr_in*)found->ai_addr)->sin_addr
                              : (const void*)&((struct sockaddr_in6*)found->ai_addr)->sin6_addr;
    puts(inet_ntop(found->ai_family, address, text, sizeof(text)));
  }
  return 0;
}
