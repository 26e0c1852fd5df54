/* Writes a synthetic history of registers and compare-and-set counters, for benchmarks of the
 * checker.
 *
 *   s3p_genhist [-n ATTEMPTS] [-k KEYS] [-c IN-FLIGHT-PER-KEY] [-g KEYS-AT-A-TIME] [-s SEED] [-u
 * UNKNOWN] [-p stale|split] FILE
 *
 * Every operation takes effect at a random point inside its interval; points in the order of the
 * calls would make any checker look fast. Even keys are plain registers (40 % PUT, 60 % GET), odd
 * ones counters (GET, then PUT If-Match). ETags are not MD5s, and the profile in the header says
 * so. -u: one in so many writes is left without an answer (default 1,000; it lands late or never).
 * -p plants one violation past the middle. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/random.h"
#include "history/writer.h"
#include "s3/body.h"
#include "s3/op.h"
#include "s3/outcome.h"

#define RUN UINT64_C(0x5e11f00dcafe)

struct options {
    uint64_t attempts, keys, seed, unknown;
    uint32_t per_key, groups;
    const char *plant, *path;
};

struct value {
    struct s3p_id id;
    s3p_etag_bytes etag;
    int64_t acked; /* INT64_MAX: not yet */
};

struct key {
    struct value now, acked,
        stale; /* current; acknowledged last; overwritten by a write that has returned */
    bool present;
    uint64_t left; /* operations to start */
};

enum stage { CALL, POINT, RETURN };
struct client {
    int64_t at; /* of the next stage */
    enum stage stage;
    uint64_t key, counter, seq;
    struct s3p_attempt r;
    struct value wrote, before; /* being written; acknowledged last when it was called */
    struct value seen;
    uint64_t seen_key;
    bool lands, has_seen;
};

struct gen {
    struct options o;
    struct s3p_rng rng;
    struct key *key;
    struct client *client;
    uint32_t *heap, clients;
    uint64_t next_key, written;
    uint64_t *group_key;
    struct s3p_appender *out;
    bool planted;
};

static void sink(struct gen *g, uint32_t i)
{
    for (;;) {
        uint32_t l = 2 * i + 1, least = i;
        for (uint32_t c = l; c < l + 2 && c < g->clients; c++)
            if (g->client[g->heap[c]].at < g->client[g->heap[least]].at)
                least = c;
        if (least == i)
            return;
        uint32_t t = g->heap[i];
        g->heap[i] = g->heap[least];
        g->heap[least] = t;
        i = least;
    }
}

static struct value new_value(struct gen *g, uint32_t client)
{
    struct value v = {s3p_id_make(RUN, client, ++g->client[client].counter), {{0}}, INT64_MAX};
    uint64_t h[2];
    memcpy(h, v.id.b, 16);
    h[0] = s3p_mix64(h[0] ^ s3p_mix64(h[1]));
    h[1] = s3p_mix64(h[0] + h[1]);
    memcpy(v.etag.b, h, 16);
    return v;
}

static bool counter_key(uint64_t key)
{
    return key & 1;
}

/* The next key of the client's group; false: nothing left to do. */
static bool take_key(struct gen *g, uint32_t client)
{
    uint64_t *at = &g->group_key[client / g->o.per_key];
    if (g->key[*at].left == 0) {
        if (g->next_key == g->o.keys)
            return false;
        *at = g->next_key++;
    }
    g->client[client].key = *at;
    g->key[*at].left--;
    return true;
}

static void call(struct gen *g, uint32_t n)
{
    struct client *c = &g->client[n];
    struct key *k = &g->key[c->key];
    struct s3p_attempt *r = &c->r;
    bool write =
        counter_key(c->key) ? c->has_seen && c->seen_key == c->key : s3p_rng_below(&g->rng, 5) < 2;
    int64_t span = 200000 + (int64_t)s3p_rng_below(&g->rng, 2000000);
    s3p_attempt_clear(r);
    r->t_call = c->at;
    r->t_sent = c->at + span / 8;
    r->t_first = c->at + span / 2;
    r->t_return = c->at + span;
    r->key_index = c->key;
    r->op_seq = ++c->seq;
    r->client = n;
    r->op = write ? S3P_OP_PUT : S3P_OP_GET;
    r->run_phase = 1;
    r->size = 1024;
    r->phase = 3;
    c->lands = true;
    c->at += (int64_t)s3p_rng_below(&g->rng, (uint64_t)span + 1);
    c->stage = POINT;
    if (!write)
        return;
    c->wrote = new_value(g, n);
    c->before = k->acked;
    r->body_id = r->meta_id = c->wrote.id;
    r->body_kind = S3P_KIND_CELLS;
    if (counter_key(c->key)) {
        bool create = s3p_id_none(c->seen.id);
        r->cond = create ? S3P_COND_IF_NONE_MATCH_ANY : S3P_COND_IF_MATCH;
        r->expect_form = create ? S3P_ETAG_NONE : S3P_ETAG_DIGEST;
        memcpy(r->expect_etag.b, c->seen.etag.b, 16);
        c->has_seen = false;
    }
    if (g->o.unknown != 0 && s3p_rng_below(&g->rng, g->o.unknown) == 0) {
        r->t_return = INT64_MAX;
        r->outcome = S3P_UNKNOWN;
        c->lands = s3p_rng_below(&g->rng, 2);
    }
}

static void point_read(struct gen *g, struct client *c)
{
    struct key *k = &g->key[c->key];
    struct s3p_attempt *r = &c->r;
    struct value seen = k->now;
    if (!g->planted && g->o.plant != NULL && strcmp(g->o.plant, "stale") == 0 &&
        g->written > g->o.attempts / 2 && !s3p_id_none(k->stale.id) && k->stale.acked < r->t_call &&
        !counter_key(c->key)) {
        seen = k->stale;
        g->planted = true;
    }
    c->seen = k->present ? seen : (struct value){0};
    c->seen_key = c->key;
    c->has_seen = true;
    r->status = k->present ? 200 : 404;
    r->outcome = k->present ? S3P_OK_OUTCOME : S3P_FAILED;
    r->evidence = k->present ? S3P_EV_VALUE : S3P_EV_ABSENT;
    r->body_verdict = k->present ? S3P_BODY_CLEAN : S3P_BODY_NONE;
    r->etag_form = k->present ? S3P_ETAG_DIGEST : S3P_ETAG_NONE;
    r->size = k->present ? 1024 : 0;
    r->body_id = r->meta_id = c->seen.id;
    memcpy(r->etag.b, c->seen.etag.b, 16);
}

static void point_write(struct gen *g, struct client *c)
{
    struct key *k = &g->key[c->key];
    struct s3p_attempt *r = &c->r;
    bool holds = r->cond == S3P_COND_NONE ||
                 (r->cond == S3P_COND_IF_NONE_MATCH_ANY && !k->present) ||
                 (r->cond == S3P_COND_IF_MATCH && k->present && s3p_id_eq(k->now.id, c->seen.id));
    if (!holds && !g->planted && g->o.plant != NULL && strcmp(g->o.plant, "split") == 0 &&
        g->written > g->o.attempts / 2 && r->outcome != S3P_UNKNOWN && r->cond == S3P_COND_IF_MATCH)
        holds = g->planted = true;
    if (holds && c->lands) {
        k->now = c->wrote;
        k->present = true;
    }
    if (r->outcome == S3P_UNKNOWN)
        return;
    r->status = holds ? 200 : 412;
    r->outcome = holds ? S3P_OK_OUTCOME : S3P_FAILED;
    r->evidence = holds                          ? S3P_EV_VALUE
                  : r->cond == S3P_COND_IF_MATCH ? S3P_EV_NOT_MATCH
                                                 : S3P_EV_PRESENT;
    r->etag_form = holds ? S3P_ETAG_DIGEST : S3P_ETAG_NONE;
    if (holds)
        memcpy(r->etag.b, c->wrote.etag.b, 16);
}

static void ret(struct gen *g, uint32_t n)
{
    struct client *c = &g->client[n];
    struct key *k = &g->key[c->key];
    s3p_append_begin(g->out, 0, 0);
    s3p_append(g->out, &c->r);
    g->written++;
    if (c->r.op == S3P_OP_PUT && c->r.outcome == S3P_OK_OUTCOME) {
        k->stale = c->before;
        k->stale.acked = c->at;
        k->acked = c->wrote;
    }
    if (take_key(g, n))
        c->at += (int64_t)s3p_rng_below(&g->rng, 200000);
    else
        c->at = INT64_MAX;
    c->stage = CALL;
}

static void step(struct gen *g)
{
    uint32_t n = g->heap[0];
    struct client *c = &g->client[n];
    if (c->stage == CALL) {
        call(g, n);
    } else if (c->stage == POINT) {
        if (c->r.op == S3P_OP_PUT)
            point_write(g, c);
        else
            point_read(g, c);
        c->at = c->r.t_return == INT64_MAX ? c->at + 1000000 : c->r.t_return;
        c->stage = RETURN;
    } else {
        ret(g, n);
    }
    sink(g, 0);
}

static int generate(struct gen *g, struct s3p_err *err)
{
    char header[1024];
    int len = snprintf(header, sizeof header,
                       "{\"format\":1,\"run\":\"%012" PRIx64 "\",\"seed\":%" PRIu64
                       ",\"plan\":{\"name\":\"synthetic\",\"seed\":%" PRIu64
                       ",\"buckets\":[\"main\"],\"require\":{\"keys\":{\"acked_writes\":1,"
                       "\"reads\":1}}},\"profile\":{"
                       "\"name\":\"synthetic\",\"etag_is_md5\":\"unsupported\"},\"endpoints\":["
                       "\"http://127.0.0.1:9000\"],"
                       "\"buckets\":[{\"role\":\"main\",\"name\":\"synthetic-main-000000000000\"}],"
                       "\"spaces\":[{\"name\":\"keys\","
                       "\"bucket\":0,\"kind\":\"sequence\",\"prefix\":\"keys/\",\"count\":%" PRIu64
                       "}],\"groups\":[\"clients\"],"
                       "\"clock\":{\"mono_ns\":1000000000,\"wall_ns\":1700000000000000000},"
                       "\"runner\":\"synthetic\"}",
                       RUN, g->o.seed, g->o.seed, g->o.keys);
    struct s3p_history *h = NULL;
    S3P_TRY(s3p_history_create(&h, g->o.path, header, (size_t)len, 1, err));
    g->out = s3p_history_appender(h, 0);
    for (uint32_t n = 0; n < g->clients; n++) {
        g->client[n].at = take_key(g, n)
                              ? INT64_C(1000000000) + (int64_t)s3p_rng_below(&g->rng, 1000000)
                              : INT64_MAX;
        g->heap[n] = n;
    }
    for (uint32_t i = g->clients; i-- > 0;)
        sink(g, i);
    while (g->client[g->heap[0]].at != INT64_MAX)
        step(g);
    return s3p_history_close(h, true, err);
}

static bool parse(struct options *o, int argc, char **argv)
{
    int opt;
    *o = (struct options){
        .attempts = 1000000, .keys = 0, .seed = 1, .unknown = 1000, .per_key = 8, .groups = 32};
    while ((opt = getopt(argc, argv, "n:k:c:g:s:u:p:")) != -1) {
        uint64_t v = optarg != NULL ? strtoull(optarg, NULL, 10) : 0;
        if (opt == 'n')
            o->attempts = v;
        else if (opt == 'k')
            o->keys = v;
        else if (opt == 'c')
            o->per_key = (uint32_t)v;
        else if (opt == 'g')
            o->groups = (uint32_t)v;
        else if (opt == 's')
            o->seed = v;
        else if (opt == 'u')
            o->unknown = v;
        else if (opt == 'p')
            o->plant = optarg;
        else
            return false;
    }
    if (o->keys == 0)
        o->keys = o->attempts / 200 + 1;
    o->groups = o->groups > o->keys ? (uint32_t)o->keys : o->groups;
    o->path = argv[optind];
    return optind + 1 == argc && o->attempts > 0 && o->per_key > 0 && o->groups > 0 &&
           o->per_key * (uint64_t)o->groups < 1 << 20;
}

int main(int argc, char **argv)
{
    struct gen g = {0};
    struct s3p_err err = {0};
    if (!parse(&g.o, argc, argv)) {
        fprintf(stderr, "usage: s3p_genhist [-n ATTEMPTS] [-k KEYS] [-c IN-FLIGHT-PER-KEY] [-g "
                        "KEYS-AT-A-TIME] [-s SEED] "
                        "[-u UNKNOWN] [-p stale|split] FILE\n");
        return 2;
    }
    g.rng.seed = g.o.seed;
    g.clients = g.o.per_key * g.o.groups;
    g.key = s3p_calloc(g.o.keys, sizeof *g.key);
    g.client = s3p_calloc(g.clients, sizeof *g.client);
    g.heap = s3p_calloc(g.clients, sizeof *g.heap);
    g.group_key = s3p_calloc(g.o.groups, sizeof *g.group_key);
    if (g.key == NULL || g.client == NULL || g.heap == NULL || g.group_key == NULL)
        return 2;
    for (uint64_t k = 0; k < g.o.keys; k++)
        g.key[k].left = g.o.attempts / g.o.keys + (k < g.o.attempts % g.o.keys);
    for (uint32_t i = 0; i < g.o.groups; i++)
        g.group_key[i] = g.next_key++;
    int rc = generate(&g, &err);
    if (rc != 0)
        fprintf(stderr, "s3p_genhist: %s\n", err.msg);
    else
        printf("{\"attempts\":%" PRIu64 ",\"keys\":%" PRIu64 ",\"planted\":%s}\n", g.written,
               g.o.keys, g.planted ? "true" : "false");
    s3p_free(g.key);
    s3p_free(g.client);
    s3p_free(g.heap);
    s3p_free(g.group_key);
    return rc != 0 ? 2 : 0;
}
