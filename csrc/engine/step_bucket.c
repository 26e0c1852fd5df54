#include <string.h>

#include "engine/step.h"

#define LOCATION_BYTES 256

/* S3 takes no location constraint in us-east-1 and wants one everywhere else. */
static void set_location(struct s3p_try *t, char text[LOCATION_BYTES])
{
    const char *region = t->c->w->e->target.cred.region;
    if (strcmp(region, "us-east-1") == 0)
        return;
    struct s3p_str parts[] = {
        S3P_STR("<CreateBucketConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                "<LocationConstraint>"),
        {region, strlen(region)},
        S3P_STR("</LocationConstraint></CreateBucketConfiguration>"),
    };
    size_t len = 0;
    for (int i = 0; i < 3; i++) {
        memcpy(text + len, parts[i].p, parts[i].len);
        len += parts[i].len;
    }
    t->text = text;
    t->req.body_len = len;
}

/* A bucket whose creation is unknown may be there, and one whose removal is unknown too: both are
 * left behind until a removal is known. */
static void note_state(struct s3p_try *t)
{
    _Atomic int *state = &t->c->w->e->bucket_state[t->step->bucket];
    bool gone = t->outcome == S3P_OK_OUTCOME || t->rec.status == 404;
    if (t->step->op == S3P_OP_CREATE_BUCKET && t->outcome != S3P_FAILED)
        atomic_store_explicit(state, S3P_BUCKET_MADE, memory_order_relaxed);
    if (t->step->op == S3P_OP_DELETE_BUCKET && gone)
        atomic_store_explicit(state, S3P_BUCKET_REMOVED, memory_order_relaxed);
}

static void set_versioning(struct s3p_try *t, char md5[S3P_MD5_TEXT])
{
    const char *status = t->step->u.versioning;
    t->list_args = s3p_str_eq((struct s3p_str){status, strlen(status)}, "Enabled")
                       ? S3P_STR("status=Enabled")
                       : S3P_STR("status=Suspended");
    s3p_buf_clear(&t->c->request);
    s3p_versioning_body(&t->c->request, (struct s3p_str){status, strlen(status)});
    s3p_attempt_document(t, md5);
}

static void set_rules(struct s3p_try *t, char md5[S3P_MD5_TEXT])
{
    const struct s3p_rules_step *r = &t->step->u.rules;
    struct s3p_rule rule[S3P_RULES_MAX];
    for (int i = 0; i < r->n; i++) {
        const char *bucket = t->c->w->e->bucket_name[r->bucket[i]];
        rule[i] = r->rule[i];
        rule[i].bucket = (struct s3p_str){bucket, strlen(bucket)};
    }
    t->list_args = r->text;
    s3p_buf_clear(&t->c->request);
    if (t->step->op == S3P_OP_PUT_LIFECYCLE)
        s3p_lifecycle_body(&t->c->request, rule, r->n);
    else
        s3p_replication_body(&t->c->request, rule, r->n);
    s3p_attempt_document(t, md5);
}

int s3p_step_bucket(struct s3p_client *c, int pc)
{
    char location[LOCATION_BYTES], md5[S3P_MD5_TEXT];
    struct s3p_result result;
    struct s3p_arena arena;
    struct s3p_try t;
    if (!s3p_attempt_begin(&t, c, &c->g->program.steps[pc]))
        return S3P_END_STOPPED;
    if (t.step->op == S3P_OP_CREATE_BUCKET)
        set_location(&t, location);
    if (t.step->op == S3P_OP_PUT_VERSIONING)
        set_versioning(&t, md5);
    if (t.step->op == S3P_OP_PUT_LIFECYCLE || t.step->op == S3P_OP_PUT_REPLICATION)
        set_rules(&t, md5);
    s3p_attempt_send(&t);
    s3p_arena_init(&arena, S3P_RESULT_ARENA_BYTES);
    if (t.step->op == S3P_OP_GET_VERSIONING)
        (void)s3p_step_read_result(&t, S3P_RESULT_VERSIONING, &arena, &result);
    s3p_arena_free(&arena);
    note_state(&t);
    s3p_attempt_record(&t, NULL, NULL);
    return s3p_attempt_next(&t, pc);
}
