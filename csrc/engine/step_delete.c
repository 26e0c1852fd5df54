#include <string.h>

#include "core/alloc.h"
#include "engine/attempt.h"
#include "engine/slots.h"
#include "s3/xml.h"

#define BATCH_MAX 1000 /* keys a request, S3's own bound */
#define ARENA_BYTES (8u << 20)
#define MD5_TEXT 24

struct batch {
    struct s3p_str keys[BATCH_MAX];
    int n;
    struct s3p_delete_results results;
    struct s3p_arena arena;
};

/* What the answer says of a key: NULL when it does not name it. Answers mostly keep the order of
 * the request. */
static const struct s3p_delete_result *find_result(const struct batch *b, int i)
{
    struct s3p_str key = b->keys[i];
    for (int step = 0; step < b->results.n; step++) {
        const struct s3p_delete_result *r = &b->results.results[(i + step) % b->results.n];
        if (r->key.len == key.len && memcmp(r->key.p, key.p, key.len) == 0)
            return r;
    }
    return NULL;
}

static void read_results(struct s3p_try *t, struct batch *b)
{
    const struct s3p_buf *xml = &t->c->answer;
    struct s3p_err why;
    if (t->outcome != S3P_OK_OUTCOME)
        return;
    if (!t->kept_cut && s3p_xml_delete(&b->results, &b->arena, xml->data, xml->len, &why) == 0)
        return;
    b->results.n = 0;
    t->unreadable = true;
    t->code = S3P_STR("unreadable result");
    s3p_attempt_judge(t);
}

/* A child shares the times of its request; its outcome is the request's, or what the answer says of
 * its key. */
static enum s3p_outcome record_child(struct s3p_try *t, const struct batch *b, int i)
{
    struct s3p_appender *a = t->c->w->appender;
    const struct s3p_delete_result *result = find_result(b, i);
    struct s3p_attempt r = t->rec;
    struct s3p_keyref key;
    char code[64] = "";
    r.op = S3P_OP_DELETE_CHILD;
    r.parent = t->position + 1;
    r.code_text = r.request_id = r.checksum = r.list_args = 0;
    r.bytes_in = r.size = 0;
    if (s3p_spaces_find(&t->c->w->e->plan->spaces, t->step->bucket, b->keys[i], &key)) {
        r.key_index = key.index;
        r.space = key.space;
    }
    if (t->outcome == S3P_OK_OUTCOME) {
        size_t n = result == NULL || result->code.len >= sizeof code ? 0 : result->code.len;
        memcpy(code, n == 0 ? "" : result->code.p, n);
        struct s3p_end end = {.op = S3P_OP_DELETE_CHILD,
                              .phase = (int)t->x.phase,
                              .status = r.status,
                              .code = code,
                              .body_complete = result != NULL};
        enum s3p_evidence evidence;
        r.outcome = (uint8_t)s3p_outcome_of(&end, &evidence);
        r.evidence = (uint8_t)evidence;
    }
    if (a != NULL) {
        s3p_append_begin(a, sizeof code, 0);
        r.code_text = s3p_append_text(a, code, strlen(code));
        s3p_append(a, &r);
    }
    return (enum s3p_outcome)r.outcome;
}

/* The step is as good as the worst of its keys. */
static void record_all(struct s3p_try *t, const struct batch *b)
{
    enum s3p_outcome worst = t->outcome;
    s3p_attempt_record(t, NULL, NULL);
    for (int i = 0; i < b->n; i++) {
        enum s3p_outcome one = record_child(t, b, i);
        if (worst == S3P_OK_OUTCOME || one == S3P_UNKNOWN)
            worst = one;
    }
    t->outcome = worst;
}

int s3p_step_delete_objects(struct s3p_client *c, int pc)
{
    const struct s3p_step *step = &c->g->program.steps[pc];
    char md5[MD5_TEXT];
    struct s3p_try t;
    if (c->slots[step->keys_slot].nkeys == 0)
        return pc + 1;
    struct batch *b = s3p_calloc(1, sizeof *b);
    s3p_buf_clear(&c->request);
    if (b != NULL) {
        b->n = s3p_slot_keys(&c->slots[step->keys_slot], b->keys, BATCH_MAX);
        s3p_delete_body(&c->request, b->keys, b->n);
    }
    if (b == NULL || !s3p_buf_ok(&c->request)) {
        struct s3p_err err;
        s3p_free(b);
        (void)s3p_fail(&err, S3P_ENOMEM, 0, "out of memory for the body of delete_objects");
        s3p_engine_fail(c->w->e, &err);
        return S3P_END_STOPPED;
    }
    s3p_arena_init(&b->arena, ARENA_BYTES);
    if (!s3p_attempt_begin(&t, c, step)) {
        s3p_free(b);
        return S3P_END_STOPPED;
    }
    s3p_content_md5(md5, c->request.data, c->request.len);
    t.req.content_md5 = (struct s3p_str){md5, sizeof md5};
    t.text = c->request.data;
    t.rec.size = t.req.body_len = c->request.len;
    s3p_attempt_send(&t);
    read_results(&t, b);
    record_all(&t, b);
    int next = s3p_attempt_next(&t, pc);
    s3p_arena_free(&b->arena);
    s3p_free(b);
    return next;
}
