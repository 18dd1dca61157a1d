/* SPDX-License-Identifier: MIT */
/* serve PORT: sends back what comes. ask ADDRESS PORT: one line there and back. Linked statically. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int serve(const struct sockaddr_in *at)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char buf[64];

	if (bind(fd, (const struct sockaddr *)at, sizeof(*at)) < 0 || listen(fd, 8) < 0)
		return 3;
	for (;;) {
		int client = accept(fd, NULL, NULL);
		ssize_t n;

		while ((n = read(client, buf, sizeof(buf))) > 0)
			if (write(client, buf, (size_t)n) != n)
				break;
		close(client);
	}
}

static int ask(const struct sockaddr_in *to)
{
	static const char line[] = "hello\n";
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char buf[sizeof(line)];

	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0 ||
	    write(fd, line, strlen(line)) < 0)
		return 3;
	return read(fd, buf, sizeof(buf)) != (ssize_t)strlen(line);
}

int main(int argc, char **argv)
{
	struct sockaddr_in a = {.sin_family = AF_INET};

	if (argc < 3)
		return 2;
	a.sin_port = htons((uint16_t)atoi(argv[argc - 1]));
	if (argc == 3)
		return serve(&a);
	return inet_pton(AF_INET, argv[2], &a.sin_addr) == 1 ? ask(&a) : 2;
}
