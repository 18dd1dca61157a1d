/* SPDX-License-Identifier: MIT */
#include "harness/run/app.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/base/utf8.h"

#define READ_BYTES 65536

/* Why the child could not become the program: sent through a close-on-exec pipe. */
struct exec_failure {
	int error;
	bool is_there;  /* on the host; so if there is "no such file", it is its interpreter */
	struct err err; /* set if it was not execve(2) itself */
};

/* Variables that would send an app's traffic elsewhere than the scenario says. */
static const char *const dropped_variables[] = {
	"http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy",
	"HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY",
};

static void set_environment(const struct app *a, const struct spawn *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(dropped_variables); i++)
		unsetenv(dropped_variables[i]);
	setenv("PATH", s->path, 1);
	setenv("TMPDIR", "/tmp", 1);
	setenv("HOSTNAME", s->host->plan->name, 1);
	setenv("WIRECUT_HOST", s->host->plan->name, 1);
	setenv("WIRECUT_APP", a->name, 1);
	for (size_t i = 0; i < s->n_env; i++)
		setenv(s->env[i].name, s->env[i].value, 1);
}

static void __attribute__((noreturn)) fail_child(int fd, const struct exec_failure *f)
{
	(void)TEMP_FAILURE_RETRY(write(fd, f, sizeof(*f)));
	_exit(127);
}

/* The plan names a program beside its scenario by a path from where wirecut was started. */
static char *absolute_program(char *program, const char *start_dir)
{
	char *path;

	if (program[0] == '/' || !strchr(program, '/'))
		return program;
	return asprintf(&path, "%s/%s", start_dir, program) < 0 ? program : path;
}

/* In the child, until it has become the program. */
static void __attribute__((noreturn))
become_program(const struct app *a, const struct spawn *s, int out_fd, int failure_fd)
{
	struct exec_failure f = {0};
	sigset_t none;
	int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	sigemptyset(&none);
	setsid();
	if (host_enter(s->host, &f.err) < 0)
		fail_child(failure_fd, &f);
	if (setrlimit(RLIMIT_NOFILE, &s->nofile) < 0) {
		err_errno(&f.err, "set nofile to %llu", (unsigned long long)s->nofile.rlim_cur);
		fail_child(failure_fd, &f);
	}
	if (chdir(s->cwd ? s->cwd : "/tmp") < 0) {
		err_errno(&f.err, "enter its working folder %s", s->cwd ? s->cwd : "/tmp");
		fail_child(failure_fd, &f);
	}
	set_environment(a, s);
	if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 || dup2(out_fd, STDOUT_FILENO) < 0 ||
	    dup2(out_fd, STDERR_FILENO) < 0) {
		err_errno(&f.err, "connect its input and output");
		fail_child(failure_fd, &f);
	}
	signal(SIGPIPE, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* execvp wants a NULL at the end, which a vec does not have. */
	char **argv = calloc(s->argv->n + 1, sizeof(*argv));
	if (argv) {
		memcpy(argv, s->argv->v, s->argv->n * sizeof(*argv));
		argv[0] = absolute_program(argv[0], s->start_dir);
		execvp(argv[0], argv);
	}
	f.error = errno;
	f.is_there = argv && access(argv[0], F_OK) == 0;
	fail_child(failure_fd, &f);
}

/* The program is on this machine, where the host has a folder of its own in the place of it. */
static bool is_outside(const struct spawn *s)
{
	char *program = absolute_program(s->argv->v[0], s->start_dir);
	bool is_there = access(program, F_OK) == 0;

	if (program != s->argv->v[0])
		free(program);
	return is_there;
}

static int explain_exec(const struct app *a, const struct spawn *s, const struct exec_failure *f,
			struct err *err)
{
	const char *program = s->argv->v[0];
	const char *hint = "";

	if (f->err.msg[0]) {
		*err = f->err;
		return err_wrap(err, "start %s", a->name);
	}
	errno = f->error;
	err_errno(err, "start %s: %s", a->name, program);
	if (f->error != ENOENT)
		return -1;
	struct err cause = *err;
	if (!strchr(program, '/'))
		return err_set(err, "%.400s (looked for it in PATH=%.400s)", cause.msg, s->path);
	if (f->is_there)
		hint = " (it is there, but the interpreter that its first line names is not)";
	else if (is_outside(s))
		hint = " (each host has a /tmp, a /var/tmp and a /run of its own: put it beside "
		       "the "
		       "scenario)";
	return err_set(err, "%.800s%s", cause.msg, hint);
}

static int open_log(struct app *a, int logs_fd, struct err *err)
{
	char name[300];

	if (a->log_fd >= 0)
		return 0;
	snprintf(name, sizeof(name), "%s.log", a->name);
	a->log_fd = openat(logs_fd, name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	return a->log_fd < 0 ? err_errno(err, "write logs/%s", name) : 0;
}

static int prepare(struct app *a, int logs_fd, struct err *err)
{
	if (open_log(a, logs_fd, err) < 0)
		return -1;
	if (!a->line && !(a->line = malloc(APP_LINE_BYTES + 1)))
		abort();
	if (a->plan && a->plan->ready.log && !a->has_log_regex) {
		int rc = regcomp(&a->log_regex, a->plan->ready.log, REG_EXTENDED | REG_NOSUB);
		char why[128];

		if (rc != 0) {
			regerror(rc, &a->log_regex, why, sizeof(why));
			return err_set(err, "ready: log '%s' is not a regular expression: %s",
				       a->plan->ready.log, why);
		}
		a->has_log_regex = true;
	}
	return 0;
}

static int open_output(struct app *a, int pipe_bytes, struct err *err)
{
	int out[2];

	if (a->out_fd >= 0)
		return 0;
	if (pipe2(out, O_CLOEXEC) < 0)
		return err_errno(err, "start %s", a->name);
	_cleanup_close_ int out_read = out[0], out_write = out[1];
	(void)fcntl(out_write, F_SETPIPE_SZ, pipe_bytes);
	if (io_set_nonblocking(out_read, err) < 0)
		return -1;
	a->out_fd = TAKE_FD(out_read);
	a->out_write_fd = TAKE_FD(out_write);
	return 0;
}

int app_spawn(struct app *a, const struct spawn *s, int logs_fd, struct err *err)
{
	int failure[2];
	struct exec_failure f = {0};

	if (prepare(a, logs_fd, err) < 0 || open_output(a, s->pipe_bytes, err) < 0)
		return -1;
	if (pipe2(failure, O_CLOEXEC) < 0)
		return err_errno(err, "start %s", a->name);
	_cleanup_close_ int failure_read = failure[0], failure_write = failure[1];

	nsec_t now = nsec_monotonic();
	pid_t pid = fork();
	if (pid < 0)
		return err_fork(err, "start %s", a->name);
	if (pid == 0)
		become_program(a, s, a->out_write_fd, failure_write);
	close(TAKE_FD(failure_write));
	if (TEMP_FAILURE_RETRY(read(failure_read, &f, sizeof(f))) > 0) {
		(void)TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
		return explain_exec(a, s, &f, err);
	}
	a->pid = pid;
	a->line_len = 0;
	a->started = now;
	a->waited = 0;
	a->was_started = true;
	a->paused = false;
	a->intent = APP_RUN;
	a->kill_at = NSEC_NEVER;
	return 0;
}

static void keep_tail(struct app *a, const char *data, size_t n)
{
	if (n >= APP_TAIL_BYTES) {
		memcpy(a->tail, data + n - APP_TAIL_BYTES, APP_TAIL_BYTES);
		a->tail_len = APP_TAIL_BYTES;
		return;
	}
	size_t keep = a->tail_len + n > APP_TAIL_BYTES ? APP_TAIL_BYTES - n : a->tail_len;

	memmove(a->tail, a->tail + a->tail_len - keep, keep);
	memcpy(a->tail + keep, data, n);
	a->tail_len = keep + n;
}

/* What is recorded is text, and what is looked for is looked for in what is recorded. */
static void make_text(char *line, size_t len)
{
	for (size_t i = 0, n; i < len; i += n ? n : 1) {
		n = utf8_sequence(line + i, len - i);
		if (!n)
			line[i] = '?';
	}
}

static void end_line(struct app *a, app_line_fn fn, void *arg)
{
	make_text(a->line, a->line_len);
	a->line[a->line_len] = '\0';
	fn(a, a->line, a->line_len, arg);
	a->line_len = 0;
}

void app_end_line(struct app *a, app_line_fn fn, void *arg)
{
	if (a->line_len)
		end_line(a, fn, arg);
}

/* A regular expression ends at a NUL: a blank stands for it. */
static void split_lines(struct app *a, const char *data, size_t n, app_line_fn fn, void *arg)
{
	for (size_t i = 0; i < n; i++) {
		char c = data[i];

		if (c == '\0')
			c = ' ';
		if (c == '\n')
			end_line(a, fn, arg);
		else if (a->line_len < APP_LINE_BYTES)
			a->line[a->line_len++] = c;
	}
}

int app_read_output(struct app *a, app_line_fn fn, void *arg, struct err *err)
{
	static char buf[READ_BYTES];

	for (size_t got = 0; a->out_fd >= 0 && got < APP_PIPE_BYTES_MAX;) {
		ssize_t n = TEMP_FAILURE_RETRY(read(a->out_fd, buf, sizeof(buf)));

		if (n <= 0) /* EAGAIN, for its end of file would need that this process has ended */
			return 0;
		got += (size_t)n;
		if (io_write_all(a->log_fd, buf, (size_t)n) < 0)
			return err_errno(err, "write logs/%s.log", a->name);
		keep_tail(a, buf, (size_t)n);
		split_lines(a, buf, (size_t)n, fn, arg);
	}
	return 0;
}

const char *app_last_lines(const struct app *a, int lines, struct arena *arena)
{
	const char *end = a->tail + a->tail_len, *start;
	char *text = NULL;
	size_t len;
	int seen = 0;

	if (end > a->tail && end[-1] == '\n')
		end--;
	if (end == a->tail)
		return "";
	for (start = end; start > a->tail; start--)
		if (start[-1] == '\n' && ++seen == lines)
			break;
	FILE *f = open_memstream(&text, &len);
	if (!f)
		abort();
	fputs("\n    | ", f);
	for (const char *p = start; p < end; p++) {
		if (*p == '\n')
			fputs("\n    | ", f);
		else
			fputc((unsigned char)*p < ' ' ? ' ' : *p, f);
	}
	fclose(f);
	char *copy = arena_strdup(arena, text);
	free(text);
	return copy;
}

void app_close(struct app *a)
{
	if (a->out_fd >= 0)
		close(TAKE_FD(a->out_fd));
	if (a->out_write_fd >= 0)
		close(TAKE_FD(a->out_write_fd));
	if (a->log_fd >= 0)
		close(TAKE_FD(a->log_fd));
	if (a->has_log_regex)
		regfree(&a->log_regex);
	free(TAKE_PTR(a->line));
}
