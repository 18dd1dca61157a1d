/* SPDX-License-Identifier: MIT */
#include "faults/wire/engine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>

#include "faults/wire/carrier.h"
#include "faults/wire/lag.h"
#include "faults/wire/outfile.h"
#include "faults/wire/pcapng.h"
#include "harness/base/cleanup.h"

/*
 * Theory of operation
 *
 * One process, one loop, three things to wait for: frames in the ring, the timer, which stands at
 * the engine's next due time, and the control socket. A round takes the time, then obeys the control
 * socket, gives the engine all frames that were stamped before that time, and lets it do what is due
 * by then. In that order: a frame that left its host after START was sent must find the timeline
 * started, and one that left before an edge must meet the fault as it was before the edge, however
 * late we are. A frame stamped later than the round's time waits for the next one, which comes at once:
 * it sleeps only when the ring is empty.
 *
 * A frame that nothing delays is sent from its place in the ring, so each batch is taken, given to
 * the engine, sent and only then released.
 *
 * It tells on itself: how late it woke, how long frames lay in the ring, frames that were lost,
 * steps of the clock that stamps them. Those are observations like any others, and the verdict is
 * inconclusive if they are too bad.
 *
 * An error while it runs (a full disk) is fatal: FORWARDER_FAILED and out. A host whose offloads are
 * on is reported with FORWARDER_DONE, once.
 */

/* Frames taken before what they became is sent. */
#define RX_BATCH 64

/* So many rounds at most without a look at whether the control socket was closed. */
#define BUSY_ROUNDS 32

/* What messages call the file of struct observation. */
#define OBSERVATIONS_FILE "the observations of packets"

/* The finest: our wakes may not be put off to be joined with others (prctl(2)). */
#define TIMER_SLACK_NSEC 1

struct forwarder {
	const struct forwarder_config *config;
	struct forwarder_host *hosts; /* per host, shared */
	int *host_of_ifindex;         /* or -1 */
	int n_ifindices;
	int epoll_fd, timer_fd;
	nsec_t timer_at; /* what the timer stands at; NSEC_NEVER: it does not run */
	struct ring *ring;
	const struct engine_ops *ops;
	void *engine;
	struct carrier *carrier;
	struct err carrier_err; /* a port that could not be taken down or up; empty: none */
	struct pcapng *pcapng;
	struct outfile observations;
	struct lag_meter lag;
	nsec_t now;          /* of the round, or of its batch of frames */
	uint32_t n_commands; /* that were read from the control socket */
	bool control_woke;   /* the control socket is readable: a message, or its end */
	struct err host_err; /* what is wrong with a host's frames; empty: nothing was seen */
};

/* What epoll woke us for. */
enum wake { WAKE_RING, WAKE_TIMER, WAKE_CONTROL, WAKE_N };

size_t forwarder_shared_size(const struct plan *plan)
{
	return sizeof(struct forwarder_shared) + plan->hosts.n * sizeof(struct forwarder_host);
}

/* -- the engine's sinks ---------------------------------------------------------------------- */

static void ring_alarm(struct forwarder *fw, int host)
{
	const uint64_t once = 1;
	int set = FORWARDER_ALARM_SET;

	if (atomic_compare_exchange_strong(&fw->hosts[host].alarm, &set, FORWARDER_ALARM_RUNG))
		(void)TEMP_FAILURE_RETRY(write(fw->config->alarm_fd, &once, sizeof(once)));
}

static void saw_packet(struct forwarder *fw, int host, nsec_t t)
{
	atomic_store_explicit(&fw->hosts[host].last_packet, t, memory_order_relaxed);
	if (atomic_load(&fw->hosts[host].alarm) == FORWARDER_ALARM_SET)
		ring_alarm(fw, host);
}

static void emit(void *ctx, int host, const struct cable_frame *f)
{
	struct forwarder *fw = ctx;

	ring_send(fw->ring, fw->config->port_ifindex[host], f->bytes, f->len, &f->offload);
	saw_packet(fw, host, fw->now);
}

static void record(void *ctx, const struct observation *o)
{
	struct forwarder *fw = ctx;

	memcpy(outfile_reserve(&fw->observations, sizeof(*o)), o, sizeof(*o));
}

static void capture(void *ctx, const struct capture *c)
{
	struct forwarder *fw = ctx;

	pcapng_write(fw->pcapng, c);
}

/*
 * What was emitted before the edge must reach its host before its port goes down. The frames of a
 * batch that is under way stay where they are until it is released.
 */
static void set_carrier(void *ctx, int host, bool up)
{
	struct forwarder *fw = ctx;
	struct err err;

	ring_flush(fw->ring);
	if (carrier_set(fw->carrier, fw->config->port_ifindex[host], up, &err) &&
	    !fw->carrier_err.msg[0]) {
		fw->carrier_err = err;
		err_wrap(&fw->carrier_err, "host %s", fw->config->plan->hosts.v[host].name);
	}
}

/* -- frames ---------------------------------------------------------------------------------- */

static void note_lag(struct forwarder *fw, nsec_t t, nsec_t lag)
{
	struct observation o;

	if (lag_note(&fw->lag, t, lag, &o))
		record(fw, &o);
}

static void note_losses(struct forwarder *fw, nsec_t now)
{
	uint64_t losses = ring_take_losses(fw->ring);
	struct observation o = lag_observation(EV_RING_DROP, now, 0, losses);

	if (losses)
		record(fw, &o);
}

/* A frame as no cable would carry it; told once, for there will be thousands. */
static void complain(struct forwarder *fw, int host, const struct slot_frame *f)
{
	const char *name = fw->config->plan->hosts.v[host].name;

	if (fw->host_err.msg[0])
		return;
	if (f->len < f->original_len)
		err_set(&fw->host_err,
			"host %s sent a frame of %zu bytes, and a cable carries %d: its "
			"segmentation offload is on; switch it off: ethtool -K eth0 tso off gso "
			"off",
			name, f->original_len, RING_FRAME_MAX);
	else
		err_set(&fw->host_err,
			"host %s sent a frame without a checksum: its checksum offload is on, and "
			"the receiver drops such frames; switch it off: ethtool -K eth0 tx off",
			name);
}

static void take_frame(struct forwarder *fw, const struct ring_frame *frame, nsec_t now)
{
	const struct slot_frame *f = &frame->slot;
	int host = f->ifindex < fw->n_ifindices ? fw->host_of_ifindex[f->ifindex] : -1;

	if (host < 0)
		return;
	bool at_port = f->ifindex == fw->config->port_ifindex[host];
	bool unfinished = f->no_checksum && fw->config->plan->gso != GSO_ON;
	if (at_port)
		saw_packet(fw, host, frame->t);
	if (at_port && !f->outgoing && (unfinished || f->len < f->original_len))
		complain(fw, host, f);
	if (f->len < f->original_len) {
		struct observation o = lag_observation(EV_RING_DROP, frame->t, 0, 1);

		record(fw, &o);
		return;
	}
	fw->ops->input(fw->engine, host, frame, now);
}

static void send_and_release(struct forwarder *fw)
{
	ring_flush(fw->ring);
	fw->ops->recycle(fw->engine);
	ring_release(fw->ring);
}

/* Gives the engine the frames that were stamped by `until`. */
static void take_frames(struct forwarder *fw, nsec_t until)
{
	struct ring_frame f;
	int n = 0;

	while (ring_peek(fw->ring, &f) && f.t <= until) {
		if (n == 0) {
			fw->now = nsec_monotonic();
			note_lag(fw, fw->now, fw->now - f.t);
		}
		take_frame(fw, &f, fw->now);
		ring_take(fw->ring);
		if (++n == RX_BATCH) {
			send_and_release(fw);
			n = 0;
		}
	}
	if (n)
		send_and_release(fw);
}

/* -- the loop -------------------------------------------------------------------------------- */

static int set_timer(struct forwarder *fw, struct err *err)
{
	nsec_t at = fw->ops->next(fw->engine);
	struct itimerspec spec = {0}; /* zero: stands still */

	if (at == fw->timer_at)
		return 0;
	if (at != NSEC_NEVER)
		spec.it_value = nsec_to_timespec(at > 0 ? at : 1);
	if (timerfd_settime(fw->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL))
		return err_errno(err, "set the timer");
	fw->timer_at = at;
	return 0;
}

static int check_sinks(const struct forwarder *fw, struct err *err)
{
	if (fw->carrier_err.msg[0]) {
		*err = fw->carrier_err;
		return -1;
	}
	if (pcapng_check(fw->pcapng, err) ||
	    outfile_check(&fw->observations, OBSERVATIONS_FILE, err))
		return -1;
	return 0;
}

static int send_msg(const struct forwarder *fw, enum forwarder_command command,
		    const struct err *err)
{
	struct forwarder_msg msg = {.command = command};

	if (err)
		msg.err = *err;
	return TEMP_FAILURE_RETRY(send(fw->config->control_fd, &msg, sizeof(msg), MSG_NOSIGNAL)) < 0
		       ? -1
		       : 0;
}

static int write_all(struct forwarder *fw, nsec_t now, struct err *err)
{
	struct observation o;

	if (fw->ops->end(fw->engine, now, err))
		return -1;
	note_losses(fw, now);
	if (lag_close_window(&fw->lag, &o))
		record(fw, &o);
	o = lag_worst(&fw->lag, now);
	record(fw, &o);
	if (pcapng_close(fw->pcapng, err) ||
	    outfile_sync(&fw->observations, OBSERVATIONS_FILE, err))
		return -1;
	return 0;
}

enum control { CONTROL_NOTHING, CONTROL_END, CONTROL_GONE, CONTROL_FAILED };

static enum control read_control(struct forwarder *fw)
{
	struct forwarder_msg msg;

	if (atomic_load(&fw->config->shared->n_commands) == fw->n_commands && !fw->control_woke)
		return CONTROL_NOTHING;
	fw->control_woke = false;
	ssize_t n = recv(fw->config->control_fd, &msg, sizeof(msg), MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return CONTROL_NOTHING;
	if (n < (ssize_t)sizeof(msg))
		return CONTROL_GONE;
	fw->n_commands++;
	if (msg.command == FORWARDER_END)
		return CONTROL_END;
	if (msg.command == FORWARDER_START)
		fw->ops->start(fw->engine, msg.t0);
	return CONTROL_NOTHING;
}

/* Sleeps until there is something to do. */
static int wait_for_work(struct forwarder *fw, struct err *err)
{
	struct epoll_event events[WAKE_N];
	int n = epoll_wait(fw->epoll_fd, events, WAKE_N, -1);

	if (n < 0 && errno != EINTR)
		return err_errno(err, "epoll_wait");
	for (int i = 0; i < n; i++) {
		/* To set the timer again makes it quiet; the round looks at the clock itself. */
		if (events[i].data.u32 == WAKE_TIMER)
			fw->timer_at = NSEC_UNSET;
		fw->control_woke |= events[i].data.u32 == WAKE_CONTROL;
	}
	return 0;
}

static enum control do_round(struct forwarder *fw, nsec_t now, struct err *err)
{
	nsec_t step = ring_sync_clock(fw->ring);
	enum control control = read_control(fw);
	nsec_t due = fw->ops->next(fw->engine);

	fw->now = now;
	if (step) {
		struct observation o = lag_observation(EV_CLOCK_STEP, now, step, 0);

		record(fw, &o);
	}
	if (due <= now)
		note_lag(fw, now, now - due);
	take_frames(fw, now);
	if (fw->ops->advance(fw->engine, now, err))
		return CONTROL_FAILED;
	send_and_release(fw);
	if (ring_may_have_lost(fw->ring))
		note_losses(fw, now);
	/* What it sent may have left so much later, and no frame that waited may tell of it. */
	nsec_t took = nsec_monotonic() - now;
	if (took > LAG_TOLD_MIN)
		note_lag(fw, now + took, took);
	return control;
}

/* Until END or end of file; -1: something failed. */
static int loop(struct forwarder *fw, struct err *err)
{
	for (int busy = 0;; busy++) {
		struct ring_frame f;

		if (busy == BUSY_ROUNDS || !ring_peek(fw->ring, &f)) {
			if (set_timer(fw, err) || wait_for_work(fw, err))
				return -1;
			busy = 0;
		}

		nsec_t now = nsec_monotonic();
		enum control control = do_round(fw, now, err);
		if (control == CONTROL_GONE)
			return 0;
		if (control == CONTROL_FAILED || check_sinks(fw, err))
			return -1;
		if (control == CONTROL_END) {
			if (write_all(fw, now, err))
				return -1;
			if (send_msg(fw, FORWARDER_DONE, &fw->host_err))
				return err_errno(err, "say that it is done");
			return 0;
		}
	}
}

/* -- setting up ------------------------------------------------------------------------------ */

static int watch(struct forwarder *fw, int fd, enum wake wake, struct err *err)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u32 = wake};

	if (epoll_ctl(fw->epoll_fd, EPOLL_CTL_ADD, fd, &e))
		return err_errno(err, "epoll_ctl");
	return 0;
}

/* The kernel numbers interfaces densely from 1, so a plain array does. */
static int map_ifindices(struct forwarder *fw, struct err *err)
{
	const int *ifindex = fw->config->port_ifindex, *inner = fw->config->inner_ifindex;
	size_t n_hosts = fw->config->plan->hosts.n;

	for (size_t i = 0; i < n_hosts; i++) {
		if (ifindex[i] >= fw->n_ifindices)
			fw->n_ifindices = ifindex[i] + 1;
		if (inner && inner[i] >= fw->n_ifindices)
			fw->n_ifindices = inner[i] + 1;
	}
	fw->host_of_ifindex = malloc(((size_t)fw->n_ifindices + 1) * sizeof(int));
	if (!fw->host_of_ifindex)
		return err_set(err, "out of memory");
	for (int i = 0; i < fw->n_ifindices; i++)
		fw->host_of_ifindex[i] = -1;
	for (size_t i = 0; i < n_hosts; i++) {
		fw->host_of_ifindex[ifindex[i]] = (int)i;
		if (inner)
			fw->host_of_ifindex[inner[i]] = (int)i;
	}
	return 0;
}

static int set_up_files(struct forwarder *fw, struct err *err)
{
	/* Once, so that the capture's times do not jump when the clock is set. */
	nsec_t epoch = nsec_clock(CLOCK_REALTIME) - nsec_monotonic();

	fw->pcapng = pcapng_new(fw->config->pcapng_fd, fw->config->plan, epoch);
	if (!fw->pcapng || outfile_init(&fw->observations, fw->config->observations_fd))
		return err_set(err, "out of memory");
	return 0;
}

static int set_up(struct forwarder *fw, struct err *err)
{
	const struct wire_sinks sinks = {fw, emit, record, capture, set_carrier};

	prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NSEC);
	fw->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	fw->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fw->epoll_fd < 0 || fw->timer_fd < 0)
		return err_errno(err, "epoll and timer");
	if (map_ifindices(fw, err) || set_up_files(fw, err))
		return -1;
	fw->engine = fw->ops->new (fw->config, &sinks, err);
	fw->carrier = fw->engine ? carrier_open(err) : NULL;
	fw->ring = fw->carrier ? fw->ops->open_ring(fw->config, err) : NULL;
	if (!fw->ring)
		return -1;
	for (int i = 0; ring_fd(fw->ring, i) >= 0; i++)
		if (watch(fw, ring_fd(fw->ring, i), WAKE_RING, err))
			return -1;
	if (watch(fw, fw->timer_fd, WAKE_TIMER, err) ||
	    watch(fw, fw->config->control_fd, WAKE_CONTROL, err))
		return -1;
	return 0;
}

static void tear_down(struct forwarder *fw)
{
	ring_close(fw->ring);
	carrier_close(fw->carrier);
	fw->ops->free(fw->engine);
	pcapng_free(fw->pcapng);
	outfile_free(&fw->observations);
	free(fw->host_of_ifindex);
	cleanup_close(&fw->epoll_fd);
	cleanup_close(&fw->timer_fd);
}

static int come_up(struct forwarder *fw, struct err *err)
{
	if (set_up(fw, err))
		return -1;
	return send_msg(fw, FORWARDER_UP, NULL) ? err_errno(err, "say that it is up") : 0;
}

int forwarder_run_engine(const struct forwarder_config *config, const struct engine_ops *engine)
{
	struct forwarder fw = {
		.config = config,
		.ops = engine,
		.hosts = config->shared->host,
		.epoll_fd = -1,
		.timer_fd = -1,
		.timer_at = NSEC_NEVER,
	};
	struct err err = {0};
	int status = EXIT_SUCCESS;

	if (come_up(&fw, &err) || loop(&fw, &err)) {
		send_msg(&fw, FORWARDER_FAILED, &err);
		status = EXIT_FAILURE;
	}
	tear_down(&fw);
	return status;
}
