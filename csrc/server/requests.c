#include "server/requests.h"

#include <string.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/clock.h"
#include "core/random.h"
#include "core/text.h"
#include "server/copy.h"
#include "server/mutants.h"
#include "server/parts_body.h"
#include "server/policy.h"
#include "server/routes.h"
#include "server/settings.h"
#include "server/tables.h"
#include "server/versions.h"

#define FIELDS_MAX (64 * 1024)
#define BODY_MAX (64 * 1024 * 1024)
#define META_MAX (4 * 1024 * 1024)
#define TAGS_MAX (1024 * 1024)
#define KEEP_BYTES (256 * 1024) /* larger buffers are not kept in the pool */
#define OBJECT_MAX (UINT64_C(5) << 30)
#define DOCUMENT_MAX (2 * 1024 * 1024)

/* Bodies up to this size stand in the record: cheaper than a file of their own up to about here.
 * Long keys share a record that is written anew with each of them, so theirs stay small. */
#define INLINE_MAX 16384
#define INLINE_SHARED_MAX 512

struct s3p_srv_req *s3p_srv_req_get(struct s3p_srv_loop *loop)
{
    struct s3p_srv_req *r = loop->free;
    if (r != NULL) {
        loop->free = r->next;
        r->next = NULL;
        return r;
    }
    r = s3p_alloc(sizeof *r);
    if (r == NULL)
        return NULL;
    memset(r, 0, offsetof(struct s3p_srv_req, head));
    s3p_srv_head_init(&r->head);
    s3p_srv_intake_init(&r->intake);
    s3p_buf_init(&r->answer.fields, FIELDS_MAX);
    s3p_buf_init(&r->answer.body, BODY_MAX);
    s3p_buf_init(&r->meta, META_MAX);
    s3p_buf_init(&r->tags, TAGS_MAX);
    r->answer.fd = -1;
    r->loop = loop;
    return r;
}

static void reuse(struct s3p_buf *b)
{
    if (b->cap > KEEP_BYTES)
        s3p_buf_free(b);
    s3p_buf_clear(b);
}

void s3p_srv_req_put(struct s3p_srv_req *r)
{
    if (S3P_SRV_UNLIKELY(r->loop->srv->mutants != NULL))
        s3p_srv_mutants_end(r);
    s3p_srv_intake_reset(&r->intake, &r->loop->srv->store);
    reuse(&r->intake.memory);
    reuse(&r->answer.fields);
    reuse(&r->answer.body);
    reuse(&r->meta);
    reuse(&r->tags);
    if (r->answer.fd >= 0)
        close(r->answer.fd);
    r->answer.fd = -1;
    s3p_srv_parts_close(r->answer.parts);
    r->answer.parts = NULL;
    r->answer.status = 0;
    r->answer.error = S3P_SE_NONE;
    r->answer.offset = r->answer.length = 0;
    r->answer.surplus = 0;
    memset(&r->write, 0, sizeof r->write);
    r->upload = 0;
    r->lock = (struct s3p_srv_lock){.mode = S3P_SRV_LOCK_NONE};
    r->bytes_in = 0;
    r->id[0] = 0;
    s3p_srv_copy_free(r->copy);
    r->copy = NULL;
    r->hide_absence = false;
    r->stage = S3P_SRV_STAGE_HEAD;
    r->suspended = false;
    r->route = NULL;
    r->conn = NULL;
    r->next = r->loop->free;
    r->loop->free = r;
}

void s3p_srv_req_free(struct s3p_srv_req *r)
{
    s3p_srv_head_free(&r->head);
    s3p_srv_intake_free(&r->intake, &r->loop->srv->store);
    s3p_buf_free(&r->answer.fields);
    s3p_buf_free(&r->answer.body);
    s3p_buf_free(&r->meta);
    s3p_buf_free(&r->tags);
    if (r->answer.fd >= 0)
        close(r->answer.fd);
    s3p_srv_parts_close(r->answer.parts);
    s3p_srv_copy_free(r->copy);
    s3p_free(r);
}

static void draw_id(struct s3p_srv_req *r)
{
    static const char digits[] = "0123456789ABCDEF";
    struct s3p_srv *srv = r->loop->srv;
    uint64_t n = atomic_fetch_add_explicit(&srv->next_id, 1, memory_order_relaxed);
    uint64_t id = s3p_mix64(srv->id_seed + n); /* a bijection: no id comes twice */
    for (int i = S3P_SRV_REQUEST_ID_BYTES - 1; i >= 0; i--, id >>= 4)
        r->id[i] = digits[id & 15];
    r->id[S3P_SRV_REQUEST_ID_BYTES] = 0;
}

static enum s3p_srv_error look_up_bucket(struct s3p_srv_req *r)
{
    if (r->route->level == S3P_SRV_SERVICE)
        return S3P_SE_NONE;
    if (!s3p_srv_bucket_name_ok(r->head.bucket))
        return S3P_SE_BUCKET_NAME;
    if (r->route->flags & S3P_SRV_ROUTE_NO_BUCKET)
        return S3P_SE_NONE;
    struct s3p_srv_view *v = &r->loop->view;
    if (!s3p_srv_view_begin(v))
        return S3P_SE_INTERNAL;
    int rc = s3p_srv_bucket_get(v->txn, v->store, r->head.bucket, &r->bucket);
    s3p_srv_view_end(v);
    r->bucket.location = S3P_STR("");
    return rc == 0 ? S3P_SE_NONE : rc == MDB_NOTFOUND ? S3P_SE_NO_BUCKET : S3P_SE_INTERNAL;
}

static bool is_chunked(const struct s3p_srv_req *r)
{
    return r->auth.payload >= S3P_SRV_PAYLOAD_SIGNED_CHUNKS;
}

/* How long the body says it is: of aws-chunked the bytes inside. */
static enum s3p_srv_error read_length(const struct s3p_srv_req *r, bool object, uint64_t *declared)
{
    const char *field = is_chunked(r) ? "x-amz-decoded-content-length" : "content-length";
    struct s3p_str length = s3p_srv_head_get(&r->head, field);
    bool other = s3p_srv_head_get(&r->head, "transfer-encoding").p != NULL ||
                 s3p_srv_head_get(&r->head, "x-amz-trailer").p != NULL ||
                 s3p_srv_head_get(&r->head, "x-amz-decoded-content-length").p != NULL;
    if (s3p_srv_head_get(&r->head, "content-range").p != NULL)
        return S3P_SE_NOT_IMPLEMENTED; /* a part of an object */
    if (is_chunked(r) ? !object : other)
        return S3P_SE_NOT_IMPLEMENTED;
    *declared = 0;
    if (length.p == NULL)
        return object ? S3P_SE_LENGTH_MISSING : S3P_SE_NONE;
    return s3p_parse_u64(length.p, length.len, declared) ? S3P_SE_NONE : S3P_SE_ARGUMENT;
}

static void begin_chunks(struct s3p_srv_req *r)
{
    const struct s3p_hmac *key =
        s3p_srv_auth_key(&r->auth, r->loop->srv->keys.secret_key, &r->loop->auth_cache);
    s3p_srv_chunks_begin(&r->intake.chunks, &r->auth, key,
                         s3p_srv_head_get(&r->head, "x-amz-trailer"));
}

static enum s3p_srv_error begin_body(struct s3p_srv_req *r)
{
    bool object = (r->route->flags & S3P_SRV_ROUTE_BODY) != 0;
    uint64_t declared;
    enum s3p_srv_error e = read_length(r, object, &declared);
    if (e != S3P_SE_NONE)
        return e;
    if (declared > (object ? OBJECT_MAX : DOCUMENT_MAX))
        return object ? S3P_SE_TOO_LARGE : S3P_SE_XML_LARGE;
    r->intake.memory_max = r->upload != 0                            ? 0 /* a part: always a file */
                           : r->head.key.len > S3P_SRV_PLAIN_KEY_MAX ? INLINE_SHARED_MAX
                                                                     : INLINE_MAX;
    enum s3p_srv_body_kind kind = object ? S3P_SRV_BODY_OBJECT
                                  : (r->route->flags & S3P_SRV_ROUTE_OF_OBJECT)
                                      ? S3P_SRV_BODY_ABOUT
                                      : S3P_SRV_BODY_DOCUMENT;
    e = s3p_srv_intake_begin(&r->intake, &r->loop->srv->store, &r->head, &r->auth, declared, kind);
    if (e == S3P_SE_NONE && is_chunked(r))
        begin_chunks(r);
    return e;
}

/* Over the rate of its prefix: refused, before anything happens. Returns how long to wait. */
static int64_t throttled_ns(const struct s3p_srv_req *r)
{
    struct s3p_srv *srv = r->loop->srv;
    for (unsigned i = 0; i < srv->options.n_throttles; i++)
        if (s3p_srv_throttle_matches(&srv->options.throttles[i], r->head.bucket, r->head.key))
            return s3p_srv_throttle_take(&srv->options.throttles[i], &srv->throttle_full_ns[i],
                                         s3p_now_ns());
    return 0;
}

static void answer_slow_down(struct s3p_srv_req *r, int64_t wait_ns)
{
    char digits[20];
    s3p_srv_answer_error(r, S3P_SE_SLOW);
    size_t n = s3p_u64_text(digits, (uint64_t)((wait_ns + S3P_S - 1) / S3P_S));
    s3p_srv_answer_field(r, "Retry-After", (struct s3p_str){digits, n});
}

static enum s3p_srv_error begin(struct s3p_srv_req *r)
{
    struct s3p_srv *srv = r->loop->srv;
    enum s3p_srv_error e = s3p_srv_head_framing(&r->head);
    if (e == S3P_SE_NONE)
        e = s3p_srv_head_host(&r->head, r->answer.error); /* that of the target */
    if (e != S3P_SE_NONE)
        return e;
    if (r->head.overflow)
        return S3P_SE_HEADERS;
    enum s3p_srv_error routed;
    r->route = s3p_srv_route_find(&r->head, &routed);
    if (r->route != NULL && !s3p_srv_settings_offered(srv, r->route->flags))
        routed = S3P_SE_NOT_IMPLEMENTED;
    e = s3p_srv_auth_check(&r->head, &srv->keys, r->loop->wall_ns / S3P_S, &r->loop->auth_cache,
                           &r->auth);
    if (e == S3P_SE_ACCESS_DENIED && routed == S3P_SE_NONE)
        e = s3p_srv_policy_anonymous(r);
    if (e != S3P_SE_NONE)
        return e;
    if (routed != S3P_SE_NONE)
        return routed;
    uint64_t ignored;
    e = s3p_srv_route_fields(r->route, &r->head, &ignored);
    if (ignored > 0)
        atomic_fetch_add_explicit(&srv->ignored_fields, ignored, memory_order_relaxed);
    if (e == S3P_SE_NONE)
        e = look_up_bucket(r);
    if (e != S3P_SE_NONE)
        return e;
    if (S3P_SRV_UNLIKELY(srv->mutants != NULL) && (e = s3p_srv_mutants_arrive(r)) != S3P_SE_NONE)
        return e;
    s3p_srv_conditions_read(&r->head, &r->conditions);
    const struct s3p_srv_arg *version = s3p_srv_head_arg(&r->head, "versionId");
    if (!s3p_srv_wanted_parse(version != NULL ? version->value : (struct s3p_str){NULL, 0},
                              &r->wanted))
        return S3P_SE_VERSION_FORM;
    /* what has no check of its own honours no condition */
    e = r->route->check != NULL ? r->route->check(r) : s3p_srv_conditions_none(&r->conditions);
    return e == S3P_SE_NONE ? begin_body(r) : e;
}

void s3p_srv_req_begin(struct s3p_srv_req *r)
{
    draw_id(r);
    r->stage = S3P_SRV_STAGE_BODY;
    int64_t wait_ns = r->loop->srv->options.n_throttles > 0 ? throttled_ns(r) : 0;
    if (S3P_SRV_UNLIKELY(wait_ns > 0)) {
        answer_slow_down(r, wait_ns);
        r->stage = S3P_SRV_STAGE_READY;
        return;
    }
    enum s3p_srv_error e = begin(r);
    if (e != S3P_SE_NONE) {
        s3p_srv_answer_error(r, e);
        r->stage = S3P_SRV_STAGE_READY;
    } else if (S3P_SRV_UNLIKELY(r->loop->srv->mutants != NULL)) {
        s3p_srv_mutants_begin(r);
    }
}

void s3p_srv_req_run(struct s3p_srv_req *r)
{
    enum s3p_srv_error e = s3p_srv_intake_end(&r->intake, &r->auth);
    r->stage = S3P_SRV_STAGE_READY;
    if (S3P_SRV_UNLIKELY(r->loop->srv->mutants != NULL))
        e = s3p_srv_mutants_taken(r, e);
    if (e != S3P_SE_NONE)
        s3p_srv_answer_error(r, e);
    else
        r->route->run(r);
    s3p_srv_policy_hide(r);
}
