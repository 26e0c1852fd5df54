#include <string.h>

#include "engine/step.h"

#define TAGS_ARENA_BYTES (64u << 10)

/* put_tags: a set of its own id, as a document. */
static void set_tags(struct s3p_try *t, int n, char md5[S3P_MD5_TEXT])
{
    struct s3p_buf *b = &t->c->request;
    struct s3p_id id = s3p_step_id(t->c);
    s3p_buf_clear(b);
    s3p_tags_body(b, id, n);
    s3p_attempt_document(t, md5);
    t->rec.size = (uint64_t)n;
    if (n != 0)
        t->rec.body_id = id;
}

/* get_tags: what the set is. */
static void read_tags(struct s3p_try *t)
{
    struct s3p_tag tags[S3P_TAGS_MAX];
    struct s3p_arena arena;
    struct s3p_err why;
    const struct s3p_buf *xml = &t->c->answer;
    t->rec.size = 0;
    if (t->outcome != S3P_OK_OUTCOME)
        return;
    s3p_arena_init(&arena, TAGS_ARENA_BYTES);
    int n = t->kept_cut ? S3P_EFORMAT
                        : s3p_xml_tags(tags, S3P_TAGS_MAX, &arena, xml->data, xml->len, &why);
    if (n >= 0) {
        t->rec.body_verdict = (uint8_t)s3p_tags_judge(tags, n, &t->rec.body_id);
        t->rec.size = (uint64_t)n;
    } else {
        s3p_attempt_unreadable(t, S3P_STR("unreadable tags"));
    }
    s3p_arena_free(&arena);
}

/* put_tags, get_tags, delete_tags. */
int s3p_step_tags(struct s3p_client *c, int pc)
{
    const struct s3p_step *step = &c->g->program.steps[pc];
    const struct s3p_object_step *o = &step->u.object;
    char md5[S3P_MD5_TEXT];
    struct s3p_keyref key;
    struct s3p_try t;
    if (!s3p_step_key(c, &o->key, &key))
        return S3P_END_NO_KEY;
    if (!s3p_attempt_begin(&t, c, step))
        return S3P_END_STOPPED;
    s3p_attempt_key(&t, key);
    s3p_step_set_version(&t, o);
    t.rec.body_kind = step->op != S3P_OP_DELETE_TAGS ? S3P_KIND_TAGS : S3P_KIND_NONE;
    if (step->op == S3P_OP_PUT_TAGS)
        set_tags(&t, o->tags, md5);
    s3p_attempt_send(&t);
    if (step->op == S3P_OP_GET_TAGS)
        read_tags(&t);
    s3p_attempt_record(&t, NULL, NULL);
    s3p_step_bind(&t, key);
    return s3p_attempt_next(&t, pc);
}

/* get_attributes. */
int s3p_step_attributes(struct s3p_client *c, int pc)
{
    const struct s3p_step *step = &c->g->program.steps[pc];
    const struct s3p_object_step *o = &step->u.object;
    char etag[256];
    struct s3p_result result;
    struct s3p_keyref key;
    struct s3p_arena arena;
    struct s3p_try t;
    if (!s3p_step_key(c, &o->key, &key))
        return S3P_END_NO_KEY;
    if (!s3p_attempt_begin(&t, c, step))
        return S3P_END_STOPPED;
    s3p_attempt_key(&t, key);
    s3p_step_set_version(&t, o);
    s3p_attempt_send(&t);
    s3p_arena_init(&arena, S3P_RESULT_ARENA_BYTES);
    bool read = s3p_step_read_result(&t, S3P_RESULT_ATTRIBUTES, &arena, &result);
    t.rec.size = result.size;
    if (read && result.etag.len != 0 && result.etag.len + 2 <= sizeof etag &&
        result.etag.p[0] != '"') { /* here it comes without its quotes */
        etag[0] = etag[result.etag.len + 1] = '"';
        memcpy(etag + 1, result.etag.p, result.etag.len);
        t.answer.etag = (struct s3p_str){etag, result.etag.len + 2};
    }
    s3p_attempt_record(&t, NULL, NULL);
    s3p_step_bind(&t, key);
    int next = s3p_attempt_next(&t, pc);
    s3p_arena_free(&arena);
    return next;
}
