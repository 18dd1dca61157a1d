/* SPDX-License-Identifier: MIT */
/*
 * Bends the packets of an interface of something that runs already, for a time.
 *
 * All that can be refused is refused before anything is changed, the last of it by the kernel in one step
 * with the deed. Before that a guardian is started; from then on whatever ends this process, the guardian
 * takes netem away.
 */
#include "harness/cli/inject.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "harness/attach/attachment.h"
#include "harness/attach/guardian.h"
#include "harness/attach/target.h"
#include "harness/attach/words.h"
#include "harness/base/cleanup.h"
#include "harness/cli/commands.h"
#include "harness/parse/parse.h"

#define LENGTH_MAX ((nsec_t)24 * 3600 * NSEC_PER_SEC)
/* What a shell says of a program that a signal ended. */
#define EXIT_SIGNAL 128

/* --- options --- */

int inject_take_netns(struct options *opt, const char *value, struct err *err)
{
	if (!*value || strchr(value, '/') || !strcmp(value, ".") || !strcmp(value, ".."))
		return err_set(err,
			       "--netns: '%s' is no name of a network namespace (`ip netns list` "
			       "shows them; a process is given by --pid)",
			       value);
	opt->netns = arena_strdup(opt->arena, value);
	return 0;
}

int inject_take_pid(struct options *opt, const char *value, struct err *err)
{
	uint64_t pid = 0;

	if (take_whole("pid", value, 1, INT_MAX, &pid, err) < 0)
		return -1;
	opt->pid = (pid_t)pid;
	return 0;
}

int inject_take_dev(struct options *opt, const char *value, struct err *err)
{
	(void)err;
	opt->dev = arena_strdup(opt->arena, value);
	return 0;
}

int inject_take_egress(struct options *opt, const char *value, struct err *err)
{
	(void)opt;
	(void)value;
	(void)err;
	return 0;
}

int inject_take_for(struct options *opt, const char *value, struct err *err)
{
	if (!parse_duration(value, &opt->length) || opt->length <= 0 || opt->length > LENGTH_MAX)
		return err_set(err,
			       "--for: '%s' is not a duration longer than 0 and up to 24h, with a "
			       "unit, such as 30s",
			       value);
	return 0;
}

int inject_take_dry_run(struct options *opt, const char *value, struct err *err)
{
	(void)value;
	(void)err;
	opt->dry_run = true;
	return 0;
}

static int check_options(const struct options *opt, struct err *err)
{
	if (!opt->netns == !opt->pid)
		return err_set(err, "inject: one of --netns NAME and --pid PID says whose packets");
	if (!opt->dev)
		return err_set(err, "inject: --dev DEV says which interface's packets");
	if (!opt->length)
		return err_set(err, "inject: --for TIME says when it ends, such as --for 30s");
	if (!opt->paths.n)
		return err_set(err, "inject: what is to be done to the packets? Such as 'delay "
				    "50ms 10ms loss 1%%'; --help lists the words");
	return 0;
}

/* As one text, however the shell has split it. */
static char *join(const struct options *opt)
{
	char *text = arena_strdup(opt->arena, "");

	vec_foreach (word, &opt->paths)
		text = arena_printf(opt->arena, "%s%s%s", text, *text ? " " : "", *word);
	return text;
}

/* --- while it is set --- */

struct injection {
	const struct options *opt;
	struct netem_words words;
	struct target target;
	struct attachment at;
	struct guardian guardian;
	int signal_fd, timer_fd;
	nsec_t began;
};

enum why { WHY_SIGNAL, WHY_TARGET, WHY_GUARDIAN, WHY_TIME };

static int open_events(struct injection *in, struct err *err)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	in->signal_fd = signalfd(-1, &ends, SFD_CLOEXEC);
	in->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (in->signal_fd < 0 || in->timer_fd < 0)
		return err_errno(err, "wait for signals and for the time");
	return 0;
}

/* Until something ends it. *ret_signal is 0 unless that is a signal. */
static enum why hold(const struct injection *in, int *ret_signal)
{
	struct pollfd fds[] = {
		[WHY_SIGNAL] = {.fd = in->signal_fd, .events = POLLIN},
		[WHY_TARGET] = {.fd = in->target.gone_fd, .events = POLLIN},
		[WHY_GUARDIAN] = {.fd = in->guardian.pidfd, .events = POLLIN},
		[WHY_TIME] = {.fd = in->timer_fd, .events = POLLIN},
	};
	struct signalfd_siginfo info;

	*ret_signal = 0;
	for (;;) {
		if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
			continue;
		if (fds[WHY_SIGNAL].revents &&
		    read(in->signal_fd, &info, sizeof(info)) == sizeof(info)) {
			*ret_signal = (int)info.ssi_signo;
			return WHY_SIGNAL;
		}
		if (fds[WHY_TARGET].revents && target_is_gone(&in->target))
			return WHY_TARGET;
		if (fds[WHY_GUARDIAN].revents)
			return WHY_GUARDIAN;
		if (fds[WHY_TIME].revents)
			return WHY_TIME;
	}
}

static void print_receipt(const struct injection *in, const struct attachment_receipt *did)
{
	double seconds = (double)(nsec_monotonic() - in->began) / 1e9;

	/* netem counts what it has marked as dropped, and as passed too (netem_enqueue()). */
	printf("taken away after %.3f s: %llu packets passed, %llu were dropped%s", seconds,
	       (unsigned long long)did->passed, (unsigned long long)did->dropped,
	       in->words.params.ecn ? " or marked" : "");
	if (did->held)
		printf(", %llu still held back %s lost", (unsigned long long)did->held,
		       did->held == 1 ? "is" : "are");
	puts(did->passed || did->dropped || did->held ? "" : "; none has left the interface");
}

static int report_lost(const struct injection *in, enum guardian_fate fate)
{
	if (fate == GUARDIAN_TOOK_IT) {
		printf("the guardian took it away when the time was up, for this process was late "
		       "or stopped\n");
		return 0;
	}
	fprintf(stderr,
		"wirecut: netem is no longer on %s: somebody has taken it away or replaced it\n",
		in->at.dev);
	return EXIT_ERROR;
}

/* The reason, where it is another than that the time is up. */
static const char *reason(enum why why)
{
	if (why == WHY_SIGNAL)
		return "interrupted: ";
	return why == WHY_TARGET ? "the target is gone: " : "";
}

static int take_away(struct injection *in, enum why why)
{
	struct attachment_receipt did = {0};
	struct err err = {0};

	attachment_receipt(&in->at, &did);
	enum attachment_end end = attachment_take_away(&in->at, &err);
	enum guardian_fate fate = guardian_end(&in->guardian);
	switch (end) {
	case ATTACHMENT_TAKEN:
		printf("%s", reason(why));
		print_receipt(in, &did);
		break;
	case ATTACHMENT_NO_DEVICE:
		printf("%s%s is gone, and netem with it\n", reason(why), in->at.dev);
		break;
	case ATTACHMENT_REPLACED:
		return report_lost(in, fate);
	case ATTACHMENT_FAILED:
		fprintf(stderr, "wirecut: %s\n", err.msg);
		return EXIT_ERROR;
	}
	if (fate != GUARDIAN_LOST)
		return 0;
	fflush(stdout);
	fprintf(stderr, "wirecut: the guardian was killed, and without it nothing would take netem "
			"away if wirecut were killed, too: so it was ended\n");
	return EXIT_ERROR;
}

static uint64_t seed_of(const struct injection *in)
{
	return in->words.has_seed ? in->words.seed : in->opt->seed;
}

/* With the events open. */
static int inject(struct injection *in, struct err *err)
{
	const struct itimerspec length = {.it_value = nsec_to_timespec(in->opt->length)};
	int signal_number;

	if (guardian_start(&in->at, &in->guardian, err) < 0)
		return EXIT_ERROR;
	if (attachment_set(&in->at, &in->words.params, seed_of(in), in->opt->arena, err) < 0) {
		guardian_dismiss(&in->guardian);
		return EXIT_ERROR;
	}
	in->began = nsec_monotonic();
	timerfd_settime(in->timer_fd, 0, &length, NULL);
	guardian_tell(&in->guardian, in->opt->length); /* where it is gone, hold() sees it */
	printf("packets that leave %s in the %s meet netem %s for %g s (Ctrl-C ends it)\n",
	       in->at.dev, in->target.label, words_for_tc(&in->words, in->opt->arena),
	       (double)in->opt->length / 1e9);
	fflush(stdout);

	int code = take_away(in, hold(in, &signal_number));
	return !code && signal_number ? EXIT_SIGNAL + signal_number : code;
}

static int inject_with_events(struct injection *in, struct err *err)
{
	int code = open_events(in, err) < 0 ? EXIT_ERROR : inject(in, err);

	if (in->signal_fd >= 0)
		close(in->signal_fd);
	if (in->timer_fd >= 0)
		close(in->timer_fd);
	return code;
}

/* --- all of it --- */

static void print_plan(const struct injection *in)
{
	const char *tc = in->target.tc, *dev = in->at.dev;

	printf("on packets that leave %s in the %s, for %g s, as if by:\n"
	       "  %s qdisc add dev %s root netem %s\n"
	       "and then taken away, as if by:\n"
	       "  %s qdisc del dev %s root\n"
	       "nothing was changed\n",
	       dev, in->target.label, (double)in->opt->length / 1e9, tc, dev,
	       words_for_tc(&in->words, in->opt->arena), tc, dev);
}

static int tell_refusal(const struct err *err)
{
	fprintf(stderr, "wirecut: it would be refused: %s\n", err->msg);
	return EXIT_ERROR;
}

/* The plan, whatever becomes of it, and then each reason for which it would be refused. */
static int dry_run(const struct injection *in)
{
	struct err err;
	int code = 0;

	print_plan(in);
	fflush(stdout);
	if (attachment_check_free(&in->at, &err) < 0)
		code = tell_refusal(&err);
	if (attachment_try(&in->at, &in->words.params, seed_of(in), in->opt->arena, &err) < 0)
		code = tell_refusal(&err);
	return code;
}

static int look(struct injection *in, struct err *err)
{
	const struct options *opt = in->opt;

	if (target_open(opt->netns, opt->pid, opt->arena, &in->target, err) < 0)
		return -1;
	if (target_enter(&in->target, err) < 0)
		return -1;
	return attachment_open(opt->dev, in->target.tc, opt->arena, &in->at, err);
}

static void print_caveats(const struct netem_words *words)
{
	const char *caveat;

	for (size_t i = 0; (caveat = words_caveat(words, i)) != NULL; i++)
		fprintf(stderr, "wirecut: note: %s\n", caveat);
}

int command_inject(struct options *opt)
{
	struct injection in = {.opt = opt,
			       .target = {.ns_fd = -1, .gone_fd = -1},
			       .signal_fd = -1,
			       .timer_fd = -1};
	struct diags diags = {.arena = opt->arena};
	struct err err = {0};
	int code = 0;

	if (check_options(opt, &err) < 0) {
		fprintf(stderr, "wirecut: %s\n", err.msg);
		return EXIT_USAGE;
	}
	if (!words_read("inject", join(opt), &diags, &in.words)) {
		diags_print(stderr, &diags, opt->color);
		return EXIT_USAGE;
	}
	print_caveats(&in.words);
	if (look(&in, &err) < 0)
		code = EXIT_ERROR;
	else
		code = opt->dry_run ? dry_run(&in) : inject_with_events(&in, &err);
	if (err.msg[0])
		fprintf(stderr, "wirecut: %s\n", err.msg);
	attachment_close(&in.at);
	target_close(&in.target);
	return code;
}
