/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "accounting.h"
#include "host.h"
#include "log.h"
#include "manager.h"
#include "pin.h"
#include "publish.h"
#include "worker.h"

/* Records that wait for the journal: a minute of finals in a storm, and no more than some megabytes. */
#define WORKER_JOBS_MAX 4096
/* How long an exit waits for them: a stuck journal must not hold up a shutdown. */
#define WORKER_STOP_USEC (5 * USEC_PER_SEC)

/* How long directories are scanned before events get their turn. */
#define SCAN_SLICE_USEC (5 * USEC_PER_MSEC)
/* While a large tree is attached to, systemd is told at least so often that it goes on, and for how long. */
#define EXTEND_TIMEOUT_USEC       (30 * USEC_PER_SEC)
#define EXTEND_TIMEOUT_EVERY_USEC (5 * USEC_PER_SEC)

/* The tree comes before all else in the loop, so that a new cgroup is attached to before its first packet; but a
 * storm of events may hold the rest up for no longer than this. */
#define STARVATION_USEC (200 * USEC_PER_MSEC)
enum {
        PRIORITY_SIGNAL = SD_EVENT_PRIORITY_IMPORTANT - 20, /* rare, and only sets what to do */
        PRIORITY_TREE = SD_EVENT_PRIORITY_IMPORTANT,
        PRIORITY_SCAN = SD_EVENT_PRIORITY_NORMAL,
        PRIORITY_TIMER = SD_EVENT_PRIORITY_NORMAL,
};

struct Manager {
        Config *config;
        ManagerLoadConfig load_config;

        char *cgroup_root;
        int cgroup_root_fd;
        int pin_lock_fd, pin_dir_fd;

        sd_event *event;
        sd_event_source *tree_source, *scan_source, *status_source, *journal_source;
        Worker *worker;
        Publisher *publisher;
        Accounting *accounting;

        bool ready;
        usec_t extended_usec; /* CLOCK_MONOTONIC: when systemd was told last to wait on */
        usec_t starved_since_usec; /* CLOCK_MONOTONIC: since when the tree alone has run; 0: it has not */
        char status[STATUS_MAX];
};

static Troubles manager_troubles(Manager *m) {
        Troubles t = accounting_troubles(m->accounting);

        t.n_lost_records = worker_n_dropped(m->worker);
        return t;
}

/* Without systemd to ask for the status, it is a line on the terminal. */
static void manager_send_status(Manager *m) {
        Counters total = accounting_total(m->accounting);
        Troubles troubles = manager_troubles(m);
        char status[STATUS_MAX];

        publish_format_status(accounting_n_attached(m->accounting), &total, &troubles, status);
        if (strcmp(status, m->status) == 0)
                return;

        (void) memcpy(m->status, status, sizeof(status));
        if (sd_notifyf(false, "STATUS=%s", status) == 0 && !log_is_journal())
                log_info("%s", status);
}

static void manager_set_tree_first(Manager *m, bool first) {
        /* Fails for no reason that could be met here: the source exists, and the loop has not ended. */
        (void) sd_event_source_set_priority(m->tree_source, first ? PRIORITY_TREE : PRIORITY_TIMER);
        if (first)
                m->starved_since_usec = 0;
}

static void manager_enable_scan(Manager *m) {
        if (cgroup_tree_scan_pending(accounting_tree(m->accounting)))
                (void) sd_event_source_set_enabled(m->scan_source, SD_EVENT_ON); /* as above */
}

static int on_tree(sd_event_source *s, int fd, uint32_t revents, void *userdata) {
        Manager *m = userdata;
        usec_t now = now_usec(CLOCK_MONOTONIC);
        int r;

        (void) s;
        (void) fd;
        (void) revents;

        r = cgroup_tree_dispatch(accounting_tree(m->accounting));
        if (r < 0)
                log_warning_errno(r, "Cannot follow the cgroup tree for now, looking again");

        manager_enable_scan(m);

        if (m->starved_since_usec == 0)
                m->starved_since_usec = now;
        else if (now - m->starved_since_usec > STARVATION_USEC)
                manager_set_tree_first(m, false);

        return 0;
}

static void manager_say_ready(Manager *m) {
        CgroupTreeStats stats = cgroup_tree_stats(accounting_tree(m->accounting));

        m->ready = true;
        log_info("Accounting %zu cgroup%s below %s.", stats.n_cgroups, stats.n_cgroups == 1 ? "" : "s",
                        m->cgroup_root);
        manager_send_status(m);
        (void) sd_notify(false, "READY=1"); /* nobody to tell is fine */
}

static void manager_extend_timeout(Manager *m) {
        usec_t now = now_usec(CLOCK_MONOTONIC);

        if (now - m->extended_usec < EXTEND_TIMEOUT_EVERY_USEC)
                return;

        m->extended_usec = now;
        (void) sd_notifyf(false, "EXTEND_TIMEOUT_USEC=%" PRIu64, EXTEND_TIMEOUT_USEC); /* as above */
}

static int on_scan(sd_event_source *s, void *userdata) {
        Manager *m = userdata;
        int r;

        manager_set_tree_first(m, true);

        r = cgroup_tree_scan(accounting_tree(m->accounting), SCAN_SLICE_USEC);
        if (r < 0)
                log_warning_errno(r, "Cannot scan the cgroup tree for now, trying again at intervals");

        if (r > 0) {
                if (!m->ready)
                        manager_extend_timeout(m);
                return 0;
        }

        if (!m->ready && r == 0)
                manager_say_ready(m);

        return sd_event_source_set_enabled(s, SD_EVENT_OFF);
}

/* The next whole multiple of the interval by the wall clock. */
static usec_t next_multiple(usec_t now, usec_t interval) {
        return interval == USEC_INFINITY ? USEC_INFINITY : (now / interval + 1) * interval;
}

static int manager_arm_journal(Manager *m) {
        usec_t interval = m->config->journal_interval_usec;
        int r;

        r = sd_event_source_set_time(m->journal_source, next_multiple(now_usec(CLOCK_REALTIME), interval));
        if (r < 0)
                return r;

        return sd_event_source_set_enabled(
                        m->journal_source, interval == USEC_INFINITY ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

/* A clock that was set back would keep the journal's timer waiting until it has caught up. */
static int manager_check_clock(Manager *m) {
        usec_t next, interval = m->config->journal_interval_usec;
        int r;

        if (interval == USEC_INFINITY)
                return 0;

        r = sd_event_source_get_time(m->journal_source, &next);
        if (r < 0 || next <= next_multiple(now_usec(CLOCK_REALTIME), interval))
                return r;

        return manager_arm_journal(m);
}

static int manager_arm_status(Manager *m) {
        int r;

        r = sd_event_source_set_time_relative(m->status_source, m->config->status_interval_usec);
        if (r < 0)
                return r;

        return sd_event_source_set_enabled(m->status_source, SD_EVENT_ONESHOT);
}

static int on_status(sd_event_source *s, uint64_t usec, void *userdata) {
        Manager *m = userdata;
        int r;

        (void) s;
        (void) usec;

        manager_set_tree_first(m, true);
        accounting_tick(m->accounting);
        manager_enable_scan(m);
        if (m->ready)
                manager_send_status(m);

        r = manager_check_clock(m);
        if (r < 0)
                return r;

        return manager_arm_status(m);
}

static void manager_publish(Manager *m) {
        _cleanup_(snapshot_freep) Snapshot *snapshot = NULL;
        Troubles troubles = manager_troubles(m);

        accounting_read_all(m->accounting);
        if (ledger_snapshot(accounting_ledger(m->accounting), &snapshot) < 0) {
                (void) log_oom();
                return;
        }

        publish_traffic(m->publisher, snapshot, &troubles, now_usec(CLOCK_REALTIME));
        manager_send_status(m);
}

static int on_journal(sd_event_source *s, uint64_t usec, void *userdata) {
        Manager *m = userdata;

        (void) s;
        (void) usec;

        manager_set_tree_first(m, true);
        manager_publish(m);
        return manager_arm_journal(m);
}

static bool path_differs(const char *a, const char *b) {
        return strcmp(a ?: "", b ?: "") != 0;
}

static void manager_warn_unchanged(const Config *old, const Config *new) {
        if (path_differs(old->cgroup_root, new->cgroup_root))
                log_warning("CgroupRoot= cannot change while the daemon runs: restart it for the new value.");
        if (path_differs(old->pin_directory, new->pin_directory))
                log_warning("PinDirectory= cannot change while the daemon runs: restart it for the new value.");
}

static int manager_apply(Manager *m, Config *config) {
        Config *old = m->config;
        int r;

        manager_warn_unchanged(old, config);

        m->config = config;
        log_set_level(config->log_level);
        publisher_set_config(m->publisher, config);
        r = accounting_set_config(m->accounting, config);
        config_free(old);
        if (r < 0)
                return r;

        manager_enable_scan(m);
        r = manager_arm_journal(m);
        return r < 0 ? r : manager_arm_status(m);
}

/* SIGHUP: Type=notify with RELOADING=1 works before systemd 253, too, which Type=notify-reload needs. */
static int on_sighup(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        Manager *m = userdata;
        Config *config;
        int r;

        (void) s;
        (void) si;

        (void) sd_notifyf(false, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now_usec(CLOCK_MONOTONIC));
        log_info("Reloading the configuration.");

        r = m->load_config(&config);
        if (r >= 0)
                r = manager_apply(m, config);
        if (r < 0)
                log_error_errno(r, "Cannot reload the configuration");
        else
                log_info("The configuration was reloaded.");

        (void) sd_notify(false, "READY=1"); /* nobody to tell is fine */
        return 0;
}

static int on_stop(sd_event_source *s, const struct signalfd_siginfo *si, void *userdata) {
        Manager *m = userdata;

        (void) s;
        (void) si;

        return sd_event_exit(m->event, 0);
}

/* Everything is read and told once more, then nothing of ours stays in the kernel. */
static void manager_stop(Manager *m) {
        unsigned removed, foreign;
        int r;

        (void) sd_notify(false,
                        "STOPPING=1\nSTATUS=Detaching from all cgroups."); /* nobody to tell is fine */

        manager_publish(m);

        r = pin_remove_all(m->pin_dir_fd, &removed, &foreign);
        if (r < 0)
                log_error_errno(r, "Cannot remove the pins in %s", m->config->pin_directory);
        else
                log_info("Detached from %zu cgroups.", accounting_n_attached(m->accounting));
}

static int manager_add_signals(Manager *m) {
        static const struct {
                int signal;
                sd_event_signal_handler_t handler;
        } signals[] = {
                        {SIGHUP, on_sighup},
                        {SIGTERM, on_stop},
                        {SIGINT, on_stop},
        };

        for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
                sd_event_source *s;
                int r;

                r = sd_event_add_signal(m->event, &s, signals[i].signal, signals[i].handler, m);
                if (r < 0)
                        return r;

                (void) sd_event_source_set_priority(s, PRIORITY_SIGNAL); /* cannot fail for a new source */
                (void) sd_event_source_set_floating(s, true); /* likewise */
                (void) sd_event_source_unref(s); /* the loop has it */
        }

        return 0;
}

static int manager_add_sources(Manager *m) {
        int r;

        r = sd_event_add_io(m->event, &m->tree_source, cgroup_tree_fd(accounting_tree(m->accounting)),
                        EPOLLIN, on_tree, m);
        if (r < 0)
                return r;
        manager_set_tree_first(m, true);

        r = sd_event_add_defer(m->event, &m->scan_source, on_scan, m);
        if (r < 0)
                return r;
        (void) sd_event_source_set_priority(
                        m->scan_source, PRIORITY_SCAN); /* cannot fail for a new source */

        r = sd_event_source_set_enabled(m->scan_source, SD_EVENT_ON);
        if (r < 0)
                return r;

        r = sd_event_add_time_relative(m->event, &m->status_source, CLOCK_BOOTTIME,
                        m->config->status_interval_usec, 0, on_status, m);
        if (r < 0)
                return r;

        r = sd_event_add_time(m->event, &m->journal_source, CLOCK_REALTIME, USEC_INFINITY, 0, on_journal, m);
        return r < 0 ? r : manager_arm_journal(m);
}

static int log_pin_error(const char *directory, int r) {
        switch (r) {
        case PIN_NOT_BPFFS:
                log_error("%s is not on a BPF file system: mount one (mount -t bpf bpf /sys/fs/bpf), or name "
                          "another folder with PinDirectory= or --pin-dir=.",
                                directory);
                return -ENODEV;
        case PIN_BUSY:
                log_error("Another instance of cgacctd runs with the folder of pins %s: stop it, or name another "
                          "folder with PinDirectory= or --pin-dir=.",
                                directory);
                return -ENODEV;
        case PIN_UNSAFE:
                log_error("The folder of pins %s belongs to, or can be written by, others: remove it, or name "
                          "another folder with PinDirectory= or --pin-dir=.",
                                directory);
                return -ENODEV;
        case -ENOENT:
                log_error("The folder of pins %s cannot be made, as the one above it does not exist: name another "
                          "with PinDirectory= or --pin-dir=.",
                                directory);
                return -ENODEV;
        default:
                return log_error_errno(r, "Cannot open the folder of pins %s", directory);
        }
}

static int manager_open_pins(Manager *m) {
        const char *directory = m->config->pin_directory;
        unsigned removed, foreign;
        int r;

        r = pin_open_folder(directory, &m->pin_lock_fd, &m->pin_dir_fd);
        if (r != 0)
                return log_pin_error(directory, r);

        r = pin_remove_all(m->pin_dir_fd, &removed, &foreign);
        if (r < 0)
                return log_error_errno(r, "Cannot read the folder of pins %s", directory);
        if (removed > 0)
                log_notice("Removed %u pins that an earlier run left in %s.", removed, directory);
        if (foreign > 0)
                log_warning("%u files in %s are not cgacctd's, left alone.", foreign, directory);

        return 0;
}

static int manager_check_host(Manager *m) {
        const char *missing;
        int r;

        r = host_check_capabilities(&missing);
        if (r == HOST_NO_CAPABILITY) {
                log_error("Missing capability %s: run cgacctd as root, or as the service that comes with it.",
                                missing);
                return -EPERM;
        }
        if (r < 0)
                return log_error_errno(r, "Cannot read the capabilities of the process");

        if (host_can_read_all() == 0)
                log_warning("Missing capability CAP_DAC_READ_SEARCH: cgroups below directories that their owner "
                            "closed to others are found late or not at all.");

        r = host_open_cgroup_root(m->config->cgroup_root, &m->cgroup_root, &m->cgroup_root_fd);
        if (r == HOST_NO_CGROUP2) {
                log_error("%s is not a cgroup2 file system: boot with systemd.unified_cgroup_hierarchy=1, or mount "
                          "one (mount -t cgroup2 none DIRECTORY) and name it with CgroupRoot= or --cgroup-root=.",
                                m->config->cgroup_root ?: "/sys/fs/cgroup");
                return -ENODEV;
        }
        if (r < 0) {
                log_error_errno(r, "Cannot open the cgroup root %s",
                                m->config->cgroup_root ?: "/sys/fs/cgroup");
                return -ENODEV;
        }

        return 0;
}

static int manager_make_stages(Manager *m) {
        AccountingContext context;
        int r;

        r = worker_new(WORKER_JOBS_MAX, &m->worker);
        if (r < 0)
                return log_error_errno(r, "Cannot start the worker");
        log_set_worker(m->worker);

        r = publisher_new(&m->publisher);
        if (r < 0)
                return log_error_errno(r, "Cannot make the publisher");
        publisher_set_config(m->publisher, m->config);

        context = (AccountingContext){
                        .event = m->event,
                        .publisher = m->publisher,
                        .cgroup_root_fd = m->cgroup_root_fd,
                        .pin_dir_fd = m->pin_dir_fd,
        };
        return accounting_new(&context, m->config, &m->accounting);
}

static int manager_start(Manager *m) {
        int r;

        r = sd_event_default(&m->event);
        if (r < 0)
                return log_error_errno(r, "Cannot make the event loop");

        r = manager_make_stages(m);
        if (r < 0)
                return r;

        r = manager_add_signals(m);
        if (r >= 0)
                r = manager_add_sources(m);
        if (r >= 0)
                r = sd_event_set_watchdog(m->event, true);
        if (r < 0)
                return log_error_errno(r, "Cannot set up the event loop");

        return 0;
}

int manager_new(Config *config, ManagerLoadConfig load_config, Manager **ret) {
        _cleanup_(manager_freep) Manager *m = NULL;
        unsigned removed, foreign;
        int r;

        assert(config);
        assert(load_config);
        assert(ret);

        m = calloc(1, sizeof(Manager));
        if (!m) {
                config_free(config);
                return log_oom();
        }

        *m = (Manager){
                        .config = config,
                        .load_config = load_config,
                        .cgroup_root_fd = -1,
                        .pin_lock_fd = -1,
                        .pin_dir_fd = -1,
        };

        r = manager_check_host(m);
        if (r < 0)
                return r;

        r = manager_open_pins(m);
        if (r < 0)
                return r;

        r = manager_start(m);
        if (r < 0) {
                (void) pin_remove_all(
                                m->pin_dir_fd, &removed, &foreign); /* the error that counts is the first */
                return r;
        }

        *ret = TAKE_PTR(m);
        return 0;
}

Manager *manager_free(Manager *m) {
        if (!m)
                return NULL;

        accounting_free(m->accounting);
        publisher_free(m->publisher);
        sd_event_source_unref(m->tree_source);
        sd_event_source_unref(m->scan_source);
        sd_event_source_unref(m->status_source);
        sd_event_source_unref(m->journal_source);
        sd_event_unref(m->event);
        log_set_worker(NULL);
        worker_stop(m->worker, WORKER_STOP_USEC);
        safe_close(m->pin_dir_fd);
        safe_close(m->pin_lock_fd);
        safe_close(m->cgroup_root_fd);
        free(m->cgroup_root);
        config_free(m->config);
        free(m);
        return NULL;
}

int manager_run(Manager *m) {
        int r;

        assert(m);

        r = cgroup_tree_start(accounting_tree(m->accounting));
        if (r < 0)
                return log_error_errno(r, "Cannot start to follow the cgroup tree");

        r = sd_event_loop(m->event);
        if (r < 0)
                log_error_errno(r, "The event loop failed");

        manager_stop(m);
        return r;
}
