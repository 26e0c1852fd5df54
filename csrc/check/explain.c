/* One sentence a violation. The rule's text says how the attempts bear on each other, $0 is the
 * offending attempt as a clause, $1 … the others. */
#include <inttypes.h>
#include <string.h>

#include "check/witness.h"
#include "s3/op.h"
#include "s3/outcome.h"

static void add_seconds(struct s3p_buf *out, int64_t t, int64_t start_ns)
{
    if (t == INT64_MAX) {
        s3p_buf_str(out, "never");
        return;
    }
    /* Unsigned, so that times from a damaged clock cannot overflow. */
    uint64_t ns =
        t >= start_ns ? (uint64_t)t - (uint64_t)start_ns : (uint64_t)start_ns - (uint64_t)t;
    s3p_buf_fmt(out, "%s%" PRIu64 ".%06" PRIu64 " s", t >= start_ns ? "" : "-", ns / 1000000000,
                ns / 1000 % 1000000);
}

/* w<client>.<counter>: whose write it was, and its how-manyth. */
static void add_value(struct s3p_buf *out, struct s3p_id id)
{
    if (s3p_id_none(id))
        s3p_buf_str(out, "a value");
    else
        s3p_buf_fmt(out, "value w%" PRIu32 ".%" PRIu64, s3p_id_client(id), s3p_id_counter(id));
}

static void add_who(struct s3p_buf *out, const struct s3p_witness *w, uint32_t i)
{
    const struct s3p_attempt *a = &w->attempt[i];
    static const char *const shown[S3P_OP_COUNT] = {
        [S3P_OP_PUT] = "PUT",
        [S3P_OP_GET] = "GET",
        [S3P_OP_HEAD] = "HEAD",
        [S3P_OP_DELETE] = "DELETE",
        [S3P_OP_DELETE_CHILD] = "batch DELETE",
        [S3P_OP_LIST] = "LIST",
        [S3P_OP_LIST_V1] = "LIST",
        [S3P_OP_LIST_VERSIONS] = "LIST of versions",
        [S3P_OP_COPY] = "COPY",
        [S3P_OP_CREATE_UPLOAD] = "create of an upload",
        [S3P_OP_COMPLETE_UPLOAD] = "complete of an upload",
        [S3P_OP_ABORT_UPLOAD] = "abort of an upload",
        [S3P_OP_PUT_TAGS] = "PUT of tags",
        [S3P_OP_GET_TAGS] = "GET of tags",
        [S3P_OP_DELETE_TAGS] = "DELETE of tags",
        [S3P_OP_DELETE_OBJECTS] = "batch DELETE",
        [S3P_OP_LIST_UPLOADS] = "LIST of uploads",
        [S3P_OP_LIST_PARTS] = "LIST of parts",
        [S3P_OP_UPLOAD_PART] = "upload of a part",
        [S3P_OP_UPLOAD_PART_COPY] = "copy of a part",
        [S3P_OP_CREATE_BUCKET] = "creation of the bucket",
        [S3P_OP_HEAD_BUCKET] = "HEAD of the bucket",
    };
    const char *name = a->op < S3P_OP_COUNT && shown[a->op] != NULL ? shown[a->op] : "attempt";
    static const char *const cond[S3P_COND_COUNT] = {
        [S3P_COND_IF_MATCH] = " with If-Match",
        [S3P_COND_IF_NONE_MATCH] = " with If-None-Match",
        [S3P_COND_IF_NONE_MATCH_ANY] = " with If-None-Match: *",
        [S3P_COND_IF_MATCH_ANY] = " with If-Match: *",
    };
    struct s3p_str request = s3p_segment_text(w->segment[i], a->request_id);
    s3p_buf_fmt(out, "%s%s by client %" PRIu32, name,
                a->cond < S3P_COND_COUNT && cond[a->cond] != NULL ? cond[a->cond] : "", a->client);
    if (request.len != 0)
        s3p_buf_fmt(out, " (request %.*s)", (int)request.len, request.p);
}

static bool is_page(const struct s3p_attempt *a)
{
    return a->op == S3P_OP_LIST || a->op == S3P_OP_LIST_V1 || a->op == S3P_OP_LIST_VERSIONS ||
           a->op == S3P_OP_LIST_UPLOADS || a->op == S3P_OP_LIST_PARTS;
}

static void add_read(struct s3p_buf *out, const struct s3p_attempt *a, bool judged)
{
    if (is_page(a) && judged) {
        s3p_buf_str(out, " answered"); /* the rule says what is wrong with it */
    } else if (a->evidence == S3P_EV_ABSENT) {
        s3p_buf_str(out, " found the key absent");
    } else if (a->evidence == S3P_EV_NOT_MATCH || a->evidence == S3P_EV_PRESENT) {
        s3p_buf_fmt(out, " was refused with %d", a->status);
    } else if (a->evidence == S3P_EV_MATCH) {
        s3p_buf_str(out, " found its ETag unchanged");
    } else if (a->op == S3P_OP_LIST_VERSIONS) {
        s3p_buf_str(out, " came back");
    } else if (is_page(a)) {
        s3p_buf_str(out, " listed the key");
    } else if (a->op == S3P_OP_GET_TAGS && a->size == 0) {
        s3p_buf_str(out, " found no tags");
    } else {
        s3p_buf_str(out, " returned ");
        add_value(out, s3p_id_none(a->body_id) ? a->meta_id : a->body_id);
        if (!s3p_id_none(a->body_id2)) {
            s3p_buf_str(out, " and ");
            add_value(out, a->body_id2);
        }
    }
}

static void add_write(struct s3p_buf *out, const struct s3p_witness *w, uint32_t i)
{
    const struct s3p_attempt *a = &w->attempt[i];
    struct s3p_str source = s3p_segment_text(w->segment[i], a->source_key);
    if (a->op == S3P_OP_PUT || a->op == S3P_OP_COPY || a->op == S3P_OP_COMPLETE_UPLOAD ||
        (a->op == S3P_OP_PUT_TAGS && a->size != 0)) {
        s3p_buf_str(out, " of ");
        add_value(out, s3p_id_none(a->body_id) ? a->meta_id : a->body_id);
    }
    if (source.len != 0)
        s3p_buf_fmt(out, " from %.*s", (int)source.len, source.p);
    if (a->outcome == S3P_OK_OUTCOME)
        s3p_buf_str(out, " was acknowledged");
    else if (a->outcome == S3P_FAILED)
        s3p_buf_fmt(out, " was refused with %d", a->status);
    else
        s3p_buf_str(out, " was left without a clear answer");
}

static void add_clause(struct s3p_buf *out, const struct s3p_witness *w, uint32_t i,
                       int64_t start_ns)
{
    const struct s3p_attempt *a = &w->attempt[i];
    const char *level = s3p_rule_table[w->hit->rule].level;
    bool page = strcmp(level, "L1") == 0 || strcmp(level, "answer") == 0;
    bool write = a->op == S3P_OP_CREATE_BUCKET ||
                 (a->op < S3P_OP_COUNT && s3p_op_table[a->op].cls == S3P_CLASS_MUTATION);
    add_who(out, w, i);
    if (write)
        add_write(out, w, i);
    else
        add_read(out, a, i == 0 && page);
    s3p_buf_str(out, " at ");
    add_seconds(out, a->t_return, start_ns);
    s3p_buf_str(out, " (called at ");
    add_seconds(out, a->t_call, start_ns);
    s3p_buf_char(out, ')');
}

void s3p_witness_sentence(const struct s3p_witness *w, int64_t start_ns, struct s3p_buf *out)
{
    for (const char *p = s3p_rule_table[w->hit->rule].text; *p != 0; p++) {
        if (p[0] != '$') {
            s3p_buf_char(out, *p);
            continue;
        }
        uint32_t i = (uint32_t)(*++p - '0');
        if (i < w->hit->n)
            add_clause(out, w, i, start_ns);
        else
            s3p_buf_str(out, "no write of this key explains it");
    }
}
