#include "server/mutants.h"

#include <fnmatch.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/random.h"
#include "server/mutant_bodies.h"
#include "server/routes.h"
#include "server/versions.h"

#define IDS_MAX (64 * 1024 * 1024)

static uint64_t hash(uint64_t seed, struct s3p_str s)
{
    uint64_t h = s3p_mix64(seed + s.len);
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.p[i]) * UINT64_C(0x100000001b3);
    return s3p_mix64(h);
}

struct s3p_srv_key_state *s3p_srv_mutant_key(struct s3p_srv_mutants *m, uint64_t bucket,
                                             struct s3p_str key, bool make)
{
    struct s3p_srv_key_state **at = &m->keys[hash(bucket, key) % S3P_SRV_KEY_STATES], *k;
    for (k = *at; k != NULL; k = k->next)
        if (k->bucket == bucket && k->len == key.len && memcmp(k->key, key.p, key.len) == 0)
            return k;
    if (!make || (k = s3p_calloc(1, sizeof *k + key.len + 1)) == NULL)
        return NULL;
    k->bucket = bucket;
    k->wrong = k->wrong_next = k->gone = -1;
    k->len = key.len;
    if (key.len > 0)
        memcpy(k->key, key.p, key.len);
    k->next = *at;
    *at = k;
    return k;
}

static void drop_key(struct s3p_srv_key_state *k)
{
    while (k->versions != NULL) {
        struct s3p_srv_version *v = k->versions;
        k->versions = v->next;
        s3p_srv_mutant_forget(&v);
    }
    s3p_srv_mutant_forget(&k->uncommitted);
    s3p_free(k);
}

void s3p_srv_mutant_state_done(struct s3p_srv_mutants *m, struct s3p_srv_key_state *k)
{
    if (k->inflight > 0 || k->gaps > 0 || k->wrong >= 0 || k->wrong_next >= 0 ||
        k->versions != NULL || k->keep)
        return;
    struct s3p_srv_key_state **at =
        &m->keys[hash(k->bucket, (struct s3p_str){k->key, k->len}) % S3P_SRV_KEY_STATES];
    while (*at != k)
        at = &(*at)->next;
    *at = k->next;
    drop_key(k);
}

enum kind { FAULT, MODE, EITHER };

static int switch_on(struct s3p_srv_mutants *m, struct s3p_srv_mutant *list, unsigned *n,
                     enum kind kind, const char *text, size_t len, struct s3p_err *err)
{
    if (*n == S3P_SRV_MUTANTS_MAX)
        return s3p_fail(err, S3P_EINVAL, 0, "mutants: more than %d: expected fewer",
                        S3P_SRV_MUTANTS_MAX);
    struct s3p_srv_mutant *a = &list[(*n)++];
    memset(a, 0, sizeof *a);
    S3P_TRY(s3p_srv_mutant_parse(&a->spec, text, len, err));
    a->row = s3p_srv_mutant_row(a->spec.row);
    if (kind != EITHER && (kind == MODE) != (a->row->legal != NULL))
        return s3p_fail(err, S3P_EINVAL, 0, "%s: \"%s\": expected a %s, this is a %s",
                        kind == MODE ? "--mode" : "--mutant", a->row->name,
                        kind == MODE ? "mode" : "mutant", kind == MODE ? "mutant" : "mode");
    unsigned endpoints = m->srv->options.endpoints;
    if (a->spec.endpoint >= 0 && (unsigned)a->spec.endpoint >= endpoints)
        return s3p_fail(err, S3P_EINVAL, 0,
                        "mutant endpoint: \"%d\": expected one of the %u endpoints",
                        a->spec.endpoint, endpoints);
    return 0;
}

static void drop_pages(struct s3p_srv_mutants *m)
{
    for (unsigned i = 0; i < m->n_active; i++)
        s3p_buf_free(&m->active[i].page);
}

static void put_on(struct s3p_srv_mutants *m, const struct s3p_srv_mutant *list, unsigned n)
{
    pthread_mutex_lock(&m->mu);
    drop_pages(m);
    memcpy(m->active, list, n * sizeof *list);
    m->n_active = n;
    m->old_versions = false;
    for (unsigned i = 0; i < n; i++) {
        m->old_versions |= list[i].row->old_versions;
        m->counts[list[i].spec.row].used = true;
        m->counts[list[i].spec.row].legal = list[i].row->legal != NULL;
    }
    pthread_mutex_unlock(&m->mu);
}

/* Hooks of batches write, and so call other hooks. */
static void init_lock(pthread_mutex_t *mu)
{
    pthread_mutexattr_t recursive;
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(mu, &recursive);
    pthread_mutexattr_destroy(&recursive);
}

int s3p_srv_mutants_create(struct s3p_srv_mutants **out, struct s3p_srv *srv, struct s3p_err *err)
{
    struct s3p_srv_mutant list[S3P_SRV_MUTANTS_MAX];
    struct s3p_srv_mutants *m = s3p_calloc(1, sizeof *m);
    const struct s3p_srv_options *o = &srv->options;
    unsigned n = 0;
    if (m == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "no memory for the mutants");
    init_lock(&m->mu);
    s3p_buf_init(&m->ids, IDS_MAX);
    m->srv = srv;
    m->seed = o->seed;
    m->start_ns = s3p_now_ns();
    for (unsigned i = 0; i < S3P_SRV_UPLOAD_STATES; i++)
        m->upload[i].wrong = -1;
    for (unsigned i = 0; i < o->n_mutants + o->n_modes; i++) {
        bool mode = i >= o->n_mutants;
        const char *text = mode ? o->modes[i - o->n_mutants] : o->mutants[i];
        int rc = switch_on(m, list, &n, mode ? MODE : FAULT, text, strlen(text), err);
        if (rc < 0) {
            s3p_srv_mutants_free(m);
            return rc;
        }
    }
    put_on(m, list, n);
    *out = m;
    return 0;
}

void s3p_srv_mutants_free(struct s3p_srv_mutants *m)
{
    if (m == NULL)
        return;
    for (unsigned i = 0; i < S3P_SRV_KEY_STATES; i++)
        while (m->keys[i] != NULL) {
            struct s3p_srv_key_state *k = m->keys[i];
            m->keys[i] = k->next;
            drop_key(k);
        }
    s3p_srv_mutant_forget(&m->shown);
    drop_pages(m);
    s3p_buf_free(&m->page.made);
    s3p_buf_free(&m->ids);
    pthread_mutex_destroy(&m->mu);
    s3p_free(m);
}

int s3p_srv_mutants_switch(struct s3p_srv_mutants *m, const char *text, size_t len,
                           struct s3p_err *err)
{
    struct s3p_srv_mutant list[S3P_SRV_MUTANTS_MAX];
    unsigned n = 0;
    while (len > 0) {
        const char *end = memchr(text, '\n', len);
        size_t line = end != NULL ? (size_t)(end - text) : len;
        struct s3p_str spec = s3p_srv_trim((struct s3p_str){text, line});
        if (spec.len > 0)
            S3P_TRY(switch_on(m, list, &n, EITHER, spec.p, spec.len, err));
        size_t used = end != NULL ? line + 1 : line;
        text += used;
        len -= used;
    }
    put_on(m, list, n);
    return 0;
}

json_t *s3p_srv_mutants_altered(struct s3p_srv_mutants *m)
{
    const struct s3p_srv_mutant_row *row;
    json_t *names = json_object(), *modes = json_object(), *ids = json_array();
    pthread_mutex_lock(&m->mu);
    for (size_t i = 0; (row = s3p_srv_mutant_row(i)) != NULL; i++)
        if (m->counts[i].legal)
            json_object_set_new(modes, row->name,
                                json_pack("{s:I, s:b}", "fired", (json_int_t)m->counts[i].fired,
                                          "always", row->always));
        else if (m->counts[i].used)
            json_object_set_new(names, row->name,
                                json_pack("{s:I, s:I}", "fired", (json_int_t)m->counts[i].fired,
                                          "altered", (json_int_t)m->counts[i].altered));
    for (size_t at = 0; at + S3P_SRV_REQUEST_ID_BYTES <= m->ids.len; at += S3P_SRV_REQUEST_ID_BYTES)
        json_array_append_new(ids, json_stringn(m->ids.data + at, S3P_SRV_REQUEST_ID_BYTES));
    pthread_mutex_unlock(&m->mu);
    return json_pack("{s:o, s:o, s:o}", "mutants", names, "modes", modes, "request_ids", ids);
}

bool s3p_srv_mutant_fires(struct s3p_srv_mutants *m, struct s3p_srv_mutant *a,
                          const struct s3p_srv_req *req, const struct s3p_srv_key_state *k)
{
    const struct s3p_srv_mutant_spec *s = &a->spec;
    const char *verb = s3p_srv_verb(req->route->name);
    if (s->verb != NULL && (verb == NULL || strcmp(verb, s->verb) != 0))
        return false;
    if (s->endpoint >= 0 && (unsigned)s->endpoint != req->endpoint)
        return false;
    if (k == NULL || k->inflight < s->min_inflight ||
        (s->key[0] != 0 && fnmatch(s->key, k->key, 0) != 0))
        return false;
    if (s->after_ns > 0 && s3p_now_ns() - m->start_ns < s->after_ns)
        return false;
    uint64_t n = a->seen++;
    if ((n + 1) % s->every != 0)
        return false;
    struct s3p_rng draw = {m->seed, hash(0, (struct s3p_str){a->row->name, strlen(a->row->name)}),
                           n};
    if (s->p < 1.0 && s3p_rng_unit(&draw) >= s->p)
        return false;
    m->counts[s->row].fired++;
    return true;
}

void s3p_srv_mutant_altered(struct s3p_srv_mutants *m, unsigned row, const struct s3p_srv_req *req)
{
    if (m->counts[row].legal)
        return;
    m->counts[row].altered++;
    size_t n = S3P_SRV_REQUEST_ID_BYTES, len = m->ids.len;
    if (len < n || memcmp(m->ids.data + len - n, req->id, n) != 0)
        s3p_buf_add(&m->ids, req->id, n);
}

void s3p_srv_mutant_made_wrong(struct s3p_srv_mutants *m, const struct s3p_srv_mutant *a,
                               const struct s3p_srv_req *req, struct s3p_srv_key_state *k)
{
    k->wrong_next = (int)a->spec.row;
    s3p_srv_mutant_altered(m, a->spec.row, req);
}

bool s3p_srv_mutant_draws(const struct s3p_srv_mutants *m, const struct s3p_srv_mutant *a,
                          struct s3p_str key, uint64_t number)
{
    const struct s3p_srv_mutant_spec *s = &a->spec;
    struct s3p_rng draw = {m->seed, hash(0, (struct s3p_str){a->row->name, strlen(a->row->name)}),
                           number};
    char text[S3P_SRV_KEY_MAX + 1];
    memcpy(text, key.p, key.len);
    text[key.len] = 0;
    return (s->key[0] == 0 || fnmatch(s->key, text, 0) == 0) &&
           s3p_now_ns() - m->start_ns >= s->after_ns &&
           (s->p >= 1.0 || s3p_rng_unit(&draw) < s->p);
}

/* What an entry that should stay leaves: answers that show it are wrong from now on. */
static void note_gone(struct s3p_srv_mutants *m, const struct s3p_srv_life_case *c, unsigned row)
{
    struct s3p_srv_key_state *k = s3p_srv_mutant_key(m, c->bucket, c->entry->key, true);
    m->counts[row].fired++;
    if (k == NULL)
        return;
    k->keep = true;
    k->gone = (int)row;
    if (c->entry->current)
        k->wrong_next = (int)row;
}

enum s3p_srv_life_act s3p_srv_mutants_life(struct s3p_srv_mutants *m,
                                           const struct s3p_srv_life_case *c,
                                           enum s3p_srv_life_act act)
{
    enum s3p_srv_life_act then = act;
    pthread_mutex_lock(&m->mu);
    for (unsigned i = 0; i < m->n_active && then == act; i++) {
        const struct s3p_srv_mutant *a = &m->active[i];
        if (a->row->life == NULL || !s3p_srv_mutant_draws(m, a, c->entry->key, c->entry->r->seq))
            continue;
        then = a->row->life(c, act);
        if (then != act && c->acting)
            note_gone(m, c, a->spec.row);
    }
    pthread_mutex_unlock(&m->mu);
    return then;
}

bool s3p_srv_mutants_due(struct s3p_srv_mutants *m, struct s3p_str key, uint64_t seq)
{
    bool late = false;
    pthread_mutex_lock(&m->mu);
    for (unsigned i = 0; i < m->n_active; i++) {
        const struct s3p_srv_mutant *a = &m->active[i];
        if (!a->row->late || !s3p_srv_mutant_draws(m, a, key, seq))
            continue;
        m->counts[a->spec.row].fired++;
        late = true;
    }
    pthread_mutex_unlock(&m->mu);
    return late;
}

int64_t s3p_srv_mutants_late_ns(struct s3p_srv_mutants *m)
{
    int64_t late_ns = 0;
    pthread_mutex_lock(&m->mu);
    for (unsigned i = 0; i < m->n_active; i++)
        if (m->active[i].row->late && m->active[i].spec.delay_ns > late_ns)
            late_ns = m->active[i].spec.delay_ns;
    pthread_mutex_unlock(&m->mu);
    return late_ns;
}

void s3p_srv_mutants_missing(struct s3p_srv_req *req)
{
    struct s3p_srv_mutants *m = req->loop->srv->mutants;
    pthread_mutex_lock(&m->mu);
    if (req->key_state != NULL && req->key_state->gone >= 0)
        s3p_srv_mutant_altered(m, (unsigned)req->key_state->gone, req);
    pthread_mutex_unlock(&m->mu);
}

bool s3p_srv_refused(enum s3p_srv_error e)
{
    return e == S3P_SE_PRECONDITION || e == S3P_SE_NO_KEY;
}

bool s3p_srv_conditional(const struct s3p_srv_req *req)
{
    return req->conditions.if_match.p != NULL || req->conditions.if_none_match.p != NULL;
}

static bool is_delete(const struct s3p_srv_req *req)
{
    return strcmp(req->route->name, "DeleteObject") == 0 && !req->wanted.given;
}

/* What such a request has as its key is the empty one, which no object has. */
static bool writes_to_bucket(const struct s3p_srv_req *req)
{
    return req->route->level == S3P_SRV_BUCKET &&
           (req->route->flags & S3P_SRV_ROUTE_NO_BUCKET) == 0 &&
           (req->head.method.p[0] == 'P' || req->head.method.p[0] == 'D');
}

enum s3p_srv_error s3p_srv_mutants_arrive(struct s3p_srv_req *req)
{
    struct s3p_srv_mutants *m = req->loop->srv->mutants;
    enum s3p_srv_error e = S3P_SE_NONE;
    pthread_mutex_lock(&m->mu);
    for (unsigned i = 0; i < m->n_active && e == S3P_SE_NONE; i++)
        if (m->active[i].row->arrive != NULL)
            e = m->active[i].row->arrive(m, &m->active[i], req);
    pthread_mutex_unlock(&m->mu);
    return e;
}

void s3p_srv_mutants_begin(struct s3p_srv_req *req)
{
    struct s3p_srv_mutants *m = req->loop->srv->mutants;
    if (req->route->level != S3P_SRV_OBJECT && !writes_to_bucket(req))
        return;
    pthread_mutex_lock(&m->mu);
    struct s3p_srv_key_state *k = s3p_srv_mutant_key(m, req->bucket.id, req->head.key, true);
    if (k != NULL) {
        k->inflight++;
        k->deletes += is_delete(req);
    }
    req->key_state = k;
    s3p_srv_mutant_upload_begin(m, req);
    for (unsigned i = 0; k != NULL && i < m->n_active; i++)
        if (m->active[i].row->begin != NULL)
            m->active[i].row->begin(m, &m->active[i], req, k);
    pthread_mutex_unlock(&m->mu);
}

enum s3p_srv_error s3p_srv_mutants_taken(struct s3p_srv_req *req, enum s3p_srv_error e)
{
    struct s3p_srv_mutants *m = req->loop->srv->mutants;
    struct s3p_srv_key_state *k = req->key_state;
    pthread_mutex_lock(&m->mu);
    for (unsigned i = 0; k != NULL && i < m->n_active; i++)
        if (m->active[i].row->taken != NULL)
            e = m->active[i].row->taken(m, &m->active[i], req, k, e);
    pthread_mutex_unlock(&m->mu);
    return e;
}

void s3p_srv_mutants_end(struct s3p_srv_req *req)
{
    struct s3p_srv_mutants *m = req->loop->srv->mutants;
    struct s3p_srv_key_state *k = req->key_state;
    if (k == NULL)
        return;
    pthread_mutex_lock(&m->mu);
    req->key_state = NULL;
    s3p_srv_mutant_upload_end(m, req);
    k->inflight--;
    k->deletes -= is_delete(req);
    k->gaps -= req->write.gap;
    k->locks -= req->write.locks;
    if (k->uncommitted_by == req) {
        k->uncommitted_by = NULL;
        s3p_srv_mutant_forget(&k->uncommitted);
    }
    s3p_srv_mutant_state_done(m, k);
    pthread_mutex_unlock(&m->mu);
}

static void submit_held(struct s3p_srv_req *req)
{
    s3p_srv_submit(req, req->write.apply, req->write.reply);
}

bool s3p_srv_mutants_hold(struct s3p_srv_req *req,
                          enum s3p_srv_error (*apply)(struct s3p_srv_txn *, struct s3p_srv_req *),
                          void (*reply)(struct s3p_srv_req *))
{
    struct s3p_srv_mutants *m = req->loop->srv->mutants;
    int64_t delay_ns = -1;
    pthread_mutex_lock(&m->mu);
    for (unsigned i = 0; i < m->n_active && delay_ns < 0; i++)
        if (m->active[i].row->hold != NULL &&
            m->active[i].row->hold(m, &m->active[i], req, req->key_state))
            delay_ns = m->active[i].spec.delay_ns;
    pthread_mutex_unlock(&m->mu);
    if (delay_ns < 0)
        return false;
    req->write.apply = apply;
    req->write.reply = reply;
    s3p_srv_delay(req, delay_ns, submit_held);
    return true;
}

enum s3p_srv_error s3p_srv_mutants_judge(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                                         const struct s3p_srv_record *now, enum s3p_srv_error e)
{
    struct s3p_srv_mutants *m = t->srv->mutants;
    struct s3p_srv_key_state *k = req->key_state;
    if (k == NULL)
        return e;
    pthread_mutex_lock(&m->mu);
    if (k->wrong >= 0 && s3p_srv_conditional(req))
        s3p_srv_mutant_altered(m, (unsigned)k->wrong,
                               req); /* judged against a state that should not be */
    if (req->write.judged > 0) {
        if (e != S3P_SE_NONE)
            s3p_srv_mutant_altered(m, req->write.judged - 1, req);
        e = S3P_SE_NONE;
    }
    for (unsigned i = 0; i < m->n_active; i++)
        if (m->active[i].row->judge != NULL)
            e = m->active[i].row->judge(m, &m->active[i], req, k, now, e);
    if (req->write.gap) {
        req->write.gap = false;
        k->gaps--;
    }
    pthread_mutex_unlock(&m->mu);
    return e;
}

void s3p_srv_mutants_made(struct s3p_srv_txn *t, struct s3p_srv_req *req,
                          const struct s3p_srv_record *now, struct s3p_srv_record *then)
{
    struct s3p_srv_mutants *m = t->srv->mutants;
    struct s3p_srv_key_state *k = req->key_state;
    pthread_mutex_lock(&m->mu);
    m->txn = t;
    for (unsigned i = 0; k != NULL && i < m->n_active; i++)
        if (m->active[i].row->made != NULL)
            m->active[i].row->made(m, &m->active[i], req, k, now, then);
    int spoiled = req->upload != 0 ? s3p_srv_mutant_upload(m, req->upload)->wrong : -1;
    if (k != NULL && spoiled >= 0) {
        k->wrong_next = spoiled;
        s3p_srv_mutant_altered(m, (unsigned)spoiled, req);
    }
    pthread_mutex_unlock(&m->mu);
}

void s3p_srv_mutants_send(struct s3p_srv_req *req)
{
    struct s3p_srv_mutants *m = req->loop->srv->mutants;
    if (req->route == NULL || req->key_state == NULL)
        return;
    pthread_mutex_lock(&m->mu);
    for (unsigned i = 0; i < m->n_active; i++)
        if (m->active[i].row->send != NULL)
            m->active[i].row->send(m, &m->active[i], req, req->key_state);
    pthread_mutex_unlock(&m->mu);
}

bool s3p_srv_mutants_remove(struct s3p_srv_txn *t, struct s3p_srv_req *req, struct s3p_str key,
                            struct s3p_srv_wanted *wanted)
{
    struct s3p_srv_mutants *m = t->srv->mutants;
    struct s3p_srv_record r;
    struct s3p_srv_removal at = {.key = key, .wanted = wanted, .record = &r};
    bool done = false;
    if (s3p_srv_version_find(t->txn, &t->srv->store, t->bucket.id, key, wanted, &r, &at.current) !=
        0)
        return false;
    pthread_mutex_lock(&m->mu);
    struct s3p_srv_key_state *k = s3p_srv_mutant_key(m, t->bucket.id, key, true);
    unsigned self = req->key_state != k; /* a batch: it is a request on this key, too */
    if (k != NULL)
        k->inflight += self;
    for (unsigned i = 0; k != NULL && i < m->n_active && !done; i++)
        if (m->active[i].row->remove != NULL)
            done = m->active[i].row->remove(m, &m->active[i], req, k, t, &at);
    if (k != NULL) {
        k->inflight -= self;
        s3p_srv_mutant_state_done(m, k);
    }
    pthread_mutex_unlock(&m->mu);
    return done;
}

unsigned s3p_srv_mutants_batch(struct s3p_srv_mutants *m, struct s3p_srv_req *list,
                               int64_t *delay_ns)
{
    unsigned faults = 0;
    *delay_ns = 0;
    pthread_mutex_lock(&m->mu);
    for (unsigned i = 0; i < m->n_active; i++)
        for (struct s3p_srv_req *r = list; m->active[i].row->batch != 0 && r != NULL; r = r->next)
            if (s3p_srv_mutant_fires(m, &m->active[i], r, r->key_state)) {
                s3p_srv_mutant_altered(m, m->active[i].spec.row, r);
                faults |= m->active[i].row->batch;
                *delay_ns = m->active[i].spec.delay_ns;
            }
    pthread_mutex_unlock(&m->mu);
    return faults;
}

/* Forgets versions that no read may still ask for, but keeps the newest: the torn reads mix with
 * it. */
static void trim_versions(struct s3p_srv_mutants *m, struct s3p_srv_key_state *k, int64_t now_ns)
{
    int64_t keep_ns = 0;
    for (unsigned i = 0; i < m->n_active; i++)
        if (m->active[i].row->old_versions && m->active[i].spec.delay_ns > keep_ns)
            keep_ns = m->active[i].spec.delay_ns;
    struct s3p_srv_version *last = k->versions;
    unsigned n = 1;
    while (last->next != NULL && n < S3P_SRV_VERSIONS_MAX &&
           last->next->replaced_ns > now_ns - keep_ns) {
        last = last->next;
        n++;
    }
    while (last->next != NULL) {
        struct s3p_srv_version *v = last->next;
        last->next = v->next;
        s3p_srv_mutant_forget(&v);
    }
}

static void remember(struct s3p_srv_mutants *m, struct s3p_srv_key_state *k,
                     const struct s3p_srv_record *now)
{
    struct s3p_srv_version *v = s3p_srv_mutant_keep(now);
    if (v == NULL)
        return;
    if (v->present && now->in_file)
        v->fd = s3p_srv_body_open(&m->srv->store, now->body_id);
    v->next = k->versions;
    k->versions = v;
    trim_versions(m, k, v->replaced_ns);
}

void s3p_srv_mutants_changed(struct s3p_srv_txn *t, uint64_t bucket, struct s3p_str key,
                             const struct s3p_srv_record *now)
{
    struct s3p_srv_mutants *m = t->srv->mutants;
    pthread_mutex_lock(&m->mu);
    struct s3p_srv_key_state *k = s3p_srv_mutant_key(m, bucket, key, m->old_versions);
    if (k != NULL) {
        k->wrong = k->wrong_next;
        k->wrong_next = -1;
        if (m->old_versions)
            remember(m, k, now);
        s3p_srv_mutant_state_done(m, k);
    }
    pthread_mutex_unlock(&m->mu);
}

void s3p_srv_mutants_reply(struct s3p_srv_req *req)
{
    struct s3p_srv_mutants *m = req->loop->srv->mutants;
    pthread_mutex_lock(&m->mu);
    for (unsigned i = 0; i < m->n_active; i++)
        if (m->active[i].row->reply != NULL)
            m->active[i].row->reply(m, &m->active[i], req);
    pthread_mutex_unlock(&m->mu);
}

enum s3p_srv_read s3p_srv_mutants_read(struct s3p_srv_req *req, const struct s3p_srv_record *r)
{
    struct s3p_srv_mutants *m = req->loop->srv->mutants;
    struct s3p_srv_key_state *k = req->key_state;
    bool answered = false;
    pthread_mutex_lock(&m->mu);
    if (k != NULL && k->gaps > 0) {
        s3p_srv_mutant_altered(m, k->gap_row, req);
        s3p_srv_answer_error(req, S3P_SE_NO_KEY);
        answered = true;
    }
    for (unsigned i = 0; k != NULL && i < m->n_active && !answered; i++)
        if (m->active[i].row->read != NULL)
            answered = m->active[i].row->read(m, &m->active[i], req, k, r);
    if (k != NULL && !answered && k->wrong >= 0)
        s3p_srv_mutant_altered(m, (unsigned)k->wrong, req);
    pthread_mutex_unlock(&m->mu);
    if (answered)
        return S3P_SRV_READ_DONE;
    if (r != NULL)
        return s3p_srv_answer_object(req, r);
    s3p_srv_answer_error(req, S3P_SE_NO_KEY);
    return S3P_SRV_READ_DONE;
}
