/* A scripted S3 store in this process: a thread a connection, objects in memory, path addressing,
 * no signatures checked. It answers rightly unless a rule says otherwise; rules are matched by
 * operation and by its running number. */
#ifndef S3P_TESTS_ENGINE_FAKE_H
#define S3P_TESTS_ENGINE_FAKE_H

#include <jansson.h>
#include <pthread.h>
#include <sys/types.h>

#include "engine/engine.h"
#include "history/reader.h"

enum fake_action {
    FAKE_ANSWER,    /* the rule's status and code; nothing is carried out */
    FAKE_DO_ANSWER, /* the same after it was carried out */
    FAKE_CLOSE,     /* no answer, connection closed; nothing is carried out */
    FAKE_DO_CLOSE,  /* the same after it was carried out */
    FAKE_STALL,     /* no answer, connection stays open */
    FAKE_SLOW,      /* carried out and answered rightly after `status` ms */
};
struct fake_rule {
    const char *op;  /* plan's name of the operation; NULL ends the list */
    int first, last; /* numbers from 1; last 0: all from first on */
    enum fake_action action;
    int status;
    const char *code;
};

#define FAKE_OBJECTS 512
#define FAKE_CONNECTIONS 256
struct fake_object {
    char key[128], etag[48], id[40];
    char *body;
    size_t len;
};
struct fake {
    const struct fake_rule *rules;
    int fd, port;
    pthread_t acceptor, threads[FAKE_CONNECTIONS];
    int fds[FAKE_CONNECTIONS], nfds;
    bool stopping;
    bool bucket_there;
    struct fake_object objects[FAKE_OBJECTS];
    int nobjects;
    uint64_t writes;
    int counts[32]; /* by enum s3p_op */
    int in_flight, in_flight_max;
    int bad_hashes, signed_hashes;
    pthread_mutex_t mu; /* all of the above but `rules` */
};

void fake_start(struct fake *f, const struct fake_rule *rules);
void fake_stop(struct fake *f);
/* The same in a process of its own, where nobody counts allocations; only f->port is of use then.
 */
pid_t fake_fork(struct fake *f, const struct fake_rule *rules);
void fake_kill(pid_t pid);
int fake_count(struct fake *f, const char *op);

/* A run against the fake store. */
struct trial {
    struct s3p_engine *engine;
    char history[64]; /* path; "" without one */
    json_t *metrics;
    struct s3p_histfile *file;
};
/* Plans in tests are written with ' for ". Release with s3p_free. */
char *trial_json(const char *text);
void trial_create(struct trial *t, const struct fake *f, const char *plan, bool history);
void trial_start(struct trial *t);
/* waits, takes the metrics, opens the history */
void trial_finish(struct trial *t, int64_t wait_ns);
void trial_free(struct trial *t);
/* create, start, finish */
void trial_run(struct trial *t, const struct fake *f, const char *plan, bool history);

/* metrics.a.b as a number; fails the test when it is not there. Names are parted by '/'. */
double trial_number(const struct trial *t, const char *path);
const char *trial_text(const struct trial *t, const char *path);

uint64_t trial_records(const struct trial *t);
struct s3p_attempt trial_record(const struct trial *t, uint64_t i); /* in file order */
/* How many records have this operation and outcome (-1: any). */
int trial_count(const struct trial *t, const char *op, int outcome);

#endif
