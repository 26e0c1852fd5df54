#include "proxy/faults.h"

#include <fnmatch.h>
#include <jansson.h>
#include <string.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/crc.h"
#include "core/random.h"

static int add(struct s3p_px_faults *set, const char *text, unsigned endpoints,
               struct s3p_err *err)
{
    struct s3p_px_fault *f = &set->fault[set->n];
    size_t rows;
    S3P_TRY(s3p_px_spec_parse(&f->spec, text, strlen(text), err));
    f->row = &s3p_px_rows(&rows)[f->spec.row];
    if (f->row->endpoints > endpoints || f->spec.endpoint >= (int)endpoints)
        return s3p_fail(err, S3P_EINVAL, 0, "fault %s: \"%u endpoints\": expected more of them",
                        f->row->name, endpoints);
    f->text = s3p_strndup(text, strlen(text));
    if (f->row->rule == S3P_PX_IF_THROTTLED)
        f->tokens = s3p_calloc(S3P_PX_PREFIXES, sizeof *f->tokens);
    set->n++;
    if (f->text == NULL || (f->row->rule == S3P_PX_IF_THROTTLED && f->tokens == NULL))
        return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for a fault");
    return 0;
}

int s3p_px_faults_create(struct s3p_px_faults **out, struct s3p_px_faults *older,
                         const char *const *specs, unsigned n, unsigned endpoints,
                         struct s3p_err *err)
{
    if (n > S3P_PX_FAULTS_MAX)
        return s3p_fail(err, S3P_EINVAL, 0, "faults: \"%u\": expected at most %d", n,
                        S3P_PX_FAULTS_MAX);
    struct s3p_px_faults *set = s3p_calloc(1, sizeof *set);
    if (set == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "out of memory for faults");
    for (unsigned i = 0; i < n; i++) {
        int rc = add(set, specs[i], endpoints, err);
        if (rc < 0) {
            s3p_px_faults_free(set);
            return rc;
        }
    }
    set->older = older;
    *out = set;
    return 0;
}

int s3p_px_faults_read(struct s3p_px_faults **out, struct s3p_px_faults *older, const char *json,
                       size_t len, unsigned endpoints, struct s3p_err *err)
{
    const char *specs[S3P_PX_FAULTS_MAX];
    json_t *list = json_loadb(json, len, 0, NULL);
    size_t n = json_array_size(list);
    bool good = json_is_array(list) && n <= S3P_PX_FAULTS_MAX;
    for (size_t i = 0; good && i < n; i++)
        good = (specs[i] = json_string_value(json_array_get(list, i))) != NULL;
    int rc = good ? s3p_px_faults_create(out, older, specs, (unsigned)n, endpoints, err)
                  : s3p_fail(err, S3P_EINVAL, 0,
                             "faults: %zu bytes: expected a JSON list of at most %d specifications",
                             len, S3P_PX_FAULTS_MAX);
    json_decref(list);
    return rc;
}

void s3p_px_faults_free(struct s3p_px_faults *all)
{
    while (all != NULL) {
        struct s3p_px_faults *set = all;
        all = set->older;
        for (unsigned i = 0; i < S3P_PX_FAULTS_MAX; i++) {
            s3p_free(set->fault[i].text);
            s3p_free(set->fault[i].tokens);
        }
        s3p_free(set);
    }
}

/* A bucket of tokens for each prefix; it holds one second's worth. True: none is left. */
static bool throttled(struct s3p_px_fault *f, const struct s3p_px_request *r, int64_t now_ns)
{
    uint32_t hash = s3p_crc32c(0, r->target, r->prefix_len);
    struct s3p_px_tokens *t = &f->tokens[hash % S3P_PX_PREFIXES];
    double rate = (double)f->spec.rate;
    if (t->filled_ns == 0)
        t->left = rate;
    else
        t->left += rate * (double)(now_ns - t->filled_ns) / S3P_S;
    t->left = t->left < rate ? t->left : rate;
    t->filled_ns = now_ns > 0 ? now_ns : 1;
    if (t->left < 1)
        return true;
    t->left -= 1;
    return false;
}

/* Slots of delay_ms: an endpoint is away for one, then all are there for one, then the next. */
static bool is_away(const struct s3p_px_fault *f, const struct s3p_px_moment *m)
{
    int64_t slot_ns = f->spec.delay_ns > 0 ? f->spec.delay_ns : S3P_MS;
    return (m->since_ns / slot_ns) % (2 * m->endpoints) == 2 * m->endpoint;
}

static bool rule_holds(struct s3p_px_fault *f, const struct s3p_px_request *r,
                       const struct s3p_px_moment *m)
{
    switch (f->row->rule) {
    case S3P_PX_IF_EXPECTS:
        return r->expects;
    case S3P_PX_IF_BODY: /* of an answer that is not known yet; a HEAD has none */
        return f->spec.side == S3P_PX_REQUEST ? m->has_body : !r->head;
    case S3P_PX_IF_TURN:
        return is_away(f, m);
    case S3P_PX_IF_THROTTLED:
        return throttled(f, r, m->since_ns);
    default:
        return true;
    }
}

static bool matches(struct s3p_px_fault *f, const struct s3p_px_request *r,
                    const struct s3p_px_moment *m)
{
    const struct s3p_px_spec *s = &f->spec;
    return (f->row->ops == 0 || (f->row->ops >> r->op & 1) != 0) &&
           (s->op == S3P_OP_NONE || s->op == r->op) &&
           (s->endpoint < 0 || (unsigned)s->endpoint == m->endpoint) &&
           m->since_ns >= s->after_ns &&
           (s->for_ns == S3P_NEVER || m->since_ns < s->after_ns + s->for_ns) &&
           (s->key[0] == 0 || fnmatch(s->key, r->key, 0) == 0) && rule_holds(f, r, m);
}

struct s3p_px_fault *s3p_px_faults_draw(struct s3p_px_faults *set, const struct s3p_px_request *r,
                                        const struct s3p_px_moment *m, uint64_t *draw)
{
    struct s3p_px_fault *found = NULL;
    for (unsigned i = 0; set != NULL && i < set->n; i++) {
        struct s3p_px_fault *f = &set->fault[i];
        if (!matches(f, r, m))
            continue;
        uint64_t n = ++f->matched;
        struct s3p_rng rng = {m->seed, i, 2 * n};
        if ((f->spec.nth != 0 && n != f->spec.nth) || n % f->spec.every != 0 ||
            s3p_rng_unit(&rng) >= f->spec.p || found != NULL)
            continue;
        found = f;
        found->drawn++;
        *draw = s3p_rng_u64(&rng);
    }
    return found;
}
